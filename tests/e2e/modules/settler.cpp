// Peers that a request names: GET /peers/127.0.0.1:3000,127.0.0.1:3001=0 sets them, from a worker; X-Peer
// chooses one.
#include "gantry/module.hpp"
#include "gantry/peers.hpp"

#include <charconv>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

std::mutex mutex;
gantry::Peers latest;  // of the generation that serves
gantry::Peers before;  // of the one that served before it

std::vector<gantry::Peer> parse(std::string_view list) {
    std::vector<gantry::Peer> out;
    while (!list.empty()) {
        std::string_view word = list.substr(0, list.find(','));
        list.remove_prefix(std::min(list.size(), word.size() + 1));
        const std::size_t mark = word.find('=');
        gantry::Peer peer{std::string{word.substr(0, mark)}};
        if (mark != word.npos)
            std::from_chars(word.data() + mark + 1, word.data() + word.size(), peer.weight);
        out.push_back(peer);
    }
    return out;
}

class Settler {
public:
    static constexpr gantry::Key keys[] = {
        gantry::Key::text("settler")
            .in(gantry::kInUpstream)
            .example("\"\"")
            .doc("The first peers; empty: none."),
    };
    static std::unique_ptr<Settler> create(gantry::Scope& upstream) {
        auto out = std::make_unique<Settler>();
        out->first_ = upstream.find("settler").text();
        return out;
    }
    void discover(gantry::Peers peers) {
        const std::lock_guard lock{mutex};
        before = latest;
        latest = peers;
        if (!first_.empty()) peers.set(parse(first_));
    }
    std::optional<std::size_t> pick(gantry::Exchange& exchange, gantry::Candidates candidates) const {
        const auto wanted = exchange.fields().find("X-Peer");
        if (!wanted) return std::nullopt;
        if (*wanted == "throw") throw 1;
        if (*wanted == "wild") return 99;
        for (std::size_t i = 0; i < candidates.size(); ++i) {
            if (candidates[i].address == *wanted) return i;
        }
        return std::nullopt;
    }

private:
    std::string first_;
};

struct Setter {
    static constexpr gantry::Key keys[] = {
        gantry::Key::boolean("peer_setter")
            .handler()
            .in(gantry::kInLocation)
            .example("true")
            .doc("Sets peers."),
    };
    static std::unique_ptr<Setter> create(gantry::Scope& scope) {
        return scope.find("peer_setter").boolean() ? std::make_unique<Setter>() : nullptr;
    }
    gantry::Verdict handle(gantry::Exchange& exchange) const {
        std::string_view list = exchange.path();
        const bool is_old = list.starts_with("/old/");
        list.remove_prefix(is_old ? 5 : 7);  // "/peers/"
        const std::lock_guard lock{mutex};
        const gantry::Result result = (is_old ? before : latest).set(parse(list));
        exchange.response().body(std::to_string(result));
        return gantry::Verdict::Done;
    }
};

}  // namespace

GANTRY_MODULE("settler", "1.0.0", "Peers that requests name.", gantry::Discovery<Settler>,
              gantry::PeerPicker<Settler>, gantry::Handler<Setter>);
