// Shows what is counted: to Prometheus, and as JSON to whoever asks how gantry is. What there is is read on
// threads that may wait, a piece at a time: with ten thousand hosts it is tens of megabytes, and workers have
// requests to answer meanwhile.
#include "exposition.hpp"
#include "health.hpp"

#include <chrono>
#include <gantry/gantry.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t kPiece = 64 * 1024;    // bytes that are sent at a time, about
constexpr std::uint32_t kSeriesAtOnce = 64;  // looked at before the size is
constexpr auto kWindow = std::chrono::seconds{30};
constexpr auto kPatience = std::chrono::minutes{1};

std::int64_t monotonic_now() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}
std::int64_t wall_now() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

// The walk of one answer. Used by one thread at a time.
class Walk {
public:
    explicit Walk(const gantry::Host& host) : host_(host), raw_(host.metrics()->begin_walk(host.raw())) {}
    Walk(const Walk&) = delete;
    Walk& operator=(const Walk&) = delete;
    ~Walk() {
        if (raw_ != nullptr) host_.metrics()->end_walk(raw_);
    }

    // Shows some more to `to`, which has add_metric() and add_sample(). False: that was all.
    template <class To>
    bool next(To& to) {
        Shown<To> shown{to, {}, 0};
        static constexpr gantry_metric_visitor_t kVisitor{sizeof(gantry_metric_visitor_t), 0,
                                                          &Shown<To>::on_metric, &Shown<To>::on_sample};
        if (raw_ == nullptr) return false;
        shown.bound_count = bound_count_;
        const bool is_more = host_.metrics()->walk(raw_, kSeriesAtOnce, &kVisitor, &shown);
        bound_count_ = shown.bound_count;
        return is_more;
    }

private:
    // From the tables of gantry to what the rest of the module knows.
    template <class To>
    struct Shown {
        To& to;
        std::vector<metrics::Label> labels;
        std::size_t bound_count;

        static void on_metric(void* state, const gantry_metric_view_t* raw) noexcept {
            auto& self = *static_cast<Shown*>(state);
            metrics::Metric metric;
            metric.type = raw->type == GANTRY_COUNTER ? metrics::Type::Counter
                          : raw->type == GANTRY_GAUGE ? metrics::Type::Gauge
                                                      : metrics::Type::Histogram;
            metric.name = gantry::view(raw->name);
            metric.help = gantry::view(raw->help);
            metric.unit = gantry::view(raw->unit);
            metric.per_unit = raw->per_unit;
            if (raw->bounds != nullptr) metric.bounds = {raw->bounds, raw->bound_count};
            self.bound_count = raw->bound_count;
            self.to.add_metric(metric);
        }
        static void on_sample(void* state, const gantry_sample_t* raw) noexcept {
            auto& self = *static_cast<Shown*>(state);
            self.labels.clear();
            for (std::uint32_t i = 0; i < raw->label_count; ++i) {
                self.labels.push_back({gantry::view(raw->labels[i]), gantry::view(raw->values[i])});
            }
            metrics::Sample sample;
            sample.labels = self.labels;
            sample.value = raw->value;
            if (raw->buckets != nullptr) sample.buckets = {raw->buckets, self.bound_count + 1};
            sample.sum = raw->sum;
            self.to.add_sample(sample);
        }
    };

private:
    const gantry::Host& host_;
    gantry_walk_t* raw_;
    std::size_t bound_count_ = 0;  // of the metric that was shown last
};

// What an answer is made of, piece by piece. Used by one thread at a time, and that may wait.
class Source {
public:
    virtual ~Source() = default;
    // "" where `is_over()`.
    virtual std::string next() = 0;
    bool is_over() const { return is_over_; }

protected:
    bool is_over_ = false;
};

class ExpositionSource final : public Source {
public:
    ExpositionSource(const gantry::Host& host, metrics::Format format) : host_(host), exposition_(format) {}

    std::string next() override {
        if (!walk_) walk_.emplace(host_);
        while (!is_over_ && exposition_.text().size() < kPiece) is_over_ = !walk_->next(exposition_);
        if (is_over_) exposition_.end();
        return exposition_.take_text();
    }

private:
    const gantry::Host& host_;
    metrics::Exposition exposition_;
    std::optional<Walk> walk_;
};

// Earlier readings, for what happened of late; of all answers together.
class Readings {
public:
    // What `now` is to be compared with; null: there is nothing old enough.
    std::shared_ptr<const metrics::Reading> exchange(std::shared_ptr<const metrics::Reading> now) {
        constexpr std::int64_t kNanos = std::chrono::nanoseconds{kWindow}.count();
        const std::lock_guard lock{mutex_};
        if (newer_ == nullptr || now->taken - newer_->taken >= kNanos) older_ = std::exchange(newer_, now);
        return older_;
    }

private:
    std::mutex mutex_;
    std::shared_ptr<const metrics::Reading> newer_;
    std::shared_ptr<const metrics::Reading> older_;
};

