// plugins-sdk/tests/piper.hpp, for the real host.
#include "../../../plugins-sdk/tests/piper.hpp"

GANTRY_MODULE("piper", "1.0.0", "Reads and asks over descriptors of its own.", gantry::State<test::Pipes>,
              gantry::Handler<test::Piper>, gantry::Handler<test::Waiter>);
