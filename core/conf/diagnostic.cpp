#include "core/conf/diagnostic.hpp"

#include "core/base/text.hpp"
#include "core/conf/utf8.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace gantry::conf {

std::uint32_t Sources::add(std::string name, std::string text) {
    names_.push_back(std::move(name));
    texts_.push_back(std::move(text));
    return static_cast<std::uint32_t>(names_.size() - 1);
}

std::string_view Sources::line(Place place) const {
    if (place.line == 0 || place.file >= texts_.size()) return {};
    std::string_view rest = texts_[place.file];
    for (std::uint32_t i = 1; i < place.line; ++i) {
        const auto end = rest.find('\n');
        if (end == rest.npos) return {};
        rest.remove_prefix(end + 1);
    }
    std::string_view line = rest.substr(0, rest.find('\n'));
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

void Sources::drop_texts() {
    for (std::string& text : texts_) std::string().swap(text);
}

void Diagnostics::error(Place place, std::string message, std::string hint, std::optional<Related> related) {
    add({Severity::Error, place, std::move(message), std::move(hint), std::move(related), {}});
}

void Diagnostics::error_within(Place place, std::uint32_t offset, std::string message, std::string hint) {
    add({Severity::Error, place, std::move(message), std::move(hint), std::nullopt, {}, offset});
}

void Diagnostics::environment_error(Place place, std::string message, std::string hint) {
    add({Severity::Error,
         place,
         std::move(message),
         std::move(hint),
         std::nullopt,
         {},
         0,
         Cause::Environment});
}

void Diagnostics::contained_error(Place place, std::uint32_t offset, std::string message, std::string hint,
                                  std::vector<std::string> disables) {
    add({Severity::Error,
         place,
         std::move(message),
         std::move(hint),
         std::nullopt,
         {},
         offset,
         Cause::Environment,
         true,
         std::move(disables)});
}

void Diagnostics::contain(const Contain& hosts_of) {
    for (Diagnostic& one : list_) {
        if (one.severity != Severity::Error || one.is_contained) continue;
        auto hosts = hosts_of(one);
        if (!hosts) continue;
        --errors_;
        ++contained_;
        one.is_contained = true;
        one.disables = std::move(*hosts);
    }
}

void Diagnostics::set_containment(std::shared_ptr<const Containment> containment) {
    containment_ = std::move(containment);
}

std::size_t& Diagnostics::count_of(const Diagnostic& diagnostic) {
    if (diagnostic.severity == Severity::Warning) return warnings_;
    return diagnostic.is_contained ? contained_ : errors_;
}

void Diagnostics::warning(Place place, std::string message, std::string hint,
                          std::optional<Related> related) {
    add({Severity::Warning, place, std::move(message), std::move(hint), std::move(related), {}});
}

void Diagnostics::add(Diagnostic diagnostic) {
    // A file of a million wrong lines must not fill the memory with what nobody will read; the counts stay
    // right. More than is shown is kept, so that what is shown are the first of the files.
    static constexpr std::size_t kMaxKept = 10'000;
    ++count_of(diagnostic);
    if (list_.size() < kMaxKept) list_.push_back(std::move(diagnostic));
}

namespace {

// The bytes of `text` that an escape sequence at its beginning takes, and those of the value it stands for.
std::pair<std::size_t, std::size_t> escape_at(std::string_view text) {
    if (text.size() < 2 || (text[1] != 'u' && text[1] != 'U')) return {2, 1};
    const std::size_t digits = text[1] == 'u' ? 4 : 8;
    std::uint32_t code = 0;
    for (const char c : text.substr(2, digits)) {
        code = code * 16 + static_cast<std::uint32_t>(std::max(hex_value(c), 0));
    }
    return {2 + digits, code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4};
}

// What the environment or a file brought is not to be found in the line.
bool is_replaced(std::string_view text) {
    return text.starts_with("${file:") ||
           (text.size() > 2 && text.starts_with("${") && text[2] >= 'A' && text[2] <= 'Z');
}

// The column of the byte `offset` of the value of a string; that of the string where it cannot be told.
std::uint32_t column_within(std::string_view line, std::uint32_t column, std::uint32_t offset) {
    std::size_t at = 0;
    for (std::uint32_t c = 1; c < column && at < line.size(); ++c) at += utf8_step(line.substr(at));
    std::string_view rest = line.substr(at);
    if (rest.empty() || (rest[0] != '"' && rest[0] != '\'')) return column;
    const char quote = rest[0];
    if (rest.substr(1).starts_with(std::string(2, quote))) return column;  // of several lines
    rest.remove_prefix(1);
    std::uint32_t out = column + 1;
    for (std::size_t done = 0; done < offset;) {
        if (rest.empty() || rest[0] == quote) return out;
        if (is_replaced(rest)) return column;
        std::size_t taken = utf8_step(rest);
        std::size_t brought = taken;
        if (quote == '"' && rest[0] == '\\') {
            std::tie(taken, brought) = escape_at(rest);
            out += static_cast<std::uint32_t>(taken);
        } else {
            ++out;
        }
        done += brought;
        rest.remove_prefix(std::min(taken, rest.size()));
    }
    return out;
}

}  // namespace

// What several hosts have in common is looked at for each of them.
void Diagnostics::drop_repeated() {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < list_.size(); ++i) {
        Diagnostic& one = list_[i];
        if (kept != 0 && one.place.line != 0) {
            Diagnostic& last = list_[kept - 1];
            if (one.place.file == last.place.file && one.place.line == last.place.line &&
                one.place.column == last.place.column && one.severity == last.severity &&
                one.is_contained == last.is_contained && one.message == last.message) {
                --count_of(one);
                for (std::string& host : one.disables) {
                    if (std::find(last.disables.begin(), last.disables.end(), host) == last.disables.end())
                        last.disables.push_back(std::move(host));
                }
                continue;
            }
        }
        if (kept != i) list_[kept] = std::move(one);
        ++kept;
    }
    list_.resize(kept);
}

