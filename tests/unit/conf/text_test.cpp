// The parts that work on text alone: units, statements, suggestions, excerpts, interpolation.
#include "core/conf/diagnostic.hpp"
#include "core/conf/interpolate.hpp"
#include "core/conf/statements.hpp"
#include "core/conf/units.hpp"
#include "core/conf/utf8.hpp"
#include "tests/support/catch.hpp"

#include <chrono>
#include <limits>
#include <string>
#include <vector>

namespace conf = gantry::conf;
using namespace std::chrono_literals;

TEST_CASE("durations", "[units]") {
    CHECK(conf::parse_duration("30s").value() == 30s);
    CHECK(conf::parse_duration("1500ms").value() == 1500ms);
    CHECK(conf::parse_duration("1.5s").value() == 1500ms);
    CHECK(conf::parse_duration("5 m").value() == 5min);
    CHECK(conf::parse_duration("1h30m").value() == 90min);
    CHECK(conf::parse_duration("1d").value() == 24h);
    CHECK(conf::parse_duration("0s").value() == 0s);
    CHECK(conf::parse_duration("3650d").has_value());
    for (const char* bad : {"", "s", "30", "30x", "1s1h", "1s1s", "-5s", "1..5s", "1.0001s", "0.5ms", "5s ",
                            " 5s", "3651d", "99999999999999999999s", "1e3s", "5S", "5min", "0x5s"}) {
        INFO(bad);
        CHECK(!conf::parse_duration(bad).has_value());
    }
    CHECK(conf::parse_duration("10").error().message == "\"10\" has no unit");
    CHECK(conf::parse_duration("10").error().hint == "write \"10s\" or \"10ms\"");
}

TEST_CASE("sizes", "[units]") {
    CHECK(conf::parse_size("0").value() == 0);
    CHECK(conf::parse_size("123").value() == 123);
    CHECK(conf::parse_size("123B").value() == 123);
    CHECK(conf::parse_size("64KiB").value() == 65536);
    CHECK(conf::parse_size("1.5MiB").value() == 1572864);
    CHECK(conf::parse_size("10 MiB").value() == 10485760);
    CHECK(conf::parse_size("1GB").value() == 1000000000);
    CHECK(conf::parse_size("1kB").value() == 1000);
    CHECK(conf::parse_size("2TiB").value() == 2199023255552);
    for (const char* bad :
         {"", "B", "10m", "10K", "1.5B", "10MiBs", "10mib", "-1", "1,5MiB", "99999999999TiB", "1 0"}) {
        INFO(bad);
        CHECK(!conf::parse_size(bad).has_value());
    }
}

