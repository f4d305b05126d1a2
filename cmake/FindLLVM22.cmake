# Finds the distribution's LLVM and MLIR 22.1 and the tools of its packages, and
# says which package to install when a part is missing.

set(MOE_LLVM_VERSION 22.1)

if(NOT DEFINED LLVM_DIR AND NOT DEFINED MLIR_DIR)
  list(APPEND CMAKE_PREFIX_PATH /usr/lib/llvm-22)
endif()

find_package(MLIR CONFIG QUIET)
if(NOT MLIR_FOUND)
  message(FATAL_ERROR
    "MLIR ${MOE_LLVM_VERSION} not found.\n"
    "Debian: apt-get install libmlir-22-dev mlir-22-tools llvm-22-dev llvm-22-tools "
    "(bookworm has them in its security suite). "
    "Elsewhere: pass -DMLIR_DIR=<prefix>/lib/cmake/mlir.")
endif()
if(NOT LLVM_PACKAGE_VERSION MATCHES "^22\\.1\\.")
  message(FATAL_ERROR
    "LLVM ${LLVM_PACKAGE_VERSION} in ${LLVM_DIR} is another version than the ${MOE_LLVM_VERSION} "
    "this project is written against.")
endif()
message(STATUS "LLVM and MLIR ${LLVM_PACKAGE_VERSION}: ${MLIR_DIR}")

list(APPEND CMAKE_MODULE_PATH "${MLIR_CMAKE_DIR}" "${LLVM_CMAKE_DIR}")
include(TableGen)
include(AddLLVM)
include(AddMLIR)

foreach(library LLVM MLIR)
  if(NOT TARGET ${library})
    message(FATAL_ERROR "${library} ${LLVM_PACKAGE_VERSION} has no shared library target '${library}'; "
                        "the distribution's packages do.")
  endif()
endforeach()

# What lit needs. NAME, then the package that has it.
foreach(tool "FileCheck:llvm-22-tools" "not:llvm-22-tools" "split-file:llvm-22-tools" "mlir-opt:mlir-22-tools")
  string(REPLACE ":" ";" tool ${tool})
  list(GET tool 0 name)
  list(GET tool 1 package)
  if(NOT EXISTS ${LLVM_TOOLS_BINARY_DIR}/${name})
    message(FATAL_ERROR "${LLVM_TOOLS_BINARY_DIR}/${name} is missing: apt-get install ${package}")
  endif()
endforeach()
find_program(MOE_LIT NAMES lit llvm-lit lit.py
             HINTS ${LLVM_TOOLS_BINARY_DIR} /usr/lib/llvm-22/build/utils/lit REQUIRED)

separate_arguments(LLVM_DEFINITIONS_LIST NATIVE_COMMAND ${LLVM_DEFINITIONS})
