#include "core/cli/roff.hpp"

#include "core/base/text.hpp"
#include "core/base/version.hpp"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <fmt/format.h>

namespace gantry::cli {
namespace {

std::string today() {
    std::time_t now = std::time(nullptr);
    if (const char* const epoch = std::getenv("SOURCE_DATE_EPOCH"); epoch != nullptr) {
        if (const auto seconds = parse_decimal(epoch)) now = static_cast<std::time_t>(*seconds);
    }
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    char text[16];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%d", &parts)};
}

}  // namespace

std::string roff(std::string_view text) {
    std::string out;
    bool at_start = true;
    for (const char c : text) {
        if (at_start && (c == '.' || c == '\'')) out.append("\\&");
        at_start = c == '\n';
        switch (c) {
            case '\\':
                out.append("\\e");
                break;
            case '-':
                out.append("\\-");
                break;
            case '\'':
                out.append("\\(aq");
                break;
            case '`':
                out.append("\\(ga");
                break;
            case '^':
                out.append("\\(ha");
                break;
            case '~':
                out.append("\\(ti");
                break;
            default:
                out.push_back(c);
        }
    }
    return out;
}

std::string roff_argument(std::string_view text) {
    std::string out;
    for (const char c : roff(text)) {
        if (c == '"') {
            out.append("\\(dq");
        } else {
            out.push_back(c);
        }
    }
    return fmt::format("\"{}\"", out);
}

std::string roff_sentences(std::string_view text) {
    static constexpr std::size_t kWidth = 70;  // before escapes
    std::string out;
    std::size_t column = 0;
    bool ends = false;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(word.size() + 1, text.size()));
        if (column != 0 && (ends || column + 1 + word.size() > kWidth)) {
            out.push_back('\n');
            column = 0;
        } else if (column != 0) {
            out.push_back(' ');
            ++column;
        }
        out.append(word);
        column += word.size();
        ends = word.ends_with('.') || word.ends_with(';');
    }
    return roff(out);
}

std::string roff_header(std::string_view title, int section) {
    return fmt::format(
        ".\\\" Made by gantry help; do not change it here.\n.TH {} {} \"{}\" \"gantry {}\" \"Gantry\"\n",
        title, section, today(), version());
}

std::string roff_example(std::string_view lines) {
    return fmt::format(".EX\n{}\n.EE\n", roff(lines));
}

}  // namespace gantry::cli
