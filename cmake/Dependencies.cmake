# External libraries, all from Debian 12. Which folder may use which is checked by tests/style/check_includes.py.
find_package(Threads REQUIRED)
find_package(Boost 1.81 CONFIG REQUIRED COMPONENTS json)
find_package(OpenSSL 3.0 REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(yaml-cpp CONFIG REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(fmt CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)

# Debian ships these two without a CMake package.
function(headgate_system_library target header library)
  find_path(${library}_INCLUDE_DIR ${header} REQUIRED)
  find_library(${library}_LIBRARY ${library} REQUIRED)
  add_library(${target} UNKNOWN IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES IMPORTED_LOCATION ${${library}_LIBRARY}
                                             INTERFACE_INCLUDE_DIRECTORIES ${${library}_INCLUDE_DIR})
endfunction()
headgate_system_library(re2::re2 re2/re2.h re2)
headgate_system_library(c-ares::cares ares.h cares)

find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)  # used as a header only

# llhttp comes as C sources. Without strict mode it parses loosely, and the macro must be the same wherever its header
# is read, hence PUBLIC.
find_path(LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp REQUIRED NO_DEFAULT_PATH)
find_path(LLHTTP_INCLUDE_DIR llhttp.h PATHS /usr/share/include/llhttp REQUIRED NO_DEFAULT_PATH)
add_library(llhttp STATIC ${LLHTTP_SOURCE_DIR}/llhttp.c ${LLHTTP_SOURCE_DIR}/api.c ${LLHTTP_SOURCE_DIR}/http.c)
target_include_directories(llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE_DIR})
target_compile_definitions(llhttp PUBLIC LLHTTP_STRICT_MODE=1)

file(STRINGS ${LLHTTP_INCLUDE_DIR}/llhttp.h llhttp_version REGEX "define LLHTTP_VERSION_(MAJOR|MINOR)")
list(TRANSFORM llhttp_version REPLACE "[^0-9]" "")
list(JOIN llhttp_version "." llhttp_version)
if(NOT llhttp_version STREQUAL "8.1")
  message(FATAL_ERROR "llhttp ${llhttp_version} found, 8.1 needed: http/framing knows what 8.1 lets through")
endif()
