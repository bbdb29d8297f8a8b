// What gantry counts about itself: families of numbers with labels, kept over reloads, counted by workers
// without a lock, and walked by whoever shows them (metric_walk.hpp).
#pragma once

#include "core/base/clock.hpp"
#include "core/base/metric_bounds.hpp"
#include "core/base/metric_cells.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

namespace gantry::metrics {

enum class Type : std::uint8_t { Counter, Gauge, Histogram };

// A label whose values are known from the start: they take a cell each and no look-up.
struct Dimension {
    std::string label;
    std::vector<std::string> values;
};

struct Family {
    std::string name;  // "gantry_sent_bytes": ends with the unit, and not with "_total"
    std::string unit;  // "bytes"; may be empty
    std::string help;  // a sentence
    Type type = Type::Counter;
    std::uint64_t per_unit = 1;         // so many of what is added are one of `unit`; a power of ten
    std::optional<Bounds> bounds;       // of a histogram: its buckets, and the sum behind them
    std::vector<Dimension> dimensions;  // of a counter or gauge: a cell each; the last one varies fastest
    bool hides_zero = false;            // what was never counted is not shown

    std::size_t cells() const;
    bool operator==(const Family& other) const;
};
bool operator==(const Dimension& a, const Dimension& b);

// Families with the same labels. A series has the cells of all of them, in one piece and in their order.
struct Group {
    std::vector<std::string> labels;
    std::size_t most = 1000;  // series; what is beyond them is counted in one whose labels say "other"
    std::vector<Family> families;

    std::size_t cells() const;
};

using GroupId = std::uint32_t;
class Registry;

// A hold on a series. What was held by nobody for a while is forgotten. An empty one may be counted in, and
// shows nowhere.
class Series {
public:
    Series() = default;
    Series(Series&& other) noexcept { swap(other); }
    Series& operator=(Series&& other) noexcept {
        swap(other);
        return *this;
    }
    ~Series();
    // The first of its cells.
    std::uint32_t cell() const { return cell_; }

private:
    friend class Registry;
    void swap(Series& other) noexcept;
    Registry* registry_ = nullptr;
    GroupId group_ = 0;
    std::uint32_t slot_ = 0;
    std::uint32_t cell_ = 0;
};

// [any], but for what only counts, which is said below. Takes a lock, for a moment.
class Registry {
public:
    static constexpr Millis kForgetAfter = 15 * 60'000;
    static constexpr std::size_t kMostGroups = 1024;
    static constexpr std::size_t kMostSeries = std::size_t{1} << 24;
    static constexpr std::size_t kMostCells = 1024;  // of one series

    Registry();
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;
    static Registry& process();  // the one that gantry has

    // The same again is the same group. The error is a sentence.
    tl::expected<GroupId, std::string> declare(Group group);
    const Group& group(GroupId id) const;

    // The series with these values, as many as the group has labels; made where there is none.
    Series series(GroupId group, std::span<const std::string_view> values);
    Series series(GroupId group, std::initializer_list<std::string_view> values) {
        return series(group, std::span(values.begin(), values.size()));
    }
    // The same for those who keep the numbers themselves.
    struct Held {
        std::uint32_t slot = 0;
        std::uint32_t cell = 0;  // 0: no memory for it
    };
    Held hold(GroupId group, std::span<const std::string_view> values);
    bool release(GroupId group, std::uint32_t slot);  // false: nobody holds it
    // Forgets what nobody holds and was released before kForgetAfter, as of `now`.
    void sweep(Millis now);

    // Calls `collect` whenever a walk begins, on its thread and not twice at once: it sets numbers that are
    // known elsewhere. Until the returned number is given to remove_collector(), which waits for it.
    std::uint64_t add_collector(std::function<void()> collect);
    void remove_collector(std::uint64_t number);
    void collect();

    // ---- counting: no lock. `cell`: one of a held series.

    // An array for a thread; its numbers stay when it is given back.
    std::shared_ptr<Cells> lease();
    // This thread is the one that writes to `cells`; null: none any more.
    static void use_here(Cells* cells) { here_ = cells; }
    // What use_here() was given; null: it was not called on this thread.
    static Cells* here() { return here_; }
    void add(std::uint32_t cell, std::uint64_t amount) {
        if (here_ != nullptr) {
            here_->add(cell, amount);
        } else {
            shared_.add_shared(cell, amount);
        }
    }
    // Of a gauge that is never added to.
    void set(std::uint32_t cell, std::int64_t value) {
        shared_.at(cell)->store(static_cast<std::uint64_t>(value), std::memory_order_relaxed);
    }
    // `cell`: the first of the histogram.
    void observe(std::uint32_t cell, const Bounds& bounds, std::uint64_t value) {
        add(cell + static_cast<std::uint32_t>(bounds.bucket_of(value)), 1);
        add(cell + static_cast<std::uint32_t>(bounds.buckets()), value);
    }
    // Over all threads.
    std::uint64_t read(std::uint32_t cell) const;
    // Calls `see` with the values of every series of the group and the numbers in its first `cells` cells.
    // The registry is locked meanwhile, for a few series at a time.
    using See = std::function<void(std::span<const std::string_view>, std::span<const std::uint64_t>)>;
    void each(GroupId group, std::size_t cells, const See& see) const;

private:
    friend class Walk;
    struct Slot {
        const std::string* key = nullptr;  // null: free
        std::uint32_t cell = 0;
        std::uint32_t holders = 0;
        Millis released = 0;
        std::uint64_t born = 0;  // rises from one series to the next
    };
    struct GroupState {
        Group group;
        std::vector<std::uint32_t> offsets;  // of the families in a series
        std::vector<Slot> slots;
        std::vector<std::uint32_t> free;
        std::size_t unheld = 0;                                // known, and held by nobody
        std::unordered_map<std::string, std::uint32_t> known;  // by key_of()
    };

    static std::string key_of(std::span<const std::string_view> values);
    static void split(std::string_view key, std::vector<std::string_view>& values);
    std::string fault_in(const Group& group) const;
    Held hold_locked(GroupId id, std::span<const std::string_view> values);
    std::optional<std::uint32_t> make_slot(GroupState& group);
    void drop(GroupState& group, std::uint32_t slot);
    void sweep_locked(GroupState& group, Millis before);
    void count_loss(const GroupState& group);
    std::uint64_t read_locked(std::uint32_t cell) const;
    void give_back(std::shared_ptr<Cells> cells);

    static constinit thread_local Cells* here_;

    Cells shared_;
    mutable std::mutex mutex_;  // what follows
    std::deque<GroupState> groups_;
    std::vector<std::shared_ptr<Cells>> leased_;
    std::vector<std::shared_ptr<Cells>> free_;
    std::uint64_t born_ = 0;         // the last series
    std::size_t used_ = kMostCells;  // cells; the first ones are nobody's: empty Series are counted there

    std::mutex collector_mutex_;
    std::list<std::pair<std::uint64_t, std::function<void()>>> collectors_;
    std::uint64_t next_collector_ = 1;
};

}  // namespace gantry::metrics
