// Single flight: of many that want to know the same at the same time one finds out, and the others wait for
// it.
#pragma once

#include "fingerprint.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace auth {

// A Waiter is a value with wake(), which may be called on any thread, too late and twice. [any]
template <class Answer, class Waiter>
class Flights {
    struct Flight {
        std::mutex mutex;
        bool is_over = false;
        std::optional<Answer> answer;
        std::vector<Waiter> waiters;
    };
    struct Board {
        std::mutex mutex;
        std::unordered_map<Fingerprint, std::shared_ptr<Flight>, FingerprintHash> flights;
    };

public:
    // A place in a flight. Who leads lands it; where that place is given up before, the others get no answer,
    // and one of them may begin anew.
    class Seat {
    public:
        Seat(Seat&& other) noexcept
            : board_(std::move(other.board_)),
              key_(other.key_),
              flight_(std::move(other.flight_)),
              leads_(std::exchange(other.leads_, false)) {}
        Seat& operator=(Seat&&) = delete;
        ~Seat() {
            if (leads_) land(std::nullopt);
        }

        bool leads() const { return leads_; }

        // Once, by who leads.
        void land(std::optional<Answer> answer) {
            leads_ = false;
            {
                const std::scoped_lock lock(board_->mutex);
                board_->flights.erase(key_);
            }
            std::vector<Waiter> waiters;
            {
                const std::scoped_lock lock(flight_->mutex);
                flight_->is_over = true;
                flight_->answer = std::move(answer);
                waiters.swap(flight_->waiters);
            }
            for (const Waiter& waiter : waiters) waiter.wake();
        }

        // It is woken when the flight is over, perhaps at once.
        void wait(const Waiter& waiter) const {
            {
                const std::scoped_lock lock(flight_->mutex);
                if (!flight_->is_over) {
                    flight_->waiters.push_back(waiter);
                    return;
                }
            }
            waiter.wake();
        }

        // Nothing: it is not over, or was given up.
        std::optional<Answer> answer() const {
            const std::scoped_lock lock(flight_->mutex);
            return flight_->answer;
        }

    private:
        friend class Flights;
        Seat(std::shared_ptr<Board> board, const Fingerprint& key, std::shared_ptr<Flight> flight, bool leads)
            : board_(std::move(board)), key_(key), flight_(std::move(flight)), leads_(leads) {}

        std::shared_ptr<Board> board_;
        Fingerprint key_;
        std::shared_ptr<Flight> flight_;
        bool leads_;
    };

    Seat board(const Fingerprint& key) {
        const std::scoped_lock lock(board_->mutex);
        std::shared_ptr<Flight>& flight = board_->flights[key];
        const bool is_new = flight == nullptr;
        if (is_new) flight = std::make_shared<Flight>();
        return Seat(board_, key, flight, is_new);
    }

private:
    std::shared_ptr<Board> board_ = std::make_shared<Board>();
};

}  // namespace auth
