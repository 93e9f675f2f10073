# cmake --install: libraries, headers, and how other builds find them.
include(CMakePackageConfigHelpers)
set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/einstride)
set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(TARGETS einstride EXPORT einstrideTargets)
install(TARGETS einstride_static EXPORT einstrideStaticTargets)
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h)
install(EXPORT einstrideTargets NAMESPACE einstride:: DESTINATION ${config_dir})
install(EXPORT einstrideStaticTargets NAMESPACE einstride:: DESTINATION ${config_dir})

configure_package_config_file(cmake/einstrideConfig.cmake.in einstrideConfig.cmake
                              INSTALL_DESTINATION ${config_dir})
write_basic_package_version_file(einstrideConfigVersion.cmake COMPATIBILITY SameMinorVersion)
# Relative to the .pc file, so that an installed tree can be moved.
file(RELATIVE_PATH EINSTRIDE_PREFIX_FROM_PC ${CMAKE_INSTALL_PREFIX}/${pc_dir} ${CMAKE_INSTALL_PREFIX})
configure_file(cmake/einstride.pc.in einstride.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/einstrideConfig.cmake
              ${PROJECT_BINARY_DIR}/einstrideConfigVersion.cmake DESTINATION ${config_dir})
install(FILES ${PROJECT_BINARY_DIR}/einstride.pc DESTINATION ${pc_dir})

# Manual pages, and completion where bash and zsh look for it.
file(GLOB manuals ${PROJECT_SOURCE_DIR}/docs/man/*.[137])
foreach(manual ${manuals})
  string(REGEX MATCH "[137]$" section ${manual})
  install(FILES ${manual} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
install(FILES cmake/completions/einstride.bash RENAME einstride
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES cmake/completions/_einstride DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
