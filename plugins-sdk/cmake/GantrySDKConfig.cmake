# find_package(GantrySDK 1.0 REQUIRED) gives
#
#   GantrySDK::headers                        the include folder, as an interface library
#   gantry_add_module(NAME SOURCE...)         gantry-NAME.so, by the target gantry-NAME
#   gantry_add_module_test(NAME SOURCE...)    a program over gantry/fake_host.hpp, as a test of ctest
#
# The same file serves in the source tree and where it is installed, and nothing in it is put there by a build.
get_filename_component(GantrySDK_INCLUDE_DIR "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
if(NOT EXISTS "${GantrySDK_INCLUDE_DIR}/gantry/gantry.h")
  get_filename_component(GantrySDK_INCLUDE_DIR "${CMAKE_CURRENT_LIST_DIR}/../../../include" ABSOLUTE)
endif()
if(NOT EXISTS "${GantrySDK_INCLUDE_DIR}/gantry/gantry.h")
  set(GantrySDK_FOUND FALSE)
  set(GantrySDK_NOT_FOUND_MESSAGE "gantry/gantry.h is not in ${GantrySDK_INCLUDE_DIR}")
  return()
endif()

if(NOT TARGET GantrySDK::headers) # several projects in one build may each look for the package
  add_library(GantrySDK::headers INTERFACE IMPORTED GLOBAL)
  target_include_directories(GantrySDK::headers INTERFACE "${GantrySDK_INCLUDE_DIR}")
endif()
set(GantrySDK_MODULE_MAP "${CMAKE_CURRENT_LIST_DIR}/gantry-module.map")

# A module: position independent, nothing visible but its one symbol, and nothing undefined, so that what is
# missing is an error of the link rather than of the load. Libraries: target_link_libraries(gantry-NAME PRIVATE …).
function(gantry_add_module name)
  if(NOT name MATCHES "^[a-z][a-z0-9-]*$")
    message(FATAL_ERROR "gantry_add_module(${name}): a name is of the letters a-z, digits and -, and begins with a letter")
  endif()
  add_library(gantry-${name} MODULE ${ARGN})
  target_link_libraries(gantry-${name} PRIVATE GantrySDK::headers)
  target_compile_features(gantry-${name} PRIVATE c_std_11 cxx_std_20)
  set_target_properties(gantry-${name} PROPERTIES
    PREFIX "" SUFFIX ".so"
    POSITION_INDEPENDENT_CODE ON
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LINK_DEPENDS "${GantrySDK_MODULE_MAP}")
  target_link_options(gantry-${name} PRIVATE "-Wl,--version-script=${GantrySDK_MODULE_MAP}")
  # clang's sanitizers are in the program alone, so a module that is built with them has to leave names open.
  set(flags "${CMAKE_C_FLAGS} ${CMAKE_CXX_FLAGS} ${CMAKE_MODULE_LINKER_FLAGS}")
  if(NOT flags MATCHES "-fsanitize" AND NOT GANTRY_SANITIZE)
    target_link_options(gantry-${name} PRIVATE -Wl,-z,defs)
  endif()
endfunction()

# GANTRY_MODULE_FILE is the path of the module in these sources.
function(gantry_add_module_test name)
  add_executable(gantry-${name}-test ${ARGN})
  target_link_libraries(gantry-${name}-test PRIVATE GantrySDK::headers ${CMAKE_DL_LIBS})
  target_compile_features(gantry-${name}-test PRIVATE cxx_std_20)
  target_compile_definitions(gantry-${name}-test PRIVATE "GANTRY_MODULE_FILE=\"$<TARGET_FILE:gantry-${name}>\"")
  add_dependencies(gantry-${name}-test gantry-${name})
  add_test(NAME module_${name} COMMAND gantry-${name}-test)
  set_tests_properties(module_${name} PROPERTIES TIMEOUT 60)
endfunction()
