#include "../../../plugins-sdk/tests/hearer.hpp"

GANTRY_MODULE("hearer", "1.0.0", "Publishes events, and hears them.", gantry::Handler<test::Mouth>,
              gantry::State<test::Ear>, gantry::Subscriber<test::Ear>, gantry::Subscriber<test::LateEar>);
