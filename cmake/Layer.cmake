# headgate_layer(NAME [FOLDER folder] [LAYERS lower...] [PUBLIC libs...] [PRIVATE libs...] [PCH headers...]
#                [EXCLUDE files and folders...] [COLD])
#
# Defines the static library headgate_NAME from every source under the calling folder. What it may include is exactly its
# own folder and those of LAYERS: each target exports a generated include root that holds one link, FOLDER (NAME, if not
# given) -> source folder, and the repository's root is never an include path. So an upward include does not compile. A
# layer within another's folder is seen through that one's link, too: there it is what it includes itself that is not
# found. A COLD layer is not on the
# request path and slow to compile: debug builds leave it unoptimised, and fewer of its sources share a compilation.

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

# headgate_unity(TARGET BATCH PREFIX FOLDER): most of a compilation is headers, so the sources of one folder share one, or
# of a folder with more than BATCH sources a few: which of them a source joins its name alone decides, so that a new file
# compiles again nobody but those that it joins. Folders of less than four sources share their parent's. Sources are
# included as PREFIX/..., by the target's own include root, where CMake's own unity builds write absolute paths: so the
# compiler cache knows them again in every checkout. What a source includes itself is checked by the single preset.
function(headgate_unity target batch prefix folder)
  if(NOT HEADGATE_UNITY)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  set(compiled)
  set(names)
  foreach(source IN LISTS sources)
    get_source_file_property(options ${source} COMPILE_OPTIONS)
    file(RELATIVE_PATH name ${folder} ${source})
    if(options OR name MATCHES "^[.][.]/")  # options of its own, or generated: by itself
      list(APPEND compiled ${source})
    else()
      list(APPEND names ${name})
    endif()
  endforeach()
  headgate_unity_folders(folders "${names}")
  foreach(one IN LISTS folders)
    headgate_unity_parts(parts ${batch} "${folder_${one}}")
    foreach(part IN LISTS parts)
      list(TRANSFORM part_${part} REPLACE "(.+)" "#include \"${prefix}/\\1\"\n" OUTPUT_VARIABLE lines)
      string(JOIN "" content ${lines})
      string(MAKE_C_IDENTIFIER "${one}_${part}" label)
      set(file ${PROJECT_BINARY_DIR}/generated/${target}_${label}.cc)
      file(CONFIGURE OUTPUT ${file} CONTENT "${content}" @ONLY)
      list(APPEND compiled ${file})
    endforeach()
  endforeach()
  set_target_properties(${target} PROPERTIES SOURCES "${compiled}")
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)  # anonymous namespaces of included sources
  endif()
endfunction()

# headgate_unity_folders(RESULT NAMES): the folders of NAMES ("." for the top), with folder_FOLDER set to each one's names.
macro(headgate_unity_folders result names)
  set(${result})
  foreach(name ${names})
    get_filename_component(directory ${name} DIRECTORY)
    file(GLOB siblings ${folder}/${directory}/*.cc)
    list(LENGTH siblings count)
    if(directory AND count LESS 4)
      get_filename_component(directory ${directory} DIRECTORY)
    endif()
    if(NOT directory)
      set(directory .)
    endif()
    if(NOT directory IN_LIST ${result})
      list(APPEND ${result} ${directory})
      set(folder_${directory})
    endif()
    list(APPEND folder_${directory} ${name})
  endforeach()
endmacro()

# headgate_unity_parts(RESULT BATCH NAMES): numbers of parts, as many as a power of two, with part_NUMBER set to each one's
# names. The number changes when a folder has doubled.
macro(headgate_unity_parts result batch names)
  set(${result})
  set(count 0)
  foreach(name ${names})
    math(EXPR count "${count} + 1")
  endforeach()
  set(wanted 1)
  while(${batch} LESS count)
    math(EXPR wanted "${wanted} * 2")
    math(EXPR count "(${count} + 1) / 2")
  endwhile()
  foreach(name ${names})
    string(MD5 digest ${name})
    string(SUBSTRING ${digest} 0 4 digest)
    math(EXPR number "0x${digest} % ${wanted}")
    if(NOT number IN_LIST ${result})
      list(APPEND ${result} ${number})
      set(part_${number})
    endif()
    list(APPEND part_${number} ${name})
  endforeach()
endmacro()

function(headgate_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "COLD" "FOLDER" "LAYERS;PUBLIC;PRIVATE;PCH;EXCLUDE")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  foreach(file IN LISTS arg_EXCLUDE)
    list(FILTER sources EXCLUDE REGEX "^${CMAKE_CURRENT_SOURCE_DIR}/${file}(/|$)")
  endforeach()
  if(NOT arg_FOLDER)
    set(arg_FOLDER ${name})
  endif()
  if(NOT sources)
    headgate_anchor(sources headgate_${name})
  endif()

  add_library(headgate_${name} STATIC ${sources})
  headgate_include_root(root ${name} ${arg_FOLDER} ${CMAKE_CURRENT_SOURCE_DIR})
  target_include_directories(headgate_${name} PUBLIC ${root})
  list(TRANSFORM arg_LAYERS PREPEND headgate_)
  target_link_libraries(headgate_${name} PUBLIC ${arg_LAYERS} ${arg_PUBLIC} PRIVATE headgate_options ${arg_PRIVATE})
  if(arg_COLD)
    headgate_unity(headgate_${name} 4 ${arg_FOLDER} ${CMAKE_CURRENT_SOURCE_DIR})
    target_compile_options(headgate_${name} PRIVATE $<$<CONFIG:Debug>:-O0>)
  else()
    headgate_unity(headgate_${name} 9 ${arg_FOLDER} ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
  if(HEADGATE_PCH AND arg_PCH)
    target_precompile_headers(headgate_${name} PRIVATE ${arg_PCH})
  endif()
endfunction()

# headgate_layer_of(RESULT FILE): the layer that a file's name starts with (http_bench.cc; h1_ and uri_ are http's too),
# else compile: routing, and what makes a route table of text.
function(headgate_layer_of result file)
  get_filename_component(stem ${file} NAME_WE)
  string(REGEX REPLACE "^(h1|h2|uri)_" "http_" stem ${stem})
  string(REGEX MATCH "^(base|http|config|metrics|proxy|control)_" layer ${stem})
  string(REGEX REPLACE "_$" "" layer "${layer}")
  if(NOT layer)
    set(layer compile)
  endif()
  set(${result} ${layer} PARENT_SCOPE)
endfunction()
