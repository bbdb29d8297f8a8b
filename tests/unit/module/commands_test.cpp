#include "core/module/commands.hpp"

#include "tests/support/catch.hpp"

using namespace gantry::module;

namespace {

std::string take(std::string_view key, std::string_view value) {
    std::vector<Command> commands{{"before", "GET", "before", "Before", {}}};
    return take_command_line(key, value, commands);
}

}  // namespace

TEST_CASE("commands: lines of a manifest say what there is", "[module]") {
    std::vector<Command> commands;
    CHECK(take_command_line("command", "unban POST bans/lift Lift a ban", commands).empty());
    CHECK(take_command_line("argument", "key KEY required Whose", commands).empty());
    CHECK(take_command_line("argument", "rule RULE optional Of which rule", commands).empty());
    CHECK(take_command_line("option", "older-than TIME default:5m From when on", commands).empty());
    CHECK(take_command_line("flag", "all All of them", commands).empty());
    CHECK(take_command_line("command", "bans GET bans List them", commands).empty());
    REQUIRE(commands.size() == 2);
    const Command& unban = commands[0];
    CHECK(unban.name == "unban");
    CHECK(unban.method == "POST");
    CHECK(unban.path == "bans/lift");
    CHECK(unban.help == "Lift a ban");
    REQUIRE(unban.parts.size() == 4);
    CHECK(unban.parts[0].kind == CommandPart::Kind::Argument);
    CHECK(unban.parts[0].is_required);
    CHECK_FALSE(unban.parts[1].is_required);
    CHECK(unban.parts[2].key() == "older_than");
    CHECK(unban.parts[2].standard == "5m");
    CHECK(unban.parts[2].help == "From when on");
    CHECK(unban.parts[3].kind == CommandPart::Kind::Flag);
    CHECK(unban.parts[3].value.empty());
    CHECK(commands[1].parts.empty());
}

TEST_CASE("commands: what is wrong with a line is said", "[module]") {
    CHECK(take("command", "") == "\"\" is no name of a command");
    CHECK(take("command", "Bans GET bans List") == "\"Bans\" is no name of a command");
    CHECK(take("command", "-x GET bans List") == "\"-x\" is no name of a command");
    CHECK(take("command", "bans HEAD bans List") == "\"HEAD\" is not GET, POST, PUT, PATCH or DELETE");
    CHECK(take("command", "bans GET /bans List") == "\"/bans\" is no path of a route");
    CHECK(take("command", "bans GET bans") == "the command bans has no help");
    CHECK(take("command", "before GET bans List") == "there is a command before already");
    CHECK(take("option", "name") == "name has no word for its value");
    CHECK(take("option", "name VALUE") == "name is neither optional nor required, and has no default");
    CHECK(take("option", "name VALUE default: Help") ==
          "name is neither optional nor required, and has no default");
    CHECK(take("option", "name VALUE optional") == "name has no help");
    CHECK(take("option", "config FILE optional Help") == "the name config is one of the command line's own");
    CHECK(take("flag", "quiet Help") == "the name quiet is one of the command line's own");
    std::vector<Command> none;
    CHECK(take_command_line("option", "a A optional Help", none) == "the option has no command before it");
}

TEST_CASE("commands: names of options are there once, and required arguments come first", "[module]") {
    std::vector<Command> commands;
    CHECK(take_command_line("command", "go POST go Go", commands).empty());
    CHECK(take_command_line("argument", "where PLACE optional Where to", commands).empty());
    CHECK(take_command_line("option", "where PLACE optional Where to", commands) == "where is there already");
    CHECK(take_command_line("argument", "when TIME required When", commands) ==
          "when is required, behind one that is not");
}

TEST_CASE("commands: there is an end to them", "[module]") {
    std::vector<Command> commands;
    for (int i = 0; i < 64; ++i)
        CHECK(take_command_line("command", "c" + std::to_string(i) + " GET c Help", commands).empty());
    CHECK(take_command_line("command", "more GET c Help", commands) == "there are too many commands");
    for (int i = 0; i < 32; ++i)
        CHECK(take_command_line("flag", "f" + std::to_string(i) + " Help", commands).empty());
    CHECK(take_command_line("flag", "more Help", commands) == "the command c63 has too many options");
}

TEST_CASE("commands: paths of routes", "[module]") {
    for (const char* path : {"a", "a/b", "A-._~9", "..", "a//b"}) CHECK(why_no_route("GET", path).empty());
    for (const char* path : {"", "/", "/a", "a/", "a b", "a?b", "a%20", "\xc3\xa9"})
        CHECK_FALSE(why_no_route("GET", path).empty());
    CHECK_FALSE(why_no_route("GET", std::string(201, 'a')).empty());
    CHECK_FALSE(why_no_route("get", "a").empty());
}
