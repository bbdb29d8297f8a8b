#include "core/conf/interpolate.hpp"

#include "core/base/text.hpp"
#include "core/base/unique_fd.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

namespace gantry::conf {
namespace {

constexpr std::size_t kMaxFile = 1u << 20;

bool is_environment_name(std::string_view name) {
    return !name.empty() && !is_digit(name[0]) && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
    });
}

bool is_variable_name(std::string_view name) {
    return !name.empty() && std::none_of(name.begin(), name.end(), [](char c) {
        return static_cast<unsigned char>(c) <= 0x20 || c == '{' || c == '$';
    });
}

class Interpolation {
public:
    Interpolation(Place place, StringKind kind, Inputs& inputs, Diagnostics& diagnostics)
        : place_(place), kind_(kind), inputs_(inputs), diagnostics_(diagnostics) {}

    std::optional<std::string> run(std::string_view text) {
        while (!text.empty()) {
            const auto dollar = text.find('$');
            out_.append(text.substr(0, dollar));
            if (dollar == text.npos) break;
            text.remove_prefix(dollar);
            if (text.starts_with("$$")) {
                out_.append(kind_ == StringKind::Template ? "$$" : "$");
                text.remove_prefix(2);
            } else if (text.starts_with("${")) {
                const auto end = text.find('}');
                if (end == text.npos) {
                    return wrong("\"${\" is never closed", "write ${NAME}; a plain $ before { is written $$");
                }
                if (!expand(text.substr(2, end - 2))) return std::nullopt;
                text.remove_prefix(end + 1);
            } else {
                warn_of_bare_name(text.substr(1));
                out_.push_back('$');
                text.remove_prefix(1);
            }
        }
        return std::move(out_);
    }

private:
    std::nullopt_t wrong(std::string message, std::string hint) {
        diagnostics_.error(place_, std::move(message), std::move(hint));
        return std::nullopt;
    }

    // `behind` a dollar without braces: what other servers and shells would replace. In plain strings there
    // are expressions too, whose $ says where they end.
    void warn_of_bare_name(std::string_view behind) {
        const auto ends_name = [](char c) { return !is_alpha(c) && !is_digit(c) && c != '_'; };
        const auto end = std::find_if(behind.begin(), behind.end(), ends_name);
        const std::string_view name = behind.substr(0, static_cast<std::size_t>(end - behind.begin()));
        if (name.empty() || is_digit(name[0])) return;
        if (kind_ == StringKind::Plain && !is_environment_name(name)) return;
        diagnostics_.warning(place_, fmt::format("${} is not replaced: it has no braces", name),
                             fmt::format("write ${{{}}}; a plain $ is written $$", name));
    }

    bool expand(std::string_view inner) {
        if (inner.starts_with("file:")) return put_file(std::string(inner.substr(5)));
        const auto split = inner.find(":-");
        const std::string_view name = inner.substr(0, split);
        if (is_environment_name(name)) {
            if (const auto value = inputs_.variable(name)) {
                put(*value);
            } else if (split != inner.npos) {
                put(inner.substr(split + 2));
            } else {
                wrong(fmt::format("the environment has no variable {}", name),
                      fmt::format("set it, or give a default: ${{{}:-value}}", name));
                return false;
            }
            return true;
        }
        if (kind_ == StringKind::Template && is_variable_name(name)) {
            out_.append("${").append(inner).append("}");
            return true;
        }
        if (is_variable_name(name)) {
            wrong(
                fmt::format("${{{}}} cannot be used here", name),
                "variables of a request stand only in values that are made per request; names in UPPER_CASE "
                "are the environment; a plain $ is written $$");
        } else {
            wrong(fmt::format("${{{}}} is not a variable", inner),
                  "write ${NAME}, ${NAME:-default} or ${file:/path}; a plain $ is written $$");
        }
        return false;
    }

    void put(std::string_view value) {
        for (const char c : value) {
            if (c == '$' && kind_ == StringKind::Template) out_.push_back('$');
            out_.push_back(c);
        }
    }

    bool put_file(const std::string& path) {
        const auto unreadable = [&](const char* why) {
            diagnostics_.environment_error(place_, fmt::format("{} cannot be read: {}", path, why),
                                           "the file must exist and be readable by gantry");
            return false;
        };
        if (path.empty() || path[0] != '/') {
            wrong("${file:…} needs a full path", "for example: ${file:/run/credentials/token}");
            return false;
        }
        Snapshot::File read = inputs_.read_value(path, kMaxFile);
        if (!read.error.empty()) return unreadable(read.error.c_str());
        std::string& value = read.text;
        if (value.ends_with('\n')) value.pop_back();
        if (value.ends_with('\r')) value.pop_back();
        if (read.is_everyones) {
            diagnostics_.warning(place_, fmt::format("every user of this machine can read {}", path),
                                 fmt::format("if it holds a secret: chmod o-rwx {}", path));
        }
        put(value);
        return true;
    }

    Place place_;
    StringKind kind_;
    Inputs& inputs_;
    Diagnostics& diagnostics_;
    std::string out_;
};

}  // namespace

std::optional<std::string> interpolate(std::string_view text, Place place, StringKind kind, Inputs& inputs,
                                       Diagnostics& diagnostics) {
    if (text.find('$') == text.npos) return std::string(text);
    return Interpolation(place, kind, inputs, diagnostics).run(text);
}

}  // namespace gantry::conf
