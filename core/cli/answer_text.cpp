#include "core/cli/answer_text.hpp"

#include "core/cli/asking.hpp"
#include "core/conf/utf8.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <vector>

namespace gantry::cli {
namespace {

namespace json = boost::json;

// In one line.
std::string cell(const json::value& value) {
    if (value.is_null()) return "-";
    if (!value.is_string()) return printable(json::serialize(value));
    std::string text = printable(value.get_string());
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

std::size_t width(std::string_view text) {
    std::size_t cells = 0;
    while (!text.empty()) {
        const std::string_view character = text.substr(0, conf::utf8_step(text));
        cells += static_cast<std::size_t>(std::max(conf::utf8_width(character), 0));
        text.remove_prefix(character.size());
    }
    return cells;
}

bool is_table(const json::array& list) {
    return !list.empty() &&
           std::all_of(list.begin(), list.end(), [](const json::value& each) { return each.is_object(); });
}

std::string table(const json::array& list) {
    std::vector<std::string> names;
    for (const json::value& each : list) {
        for (const auto& member : each.get_object()) {
            const std::string name(member.key());
            if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
        }
    }
    std::vector<std::vector<std::string>> rows(1);
    for (const std::string& name : names) rows[0].push_back(cell(json::value(name)));
    for (const json::value& each : list) {
        std::vector<std::string>& row = rows.emplace_back();
        for (const std::string& name : names) {
            const json::value* const found = each.get_object().if_contains(name);
            row.push_back(found == nullptr ? "-" : cell(*found));
        }
    }
    std::vector<std::size_t> widths(names.size());
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
    }
    std::string out;
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i];
            if (i + 1 < row.size()) line.append(widths[i] - width(row[i]) + 2, ' ');
        }
        out += line + "\n";
    }
    return out;
}

std::string list_text(const json::array& list) {
    std::string out;
    for (const json::value& each : list) out.append(out.empty() ? "" : ", ").append(cell(each));
    return out.empty() ? "none" : out;
}

void append(std::string& out, const std::string& name, const json::value& value, bool is_alone) {
    if (value.is_array() && is_table(value.get_array())) {
        out += is_alone ? table(value.get_array()) : fmt::format("{}:\n{}", name, table(value.get_array()));
    } else if (value.is_array()) {
        out += fmt::format("{}: {}\n", name, list_text(value.get_array()));
    } else {
        out += fmt::format("{}: {}\n", name, cell(value));
    }
}

}  // namespace

std::string answer_text(const json::object& answer) {
    if (const json::value* const text = answer.if_contains("text"); text != nullptr && text->is_string()) {
        std::string out = printable(text->get_string());
        if (!out.empty() && !out.ends_with('\n')) out += '\n';
        return out;
    }
    std::string out;
    for (const auto& member : answer)
        append(out, cell(json::value(member.key())), member.value(), answer.size() == 1);
    return out;
}

}  // namespace gantry::cli
