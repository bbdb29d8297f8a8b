// Reads all that is counted, family by family, a few series at a time.
#pragma once

#include "core/base/metrics.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::metrics {

// Views are valid during the call.
struct Sample {
    std::span<const std::string_view> labels;
    std::span<const std::string_view> values;
    std::int64_t value = 0;                  // of a counter, of a gauge
    std::span<const std::uint64_t> buckets;  // of a histogram: each for itself,
    std::uint64_t sum = 0;                   // and of all values
};

class WalkVisitor {
public:
    // What the samples from here on are of. Not called where there is none. Valid as long as the registry.
    virtual void on_family(const Family& family) = 0;
    virtual void on_sample(const Sample& sample) = 0;

protected:
    ~WalkVisitor() = default;
};

// [any], one at a time. Series that come meanwhile are not seen, those that go may be; none is seen twice.
// What is read together was not counted at one instant.
class Walk {
public:
    // Has what others know set (Registry::add_collector), which may wait for a file of /proc.
    explicit Walk(Registry& registry);

    // Looks at up to `most` series. False: that was the end. The registry is locked for kBatch of them at
    // most.
    bool next(std::size_t most, WalkVisitor& visitor);
    static constexpr std::size_t kBatch = 32;

private:
    struct Read {
        std::string key;
        std::size_t number;  // where its cells begin in numbers_
    };
    void begin();
    bool read_batch(std::size_t most);
    void show(const Family& family, const Read& read, WalkVisitor& visitor);
    void show_cells(const Family& family, std::span<const std::uint64_t> cells, WalkVisitor& visitor);

    Registry& registry_;
    GroupId group_ = 0;
    std::size_t family_ = 0;
    std::uint32_t slot_ = 0;
    std::uint64_t last_born_ = 0;        // when the walk began
    const Family* announced_ = nullptr;  // the last one that the visitor was shown

    // of the batch
    const Family* of_ = nullptr;
    std::vector<std::string_view> labels_;  // with those of dimensions behind
    std::vector<Read> reads_;
    std::size_t used_ = 0;
    std::vector<std::uint64_t> numbers_;
    std::vector<std::string_view> values_;
};

}  // namespace gantry::metrics
