#include "modules/metrics/exposition.hpp"

#include "tests/support/catch.hpp"

#include <cstdint>
#include <string>
#include <vector>

using metrics::Exposition;
using metrics::Format;
using metrics::negotiate;

namespace {

metrics::Metric metric_of(metrics::Type type, std::string_view name, std::string_view help = "Help.",
                          std::string_view unit = "", std::uint64_t per_unit = 1) {
    metrics::Metric metric;
    metric.type = type;
    metric.name = name;
    metric.help = help;
    metric.unit = unit;
    metric.per_unit = per_unit;
    return metric;
}

metrics::Sample sample_of(const std::vector<metrics::Label>& labels, std::int64_t value) {
    metrics::Sample sample;
    sample.labels = labels;
    sample.value = value;
    return sample;
}

std::string number(std::int64_t raw, std::uint64_t per_unit) {
    std::string out;
    metrics::append_number(out, raw, per_unit);
    return out;
}

std::string escaped(std::string_view value) {
    std::string out;
    metrics::append_label_value(out, value);
    return out;
}

}  // namespace

TEST_CASE("exposition: numbers are exact", "[modules][metrics]") {
    CHECK(number(0, 1) == "0");
    CHECK(number(1500, 1000) == "1.5");
    CHECK(number(50'000, 1'000'000'000) == "0.00005");
    CHECK(number(-1'000'000'001, 1'000'000'000) == "-1.000000001");
    CHECK(number(2'000'000'000, 1'000'000'000) == "2");
    CHECK(number(INT64_MIN, 1) == "-9223372036854775808");
    CHECK(number(INT64_MAX, 10) == "922337203685477580.7");
}

TEST_CASE("exposition: hostile bytes in the value of a label stay in it", "[modules][metrics]") {
    CHECK(escaped("a\"b\\c\nd") == "a\\\"b\\\\c\\nd");
    CHECK(escaped("\"} 1\ngantry_up 0\n#") == "\\\"} 1\\ngantry_up 0\\n#");
    CHECK(escaped("b\xc3\xbc"
                  "cher \xe2\x82\xac \xf0\x9f\x98\x80") ==
          "b\xc3\xbc"
          "cher \xe2\x82\xac \xf0\x9f\x98\x80");
    CHECK(escaped("\xff") == "\xef\xbf\xbd");
    CHECK(escaped("\xc3") == "\xef\xbf\xbd");
    CHECK(escaped("\xc3\"") == "\xef\xbf\xbd\\\"");                            // the quote is not swallowed
    CHECK(escaped("\xc0\xaf") == "\xef\xbf\xbd\xef\xbf\xbd");                  // not the shortest form
    CHECK(escaped("\xed\xa0\x80") == "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");  // a surrogate
    CHECK(escaped("\xf4\x90\x80\x80").size() == 12u);
    CHECK(escaped(std::string_view{"\0\r\x7f", 3}) == (std::string_view{"\0\r\x7f", 3}));
    // Whatever comes: no bare quote, no line end, no backslash that stands for something else.
    for (unsigned first = 0; first < 256; ++first) {
        for (unsigned second = 0; second < 256; ++second) {
            const std::string value{static_cast<char>(first), static_cast<char>(second), 'x'};
            const std::string text = escaped(value);
            bool is_escape = false;
            bool is_sound = true;
            for (const char c : text) {
                if (is_escape) {
                    is_sound = is_sound && (c == 'n' || c == '"' || c == '\\');
                    is_escape = false;
                } else {
                    is_sound = is_sound && c != '"' && c != '\n';
                    is_escape = c == '\\';
                }
            }
            CHECK((is_sound && !is_escape && text.back() == 'x'));
        }
    }
}

TEST_CASE("exposition: the text format", "[modules][metrics]") {
    Exposition exposition{Format::Text};
    exposition.add_metric(metric_of(metrics::Type::Counter, "gantry_requests", "A \"help\"\\\nof lines."));
    exposition.add_sample(sample_of({{"host", "a"}, {"path", "\"\\"}}, 7));
    exposition.add_metric(metric_of(metrics::Type::Gauge, "gantry_level"));
    exposition.add_sample(sample_of({}, -3));
    exposition.end();
    CHECK(exposition.take_text() ==
          "# HELP gantry_requests_total A \"help\"\\\\\\nof lines.\n"
          "# TYPE gantry_requests_total counter\n"
          "gantry_requests_total{host=\"a\",path=\"\\\"\\\\\"} 7\n"
          "# HELP gantry_level Help.\n"
          "# TYPE gantry_level gauge\n"
          "gantry_level -3\n");
    CHECK(exposition.text().empty());
}

TEST_CASE("exposition: OpenMetrics", "[modules][metrics]") {
    Exposition exposition{Format::OpenMetrics};
    exposition.add_metric(metric_of(metrics::Type::Counter, "gantry_sent_bytes", "A \"help\".", "bytes"));
    exposition.add_sample(sample_of({}, 7));
    auto metric = metric_of(metrics::Type::Histogram, "gantry_time_seconds", "Help.", "seconds", 1000);
    const std::vector<std::uint64_t> bounds{500, 1000};
    const std::vector<std::uint64_t> buckets{1, 0, 2};
    metric.bounds = bounds;
    exposition.add_metric(metric);
    const std::vector<metrics::Label> labels{{"a", "b"}};
    auto sample = sample_of(labels, 0);
    sample.buckets = buckets;
    sample.sum = 12'345;
    exposition.add_sample(sample);
    exposition.end();
    CHECK(exposition.take_text() ==
          "# TYPE gantry_sent_bytes counter\n"
          "# UNIT gantry_sent_bytes bytes\n"
          "# HELP gantry_sent_bytes A \\\"help\\\".\n"
          "gantry_sent_bytes_total 7\n"
          "# TYPE gantry_time_seconds histogram\n"
          "# UNIT gantry_time_seconds seconds\n"
          "# HELP gantry_time_seconds Help.\n"
          "gantry_time_seconds_bucket{a=\"b\",le=\"0.5\"} 1\n"
          "gantry_time_seconds_bucket{a=\"b\",le=\"1.0\"} 1\n"
          "gantry_time_seconds_bucket{a=\"b\",le=\"+Inf\"} 3\n"
          "gantry_time_seconds_sum{a=\"b\"} 12.345\n"
          "gantry_time_seconds_count{a=\"b\"} 3\n"
          "# EOF\n");
}

TEST_CASE("exposition: who gets which format", "[modules][metrics]") {
    const auto is_open = [](std::string_view accept) { return negotiate(accept) == Format::OpenMetrics; };
    CHECK(!is_open(""));
    CHECK(!is_open("*/*"));
    CHECK(!is_open("text/plain"));
    CHECK(is_open("application/openmetrics-text"));
    CHECK(is_open("application/OpenMetrics-Text ; version=1.0.0 ; charset=utf-8"));
    CHECK(is_open("application/openmetrics-text;version=\"1.0.0\",text/plain;q=0.5"));
    // As Prometheus 2 and 3 ask.
    CHECK(is_open(
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
        "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"));
    CHECK(
        is_open("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
                "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;q=0.3,"
                "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"));
    CHECK(!is_open("application/openmetrics-text;version=2.0.0"));
    CHECK(!is_open("application/openmetrics-text;q=0"));
    CHECK(!is_open("application/openmetrics-text;q=0.2,text/plain;q=0.3"));
    CHECK(!is_open(",;,=;q=,\xff;;q=9"));
}
