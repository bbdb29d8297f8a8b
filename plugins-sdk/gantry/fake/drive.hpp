// How an exchange of a fake host goes from hook to hook, and how it ends.
#pragma once

#include "gantry/fake/state.hpp"

namespace gantry::fake::detail {

// A function of the module is at work on the exchange; what finished meanwhile ends when the outermost returns.
class AtWork {
public:
    explicit AtWork(ExchangeState& exchange) : exchange_(exchange) { ++exchange.depth; }
    ~AtWork() { --exchange_.depth; }
    AtWork(const AtWork&) = delete;
    AtWork& operator=(const AtWork&) = delete;

private:
    ExchangeState& exchange_;
};

struct Drive {
    // ---- the response on its way

    static gantry_result_t send_head(ExchangeState& exchange, std::uint64_t size) {
        if (exchange.is_head_sent || exchange.is_in_header_filter || exchange.is_in_body_filter) {
            exchange.host->violation(exchange.is_in_header_filter || exchange.is_in_body_filter
                                         ? "a filter sends a response"
                                         : "a response was sent before, and is sent again");
            return GANTRY_ERROR_STATE;
        }
        exchange.announced = size;
        exchange.is_in_header_filter = true;
        for (Hook* filter : exchange.header_filters) {
            const AtWork work{exchange};
            filter->run_filter(exchange.raw(), filter->self);
        }
        exchange.is_in_header_filter = false;
        exchange.is_head_sent = true;
        return GANTRY_OK;
    }

    static bool is_head_sent(const ExchangeState& exchange, const char* function) {
        if (exchange.is_head_sent) return true;
        exchange.host->violation(std::string{function} + " was called before send_head()");
        return false;
    }

    static bool has_body(const ExchangeState& exchange) {
        return exchange.request.method != "HEAD" && exchange.status != 204 && exchange.status != 304;
    }

    static gantry_result_t send_body(ExchangeState& exchange, std::string_view data) {
        if (exchange.is_in_body_filter || exchange.is_in_header_filter) {
            exchange.host->violation("a filter sends to the exchange, not to its sink");
            return GANTRY_ERROR_STATE;
        }
        if (!is_head_sent(exchange, "send_body()") || exchange.is_finished) return GANTRY_ERROR_STATE;
        exchange.sent += data.size();
        if (has_body(exchange)) pass(exchange, 0, data);
        return GANTRY_OK;
    }

    static void pass(ExchangeState& exchange, std::size_t at, std::string_view data) {
        if (data.empty() || exchange.is_cut) return;
        if (at == exchange.passages.size()) {
            exchange.body += data;
            return;
        }
        const Passage& passage = exchange.passages[at];
        in_filter(exchange, at, [&](gantry_sink_t* sink) {
            return passage.filter.on_data(passage.state, bytes(data), sink);
        });
    }

    template <class Call>
    static void in_filter(ExchangeState& exchange, std::size_t at, Call&& call) {
        const bool was_in_filter = exchange.is_in_body_filter;
        Sink sink{&exchange, at + 1, true};
        exchange.is_in_body_filter = true;
        if (!call(reinterpret_cast<gantry_sink_t*>(&sink))) exchange.is_cut = true;
        exchange.is_in_body_filter = was_in_filter;
    }

    // Whoever answers has nothing more for now.
    static void pause(ExchangeState& exchange) {
        for (std::size_t at = 0; at < exchange.passages.size() && !exchange.is_cut; ++at) {
            const Passage& passage = exchange.passages[at];
            if (passage.filter.on_pause == nullptr) continue;
            in_filter(exchange, at,
                      [&](gantry_sink_t* sink) { return passage.filter.on_pause(passage.state, sink); });
        }
    }

    static gantry_result_t finish(ExchangeState& exchange) {
        if (!is_head_sent(exchange, "finish()") || exchange.is_finished || exchange.is_in_body_filter)
            return GANTRY_ERROR_STATE;
        if (has_body(exchange) && exchange.announced != UINT64_MAX && exchange.announced != exchange.sent) {
            exchange.host->violation("the body has another size than was announced");
            exchange.is_cut = true;
        }
        for (std::size_t at = 0; at < exchange.passages.size() && !exchange.is_cut; ++at) {
            const Passage& passage = exchange.passages[at];
            in_filter(exchange, at,
                      [&](gantry_sink_t* sink) { return passage.filter.on_end(passage.state, sink); });
        }
        exchange.is_finished = true;
        return GANTRY_OK;
    }

    static gantry_result_t fail(ExchangeState& exchange, int status, std::string_view reason) {
        if (exchange.is_finished) return GANTRY_ERROR_STATE;
        exchange.reason = reason;
        if (exchange.is_head_sent) {
            exchange.is_cut = true;
            exchange.is_finished = true;
            return GANTRY_OK;
        }
        exchange.status = status;
        exchange.response_fields.clear();
        const std::string page = "error " + std::to_string(status) + "\n";
        send_head(exchange, page.size());
        send_body(exchange, page);
        return finish(exchange);
    }

    // ---- hooks

