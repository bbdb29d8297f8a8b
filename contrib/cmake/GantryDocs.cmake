# What the program says about itself, for those who package it: man pages, completions, the schema for editors.
# Made by running the program; builds with a sanitizer leave it out, as nobody installs them.
include(GNUInstallDirs)
set(made "${CMAKE_BINARY_DIR}/made")
file(MAKE_DIRECTORY "${made}")

function(gantry_makes name)
  add_custom_command(OUTPUT "${made}/${name}"
    COMMAND gantry ${ARGN} > "${made}/${name}"
    DEPENDS gantry
    COMMENT "Making ${name}"
    VERBATIM)
endfunction()

# The same, with the modules that come with gantry at hand.
set(with_modules "${CMAKE_COMMAND}" -E env "GANTRY_MODULE_PATH=${CMAKE_BINARY_DIR}/modules" $<TARGET_FILE:gantry>)
function(gantry_makes_completion name shell)
  add_custom_command(OUTPUT "${made}/${name}"
    COMMAND ${with_modules} completion ${shell} > "${made}/${name}"
    DEPENDS gantry gantry-limit
    COMMENT "Making ${name}"
    VERBATIM)
endfunction()

gantry_makes(gantry.8 help --commands --format man)
gantry_makes(gantry.toml.5 help --all --format man)
gantry_makes(gantry.schema.json config schema)
gantry_makes_completion(gantry.bash bash)
gantry_makes_completion(gantry.zsh zsh)
gantry_makes_completion(gantry.fish fish)

set(all ALL)
if(GANTRY_SANITIZE OR GANTRY_FUZZ)
  set(all "")
endif()
add_custom_target(gantry_docs ${all} DEPENDS
  "${made}/gantry.8" "${made}/gantry.toml.5" "${made}/gantry.schema.json"
  "${made}/gantry.bash" "${made}/gantry.zsh" "${made}/gantry.fish")

# gantry-module-NAME(5), in the package of the module.
function(gantry_module_page name)
  set(page "${made}/gantry-module-${name}.5")
  add_custom_command(OUTPUT "${page}"
    COMMAND ${with_modules} help ${name} --format man > "${page}"
    DEPENDS gantry gantry-${name}
    COMMENT "Making gantry-module-${name}.5"
    VERBATIM)
  add_custom_target(gantry_page_${name} DEPENDS "${page}")
  add_dependencies(gantry_docs gantry_page_${name})
  install(FILES "${page}" DESTINATION "${CMAKE_INSTALL_MANDIR}/man5" COMPONENT module-${name} OPTIONAL)
endfunction()

install(FILES "${made}/gantry.8" DESTINATION "${CMAKE_INSTALL_MANDIR}/man8" OPTIONAL)
install(FILES "${made}/gantry.toml.5" DESTINATION "${CMAKE_INSTALL_MANDIR}/man5" OPTIONAL)
install(FILES "${made}/gantry.schema.json" DESTINATION "${CMAKE_INSTALL_DATADIR}/gantry" OPTIONAL)
install(FILES "${made}/gantry.bash" RENAME gantry
        DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" OPTIONAL)
install(FILES "${made}/gantry.zsh" RENAME _gantry
        DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions" OPTIONAL)
install(FILES "${made}/gantry.fish" DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d" OPTIONAL)
