// The one include for unit tests: Catch2 2.13 (Debian 12) and 3 (Debian 13) under the same names.
#pragma once

#ifdef GANTRY_CATCH2_V2
#include <catch2/catch.hpp>
#else
#include <catch2/catch_all.hpp>
#endif