void Diagnostics::finish(const Sources& sources) {
    names_ = sources.names();
    containment_.reset();
    for (Diagnostic& diagnostic : list_) {
        if (diagnostic.offset == 0) continue;
        diagnostic.place.column =
            column_within(sources.line(diagnostic.place), diagnostic.place.column, diagnostic.offset);
        diagnostic.offset = 0;
    }
    std::stable_sort(list_.begin(), list_.end(), [](const Diagnostic& a, const Diagnostic& b) {
        if (a.place.file != b.place.file) return a.place.file < b.place.file;
        if (a.place.line != b.place.line) return a.place.line < b.place.line;
        return a.place.column < b.place.column;
    });
    drop_repeated();
    // Warnings give way to errors where there are too many of both.
    if (list_.size() > kMaxShown) {
        std::stable_partition(list_.begin(), list_.end(),
                              [](const Diagnostic& d) { return d.severity == Severity::Error; });
        list_.resize(kMaxShown);
    }
    for (Diagnostic& diagnostic : list_) {
        diagnostic.line = sources.line(diagnostic.place);
        if (diagnostic.related) diagnostic.related->line = sources.line(diagnostic.related->place);
    }
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, replace});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
        before.swap(last);
        last.swap(row);
    }
    return last[b.size()];
}

std::string_view nearest(std::string_view name, const std::vector<std::string_view>& names) {
    static constexpr std::size_t kMaxLength = 64;
    if (name.size() > kMaxLength) return {};
    std::string_view best;
    // About one mistake in three letters is still a misspelling; more is another word.
    std::size_t best_distance = std::max<std::size_t>(1, (name.size() + 1) / 3) + 1;
    for (const std::string_view candidate : names) {
        if (candidate.size() > kMaxLength || candidate == name) continue;
        const bool cut = name.size() >= 4 && candidate.size() >= 4 &&
                         (candidate.starts_with(name) || name.starts_with(candidate));
        if (cut && best_distance > 1) {  // "warning" for "warn"
            best_distance = 1;
            best = candidate;
            continue;
        }
        const std::size_t gap =
            candidate.size() > name.size() ? candidate.size() - name.size() : name.size() - candidate.size();
        if (gap >= best_distance) continue;
        const std::size_t d = edit_distance(name, candidate);
        if (d < best_distance && d < candidate.size()) {
            best_distance = d;
            best = candidate;
        }
    }
    return best;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string_view>& names) {
    const std::string_view best = nearest(name, names);
    if (best.empty()) return {};
    return std::string("did you mean \"").append(best).append("\"?");
}

}  // namespace gantry::conf