TEST_CASE("what is formatted is read back", "[units]") {
    for (const std::uint64_t ms :
         {0ull, 1ull, 999ull, 1000ull, 90'000ull, 3'600'000ull, 86'400'000ull, 90'061'001ull}) {
        const std::string text = conf::format_duration(conf::Duration(ms));
        INFO(text);
        CHECK(conf::parse_duration(text).value() == conf::Duration(ms));
    }
    CHECK(conf::format_duration(90s) == "1m30s");
    for (const std::uint64_t bytes :
         {0ull, 1ull, 1000ull, 1024ull, 65536ull, 65537ull, 1ull << 30, 3ull << 40}) {
        const std::string text = conf::format_size(bytes);
        INFO(text);
        CHECK(conf::parse_size(text).value() == bytes);
    }
    CHECK(conf::format_size(16384) == "16KiB");
}

TEST_CASE("nearest names", "[diagnostic]") {
    const std::vector<std::string_view> names{"address", "backlog", "tls", "max_body", "protocols"};
    CHECK(conf::nearest("adress", names) == "address");
    CHECK(conf::nearest("addresss", names) == "address");
    CHECK(conf::nearest("bakclog", names) == "backlog");  // two letters swapped: one mistake
    CHECK(conf::nearest("maxbody", names) == "max_body");
    CHECK(conf::nearest("tsl", names) == "tls");
    CHECK(conf::nearest("warning", {"info", "warn"}) == "warn");
    CHECK(conf::nearest("gizmo", names).empty());
    CHECK(conf::nearest("", names).empty());
    CHECK(conf::nearest("address", {"address"}).empty());  // itself is no suggestion
    CHECK(conf::nearest(std::string(100'000, 'a'), names).empty());
}

namespace {

struct Cut {
    std::string text;
    std::uint32_t line;
    bool header;
    bool unfinished;
};

std::vector<Cut> cut(std::string_view text) {
    std::vector<Cut> out;
    conf::Statements statements(text);
    conf::Statement s;
    while (statements.next(s)) {
        out.push_back({std::string(text.substr(s.begin, s.end - s.begin)), s.line,
                       s.kind == conf::Statement::Kind::Header, s.unfinished});
    }
    return out;
}

}  // namespace

TEST_CASE("statements", "[statements]") {
    const auto plain = cut("# c\n\na = 1\n  [b] # x\nc = \"[d]\" # [e]\n");
    REQUIRE(plain.size() == 3);
    CHECK(plain[0].text == "a = 1\n");
    CHECK(plain[0].line == 3);
    CHECK(plain[1].header);
    CHECK(plain[1].line == 4);
    CHECK(plain[2].line == 5);

    const auto list = cut("a = [ # [\n  \"]\",\n  ['x']\n]\nb = '''\n[no]\n'''\nc = \"\"\"x\\\"\"\"\"\nd=1");
    REQUIRE(list.size() == 4);
    CHECK(list[0].text.size() == 27);
    CHECK(list[1].line == 5);
    CHECK(list[2].text == "c = \"\"\"x\\\"\"\"\"\n");
    CHECK(list[3].text == "d=1");

    const auto open = cut("a = [1,\n[b.c]\nd = 1\n");
    REQUIRE(open.size() == 3);
    CHECK(open[0].unfinished);
    CHECK(open[1].header);
    CHECK(!open[2].unfinished);

    const auto values = cut("a = [\n[true],\n[inf],\n[1]]\n");
    REQUIRE(values.size() == 1);
    CHECK(!values[0].unfinished);

    CHECK(cut("a = \"\"\"x\n").at(0).unfinished);
    CHECK(cut("a = \"x\nb = 1").size() == 2);
    CHECK(cut("\r\n \r\n").empty());
}

TEST_CASE("characters", "[utf8]") {
    CHECK(conf::utf8_step("a") == 1);
    CHECK(conf::utf8_step("ü") == 2);
    CHECK(conf::utf8_step("日") == 3);
    CHECK(conf::utf8_step("😀") == 4);
    CHECK(conf::utf8_step("\xFF") == 1);
    CHECK(conf::utf8_step("\xC3") == 1);          // cut off
    CHECK(conf::utf8_step("\xE0\x80\x80") == 1);  // overlong
    CHECK(conf::utf8_step("\xED\xA0\x80") == 1);  // a surrogate
    CHECK(conf::utf8_width("a") == 1);
    CHECK(conf::utf8_width("日") == 2);
    CHECK(conf::utf8_width("\xCC\x81") == 0);   // a combining accent
    CHECK(conf::utf8_width("\x1b") == -1);      // escape
    CHECK(conf::utf8_width("\xC2\x9B") == -1);  // CSI as one character
    CHECK(conf::utf8_width("\x80") == -1);
}

TEST_CASE("what is shown of a source line", "[diagnostic]") {
    conf::Sources sources;
    const std::string wide = "\t\"日本\" = \x1b[31m\xFFred";
    const std::string line = std::string(500, 'x') + " here " + std::string(500, 'y');
    const auto file = sources.add("f.toml", wide + "\r\n" + line + "\n");
    conf::Diagnostics diagnostics;
    diagnostics.error({file, 2, 502}, "two", "hint\x1b");
    diagnostics.error({file, 1, 2}, "one", "");
    diagnostics.error({file, 9, 1}, "no such line", "");
    diagnostics.warning({file, 0, 0}, "all", {}, conf::Related{{file, 1, 7}, "there", {}});
    diagnostics.finish(sources);
    const std::string text = diagnostics.render_text();
    INFO(text);
    CHECK(text.find('\x1b') == text.npos);
    CHECK(text.find("f.toml: warning: all\nf.toml:1:7: note: there\n") == 0);
    CHECK(text.find("    1 | \t\"日本\" = \xEF\xBF\xBD[31m\xEF\xBF\xBDred\n      | \t^~~~~~\n") != text.npos);
    CHECK(text.find("hint\\x1b\n") != text.npos);
    // The caret of a long line stands under what it means.
    const auto at = text.find("    2 | …");
    REQUIRE(at != text.npos);
    const std::string shown = text.substr(at, text.find('\n', at) - at);
    CHECK(shown.size() < 160);
    const auto caret = text.find('^', at);
    const auto caret_line = text.rfind('\n', caret) + 1;
    CHECK(caret - caret_line == shown.find("here") - std::string("…").size() + 1);
    CHECK(diagnostics.errors() == 3);
    CHECK(diagnostics.warnings() == 1);
}

TEST_CASE("JSON is JSON whatever stands in the file", "[diagnostic]") {
    conf::Sources sources;
    const auto file = sources.add("f\"\\.toml", "x");
    conf::Diagnostics diagnostics;
    diagnostics.error({file, 1, 1}, "a\"b\\c\n\x01\xFF ü", "h", conf::Related{{file, 1, 1}, "r", {}});
    diagnostics.finish(sources);
    CHECK(diagnostics.render_json() ==
          "[\n  {\"file\": \"f\\\"\\\\.toml\", \"line\": 1, \"column\": 1, \"severity\": \"error\", "
          "\"message\": "
          "\"a\\\"b\\\\c\\u000a\\u0001\\ufffd ü\", \"hint\": \"h\", \"contained\": false, \"disables\": [], "
          "\"related\": {\"file\": "
          "\"f\\\"\\\\.toml\", \"line\": "
          "1, \"column\": 1, \"message\": \"r\"}}\n]\n");
    CHECK(conf::Diagnostics().render_json() == "[]\n");
    CHECK(conf::Diagnostics().render_text().empty());
}

TEST_CASE("a place within a string is found in its line", "[diagnostic]") {
    conf::Sources sources;
    const std::string text =
        "a = \"ä日 ${no}\"\n"                    // characters of several bytes
        "a = \"x\\n\\u00e4\\U0001F600${no}\"\n"  // escapes
        "a = 'x\\n${no}'\n"                      // which are none in single quotes
        "a = \"${NAME}${no}\"\n"                 // what the environment brings has any length
        "a = \"\"\"\n${no}\"\"\"\n";
    const auto file = sources.add("f", text);
    conf::Diagnostics diagnostics;
    diagnostics.error_within({file, 1, 5}, 6, "1", "");
    diagnostics.error_within({file, 2, 5}, 8, "2", "");
    diagnostics.error_within({file, 3, 5}, 3, "3", "");
    diagnostics.error_within({file, 4, 5}, 5, "4", "");
    diagnostics.error_within({file, 5, 5}, 5, "5", "");
    diagnostics.error_within({file, 1, 5}, 900, "6", "");
    diagnostics.finish(sources);
    std::string columns;
    for (const conf::Diagnostic& told : diagnostics.list())
        columns += told.message + ":" + std::to_string(told.place.column) + " ";
    CHECK(columns == "1:9 6:14 2:25 3:9 4:5 5:5 ");
}

TEST_CASE("what is told twice is told once", "[diagnostic]") {
    conf::Sources sources;
    const auto file = sources.add("f", "a = 1\n");
    conf::Diagnostics diagnostics;
    for (int i = 0; i < 3; ++i) diagnostics.error({file, 1, 5}, "one", "");
    diagnostics.error({file, 1, 5}, "two", "");
    diagnostics.warning({file, 1, 5}, "two", "");
    diagnostics.finish(sources);
    CHECK(diagnostics.list().size() == 3);
    CHECK(diagnostics.errors() == 2);
    CHECK(diagnostics.warnings() == 1);
}

TEST_CASE("too many mistakes are counted, errors shown first", "[diagnostic]") {
    conf::Sources sources;
    const auto file = sources.add("f", "");
    conf::Diagnostics diagnostics;
    for (std::uint32_t i = 0; i < 20'000; ++i) diagnostics.warning({file, i + 1, 1}, "w", "");
    for (std::uint32_t i = 0; i < 50; ++i) diagnostics.error({file, i + 1, 1}, "e", "");
    diagnostics.finish(sources);
    CHECK(diagnostics.warnings() == 20'000);
    CHECK(diagnostics.errors() == 50);
    CHECK(diagnostics.list().size() == conf::Diagnostics::kMaxShown);
    CHECK(diagnostics.render_text().find("… and 19950 more that are not shown\n") != std::string::npos);
}

namespace {

std::optional<std::string> put(std::string_view text, conf::StringKind kind) {
    const conf::Environment environment = [](std::string_view name) -> std::optional<std::string> {
        if (name == "A") return "1";
        if (name == "D") return "${host}$";
        return std::nullopt;
    };
    conf::Inputs inputs(environment);
    conf::Diagnostics diagnostics;
    auto out = conf::interpolate(text, {}, kind, inputs, diagnostics);
    CHECK(out.has_value() == (diagnostics.errors() == 0));
    return out;
}

}  // namespace

TEST_CASE("interpolation", "[interpolate]") {
    using Kind = conf::StringKind;
    CHECK(put("x${A}y${A}", Kind::Plain) == "x1y1");
    CHECK(put("${B:-b}${B:-}", Kind::Plain) == "b");
    CHECK(put("$$ $ 5$ ^/a$", Kind::Plain) == "$ $ 5$ ^/a$");
    CHECK(put("$${A}", Kind::Plain) == "${A}");
    CHECK(put("${D}", Kind::Plain) == "${host}$");
    // In a template, what was put in can never be taken for a variable.
    CHECK(put("${D} ${host} $$", Kind::Template) == "$${host}$$ ${host} $$");
    CHECK(put("${query.A}${1}", Kind::Template) == "${query.A}${1}");
    for (const char* bad :
         {"${B}", "${host}", "${", "${A", "${}", "${a b}", "${file:x}", "${file:/nonexistent/x}"}) {
        INFO(bad);
        CHECK(!put(bad, Kind::Plain));
    }
    CHECK(!put("${B}", Kind::Template));
}
