# The version of the package is that of the ABI, as the headers have it: what is asked for has the same major and
# at most this minor.
foreach(gantry_folder "${CMAKE_CURRENT_LIST_DIR}/.." "${CMAKE_CURRENT_LIST_DIR}/../../../include")
  if(EXISTS "${gantry_folder}/gantry/version.h")
    file(STRINGS "${gantry_folder}/gantry/version.h" gantry_lines REGEX "^#define GANTRY_ABI_(MAJOR|MINOR) [0-9]+")
    string(REGEX REPLACE ".*MAJOR ([0-9]+).*MINOR ([0-9]+).*" "\\1.\\2" PACKAGE_VERSION "${gantry_lines}")
    string(REGEX REPLACE "\\..*" "" gantry_major "${PACKAGE_VERSION}")
    break()
  endif()
endforeach()

if(PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION OR NOT PACKAGE_FIND_VERSION_MAJOR EQUAL gantry_major)
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
else()
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
  if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
    set(PACKAGE_VERSION_EXACT TRUE)
  endif()
endif()
