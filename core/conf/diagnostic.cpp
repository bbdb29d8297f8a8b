#include "core/conf/diagnostic.hpp"

#include <algorithm>
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

void Diagnostics::warning(Place place, std::string message, std::string hint,
                          std::optional<Related> related) {
    add({Severity::Warning, place, std::move(message), std::move(hint), std::move(related), {}});
}

void Diagnostics::add(Diagnostic diagnostic) {
    // A file of a million wrong lines must not fill the memory with what nobody will read; the counts stay
    // right. More than is shown is kept, so that what is shown are the first of the files.
    static constexpr std::size_t kMaxKept = 10'000;
    ++(diagnostic.severity == Severity::Error ? errors_ : warnings_);
    if (list_.size() < kMaxKept) list_.push_back(std::move(diagnostic));
}

void Diagnostics::finish(const Sources& sources) {
    names_ = sources.names();
    std::stable_sort(list_.begin(), list_.end(), [](const Diagnostic& a, const Diagnostic& b) {
        if (a.place.file != b.place.file) return a.place.file < b.place.file;
        if (a.place.line != b.place.line) return a.place.line < b.place.line;
        return a.place.column < b.place.column;
    });
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

namespace {

// Optimal string alignment: insertions, deletions, replacements and swaps of neighbours, each of cost 1.
std::size_t distance(std::string_view a, std::string_view b) {
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

}  // namespace

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
        const std::size_t d = distance(name, candidate);
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
