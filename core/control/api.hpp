// The control API without its sockets: what a running gantry can be asked (docs/control-api.md).
#pragma once

#include "core/http/method.hpp"

#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::control {

// Who is at the other end of the unix socket, as the kernel says; -1: not known.
struct Caller {
    int pid = -1;
    int uid = -1;
};

struct Request {
    http::Method method = http::Method::Get;
    std::string path;          // "/v1/status"
    std::string query;         // as it was sent, without the "?"
    boost::json::object body;  // empty where none came
    Caller caller;
};

struct Reply {
    int status = 200;
    boost::json::object body;
};

// {"error": …, "remedy": …}
Reply refusal(int status, std::string_view error, std::string_view remedy);

// `standard` where it is not given; nullopt where it is no number, or a negative one.
std::optional<std::int64_t> number_of(const boost::json::object& body, std::string_view key,
                                      std::int64_t standard);

// To be called once, from any thread, now or later.
using Answer = std::function<void(Reply)>;

struct Route {
    http::Method method;
    std::string_view path;
    std::function<void(const Request&, Answer)> run;
};

// Complete before the first request, unchanged afterwards.
class Api {
public:
    void add(http::Method method, std::string_view path, std::function<void(const Request&, Answer)> run);

    // What no route of a path of its own takes, whatever the method: `prefix` ends with "/".
    void add_below(std::string_view prefix, std::function<void(const Request&, Answer)> run);

    // Reads `body` as the JSON object of `request` and calls the route; what fits none is answered here. Runs
    // on the thread that calls it.
    void handle(Request request, std::string_view body, const Answer& answer) const;

    // The process ends: what comes from now on gets no answer.
    void close() { is_closed_ = true; }

private:
    struct Below {
        std::string_view prefix;
        std::function<void(const Request&, Answer)> run;
    };
    const std::function<void(const Request&, Answer)>* find(const Request& request,
                                                            bool& is_path_known) const;
    std::string known_paths() const;

    std::vector<Route> routes_;
    std::vector<Below> below_;
    bool is_closed_ = false;
};

}  // namespace gantry::control
