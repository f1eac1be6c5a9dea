# How targets of this project are declared: one place for warnings, sanitizers, ccache and the test registration.

find_program(ATHANOR_CCACHE ccache)
if(ATHANOR_CCACHE)
  # It takes part in precompiled headers only when told that their macros and time stamps may be trusted.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${ATHANOR_CCACHE})
endif()
find_program(ATHANOR_MOLD mold)
if(ATHANOR_MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_link_options(-fuse-ld=mold)
endif()

find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
if(ATHANOR_SERVICE)
  find_package(PkgConfig REQUIRED)
  find_package(absl REQUIRED)
  find_package(Protobuf REQUIRED)
  find_package(gRPC REQUIRED CONFIG)
  find_package(SQLiteCpp REQUIRED CONFIG)
  find_package(spdlog REQUIRED CONFIG)
  find_package(fmt REQUIRED CONFIG)
  find_package(yaml-cpp REQUIRED CONFIG)
  find_package(Boost REQUIRED)
endif()
if(ATHANOR_SERVICE OR ATHANOR_TRAINING)
  find_package(nlohmann_json QUIET CONFIG)
endif()

# Flags for everything that we wrote; generated code does not link it.
add_library(athanor_flags INTERFACE)
target_compile_options(athanor_flags INTERFACE -Wall -Wextra)
target_include_directories(athanor_flags INTERFACE ${PROJECT_SOURCE_DIR})
# Everywhere, because it defines a macro, and precompiled headers are for one set of macros.
target_compile_options(athanor_flags INTERFACE -pthread)
# For ccache the first; with the second the compiler collects no garbage that it has the room to keep: 5 % of a build.
target_compile_options(athanor_flags INTERFACE
  $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess> "$<$<CXX_COMPILER_ID:GNU>:SHELL:--param ggc-min-heapsize=1000000>")
if(CMAKE_UNITY_BUILD)
  # The compiler takes our files for headers then, where types of an anonymous namespace would be a mistake.
  target_compile_options(athanor_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endif()
if(ATHANOR_SANITIZE)
  add_compile_options(-fsanitize=${ATHANOR_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${ATHANOR_SANITIZE})
endif()

# athanor_precompiled(NAME HEADERS ... DEPENDS ...): headers of others that many files include, compiled once for all targets that
# name it in PRECOMPILED. Every file still includes what it uses: -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON builds the same. No header
# here may depend on a macro that a target defines for itself.
function(athanor_precompiled name)
  cmake_parse_arguments(ARG "" "" "HEADERS;DEPENDS" ${ARGN})
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${name}.cc)
  if(NOT EXISTS ${source})
    file(WRITE ${source} "")
  endif()
  add_library(${name} OBJECT ${source})
  target_link_libraries(${name} PRIVATE athanor_flags ${ARG_DEPENDS})
  target_precompile_headers(${name} PRIVATE ${ARG_HEADERS})
endfunction()

# athanor_library(NAME SOURCES ... DEPENDS ... [PRECOMPILED name]): a static library with the project's flags.
function(athanor_library name)
  cmake_parse_arguments(ARG "" "PRECOMPILED" "SOURCES;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC athanor_flags ${ARG_DEPENDS})
  if(ARG_PRECOMPILED)
    target_precompile_headers(${name} REUSE_FROM ${ARG_PRECOMPILED})
  endif()
endfunction()

# athanor_apart(SOURCES ...): files with names in anonymous namespaces that another file of their target has as well. In unity builds
# (preset release) they are compiled on their own.
function(athanor_apart)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# athanor_program(NAME SOURCES ... DEPENDS ...): an executable in build/bin.
function(athanor_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE athanor_flags ${ARG_DEPENDS})
  target_compile_definitions(${name} PRIVATE ATHANOR_VERSION="${PROJECT_VERSION}")
endfunction()

# athanor_test(NAME SOURCES ... DEPENDS ... [LABELS ...] [TIMEOUT seconds] [PRECOMPILED name]): a GoogleTest executable, one CTest
# entry each. A folder labels all of its tests by ATHANOR_TEST_LABELS and names their precompiled headers, if not athanor_test_headers,
# by ATHANOR_TEST_PRECOMPILED (none: it has none). All tests of a label are built by the target LABEL_tests.
function(athanor_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT;PRECOMPILED" "SOURCES;DEPENDS;LABELS" ${ARGN})
  if(NOT ATHANOR_TESTS)
    return()
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  if(ATHANOR_SANITIZE)
    math(EXPR ARG_TIMEOUT "4 * ${ARG_TIMEOUT}")
  endif()
  if(NOT ARG_PRECOMPILED)
    set(ARG_PRECOMPILED athanor_test_headers)
    if(ATHANOR_TEST_PRECOMPILED)
      set(ARG_PRECOMPILED ${ATHANOR_TEST_PRECOMPILED})
    endif()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE athanor_flags ${ARG_DEPENDS} GTest::gmock_main)
  if(NOT ARG_PRECOMPILED STREQUAL none)
    target_precompile_headers(${name} REUSE_FROM ${ARG_PRECOMPILED})
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests UNITY_BUILD OFF)
  add_test(NAME ${name} COMMAND ${name})
  list(APPEND ARG_LABELS ${ATHANOR_TEST_LABELS})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
  foreach(label IN LISTS ARG_LABELS)
    if(NOT TARGET ${label}_tests)
      add_custom_target(${label}_tests)
    endif()
    add_dependencies(${label}_tests ${name})
  endforeach()
endfunction()

# athanor_bench(NAME SOURCES ... DEPENDS ...): a measuring program in build/bench; the tests run it only in short, as a guard
# (tests/bench).
function(athanor_bench name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  if(NOT ATHANOR_BENCH)
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE athanor_flags ${ARG_DEPENDS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench UNITY_BUILD OFF)
endfunction()
