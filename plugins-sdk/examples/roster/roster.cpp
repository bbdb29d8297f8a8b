// Peers of an upstream from a file that may change at any time, a line for each: "127.0.0.1:3000", or "127.0.0.1:3000 2"
// with its weight. And requests of one session stay with one peer, as long as it is there.
#include "gantry/module.hpp"
#include "gantry/peers.hpp"
#include "gantry/ticker.hpp"

#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

class Roster {
public:
    static constexpr gantry::Key keys[] = {
        gantry::Key::path("roster")
            .in(gantry::kInUpstream)
            .example("\"/etc/app.peers\"")
            .doc("The file with the peers of this upstream. It is looked at every second."),
    };

    static std::unique_ptr<Roster> create(gantry::Scope& upstream) {
        return std::make_unique<Roster>(upstream.host(), upstream.find("roster").text());
    }
    Roster(const gantry::Host& host, std::string_view file) : host_(host), file_(file) {}

    // The generation serves.
    void discover(gantry::Peers peers) {
        peers_ = peers;
        look();
        ticker_.start<&Roster::look>(host_, std::chrono::seconds{1}, *this);
    }

    // The highest of as many draws as there are peers wins, so one that comes or goes moves its own sessions alone.
    std::optional<std::size_t> pick(gantry::Exchange& exchange, gantry::Candidates candidates) const {
        const auto session = exchange.fields().find("X-Session");
        if (!session) return std::nullopt;
        std::optional<std::size_t> best;
        std::size_t highest = 0;
        for (std::size_t i = 0; i < candidates.size(); ++i) {
            const gantry::Candidate one = candidates[i];
            if (one.weight == 0 || one.is_resting || one.was_tried) continue;
            const std::size_t draw = draw_of(*session, one.address);
            if (best && draw <= highest) continue;
            best = i;
            highest = draw;
        }
        return best;
    }

private:
    // FNV-1a
    static std::size_t draw_of(std::string_view session, std::string_view address) noexcept {
        std::uint64_t hash = 0xcbf29ce484222325;
        for (const std::string_view part : {session, address}) {
            for (const char byte : part) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
        }
        return static_cast<std::size_t>(hash ^ hash >> 29);
    }

    void look() noexcept {
        try {
            std::ifstream file{file_};
            std::vector<gantry::Peer> now;
            for (std::string line; std::getline(file, line);) {
                gantry::Peer peer;
                std::istringstream words{line};
                if (words >> peer.address) now.push_back(peer);
                if (std::uint32_t weight = 0; words >> weight) now.back().weight = weight;
            }
            // A file that is being written is empty for a moment; what was found before holds.
            if (now.empty() || now == last_) return;
            if (peers_.set(now) == GANTRY_OK) last_ = now;
        } catch (const std::exception& error) {
            host_.print(gantry::LogLevel::Error, "the roster was not read: %s", error.what());
        }
    }

    const gantry::Host& host_;
    std::string file_;
    gantry::Peers peers_;
    std::vector<gantry::Peer> last_;
    gantry::Ticker ticker_;
};

}  // namespace

GANTRY_MODULE("roster", "1.0.0", "Peers of an upstream from a file.", gantry::Discovery<Roster>,
              gantry::PeerPicker<Roster>);
