// Unit tests of a module without a server: a host that does what the headers promise, when the test says so.
//
//     #include "gantry/fake_host.hpp"
//
//     static void test_teapot() {
//         gantry::fake::Host host;
//         GANTRY_CHECK(host.load(GANTRY_MODULE_FILE));                       // open()
//         host.location("/tea", {{"teapot", "short and stout"}});
//         GANTRY_CHECK(host.reload());                                       // prepare, configure, commit
//         const auto exchange = host.request("GET", "/tea/pot", {{"Accept", "*/*"}});
//         GANTRY_CHECK_EQUAL(exchange.status(), 418);
//     }
//     int main() {
//         test_teapot();
//         return gantry::fake::result();
//     }
//
// It keeps the module to its contracts as well: the wrong thread, the wrong state, an answer that never comes, a
// ticket used in the wrong place are failures of the test. Under AddressSanitizer, so is memory that is used
// after its exchange, or the field that it was a view of, is gone.
//
// Time and other threads: nothing happens by itself. advance() moves the clock, run() does what is to be done. The
// thread that made the host is [main] and [worker] at once. A Host is not copied; hosts may follow one another.
//
// What it is not: a web server. Routing is the longest location that the path begins with, and of variables it
// knows a few; give others in Request::variables.
#pragma once

#include "gantry/fake/async_tables.hpp"
#include "gantry/fake/client_table.hpp"
#include "gantry/fake/conn_table.hpp"
#include "gantry/fake/control_table.hpp"
#include "gantry/fake/events_table.hpp"
#include "gantry/fake/fd_table.hpp"
#include "gantry/fake/hook_tables.hpp"
#include "gantry/fake/metrics_table.hpp"
#include "gantry/fake/store_table.hpp"
#include "gantry/fake/tls_table.hpp"
#include "gantry/fake/upstream_table.hpp"

#include <chrono>
#include <cstring>
#include <dlfcn.h>
#include <optional>

namespace gantry::fake {

// What a test sees of an exchange. A value; valid as long as the Host.
class Exchange {
public:
    explicit Exchange(detail::ExchangeState& state) : state_(&state) {}

    // The response as the client has it so far.
    int status() const { return state_->is_head_sent ? state_->status : 0; }
    const std::string& body() const { return state_->body; }
    std::optional<std::string> field(std::string_view name) const {
        for (const auto& field : state_->response_fields) {
            if (detail::HttpTable::is_same_name(field->name, name)) return field->value;
        }
        return std::nullopt;
    }
    // The size that the client was told.
    std::optional<std::uint64_t> announced_size() const {
        if (!state_->passages.empty() || state_->announced == UINT64_MAX) return std::nullopt;
        return state_->announced;
    }
    const std::string& path() const { return state_->path; }        // as set_path() left it
    const std::string& reason() const { return state_->reason; }    // of fail()
    const std::string& preface() const { return state_->preface; }  // of set_preface()

    // Pieces of the body of the request that the module was given so far.
    std::size_t pieces_read() const { return state_->pieces_read; }

    bool is_asleep() const { return state_->sleep.is_asleep; }
    bool is_over() const { return state_->is_over; }
    bool is_cut() const { return state_->is_cut; }  // the client can tell that the body is not whole

    // The client goes away.
    void leave() {
        if (state_->is_over) return;
        state_->has_left = true;
        detail::Drive::end(*state_);
    }
    // From now on the client takes nothing, until drain().
    void congest() { state_->is_congested = true; }
    void drain() {
        state_->is_congested = false;
        if (state_->is_over || state_->on_drained == nullptr) return;
        {
            const detail::AtWork work{*state_};
            state_->on_drained(state_->raw(), state_->watch_state);
        }
        detail::Drive::rest(*state_);
    }

private:
    detail::ExchangeState* state_;
};

class Host {
public:
    Host();
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    // All clients leave, all instances are retired, close().
    ~Host();

    // ---- the module

    // open(), of a module that is linked into the test, or of a file. False: it refused, or cannot be loaded.
    bool load(const gantry_module_entry_t& entry);
    bool load(const char* path);

