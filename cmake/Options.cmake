# Compiler and linker options of everything that is ours.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT HEADGATE_LTO)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
endif()
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

# Interface of every target of ours. Third-party C code takes none of it but the sanitizers.
add_library(headgate_options INTERFACE)
target_compile_options(headgate_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC writes the preprocessed form of a precompiled header's users only with this flag; ccache needs it.
  target_compile_options(headgate_options INTERFACE -fpch-preprocess)
  # Boost.Asio fences where thread sanitizer would rather see atomics.
  if(HEADGATE_SANITIZE MATCHES "thread")
    target_compile_options(headgate_options INTERFACE -Wno-tsan)
  endif()
  # GCC 12 sees impossible lengths in std::string's own code when it optimises (its bug 105651).
  target_compile_options(headgate_options INTERFACE -Wno-restrict -Wno-stringop-overread -Wno-stringop-overflow)
  # With instrumentation in the way, GCC 12's flow analysis sees uninitialised and overflowing memory where there is none.
  if(HEADGATE_SANITIZE OR HEADGATE_COVERAGE)
    target_compile_options(headgate_options INTERFACE -Wno-maybe-uninitialized -Wno-array-bounds -Wno-nonnull)
  endif()
endif()

if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # libstdc++ 12's own stable_sort uses what C++17 deprecated.
  target_compile_options(headgate_options INTERFACE -Wno-deprecated-declarations)
endif()

if(HEADGATE_SANITIZE)
  add_compile_options(-fsanitize=${HEADGATE_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${HEADGATE_SANITIZE})
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
  if(HEADGATE_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=all)
    add_link_options(-fno-sanitize-recover=all)
  endif()
endif()
if(HEADGATE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(HEADGATE_COVERAGE)
  add_compile_options(--coverage -fprofile-update=atomic)
  add_link_options(--coverage)
endif()

if(HEADGATE_LTO)
  include(CheckIPOSupported)
  check_ipo_supported(LANGUAGES C CXX)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
  # What is shipped is hardened as Debian's own daemons are.
  add_compile_options(-fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  add_link_options(-Wl,-z,relro,-z,now)
endif()

# A faster linker where there is one. Link-time optimisation stays with the linker that its plugin was tested with.
if(NOT HEADGATE_LTO)
  find_program(HEADGATE_MOLD mold)
  find_program(HEADGATE_LLD ld.lld)
  if(HEADGATE_MOLD)
    add_link_options(-fuse-ld=mold)
  elseif(HEADGATE_LLD)
    add_link_options(-fuse-ld=lld)
  endif()
endif()
