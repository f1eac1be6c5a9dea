#include "base/sha256.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace athanor {
namespace {

// FIPS 180-4 examples.
constexpr char kEmpty[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr char kAbc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr char kMillionA[] = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

TEST(Sha256Test, GivesThePublishedDigests) {
  EXPECT_EQ(Sha256::Hex(""), kEmpty);
  EXPECT_EQ(Sha256::Hex("abc"), kAbc);
}

TEST(Sha256Test, GivesTheSameDigestInPieces) {
  Sha256 hash;
  const std::string piece(1000, 'a');
  for (int i = 0; i < 1000; ++i) hash.Update(piece.data(), piece.size());
  EXPECT_EQ(hash.HexDigest(), kMillionA);
}

TEST(Sha256Test, GoesOnAfterAMove) {
  Sha256 hash;
  hash.Update("a", 1);
  Sha256 moved = std::move(hash);
  moved.Update("bc", 2);
  EXPECT_EQ(moved.HexDigest(), kAbc);
}

}  // namespace
}  // namespace athanor
