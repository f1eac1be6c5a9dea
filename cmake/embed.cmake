# Writes a C++ file that holds the migrations. Run by a build rule:
#   cmake -DOUTPUT=migrations.cc -DSOURCES="a.sql;b.sql" -P embed.cmake
# The files are named NNNN_title.sql, numbered from 0001 without a gap; each becomes one raw string literal.
set(entries "")
set(expected 1)
foreach(source IN LISTS SOURCES)
  get_filename_component(name ${source} NAME)
  if(NOT name MATCHES "^([0-9][0-9][0-9][0-9])_[a-z0-9_]+\\.sql$")
    message(FATAL_ERROR "${name}: a migration is named NNNN_title.sql")
  endif()
  math(EXPR version "1${CMAKE_MATCH_1} - 10000")
  if(NOT version EQUAL expected)
    message(FATAL_ERROR "${name}: the next migration is number ${expected}")
  endif()
  math(EXPR expected "${expected} + 1")
  file(READ ${source} text)
  string(APPEND entries "    {${version}, \"${name}\", R\"__sql__(${text})__sql__\"},\n")
endforeach()

file(WRITE ${OUTPUT} "#include \"server/store/sqlite/migrations.h\"

namespace athanor::sqlite {

namespace {
constexpr Migration kMigrations[] = {
${entries}};
}  // namespace

std::span<const Migration> Migrations() { return kMigrations; }

}  // namespace athanor::sqlite
")
