// What a fake host keeps: its configuration, its generations, its exchanges. Tests do not touch these; they use
// gantry/fake_host.hpp.
#pragma once

#include "gantry/fake/check.hpp"
#include "gantry/fake/conversion.hpp"
#include "gantry/fake/values.hpp"
#include "gantry/gantry.h"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace gantry::fake {

struct Field {
    std::string name;
    std::string value;
};

// A request as a test builds it.
struct Request {
    std::string method = "GET";
    std::string target = "/";  // "/a?b=c"
    std::vector<Field> fields = {};
    std::vector<std::string> body = {};  // in these pieces
    std::string host = "www.example.com";
    std::string client = "192.0.2.1";
    std::string scheme = "http";
    std::string protocol = "HTTP/1.1";
    std::map<std::string, std::string> variables = {};  // beside the few that the fake knows itself
};

// What another server answers to a request of the module.
struct Reply {
    int status = 200;
    std::vector<Field> fields = {};
    std::vector<std::string> body = {};  // in these pieces, where it is streamed
    gantry_fetch_end_t end = GANTRY_FETCHED;
    std::string reason = {};
    bool hangs = false;  // for ever, until the module gives up
};

// A request that the module sent.
struct Asked {
    std::string method;
    std::string url;  // of the target, with the path: "http://app/check?a=b"
    std::vector<Field> fields;
    std::string body;  // as far as it came

    std::string field(std::string_view name) const {  // by its exact name; "": there is none
        for (const Field& one : fields) {
            if (one.name == name) return one.value;
        }
        return {};
    }
};

// An event that was published.
struct PublishedEvent {
    std::uint64_t id;
    std::uint64_t time;
    std::string type;
    std::string subject;
    std::string source;
    std::string data;
};

// Why a load failed, or a warning of it.
struct Diagnostic {
    std::string scope;
    std::string message;
    std::string hint;
};

// A peer that the module has found.
struct FoundPeer {
    std::string address;
    std::uint32_t weight;

    bool operator==(const FoundPeer&) const = default;
};

struct LogLine {
    gantry_level_t level;
    std::string text;
};

namespace detail {

inline gantry_bytes_t bytes(std::string_view text) {
    return {text.data(), text.size()};
}
inline std::string_view view(gantry_bytes_t bytes) {
    return bytes.size == 0 ? std::string_view{} : std::string_view{bytes.data, bytes.size};
}

struct State;
struct ExchangeState;

struct Hook {
    std::string phase;
    std::string name;
    std::string before;
    std::string after;
    gantry_verdict_t (*run)(gantry_exchange_t*, void*) GANTRY_NOEXCEPT = nullptr;
    void (*run_filter)(gantry_exchange_t*, void*) GANTRY_NOEXCEPT = nullptr;  // of a header filter
    void* self = nullptr;
};

struct ConnHook {
    std::string name;
    std::string before;
    std::string after;
    std::string phase;  // of connections there is one
    gantry_conn_filter_t filter;
};

struct HelloHookState {
    std::string name;
    std::string before;
    std::string after;
    std::string phase;  // of hellos there is one
    gantry_hello_hook_t hook;
};

struct ScopeState {
    State* host;
    std::uint32_t kind;
    std::string name;
    ScopeState* parent;
    std::vector<Entry> entries;
    std::map<std::string, std::unique_ptr<Value>, std::less<>> values = {};  // of this scope itself
    std::vector<Hook> hooks = {};
    std::vector<ConnHook> conn_filters = {};  // of a listener
    std::vector<HelloHookState> hello_hooks = {};
    std::vector<std::string> certificate_names = {};  // of a host that names the module as its source
    gantry_picker_t picker = {};                      // of an upstream
};

struct SubscriptionState {
    std::string name;
    std::string types;
    gantry_subscription_t raw;
};
struct EventDelivery {
    std::uint64_t event;
    std::string subscription;
    std::uint32_t attempt;
};

// Of the control API.
struct Route {
    std::string method;
    std::string path;
    std::uint64_t deadline;
    void (*run)(void*, const gantry_call_t*) GANTRY_NOEXCEPT;
    void* self;
};

struct Generation;
struct FinderState {
    State* host;
    Generation* generation;
    std::string upstream;
};

struct WatcherState {
    State* host;
    Generation* generation;
    bool is_over = false;
};
// A descriptor that the module watches.
struct WatchState {
    Generation* generation = nullptr;
    int fd = -1;
    gantry_fd_events_t events = {};
    short wanted = 0;  // of poll()
};

struct Generation {
    State* host;
    void* instance = nullptr;
    std::vector<std::unique_ptr<ScopeState>> scopes = {};
    std::map<std::string, std::unique_ptr<Value>, std::less<>> standards = {};
    std::vector<SubscriptionState> subscriptions = {};
    std::deque<Route> routes = {};
    std::deque<FinderState> finders = {};
    std::unique_ptr<WatcherState> watcher = {};
    int exchanges = 0;  // and calls of its routes
    bool is_retired = false;

