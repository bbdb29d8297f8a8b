// Something to be done, by whoever has it.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace gantry {

// Like std::function<void()>, but moved and never copied, and without memory of its own for what fits into
// kInline bytes: enough for a ticket and what it is about.
class Task {
public:
    static constexpr std::size_t kInline = 48;

    Task() = default;
    template <class Run>
        requires(!std::is_same_v<std::decay_t<Run>, Task> && std::is_invocable_v<std::decay_t<Run>&>)
    Task(Run&& run) {  // implicit, as std::function is
        using Kept = std::decay_t<Run>;
        if constexpr (sizeof(Kept) <= kInline && alignof(Kept) <= alignof(std::max_align_t) &&
                      std::is_nothrow_move_constructible_v<Kept>) {
            ::new (static_cast<void*>(place_)) Kept(std::forward<Run>(run));
            doings_ = &kDoings<Kept>;
        } else {
            auto beside = [kept = std::make_unique<Kept>(std::forward<Run>(run))] { (*kept)(); };
            ::new (static_cast<void*>(place_)) decltype(beside)(std::move(beside));
            doings_ = &kDoings<decltype(beside)>;
        }
    }
    Task(Task&& other) noexcept { take(other); }
    Task& operator=(Task&& other) noexcept {
        if (this != &other) {
            drop();
            take(other);
        }
        return *this;
    }
    ~Task() { drop(); }

    // Not for an empty one.
    void operator()() { doings_->run(place_); }

private:
    struct Doings {
        void (*run)(void* kept);
        void (*move)(void* from, void* to) noexcept;  // and destroys that at `from`
        void (*destroy)(void* kept) noexcept;
    };
    template <class Kept>
    static constexpr Doings kDoings = {
        [](void* kept) { (*static_cast<Kept*>(kept))(); },
        [](void* from, void* to) noexcept {
            ::new (to) Kept(std::move(*static_cast<Kept*>(from)));
            static_cast<Kept*>(from)->~Kept();
        },
        [](void* kept) noexcept { static_cast<Kept*>(kept)->~Kept(); },
    };

    void take(Task& other) noexcept {
        doings_ = std::exchange(other.doings_, nullptr);
        if (doings_ != nullptr) doings_->move(other.place_, place_);
    }
    void drop() noexcept {
        if (doings_ != nullptr) doings_->destroy(place_);
    }

    const Doings* doings_ = nullptr;
    alignas(std::max_align_t) std::byte place_[kInline];
};

}  // namespace gantry
