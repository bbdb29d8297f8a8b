// Catch2 2 brings no main in its library; Catch2 3 does.
#ifdef GANTRY_CATCH2_V2
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
