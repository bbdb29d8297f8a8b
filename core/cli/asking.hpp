// What the commands that ask a running gantry have in common: finding it, asking, and saying what went wrong.
#pragma once

#include "core/cli/remote.hpp"
#include "core/control/client.hpp"

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::cli {

// A configuration of thousands of hosts whose peers' names do not resolve takes its time.
inline constexpr std::chrono::milliseconds kPatience = std::chrono::minutes(5);
inline constexpr std::chrono::milliseconds kLook = std::chrono::seconds(10);

// Where it may listen. Reads the configuration, so whoever asks often keeps the answer.
std::vector<std::string> sockets_for(const RemoteOptions& options);

control::Response ask(const RemoteOptions& options, http::Method method, std::string_view path,
                      std::chrono::milliseconds timeout, const boost::json::object& body = {});

// What is the same for all commands: nobody there, JSON, and a refusal. Empty: the command says the rest.
std::optional<int> conclude(const RemoteOptions& options, const control::Response& response);

void print(std::FILE* to, std::string_view text);

// What a terminal may be given, line ends as well; anything else as "\\x1b".
std::string printable(std::string_view text);

// "" and 0 where there is no such member.
std::string_view text(const boost::json::object& from, std::string_view key);
std::uint64_t number(const boost::json::object& from, std::string_view key);

}  // namespace gantry::cli
