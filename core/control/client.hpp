// The other end of the control socket: what the commands ask a running gantry with.
#pragma once

#include "core/http/method.hpp"

#include <boost/json/object.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::control {

struct Response {
    int status = 0;  // 0: nobody could be asked, or the answer broke off; `problem` says what happened
    std::string problem;
    boost::json::object body;
};

// Asks whoever listens on the first of `sockets` that takes a connection, and waits for the whole answer.
// Blocks.
Response ask(const std::vector<std::string>& sockets, http::Method method, std::string_view path,
             const boost::json::object& body, std::chrono::milliseconds timeout);

}  // namespace gantry::control
