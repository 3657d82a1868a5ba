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

# Debian ships these without a CMake package.
function(headgate_system_library target header library)
  find_path(${library}_INCLUDE_DIR ${header} REQUIRED)
  find_library(${library}_LIBRARY ${library} REQUIRED)
  add_library(${target} UNKNOWN IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES IMPORTED_LOCATION ${${library}_LIBRARY}
                                             INTERFACE_INCLUDE_DIRECTORIES ${${library}_INCLUDE_DIR})
endfunction()
headgate_system_library(re2::re2 re2/re2.h re2)
headgate_system_library(c-ares::cares ares.h cares)
headgate_system_library(nghttp2::nghttp2 nghttp2/nghttp2.h nghttp2)
headgate_system_library(idn2::idn2 idn2.h idn2)

# Debian's 1.52 has the limit of CONTINUATION frames (CVE-2024-28182) of 1.61.
file(STRINGS ${nghttp2_INCLUDE_DIR}/nghttp2/nghttp2ver.h nghttp2_version REGEX "define NGHTTP2_VERSION ")
string(REGEX REPLACE "^[^\"]*\"([^\"]*)\".*" "\\1" nghttp2_version "${nghttp2_version}")
file(STRINGS ${nghttp2_INCLUDE_DIR}/nghttp2/nghttp2.h nghttp2_continuations REGEX "nghttp2_option_set_max_continuations")
if(nghttp2_version VERSION_LESS "1.52" OR NOT nghttp2_continuations)
  message(FATAL_ERROR "nghttp2 ${nghttp2_version} found: 1.52 with a limit of CONTINUATION frames needed (Debian 12)")
endif()

find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)  # used as a header only

# llhttp comes as C sources. Without strict mode it parses loosely, and the macro must be the same wherever its header
# is read, hence PUBLIC.
find_path(LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp REQUIRED NO_DEFAULT_PATH)
find_path(LLHTTP_INCLUDE_DIR llhttp.h PATHS /usr/share/include/llhttp REQUIRED NO_DEFAULT_PATH)
add_library(llhttp STATIC ${LLHTTP_SOURCE_DIR}/llhttp.c ${LLHTTP_SOURCE_DIR}/api.c ${LLHTTP_SOURCE_DIR}/http.c)
target_include_directories(llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE_DIR})
target_compile_definitions(llhttp PUBLIC LLHTTP_STRICT_MODE=1)

# llhttp scans values 16 bytes at a time where SSE 4.2 may be used, which is decided when it is compiled. A second copy
# under other names is chosen at run time (http/h1/field_parser.cc).
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  file(READ ${LLHTTP_SOURCE_DIR}/llhttp.c llhttp_text)
  string(REPLACE "llhttp__internal__" "llhttp__sse42__" llhttp_text "${llhttp_text}")
  string(REPLACE "llhttp__internal_init" "llhttp__sse42_init" llhttp_text "${llhttp_text}")
  string(REPLACE "llhttp__internal_execute" "llhttp__sse42_execute" llhttp_text "${llhttp_text}")
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/llhttp_sse42.c CONTENT "${llhttp_text}" @ONLY)
  target_sources(llhttp PRIVATE ${PROJECT_BINARY_DIR}/generated/llhttp_sse42.c)
  set_source_files_properties(${PROJECT_BINARY_DIR}/generated/llhttp_sse42.c PROPERTIES COMPILE_OPTIONS -msse4.2)
  target_compile_definitions(llhttp PUBLIC HEADGATE_LLHTTP_SSE42=1)
endif()

file(STRINGS ${LLHTTP_INCLUDE_DIR}/llhttp.h llhttp_version REGEX "define LLHTTP_VERSION_(MAJOR|MINOR)")
list(TRANSFORM llhttp_version REPLACE "[^0-9]" "")
list(JOIN llhttp_version "." llhttp_version)
if(NOT llhttp_version STREQUAL "8.1")
  message(FATAL_ERROR "llhttp ${llhttp_version} found, 8.1 needed: http/framing knows what 8.1 lets through")
endif()
