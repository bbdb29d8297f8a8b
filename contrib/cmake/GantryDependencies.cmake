# Every library that Gantry links. All are Debian packages on 12 and on 13 (docs/adr/0002-dependencies.md).
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(tl-expected REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Boost 1.81 CONFIG REQUIRED COMPONENTS json)
find_package(PkgConfig REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(SQLiteCpp REQUIRED)
pkg_check_modules(TOMLPP REQUIRED IMPORTED_TARGET tomlplusplus)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)

add_library(tomlplusplus::tomlplusplus ALIAS PkgConfig::TOMLPP)
add_library(PCRE2::PCRE2 ALIAS PkgConfig::PCRE2)

# Header-only Asio, compiled once in core/net/asio_impl.cpp.
find_path(GANTRY_ASIO_INCLUDE asio.hpp REQUIRED)
add_library(gantry_asio INTERFACE)
target_include_directories(gantry_asio SYSTEM INTERFACE "${GANTRY_ASIO_INCLUDE}")
target_compile_definitions(gantry_asio INTERFACE ASIO_STANDALONE ASIO_SEPARATE_COMPILATION ASIO_NO_DEPRECATED
                           # Asio 1.22 decides this by which header came first, so two sources could disagree.
                           ASIO_HAS_STD_ALIGNED_ALLOC=1)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # Asio 1.22 does not recognise clang's coroutines by itself.
  target_compile_definitions(gantry_asio INTERFACE ASIO_HAS_CO_AWAIT=1 ASIO_HAS_STD_COROUTINE=1)
endif()
if(GANTRY_SANITIZE STREQUAL "thread")
  # ThreadSanitizer does not understand bare fences and would report races that are none.
  target_compile_definitions(gantry_asio INTERFACE ASIO_DISABLE_FENCED_BLOCK)
endif()
target_link_libraries(gantry_asio INTERFACE Threads::Threads)
add_library(asio::asio ALIAS gantry_asio)