    // ---- the configuration, for the next reload()

    void server(std::initializer_list<Entry> entries) { state_.given[0].entries = entries; }
    // What follows belongs to this host. Without one it is "www.example.com".
    void virtual_host(std::string name, std::initializer_list<Entry> entries) {
        host_ = add(GANTRY_IN_HOST, std::move(name), entries, 0);
    }
    void location(std::string pattern, std::initializer_list<Entry> entries) {
        if (host_ == 0) virtual_host("www.example.com", {});
        add(GANTRY_IN_LOCATION, std::move(pattern), entries, host_);
    }
    void listener(std::string name, std::initializer_list<Entry> entries) {
        add(GANTRY_IN_LISTENER, std::move(name), entries, 0);
    }
    // The host that was added last asks the module for certificates of these: certificate = "MODULE".
    void wants_certificates(std::vector<std::string> names) {
        if (host_ == 0) virtual_host("www.example.com", {});
        state_.given[host_].certificate_names = std::move(names);
    }
    void upstream(std::string name, std::initializer_list<Entry> entries) {
        add(GANTRY_IN_UPSTREAM, std::move(name), entries, 0);
    }
    // Begins the configuration anew.
    void forget_configuration() {
        state_.given.clear();
        state_.parents.clear();
        host_ = 0;
        add(GANTRY_IN_SERVER, "", {}, 0);
    }

    // prepare, configure for each location where a key of the module holds (or has a default, if it may stand in
    // hosts or locations), commit. False: errors() says why, and the instance that served goes on.
    bool reload();

    const std::vector<Diagnostic>& errors() const { return state_.errors; }  // of the last reload()
    const std::vector<Diagnostic>& warnings() const { return state_.warnings; }
    // How many instances are not retired.
    std::size_t instances() const { return state_.generations.size(); }

    // ---- exchanges

    // Up to where it is answered, or sleeps.
    Exchange request(Request request);
    Exchange request(std::string method, std::string target, std::initializer_list<Field> fields = {}) {
        return request(Request{.method = std::move(method), .target = std::move(target), .fields = fields});
    }

    // A connection, up to where all filters of its listener are through with it, or one waits or has refused it.
    Connection connect(Connecting connecting);

    // What a hello of a client is answered with.
    Greeted greet(Greeting greeting);
    // What the module offers for the name: the chains as it gave them.
    std::vector<std::string> offered(std::string_view name) const;
    // From now on certificates cannot be served, for this reason; "": they can. The others end at this time.
    void refuse_certificates(std::string problem) { state_.certificate_problem = std::move(problem); }
    void end_certificates(std::int64_t unix_seconds) { state_.certificate_end = unix_seconds; }

    // What answers from now on where no hook of the module does, as static files would; 404 at first. Between the
    // pieces there is a pause.
    void answer_with(int status, std::initializer_list<Field> fields,
                     std::initializer_list<std::string> pieces) {
        state_.origin = {status, fields, pieces};
    }
    // The same without a word on the size of the body.
    void stream_with(int status, std::initializer_list<Field> fields,
                     std::initializer_list<std::string> pieces) {
        state_.origin = {status, fields, pieces, false};
    }

    // ---- the control API

    // Calls a route of the module, by its path below /v1/modules/NAME/, up to where it has answered or waits. 404: the
    // configuration that serves has none of that method and path.
    Call call(std::string_view method, std::string_view path, const std::vector<Argument>& arguments = {}) {
        return detail::ControlTable::start(state_, method, path, arguments);
    }

    // ---- time and other threads

    void advance(std::chrono::nanoseconds time) {
        detail::TimerTable::advance(state_, static_cast<std::uint64_t>(time.count()));
        detail::ControlTable::expire(state_);
        run_posted();
    }
    // What was posted, what has to wait, and what the module's descriptors are ready for, until there is nothing left to
    // do.
    void run();
    // One kind of it alone: run_blocking(), each on a thread of its own; post() and resume() of other threads.
    void run_blocking() { detail::AsyncTable::run_blocking_work(state_); }
    void run_posted() { detail::AsyncTable::run_posted(state_); }
    // So many may wait to be run; 16 at first.
    void limit_blocking(std::size_t count) { state_.blocking_limit = count; }

