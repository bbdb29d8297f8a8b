#include "core/cli/asking.hpp"

#include "core/cli/exit_code.hpp"
#include "core/conf/load.hpp"
#include "core/conf/utf8.hpp"
#include "core/control/socket_path.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace gantry::cli {

namespace json = boost::json;
using control::Response;

// The file may have mistakes by now (that is what a reload is to find out), so only this one value is taken.
std::vector<std::string> sockets_for(const RemoteOptions& options) {
    if (!options.socket.empty()) return {options.socket};
    std::string configured;
    conf::LoadOptions load_options;
    load_options.verify = [&](conf::Settings& settings, conf::Diagnostics&) {
        configured = settings.server.control.path;
    };
    conf::load(options.config, load_options);
    if (!configured.empty()) return {configured};
    return control::default_socket_candidates(options.config);
}

Response ask(const RemoteOptions& options, http::Method method, std::string_view path,
             std::chrono::milliseconds timeout, const json::object& body) {
    return control::ask(sockets_for(options), method, path, body, timeout);
}

void print(std::FILE* to, std::string_view text) {
    if (!text.empty()) std::fwrite(text.data(), 1, text.size(), to);
}

std::string printable(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::string_view character = text.substr(0, conf::utf8_step(text));
        if (character == "\n" || conf::utf8_width(character) >= 0) {
            out += character;
        } else {
            for (const char c : character) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        }
        text.remove_prefix(character.size());
    }
    return out;
}

std::string_view text(const json::object& from, std::string_view key) {
    const json::value* const found = from.if_contains(key);
    return found != nullptr && found->is_string() ? std::string_view(found->get_string())
                                                  : std::string_view();
}

std::uint64_t number(const json::object& from, std::string_view key) {
    const json::value* const found = from.if_contains(key);
    json::error_code error;
    const auto value = found != nullptr ? found->to_number<std::uint64_t>(error) : 0;
    return error ? 0 : value;
}

std::optional<int> conclude(const RemoteOptions& options, const Response& response) {
    if (response.status == 0) {
        if (options.json) {
            print(stdout, json::serialize(json::object{{"error", response.problem}}) + "\n");
        } else {
            print(stderr,
                  fmt::format("gantry: {}\n      = is it running with this configuration? -c FILE names "
                              "another one, --socket PATH the control socket\n",
                              response.problem));
        }
        return kUnreachable;
    }
    const int code = response.status / 100 == 2 ? kOk
                     : response.status == 422   ? kInvalidConfiguration
                                                : kFailure;
    if (options.json) {
        print(stdout, json::serialize(response.body) + "\n");
        return code;
    }
    if (code == kOk) return std::nullopt;
    print(stderr, text(response.body, "report"));
    print(stderr, fmt::format("gantry: {}\n      = {}\n", printable(text(response.body, "error")),
                              printable(text(response.body, "remedy"))));
    return code;
}

}  // namespace gantry::cli
