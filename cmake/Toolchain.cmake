# What must be decided before project(): the compiler cache. A compiler or launcher named on the command line wins.
find_program(HEADGATE_CCACHE ccache)
if(HEADGATE_CCACHE)
  foreach(language C CXX)
    if(NOT DEFINED CMAKE_${language}_COMPILER_LAUNCHER)
      # Precompiled headers carry times and defines that ccache has to be told to tolerate.
      set(CMAKE_${language}_COMPILER_LAUNCHER
          ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
          CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
          ${HEADGATE_CCACHE})
    endif()
  endforeach()
endif()
