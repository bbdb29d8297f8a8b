#include "../../../plugins-sdk/tests/asker.hpp"

GANTRY_MODULE("asker", "1.0.0", "Asks another server what it is told to.", gantry::Handler<test::Asker>,
              gantry::Handler<test::Relay>, gantry::State<test::Polls>);
