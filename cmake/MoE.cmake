# How this project declares libraries, tools and tests. Everything links the
# MLIR and LLVM shared libraries: one copy of each in a process.

# Flags of every C++ file of ours. Programs that use our installed libraries bring
# their own; cmake/moeConfig.cmake.in adds the folders of LLVM and MLIR there.
add_library(moe_options INTERFACE)
target_include_directories(moe_options INTERFACE
  $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>
  $<BUILD_INTERFACE:${CMAKE_BINARY_DIR}/include>
  $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/runtime/include>
  $<INSTALL_INTERFACE:include>)
foreach(folder ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
  target_include_directories(moe_options SYSTEM INTERFACE $<BUILD_INTERFACE:${folder}>)
endforeach()
target_compile_definitions(moe_options INTERFACE ${LLVM_DEFINITIONS_LIST})
foreach(flag -Wall -Wextra -Wno-unused-parameter -Werror=return-type)
  target_compile_options(moe_options INTERFACE $<BUILD_INTERFACE:${flag}>)
endforeach()

add_library(moe_sanitize INTERFACE)
if(MOE_SANITIZE)
  target_compile_options(moe_sanitize INTERFACE
    -fsanitize=${MOE_SANITIZE} -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g1)
  target_link_options(moe_sanitize INTERFACE -fsanitize=${MOE_SANITIZE})
endif()
link_libraries(moe_sanitize)

# mlir_tablegen takes its include path from the directory.
include_directories(SYSTEM ${MLIR_INCLUDE_DIRS})
include_directories(${CMAKE_SOURCE_DIR}/include)

# moe_tablegen(TARGET FILE.td OUTPUT ARGS [OUTPUT ARGS]...): ARGS is one string.
function(moe_tablegen target td)
  set(LLVM_TARGET_DEFINITIONS ${td})
  while(ARGN)
    list(POP_FRONT ARGN output arguments)
    separate_arguments(arguments NATIVE_COMMAND "${arguments}")
    mlir_tablegen(${output} ${arguments})
  endwhile()
  add_public_tablegen_target(${target})
endfunction()

# moe_page(NAME FILE.td ARGS...): docs/NAME.md in the build folder.
function(moe_page name td)
  set(LLVM_TARGET_DEFINITIONS ${td})
  mlir_tablegen(${name}.md ${ARGN})
  add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/docs/${name}.md
    COMMAND ${CMAKE_COMMAND} -E copy ${CMAKE_CURRENT_BINARY_DIR}/${name}.md ${CMAKE_BINARY_DIR}/docs/${name}.md
    DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/${name}.md)
  add_custom_target(moe-doc-${name} ALL DEPENDS ${CMAKE_BINARY_DIR}/docs/${name}.md)
endfunction()

# moe_op_page(NAME FILE.td DIALECT): the ops of a dialect.
function(moe_op_page name td dialect)
  moe_page(${name} ${td} -gen-dialect-doc -dialect=${dialect})
endfunction()

# moe_pass_page(NAME FILE.td): the passes of a file.
function(moe_pass_page name td)
  moe_page(${name} ${td} -gen-pass-doc)
endfunction()

# The headers of LLVM and MLIR that nearly every file needs, compiled once: 19 s,
# then 0.3 s a file instead of 13 s.
function(moe_use_precompiled_header target)
  # One flavour of code for libraries and executables, or the header does not fit.
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${target} PRIVATE -fPIC)
  if(NOT TARGET moe_pch)
    file(WRITE ${CMAKE_BINARY_DIR}/pch.cpp "")
    add_library(moe_pch STATIC ${CMAKE_BINARY_DIR}/pch.cpp)
    set_target_properties(moe_pch PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_link_libraries(moe_pch PRIVATE moe_options)
    target_compile_options(moe_pch PRIVATE -fPIC -fno-exceptions)
    target_precompile_headers(moe_pch PRIVATE ${CMAKE_SOURCE_DIR}/cmake/precompiled.h)
  endif()
  target_precompile_headers(${target} REUSE_FROM moe_pch)
endfunction()

# moe_add_library(NAME sources... [DEPENDS targets...] [LINK libraries...])
# Linking MLIR turns the precompiled header on.
function(moe_add_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC moe_options ${ARG_LINK})
  target_compile_options(${name} PRIVATE -fno-exceptions)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  if("MLIR" IN_LIST ARG_LINK)
    moe_use_precompiled_header(${name})
  endif()
  set_property(GLOBAL APPEND PROPERTY MOE_LIBRARIES ${name})
endfunction()

# moe_add_tool(NAME sources... LINK libraries...)
function(moe_add_tool name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE moe_options ${ARG_LINK})
  target_compile_options(${name} PRIVATE -fno-exceptions)
  if("MLIR" IN_LIST ARG_LINK)
    moe_use_precompiled_header(${name})
  endif()
  set_property(GLOBAL APPEND PROPERTY MOE_TEST_DEPENDS ${name})
  set_property(GLOBAL APPEND PROPERTY MOE_TOOLS ${name})
endfunction()

# moe_add_unittest(NAME sources... LINK libraries...): one executable an area.
find_library(MOE_GTEST gtest)
find_library(MOE_GTEST_MAIN gtest_main)
if(NOT MOE_GTEST OR NOT MOE_GTEST_MAIN)
  message(FATAL_ERROR "GoogleTest is missing: apt-get install libgtest-dev")
endif()
find_package(Threads REQUIRED)
function(moe_add_unittest name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE moe_options ${ARG_LINK} ${MOE_GTEST_MAIN} ${MOE_GTEST} Threads::Threads)
  target_compile_definitions(${name} PRIVATE MOE_TEST_DATA_DIR="${CMAKE_SOURCE_DIR}/test")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/unit)
  set_property(GLOBAL APPEND PROPERTY MOE_TEST_DEPENDS ${name})
endfunction()
