#!/usr/bin/env bash
# Installs the Debian packages that Athanor needs and are missing. As root or with sudo. Debian 12 and 13.
#
#   deploy/install-packages.sh build    to build and run
#   deploy/install-packages.sh test     to run the tests as well
#   deploy/install-packages.sh fuzz     to run the fuzz targets as well
set -euo pipefail

build=(
  g++ cmake ninja-build ccache mold pkg-config
  libgrpc++-dev libgrpc-dev protobuf-compiler protobuf-compiler-grpc libprotobuf-dev libabsl-dev
  libsqlite3-dev libsqlitecpp-dev
  libboost-dev libspdlog-dev libfmt-dev libcli11-dev libyaml-cpp-dev nlohmann-json3-dev
  zlib1g-dev libpng-dev libjpeg62-turbo-dev libssl-dev libeigen3-dev
  libgoogle-perftools-dev  # tcmalloc: builds and works without, simulates 15 to 25 % slower
  libtorch-dev libopenblas0-openmp  # without the latter LibTorch runs on the reference BLAS, three times slower
  dataset-fashion-mnist
)
test=(libgtest-dev libgmock-dev libbenchmark-dev python3-grpcio python3-protobuf)
fuzz=(clang libclang-rt-dev)

case "${1:-build}" in
  build) wanted=("${build[@]}") ;;
  test) wanted=("${build[@]}" "${test[@]}") ;;
  fuzz) wanted=("${build[@]}" "${test[@]}" "${fuzz[@]}") ;;
  *) echo "usage: $0 [build|test|fuzz]" >&2; exit 2 ;;
esac

missing=()
for package in "${wanted[@]}"; do
  dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "packages: all ${#wanted[@]} are installed"
  exit 0
fi

sudo=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "packages: ${missing[*]} are missing; run this as root or install sudo" >&2; exit 1; }
  sudo=(sudo)
fi
echo "packages: installing ${missing[*]}"
"${sudo[@]}" apt-get -qq update
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "${missing[@]}" >/dev/null
