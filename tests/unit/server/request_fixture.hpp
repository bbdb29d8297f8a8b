// A request head made from literals, for tests of what looks at heads.
#pragma once

#include "core/base/cidr.hpp"
#include "core/http/message.hpp"

#include <string_view>

namespace gantry::server {

struct TestRequest {
    explicit TestRequest(std::string_view target = "/", std::string_view method = "GET") : head(arena) {
        head.method = http::method_of(method);
        head.method_name = method;
        head.target = target;
        const auto mark = target.find('?');
        head.path = target.substr(0, mark);
        head.has_query = mark != target.npos;
        if (head.has_query) head.query = target.substr(mark + 1);
        parse_ip("192.0.2.1", client);
    }
    TestRequest& with(std::string_view name, std::string_view value) {
        head.headers.add(name, value);
        return *this;
    }
    TestRequest& from(std::string_view address) {
        parse_ip(address, client);
        return *this;
    }

    Arena arena;
    http::RequestHead head;
    IpBytes client{};
};

}  // namespace gantry::server
