# headgate_layer(NAME [LAYERS lower...] [PUBLIC libs...] [PRIVATE libs...] [PCH headers...] [EXCLUDE files...]
#                [COLD])
#
# Defines the static library headgate_NAME from every source under the calling folder. What it may include is exactly its
# own folder and those of LAYERS: each target exports a generated include root that holds one link, NAME -> source folder,
# and the repository's root is never an include path. So an upward include does not compile. A COLD layer is not on the
# request path and slow to compile: debug builds leave it unoptimised, and its sources share compilations by threes.

# headgate_include_root(RESULT ROOT LINK FOLDER): a folder with the link LINK -> FOLDER, for use as an include path.
function(headgate_include_root result root link folder)
  set(directory ${PROJECT_BINARY_DIR}/include/${root})
  get_filename_component(parent ${directory}/${link} DIRECTORY)
  file(MAKE_DIRECTORY ${parent})
  file(CREATE_LINK ${folder} ${directory}/${link} SYMBOLIC)
  set(${result} ${directory} PARENT_SCOPE)
endfunction()

# headgate_anchor(RESULT NAME): a library needs a source, also while a folder has none or headers only.
function(headgate_anchor result name)
  set(anchor ${PROJECT_BINARY_DIR}/generated/${name}_anchor.cc)
  file(CONFIGURE OUTPUT ${anchor} CONTENT "// ${name} has headers only.\n")
  set(${result} ${anchor} PARENT_SCOPE)
endfunction()

# headgate_unity(TARGET BATCH PREFIX FOLDER): most of a compilation is headers, so BATCH of TARGET's sources share one: few
# where they are slow to compile, as an incremental build should stay quick. They are included as PREFIX/..., by the
# target's own include root, where CMake's own unity builds write absolute paths: so the compiler cache knows them again
# in every checkout. What a source includes itself is checked by the fuzz preset, which compiles each alone, as
# `./dev lint` does.
function(headgate_unity target batch prefix folder)
  if(NOT HEADGATE_UNITY)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  set(compiled)
  set(includes)
  foreach(source IN LISTS sources)
    get_source_file_property(options ${source} COMPILE_OPTIONS)
    file(RELATIVE_PATH name ${folder} ${source})
    if(options OR name MATCHES "^[.][.]/")  # options of its own, or generated: by itself
      list(APPEND compiled ${source})
    else()
      list(APPEND includes "#include \"${prefix}/${name}\"\n")
    endif()
  endforeach()
  set(number 0)
  set(content)
  list(LENGTH includes left)
  foreach(line IN LISTS includes)
    string(APPEND content "${line}")
    math(EXPR left "${left} - 1")
    math(EXPR number "${number} + 1")
    math(EXPR rest "${number} % ${batch}")
    if(rest EQUAL 0 OR left EQUAL 0)
      set(file ${PROJECT_BINARY_DIR}/generated/${target}_${number}.cc)
      file(CONFIGURE OUTPUT ${file} CONTENT "${content}" @ONLY)
      list(APPEND compiled ${file})
      set(content)
    endif()
  endforeach()
  set_target_properties(${target} PROPERTIES SOURCES "${compiled}")
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)  # anonymous namespaces of included sources
  endif()
endfunction()

function(headgate_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "COLD" "" "LAYERS;PUBLIC;PRIVATE;PCH;EXCLUDE")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  foreach(file IN LISTS arg_EXCLUDE)
    list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  endforeach()
  if(NOT sources)
    headgate_anchor(sources headgate_${name})
  endif()

  add_library(headgate_${name} STATIC ${sources})
  headgate_include_root(root ${name} ${name} ${CMAKE_CURRENT_SOURCE_DIR})
  target_include_directories(headgate_${name} PUBLIC ${root})
  list(TRANSFORM arg_LAYERS PREPEND headgate_)
  target_link_libraries(headgate_${name} PUBLIC ${arg_LAYERS} ${arg_PUBLIC} PRIVATE headgate_options ${arg_PRIVATE})
  if(arg_COLD)
    headgate_unity(headgate_${name} 3 ${name} ${CMAKE_CURRENT_SOURCE_DIR})
    target_compile_options(headgate_${name} PRIVATE $<$<CONFIG:Debug>:-O0>)
  else()
    headgate_unity(headgate_${name} 8 ${name} ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
  if(HEADGATE_PCH AND arg_PCH)
    target_precompile_headers(headgate_${name} PRIVATE ${arg_PCH})
  endif()
endfunction()

# headgate_layer_of(RESULT FILE): the layer that a file's name starts with (http_bench.cc; h1_ and uri_ are http's too),
# else routing.
function(headgate_layer_of result file)
  get_filename_component(stem ${file} NAME_WE)
  string(REGEX REPLACE "^(h1|h2|uri)_" "http_" stem ${stem})
  string(REGEX MATCH "^(base|http|config|metrics|routing|proxy|control)_" layer ${stem})
  string(REGEX REPLACE "_$" "" layer "${layer}")
  if(NOT layer)
    set(layer routing)
  endif()
  set(${result} ${layer} PARENT_SCOPE)
endfunction()