    // ---- the store

    // From now on it cannot be reached; or it can again.
    void break_store(bool is_broken = true) { state_.is_store_broken = is_broken; }

    // ---- events

    // Somebody else publishes one; run() delivers it.
    void publish(std::string type, std::string subject = {}, std::string data = {},
                 std::string source = "gantry") {
        if (!detail::EventsTable::is_type(type)) state_.violation("\"" + type + "\" is no type of an event");
        const std::lock_guard lock{state_.mutex};
        detail::EventsTable::add(state_, std::move(type), std::move(subject), std::move(source),
                                 std::move(data));
    }
    // All that were published so far, by the module as well.
    const std::deque<PublishedEvent>& events() const { return state_.events; }
    // Those that the module could not handle, a line for each of its subscriptions.
    const std::vector<PublishedEvent>& dead_events() const { return state_.dead_events; }

    // ---- upstreams

    // The peers that the module has found for it.
    std::vector<FoundPeer> peers(std::string_view upstream) const {
        const auto found = state_.peers.find(upstream);
        return found == state_.peers.end() ? std::vector<FoundPeer>{} : found->second;
    }
    // Which of the candidates the module chooses for a request; nothing: it leaves that to the balancer.
    std::optional<std::size_t> pick(std::string_view upstream, Request request,
                                    const std::vector<gantry_candidate_t>& candidates);

    // ---- other servers

    // What is answered, from now on, when the module asks for a URL: that of its target, with the path of the request,
    // as in "http://app/check?a=b", "upstream:app/". What nobody answers cannot be connected to.
    void answer_to(std::string method, std::string url, Reply reply) {
        state_.replies[{std::move(method), std::move(url)}] = std::move(reply);
    }
    // What the module asked for so far.
    const std::vector<Asked>& asked() const { return state_.asked; }
    // Its requests that are under way.
    std::size_t fetches() const { return state_.fetches.size(); }
    // From now on request() says that too much is under way; or no longer.
    void fill_network(bool is_full = true) { state_.is_network_full = is_full; }

    // ---- descriptors

    // How many the module watches. Their other ends are the test's.
    std::size_t watches() const { return state_.watches.size(); }

    // ---- what else came out

    const std::vector<LogLine>& log() const { return state_.log; }
    bool has_logged(std::string_view part) const {
        return std::any_of(state_.log.begin(), state_.log.end(),
                           [part](const LogLine& line) { return line.text.find(part) != line.text.npos; });
    }
    // What the module counted: the value of the metric "refusals" for these values of its labels, of a histogram how
    // many it saw. Nothing: there is no such series.
    std::optional<std::int64_t> metric(std::string_view name,
                                       const std::vector<std::string>& values = {}) const {
        for (const detail::SeriesState& series : state_.series) {
            if (state_.metrics[series.metric].name == name && series.values == values) return series.value;
        }
        return std::nullopt;
    }
    // A counter of gantry's own, by its whole name, for modules that read what is counted.
    void count(std::string name, std::vector<std::string> labels, std::vector<std::string> values,
               std::int64_t value);
    // For tests of broken modules: from now on broken contracts are kept here, and do not fail the test.
    void expect_violations() { state_.expects_violations = true; }
    const std::vector<std::string>& violations() const { return state_.violations; }

private:
    std::size_t add(std::uint32_t kind, std::string name, std::initializer_list<Entry> entries,
                    std::size_t parent);
    detail::ExchangeState& begin(Request request);
    bool convert(detail::Generation& generation);
    bool configure(detail::Generation& generation);
    bool want(detail::Generation& generation);
    static const void* get_extension(const gantry_host_t* host, const char* id) noexcept;

    detail::State state_;
    std::size_t host_ = 0;
};

}  // namespace gantry::fake

#include "gantry/fake/host.hpp"
