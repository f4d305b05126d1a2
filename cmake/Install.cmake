# What `cmake --install` puts where. Three components, each with its targets:
#
#   runtime   moert.h and libmoert, shared and static: for hosts, which need no LLVM
#   tools     moe-compile, moe-run, moe-opt, moe-lsp-server; the CMake package
#   compiler  the C API (libmoe), and the C++ headers and static libraries, for
#             programs that compile, or that register our dialects in their own tool
#
# Everything finds its parts by relative paths: the folder may be moved.

include(CMakePackageConfigHelpers)
set(MOE_INSTALL_CMAKE ${CMAKE_INSTALL_LIBDIR}/cmake/moe)

install(TARGETS moert moert_static moe_sanitize EXPORT moeRuntimeTargets COMPONENT runtime)
install(DIRECTORY runtime/include/moert TYPE INCLUDE COMPONENT runtime)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/moe COMPONENT runtime)

get_property(tools GLOBAL PROPERTY MOE_TOOLS)
install(TARGETS ${tools} EXPORT moeToolsTargets COMPONENT tools)

get_property(libraries GLOBAL PROPERTY MOE_LIBRARIES)
install(TARGETS ${libraries} moe_options EXPORT moeCompilerTargets COMPONENT compiler)
install(DIRECTORY include/moe ${CMAKE_BINARY_DIR}/include/moe TYPE INCLUDE COMPONENT compiler
  FILES_MATCHING PATTERN *.h PATTERN *.td PATTERN *.inc PATTERN CMakeFiles EXCLUDE)
if(TARGET MoEC)
  install(TARGETS MoEC EXPORT moeCTargets COMPONENT compiler)
  install(DIRECTORY include/moe-c TYPE INCLUDE COMPONENT compiler FILES_MATCHING PATTERN *.h)
  install(EXPORT moeCTargets NAMESPACE moe:: DESTINATION ${MOE_INSTALL_CMAKE} COMPONENT compiler)
endif()

foreach(export Runtime Tools Compiler)
  string(TOLOWER ${export} component)
  install(EXPORT moe${export}Targets NAMESPACE moe:: DESTINATION ${MOE_INSTALL_CMAKE} COMPONENT ${component})
endforeach()
configure_package_config_file(cmake/moeConfig.cmake.in moeConfig.cmake INSTALL_DESTINATION ${MOE_INSTALL_CMAKE})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/moeConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/moeConfig.cmake ${CMAKE_BINARY_DIR}/moeConfigVersion.cmake cmake/moeCompile.cmake
  DESTINATION ${MOE_INSTALL_CMAKE} COMPONENT runtime)
