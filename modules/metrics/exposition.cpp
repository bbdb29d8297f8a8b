#include "exposition.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace metrics {
namespace {

// How many bytes of valid UTF-8 (RFC 3629 4) `text` begins with, of one character; 0: none.
std::size_t character_size(std::string_view text) {
    const auto at = [&](std::size_t index) {
        return index < text.size() ? static_cast<unsigned char>(text[index]) : 0u;
    };
    const auto is_tail = [&](std::size_t index) { return (at(index) & 0xc0u) == 0x80u; };
    const unsigned first = at(0);
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) return is_tail(1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) {
        const bool is_shortest = first != 0xe0 || at(1) >= 0xa0;
        const bool is_surrogate = first == 0xed && at(1) >= 0xa0;
        return is_tail(1) && is_tail(2) && is_shortest && !is_surrogate ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        const bool is_in_range = (first != 0xf0 || at(1) >= 0x90) && (first != 0xf4 || at(1) <= 0x8f);
        return is_tail(1) && is_tail(2) && is_tail(3) && is_in_range ? 4 : 0;
    }
    return 0;
}

void append_escaped(std::string& to, std::string_view text, bool escapes_quotes) {
    while (!text.empty()) {
        const std::size_t size = character_size(text);
        const char first = text[0];
        if (size == 0) {
            to += "\xef\xbf\xbd";
        } else if (first == '\\') {
            to += "\\\\";
        } else if (first == '\n') {
            to += "\\n";
        } else if (first == '"' && escapes_quotes) {
            to += "\\\"";
        } else {
            to += text.substr(0, size);
        }
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
}

template <class Number>
void append_integer(std::string& to, Number number) {
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    to.append(digits.data(), end);
}

// ---- Accept

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

std::string_view next_part(std::string_view& list, char separator) {
    const std::size_t end = std::min(list.find(separator), list.size());
    const std::string_view part = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    return trimmed(part);
}

bool is_same(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x + ('a' - 'A') : x) == y; });
}

// In thousandths; what is no number counts as 1, as if it were not there.
int weight_of(std::string_view text) {
    if (text.empty() || (text[0] != '0' && text[0] != '1')) return 1000;
    int weight = (text[0] - '0') * 1000;
    int digit = 100;
    for (std::size_t i = 2; i < text.size() && i < 5 && text[1] == '.'; ++i, digit /= 10) {
        if (text[i] >= '0' && text[i] <= '9') weight += (text[i] - '0') * digit;
    }
    return std::min(weight, 1000);
}

}  // namespace

Format negotiate(std::string_view accept) {
    int open_metrics = 0;
    int text = 0;
    while (!accept.empty()) {
        std::string_view range = next_part(accept, ',');
        const std::string_view type = next_part(range, ';');
        int weight = 1000;
        bool is_known = true;
        while (!range.empty()) {
            std::string_view parameter = next_part(range, ';');
            const std::string_view name = next_part(parameter, '=');
            if (is_same(name, "q")) weight = weight_of(parameter);
            if (is_same(name, "version") && is_same(type, "application/openmetrics-text"))
                is_known = parameter == "1.0.0" || parameter == "\"1.0.0\"";
            if (is_same(name, "version") && is_same(type, "text/plain")) is_known = parameter == "0.0.4";
        }
        if (!is_known) continue;
        if (is_same(type, "application/openmetrics-text")) open_metrics = std::max(open_metrics, weight);
        if (is_same(type, "text/plain")) text = std::max(text, weight);
    }
    return open_metrics > 0 && open_metrics >= text ? Format::OpenMetrics : Format::Text;
}

std::string_view content_type(Format format) {
    return format == Format::Text ? "text/plain; version=0.0.4; charset=utf-8"
                                  : "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

void append_number(std::string& to, std::int64_t raw, std::uint64_t per_unit) {
    // Away from 0 first: the lowest number has no counterpart above 0.
    const std::uint64_t size =
        raw < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(raw) : static_cast<std::uint64_t>(raw);
    if (raw < 0) to += '-';
    append_integer(to, size / per_unit);
    std::uint64_t rest = size % per_unit;
    if (rest == 0) return;
    to += '.';
    for (std::uint64_t place = per_unit / 10; rest > 0 && place > 0; place /= 10) {
        to += static_cast<char>('0' + rest / place);
        rest %= place;
    }
}

void append_label_value(std::string& to, std::string_view value) {
    append_escaped(to, value, true);
}

std::string Exposition::take_text() {
    return std::exchange(text_, {});
}

void Exposition::add_comment(std::string_view keyword, std::string_view text) {
    text_.append("# ").append(keyword).append(" ").append(name_);
    // Before there was OpenMetrics, "_total" was a part of the name.
    if (format_ == Format::Text && type_ == Type::Counter) text_ += "_total";
    text_ += ' ';
    append_escaped(text_, text, format_ == Format::OpenMetrics);
    text_ += '\n';
}

void Exposition::add_metric(const Metric& metric) {
    name_ = metric.name;
    type_ = metric.type;
    per_unit_ = std::max<std::uint64_t>(metric.per_unit, 1);
    bounds_.assign(metric.bounds.begin(), metric.bounds.end());
    const std::string_view type = type_ == Type::Counter ? "counter"
                                  : type_ == Type::Gauge ? "gauge"
                                                         : "histogram";
    if (format_ == Format::Text) {
        add_comment("HELP", metric.help);
        add_comment("TYPE", type);
        return;
    }
    add_comment("TYPE", type);
    if (!metric.unit.empty()) add_comment("UNIT", metric.unit);
    add_comment("HELP", metric.help);
}

void Exposition::add_labels(const Sample& sample) {
    labels_.clear();
    for (const Label& label : sample.labels) {
        if (!labels_.empty()) labels_ += ',';
        labels_.append(label.name).append("=\"");
        append_label_value(labels_, label.value);
        labels_ += '"';
    }
}

void Exposition::begin_line(std::string_view suffix) {
    text_.append(name_).append(suffix);
    if (!labels_.empty()) text_.append("{").append(labels_).append("}");
    text_ += ' ';
}

void Exposition::add_sample(const Sample& sample) {
    add_labels(sample);
    if (type_ == Type::Histogram) return add_histogram(sample);
    begin_line(type_ == Type::Counter ? "_total" : "");
    append_number(text_, sample.value, per_unit_);
    text_ += '\n';
}

void Exposition::add_bound(std::uint64_t bound) {
    const std::size_t before = text_.size();
    append_number(text_, static_cast<std::int64_t>(bound), per_unit_);
    // The canonical form of OpenMetrics.
    if (format_ == Format::OpenMetrics && text_.find('.', before) == text_.npos) text_ += ".0";
}

void Exposition::add_histogram(const Sample& sample) {
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < sample.buckets.size(); ++i) {
        count += sample.buckets[i];
        text_.append(name_).append("_bucket{").append(labels_).append(labels_.empty() ? "le=\"" : ",le=\"");
        i < bounds_.size() ? add_bound(bounds_[i]) : static_cast<void>(text_ += "+Inf");
        text_ += "\"} ";
        append_integer(text_, count);
        text_ += '\n';
    }
    begin_line("_sum");
    append_number(text_, static_cast<std::int64_t>(sample.sum), per_unit_);
    text_ += '\n';
    begin_line("_count");
    append_integer(text_, count);
    text_ += '\n';
}

void Exposition::end() {
    if (format_ == Format::OpenMetrics) text_ += "# EOF\n";
}

}  // namespace metrics
