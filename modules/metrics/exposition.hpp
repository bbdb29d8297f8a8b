// Turns what is counted into text for Prometheus: its own format 0.0.4, or OpenMetrics 1.0. Does no I/O.
#pragma once

#include "sample.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace metrics {

enum class Format { Text, OpenMetrics };

// The better one for who sent this field Accept; the text where that is all the same (RFC 9110 12.5.1).
Format negotiate(std::string_view accept);
std::string_view content_type(Format format);

// `raw` divided by `per_unit`, a power of ten, exactly: 1500, 1000 -> "1.5".
void append_number(std::string& to, std::int64_t raw, std::uint64_t per_unit);
// What stands between quotes as the value of a label: hostile bytes are escaped, and those that are no UTF-8
// replaced by U+FFFD.
void append_label_value(std::string& to, std::string_view value);

// One pass over all metrics. The metric of a sample is the one that was shown before.
class Exposition {
public:
    explicit Exposition(Format format) : format_(format) {}

    void add_metric(const Metric& metric);
    void add_sample(const Sample& sample);
    void end();  // nothing follows

    const std::string& text() const { return text_; }
    std::string take_text();

private:
    void add_comment(std::string_view keyword, std::string_view text);
    void add_labels(const Sample& sample);
    void begin_line(std::string_view suffix);
    void add_histogram(const Sample& sample);
    void add_bound(std::uint64_t bound);

    Format format_;
    std::string text_;
    // of the metric
    std::string name_;
    Type type_ = Type::Counter;
    std::uint64_t per_unit_ = 1;
    std::vector<std::uint64_t> bounds_;
    std::string labels_;  // of the sample: host="a",path="b"
};

}  // namespace metrics