    // Asks the hooks from where it is on, until one of them answers or sleeps.
    static void run(ExchangeState& exchange) {
        while (exchange.at_hook < exchange.hooks.size()) {
            Hook& hook = *exchange.hooks[exchange.at_hook];
            exchange.is_in_hook = true;
            exchange.early_verdict = -1;
            gantry_verdict_t verdict = GANTRY_FAIL;
            {
                const AtWork work{exchange};
                verdict = hook.run(exchange.raw(), hook.self);
            }
            exchange.is_in_hook = false;
            if (verdict == GANTRY_WAIT) {
                if (exchange.early_verdict < 0) {
                    if (exchange.sleep.is_asleep) return rest(exchange);
                    exchange.host->violation(hook.name + " returned GANTRY_WAIT without suspend()");
                    verdict = GANTRY_FAIL;
                } else {
                    verdict = exchange.early_verdict;
                }
            } else if (exchange.sleep.is_asleep) {
                exchange.host->violation(hook.name + " called suspend(), but did not return GANTRY_WAIT");
                wake(exchange);
            }
            if (!goes_on(exchange, verdict)) return;
        }
        if (!exchange.is_finished) answer(exchange, exchange.host->origin);
        settle(exchange);
    }

    static void answer(ExchangeState& exchange, const Origin& origin) {
        if (origin.status == 0) {
            fail(exchange, 404, "no hook answered");
            return;
        }
        std::size_t size = 0;
        exchange.status = origin.status;
        for (const Field& field : origin.fields) {
            exchange.response_fields.push_back(std::make_unique<Field>(field));
        }
        for (const std::string& piece : origin.pieces) size += piece.size();
        send_head(exchange, origin.has_size ? size : UINT64_MAX);
        for (const std::string& piece : origin.pieces) {
            send_body(exchange, piece);
            if (&piece != &origin.pieces.back()) pause(exchange);
        }
        finish(exchange);
    }

    // Whether the next hook is to be asked.
    static bool goes_on(ExchangeState& exchange, gantry_verdict_t verdict) {
        if (verdict == GANTRY_AGAIN) return true;
        if (verdict == GANTRY_NEXT && !exchange.is_head_sent) {
            ++exchange.at_hook;
            return true;
        }
        const bool is_answered = verdict == GANTRY_DONE || verdict == GANTRY_NEXT;  // whatever it says
        if (!is_answered && !exchange.is_finished) fail(exchange, 500, "a hook failed");
        settle(exchange);
        return false;
    }

    // The body of the request, until its reader pauses. Functions that are at work come first.
    static void deliver(ExchangeState& exchange) {
        const auto is_wanted = [&] {
            return exchange.is_reading && !exchange.is_reading_paused && !exchange.is_read &&
                   !exchange.is_finished;
        };
        if (exchange.depth > 0) return;
        const AtWork work{exchange};
        while (is_wanted()) {
            if (exchange.pieces_read < exchange.request.body.size()) {
                const std::string& piece = exchange.request.body[exchange.pieces_read++];
                exchange.reader.on_data(exchange.raw(), exchange.reader.self, bytes(piece));
            } else {
                exchange.is_read = true;
                exchange.reader.on_end(exchange.raw(), exchange.reader.self);
            }
        }
    }

    // Its hook answered, or promised to: what has to come does, or it is over.
    static void settle(ExchangeState& exchange) {
        deliver(exchange);
        const bool is_still_read = exchange.is_reading && !exchange.is_read;
        if (!exchange.is_finished && !exchange.is_watched && !is_still_read) {
            exchange.host->violation("GANTRY_DONE was returned, but nobody answers");
            fail(exchange, 500, "nobody answered");
        }
        rest(exchange);
    }

    static void wake(ExchangeState& exchange) {
        const Sleep sleep = std::exchange(exchange.sleep, {});
        if (sleep.is_asleep && sleep.drop != nullptr) sleep.drop(sleep.state);
    }

    static void resume(ExchangeState& exchange, gantry_verdict_t verdict) {
        if (verdict == GANTRY_WAIT) {
            exchange.host->violation("resume() with GANTRY_WAIT");
            verdict = GANTRY_FAIL;
        }
        wake(exchange);
        if (exchange.is_in_hook) {
            exchange.early_verdict = verdict;
        } else if (goes_on(exchange, verdict)) {
            run(exchange);
        }
    }

    // ---- the end

    // Behind what a function of the module did: what is due then.
    static void rest(ExchangeState& exchange) {
        if (exchange.depth > 0 || exchange.is_over) return;
        deliver(exchange);
        if (exchange.is_finished) end(exchange);
    }

    // The client got all of it, or left: everything that has to be called once is called now.
    static void end(ExchangeState& exchange) {
        wake(exchange);
        for (Hook* logger : exchange.loggers) {
            const AtWork work{exchange};
            logger->run(exchange.raw(), logger->self);
        }
        exchange.is_over = true;
        if (exchange.on_end != nullptr) exchange.on_end(exchange.watch_state);
        for (const Passage& passage : exchange.passages) {
            if (passage.filter.drop != nullptr) passage.filter.drop(passage.state);
        }
        exchange.memory.clear();
        exchange.kept.clear();
        exchange.request_fields.clear();
        leave(*exchange.generation);
    }

    // The last one to leave an instance that serves no more retires it.
    static void leave(Generation& generation) {
        State& host = *generation.host;
        if (--generation.exchanges > 0 || &generation == host.serving) return;
        std::erase_if(host.generations, [&](const auto& one) { return one.get() == &generation; });
    }
};

}  // namespace gantry::fake::detail