    ~Generation();
};

// The strings that a module was given views of are never moved; a changed one is freed, so that AddressSanitizer
// sees who kept it.
using FieldList = std::vector<std::unique_ptr<Field>>;

struct Sink {
    ExchangeState* exchange;
    std::size_t next;  // the filter that its bytes go to
    bool is_open;
};

struct Passage {
    gantry_body_filter_t filter;
    void* state;
};

struct Sleep {
    bool is_asleep = false;
    std::uint64_t serial = 0;
    void* state = nullptr;
    void (*drop)(void*) GANTRY_NOEXCEPT = nullptr;
};

struct ExchangeState {
    State* host;
    Generation* generation;
    ScopeState* location;
    std::uint64_t number;
    Request request;
    std::string path = {};
    std::string query = {};
    FieldList request_fields = {};
    FieldList response_fields = {};
    std::deque<std::string> kept = {};  // what views were given of
    std::vector<Hook*> hooks = {};
    std::vector<Hook*> header_filters = {};
    std::vector<Hook*> loggers = {};
    std::size_t at_hook = 0;
    Sleep sleep = {};
    gantry_verdict_t early_verdict = -1;  // resumed before its hook returned
    std::vector<Passage> passages = {};
    gantry_body_reader_t reader = {};
    std::size_t pieces_read = 0;  // of the request
    void* watch_state = nullptr;
    void (*on_drained)(gantry_exchange_t*, void*) GANTRY_NOEXCEPT = nullptr;
    void (*on_end)(void*) GANTRY_NOEXCEPT = nullptr;
    std::vector<std::unique_ptr<char[]>> memory = {};
    std::map<const void*, void*> notes = {};

    int status = 200;
    std::uint64_t announced = UINT64_MAX;
    std::uint64_t sent = 0;
    std::string body = {};    // as the client got it
    std::string reason = {};  // of fail()
    std::string preface = {};
    int depth = 0;  // functions of the module that are at work on it
    bool is_in_hook = false;
    bool is_in_header_filter = false;
    bool is_in_body_filter = false;
    bool is_reading = false;
    bool is_reading_paused = false;
    bool is_read = false;
    bool is_head_sent = false;
    bool is_finished = false;
    bool is_cut = false;
    bool is_congested = false;
    bool is_watched = false;
    bool has_left = false;
    bool is_over = false;

    gantry_exchange_t* raw() { return reinterpret_cast<gantry_exchange_t*>(this); }
    static ExchangeState& of(const gantry_exchange_t* raw) {
        return *reinterpret_cast<ExchangeState*>(const_cast<gantry_exchange_t*>(raw));
    }
};

struct Timer {
    std::uint64_t due;
    std::uint64_t id;
    std::uint64_t interval;  // 0: once
    gantry_ticket_t ticket;  // where it is for an exchange
    std::function<void()> run;
    bool is_of_host = false;  // neither the module's nor for an exchange
};

// What answers where no hook of the module does, as static or proxy would.
struct Origin {
    int status = 0;  // 0: there is none
    std::vector<Field> fields = {};
    std::vector<std::string> pieces = {};
    bool has_size = true;  // it says beforehand how long the body will be
};

struct MetricState {
    std::string name;
    std::string unit;
    std::string help;
    std::uint32_t type = GANTRY_COUNTER;
    std::uint64_t per_unit = 1;
    std::uint64_t most = 1000;
    std::vector<std::string> labels = {};
    std::vector<std::uint64_t> bounds = {};
    bool is_foreign = false;  // not of the module: its name is whole
};

struct SeriesState {
    std::size_t metric;
    std::vector<std::string> values;
    int holders = 0;
    std::int64_t value = 0;  // of a histogram: how many values it saw
    std::vector<std::uint64_t> buckets = {};
    std::uint64_t sum = 0;
};

// What the store keeps.
struct StoredValue {
    std::string bytes;
    std::uint64_t version;
    std::uint64_t ends;  // 0: never
};
struct StoredCount {
    std::uint64_t window = 0;
    std::uint64_t start = 0;
    std::int64_t count = 0;
    std::int64_t previous = 0;
};
struct StoredEntry {
    std::string bytes = {};
    std::uint64_t time = 0;
};
struct StoredGroup {
    struct Pending {
        std::uint64_t due = 0;
        std::uint32_t attempts = 0;
    };
    std::uint64_t last = 0;
    std::map<std::uint64_t, Pending> pending = {};
    std::map<std::uint64_t, std::pair<StoredEntry, std::uint32_t>> dead = {};
};
struct StoredStream {
    std::map<std::uint64_t, StoredEntry> entries = {};
    std::map<std::string, StoredGroup, std::less<>> groups = {};
};

// A request of the module under way.
struct TargetState {
    std::string origin;
    std::string path;
};
struct FetchState {
    gantry_client_events_t events = {};
    Reply reply = {};
    std::size_t asked = 0;  // which one
    std::size_t next = 0;   // piece of the answer
    std::uint64_t largest = 0;
    bool is_streamed = false;
    bool is_connected = false;
    bool is_finished = false;
    bool is_paused = false;
    bool has_head = false;
};

// A call of a route.
struct CallState {
    unsigned status = 0;  // 0: not answered
    std::string body = {};
    Generation* generation = nullptr;  // until then
    std::uint64_t due = 0;
};

enum class Step { Idle, Opening, Preparing, Configuring, Retiring };

struct State {
    gantry_host_t raw = {};
    const gantry_module_entry_t* entry = nullptr;
    void* module = nullptr;
    const gantry_instance_1_t* instance_table = nullptr;
    const gantry_certificate_source_1_t* source_table = nullptr;
    const gantry_key_t* keys = nullptr;
    std::uint32_t key_count = 0;
    Step step = Step::Idle;
    std::thread::id thread = std::this_thread::get_id();  // [main] and [worker] at once

