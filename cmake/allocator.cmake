# The allocator of programs whose time goes into small objects of many threads: tcmalloc (gperftools), where it is installed. It is one
# shared library that takes the place of the C library's allocator; nothing of ours knows of it, and everything works without it.
# Simulated studies take 15 to 25 % less time with it than with that of glibc (tests/bench/RESULTS.md).

option(ATHANOR_TCMALLOC "Link tcmalloc into the coordinator, the client and the simulator's benchmark, where it is installed" ON)
# Sanitizers replace the allocator themselves.
if(ATHANOR_TCMALLOC AND ATHANOR_SERVICE AND NOT ATHANOR_SANITIZE)
  find_library(ATHANOR_TCMALLOC_LIBRARY tcmalloc_minimal)
  if(NOT ATHANOR_TCMALLOC_LIBRARY)
    message(STATUS "tcmalloc is not installed (libgoogle-perftools-dev): programs use the allocator of the C library, and are slower")
  endif()
endif()

# athanor_allocator(TARGET): the program allocates by tcmalloc, if there is one.
function(athanor_allocator target)
  if(NOT ATHANOR_TCMALLOC OR ATHANOR_SANITIZE OR NOT ATHANOR_TCMALLOC_LIBRARY)
    return()
  endif()
  # Linkers that leave out libraries of which no symbol is needed would leave it out. One word, because words that others link as well
  # are moved.
  target_link_libraries(${target} PRIVATE -Wl,--push-state,--no-as-needed,${ATHANOR_TCMALLOC_LIBRARY},--pop-state)
endfunction()
