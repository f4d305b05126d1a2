# moe_compile(NAME FILE.mlir [SHARED] [TARGET cpu|reference] [CPU NAME] [FROM STAGE])
#
# Compiles a layer ahead of time, with moe-compile, into a library NAME and a header
# <NAME.h>, again whenever FILE changes. What links NAME has both, and the runtime:
#
#   moe_compile(mixtral mixtral.mlir CPU x86-64-v3)
#   target_link_libraries(serve PRIVATE mixtral)
#
# Without CPU the code is for the machine that builds. SHARED makes a library
# NAME.so, to be loaded or linked, of what else is an object in a static one.
function(moe_compile name source)
  cmake_parse_arguments(PARSE_ARGV 2 ARG "SHARED" "TARGET;CPU;FROM" "")
  if(ARG_UNPARSED_ARGUMENTS OR ARG_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "moe_compile(${name} ${source}): cannot understand "
                        "'${ARG_UNPARSED_ARGUMENTS}${ARG_KEYWORDS_MISSING_VALUES}'; "
                        "options are SHARED, TARGET, CPU and FROM")
  endif()
  cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${name}.moe)
  file(MAKE_DIRECTORY ${folder})
  set(code ${folder}/${name}.o)
  if(ARG_SHARED)
    set(code ${folder}/${name}.so)
  endif()
  set(options "")
  foreach(option TARGET CPU FROM)
    if(DEFINED ARG_${option})
      string(TOLOWER ${option} word)
      string(REPLACE from compile-from word ${word})
      list(APPEND options --${word}=${ARG_${option}})
    endif()
  endforeach()
  add_custom_command(OUTPUT ${code} ${folder}/${name}.h
    COMMAND moe::moe-compile ${source} -o ${code} --header=${folder}/${name}.h --quiet ${options}
    DEPENDS ${source} moe::moe-compile
    COMMENT "Compiling layer ${name}"
    VERBATIM)
  if(ARG_SHARED)
    add_custom_target(${name}_library DEPENDS ${code} ${folder}/${name}.h)
    add_library(${name} SHARED IMPORTED)
    set_target_properties(${name} PROPERTIES IMPORTED_LOCATION ${code})
    add_dependencies(${name} ${name}_library)
  else()
    add_library(${name} STATIC ${code} ${folder}/${name}.h)
    set_target_properties(${name} PROPERTIES LINKER_LANGUAGE C)
  endif()
  target_include_directories(${name} INTERFACE ${folder})
  target_link_libraries(${name} INTERFACE moe::moert m)
endfunction()