    std::vector<ScopeState> given = {};  // [server] first; parents come before
    std::vector<std::size_t> parents = {};
    std::vector<std::unique_ptr<Generation>> generations = {};
    Generation* serving = nullptr;
    ScopeState* configured = nullptr;  // what configure() is at
    std::vector<Diagnostic> errors = {};
    std::vector<Diagnostic> warnings = {};

    std::vector<std::unique_ptr<ExchangeState>> exchanges = {};
    std::uint64_t last_serial = 0;
    std::uint64_t last_timer = 0;
    std::uint64_t now = 1'000'000'000;
    std::vector<Timer> timers = {};
    std::size_t blocking_limit = 16;
    Origin origin = {};
    std::deque<TargetState> targets = {};
    std::map<std::pair<std::string, std::string>, Reply> replies = {};  // by method and URL
    std::vector<Asked> asked = {};
    std::map<std::uint64_t, FetchState> fetches = {};
    std::uint64_t last_fetch = 0;
    bool is_network_full = false;
    std::map<std::uint64_t, EventDelivery> deliveries = {};  // that wait for settle()
    std::vector<PublishedEvent> dead_events = {};
    std::deque<CallState> calls = {};
    std::map<std::uint64_t, WatchState> watches = {};
    std::map<std::uint64_t, Generation*> alarms = {};  // those of `timers` that are the module's
    std::uint64_t last_watch = 0;

    std::mutex mutex = {};  // of what follows: from any thread
    std::deque<std::function<void()>> posted = {};
    std::deque<std::function<void()>> blocking = {};
    std::map<std::string, StoredValue, std::less<>> values = {};
    std::map<std::string, StoredCount, std::less<>> counts = {};
    std::map<std::string, StoredStream, std::less<>> streams = {};
    std::map<gantry_certificate_t, std::string> certificates = {};  // chains, by number
    gantry_certificate_t last_certificate = 0;
    std::map<std::string, std::vector<std::string>, std::less<>> offered = {};  // chains, by name
    std::set<std::string, std::less<>> asked_for = {};                          // names
    std::string certificate_problem = {};
    std::int64_t certificate_end = 4'000'000'000;
    std::uint64_t last_version = 0;
    std::uint64_t last_entry = 0;
    std::deque<PublishedEvent> events = {};
    std::map<std::string, std::vector<FoundPeer>, std::less<>> peers = {};  // by upstream
    bool is_store_broken = false;
    std::vector<LogLine> log = {};
    std::deque<MetricState> metrics = {};
    std::deque<SeriesState> series = {};
    std::vector<std::string> violations = {};
    bool expects_violations = false;

    static State& of(const gantry_host_t* raw) { return *static_cast<State*>(raw->data); }

    // A contract of the headers was broken. Fails the test, unless the test is about just that.
    void violation(const std::string& text) {
        const std::lock_guard lock{mutex};
        violations.push_back(text);
        if (!expects_violations) report_failure("gantry/fake_host.hpp", 0, "contract broken: " + text);
    }

    bool is_right_thread(const char* function) {
        if (std::this_thread::get_id() == thread) return true;
        violation(std::string{function} + " was called on a thread of its own");
        return false;
    }

    bool is_in_step(Step wanted, const char* function, const char* where) {
        if (!is_right_thread(function)) return false;
        if (step == wanted || (wanted == Step::Preparing && step == Step::Configuring)) return true;
        violation(std::string{function} + " is for " + where);
        return false;
    }

    // The exchange that sleeps by this ticket; nullptr: stale.
    ExchangeState* asleep(gantry_ticket_t ticket) {
        if (ticket.place == 0 || ticket.place > exchanges.size()) return nullptr;
        ExchangeState* exchange = exchanges[ticket.place - 1].get();
        return exchange->sleep.is_asleep && exchange->sleep.serial == ticket.serial ? exchange : nullptr;
    }
};

void end_watches(Generation& generation);

inline Generation::~Generation() {
    end_watches(*this);
    if (instance == nullptr || is_retired) return;
    is_retired = true;
    host->step = Step::Retiring;
    host->instance_table->retire(instance);
    host->step = Step::Idle;
}

}  // namespace detail
}  // namespace gantry::fake
