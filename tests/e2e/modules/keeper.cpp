#include "../../../plugins-sdk/tests/keeper.hpp"

GANTRY_MODULE("keeper", "1.0.0", "Keeps what it is told.", gantry::Handler<test::Keeper>,
              gantry::State<test::Loads>);