class HealthSource final : public Source {
public:
    HealthSource(const gantry::Host& host, std::shared_ptr<Readings> readings)
        : host_(host), readings_(std::move(readings)) {}

    std::string next() override {
        if (text_.empty()) read();
        std::string piece = text_.substr(sent_, kPiece);
        sent_ += piece.size();
        is_over_ = sent_ == text_.size();
        return piece;
    }

private:
    void read() {
        auto now = std::make_shared<metrics::Reading>();
        Walk walk{host_};
        while (walk.next(*now)) {
        }
        now->taken = monotonic_now();
        const auto before = readings_->exchange(now);
        text_ = metrics::health_json(*now, before.get(), wall_now());
    }

    const gantry::Host& host_;
    std::shared_ptr<Readings> readings_;
    std::string text_;
    std::size_t sent_ = 0;
};

std::string next_piece(const std::shared_ptr<Source>& source) {
    return source->next();
}

// Told when the client took what was queued.
struct Drain {
    std::optional<gantry::Waker> waker;
    void drained(gantry::Exchange) {
        if (waker) waker->wake();
    }
};

// What all locations share: readings live on over reloads.
struct State {
    std::shared_ptr<Readings> readings = std::make_shared<Readings>();

    static std::unique_ptr<State> prepare(gantry::Scope&, State* old) {
        auto state = std::make_unique<State>();
        if (old != nullptr) state->readings = old->readings;
        return state;
    }
};

class Metrics {
public:
    static constexpr const char* kForms[] = {"prometheus", "health", nullptr};
    static constexpr gantry::Key keys[] = {
        gantry::Key::choice("metrics", kForms)
            .in(gantry::kInLocation)
            .handler()
            .example("\"prometheus\"")
            .doc("Answers with what gantry counts: \"prometheus\" in the text format of Prometheus, or as "
                 "OpenMetrics to "
                 "who prefers that; \"health\" as JSON, with requests, errors and times of each host. Who "
                 "may ask is "
                 "for the location to say."),
    };

    static std::unique_ptr<Metrics> create(gantry::Scope& scope, State& state) {
        const gantry::Value form = scope.find_own("metrics");
        if (!form) return nullptr;
        if (scope.host().metrics() == nullptr) {
            scope.error("this gantry counts nothing", "use a gantry that has gantry.metrics/1", form);
            return nullptr;
        }
        return std::make_unique<Metrics>(scope.host(), form.text() == "health" ? state.readings : nullptr);
    }

    // `readings`: for health; else null.
    Metrics(const gantry::Host& host, std::shared_ptr<Readings> readings)
        : host_(host), readings_(std::move(readings)) {}

    gantry::Task<gantry::Verdict> handle(gantry::Exchange exchange) const {
        const bool is_head = exchange.method() == "HEAD";
        if (!is_head && exchange.method() != "GET") {
            exchange.response()
                .status(405)
                .field("Allow", "GET, HEAD")
                .type("text/plain")
                .body("GET or HEAD\n");
            co_return gantry::Verdict::Done;
        }
        const auto format = metrics::negotiate(exchange.fields()["Accept"]);
        auto response = exchange.response();
        response.type(readings_ != nullptr ? "application/json" : metrics::content_type(format));
        response.field("Cache-Control", "no-store");
        if (readings_ == nullptr) response.field("Vary", "Accept");
        if (is_head) {
            response.send_head().finish();
            co_return gantry::Verdict::Done;
        }
        auto* drain = exchange.attach<Drain>();
        if (drain == nullptr) co_return gantry::Verdict::Fail;
        const std::shared_ptr<Source> source = make_source(format);
        bool is_over = false;
        while (!is_over) {
            const auto piece = co_await exchange.blocking(&next_piece, source);
            if (!piece) co_return exchange.fail(503, "too much else is waiting for threads");
            is_over = source->is_over();
            if (!response.is_head_sent()) response.send_head();
            if (response.send(*piece).result() != GANTRY_OK)
                co_return gantry::Verdict::Done;  // the client left
            while (response.is_congested()) {
                co_await exchange.until(kPatience, [drain](gantry::Waker waker) { drain->waker = waker; });
            }
        }
        response.finish();
        co_return gantry::Verdict::Done;
    }

private:
    std::shared_ptr<Source> make_source(metrics::Format format) const {
        if (readings_ != nullptr) return std::make_shared<HealthSource>(host_, readings_);
        return std::make_shared<ExpositionSource>(host_, format);
    }

    const gantry::Host& host_;
    std::shared_ptr<Readings> readings_;
};

}  // namespace

GANTRY_MODULE("metrics", "1.0.0", "Shows what gantry counts to Prometheus, and how it is as JSON.",
              gantry::State<State>, gantry::Handler<Metrics>);
