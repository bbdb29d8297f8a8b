# Compiler and linker flags, the same for every target of this project.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

add_compile_options(-Wall -Wextra -Werror -Wshadow "$<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor;-Woverloaded-virtual>"
                    -fvisibility=hidden -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # clang 19 reports libstdc++ 12's own std::get_temporary_buffer at every std::stable_sort; g++ compiles the
  # same sources and still says when ours use what is deprecated.
  add_compile_options(-Wno-deprecated-declarations)
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# Executables are position independent by CMake's own knowledge, so that shared modules are not told -pie.
include(CheckPIESupported)
check_pie_supported(OUTPUT_VARIABLE GANTRY_PIE_TROUBLE LANGUAGES CXX)
if(GANTRY_PIE_TROUBLE)
  message(WARNING "no position-independent executables: ${GANTRY_PIE_TROUBLE}")
endif()

if(CMAKE_BUILD_TYPE MATCHES "^(Release|RelWithDebInfo|MinSizeRel)$")
  # What Debian's hardening=+all gives, so that a build from source is no weaker than a package;
  # contrib/check/hardening looks for it in the program.
  add_compile_options(-fstack-protector-strong -fstack-clash-protection)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    add_compile_options(-fcf-protection)
  endif()
  if(NOT GANTRY_SANITIZE)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
      add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
    else()
      add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
    endif()
  endif()
  add_link_options(-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()

if(GANTRY_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined)
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-maybe-uninitialized) # instrumented code misleads it, in libstdc++ too
  endif()
  add_link_options(-fsanitize=address,undefined)
elseif(GANTRY_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread)
  add_link_options(-fsanitize=thread)
elseif(GANTRY_SANITIZE)
  message(FATAL_ERROR "GANTRY_SANITIZE is '${GANTRY_SANITIZE}'; say address, thread or nothing")
endif()

if(GANTRY_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "GANTRY_FUZZ needs clang: -DCMAKE_CXX_COMPILER=clang++-19")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(GANTRY_LTO)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
endif()

# ccache and mold only when they are there: neither changes what is built.
find_program(GANTRY_CCACHE ccache)
if(GANTRY_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER "${GANTRY_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${GANTRY_CCACHE}")
endif()
find_program(GANTRY_MOLD mold)
if(GANTRY_MOLD AND NOT GANTRY_LTO)
  add_link_options(-fuse-ld=mold)
endif()
