// gantry.tls/1 of a fake host, and hellos as a test makes them. Nothing is encrypted here: what looks like PEM is a
// certificate, for every name.
#pragma once

#include "gantry/fake/hook_tables.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace gantry::fake {

struct Greeting {
    std::string server_name = "www.example.com";
    std::vector<std::string> protocols = {"http/1.1"};
    std::string listener = "web";
    std::string client = "192.0.2.1:50000";
    std::string local = "198.51.100.1:443";
};

// How a hello was answered.
struct Greeted {
    bool is_refused = false;
    int alert = 0;         // where it is
    std::string chain;     // "": the certificate of the host
    std::string protocol;  // "": as the listener chooses
};

namespace detail {

struct HelloState {
    State* host;
    std::string listener;
    std::string server_name;
    std::vector<std::string> protocols;
    gantry_address_t client;
    gantry_address_t local;
    Greeted answer = {};
    bool is_running = false;
    bool is_answered = false;

    gantry_hello_t* raw() { return reinterpret_cast<gantry_hello_t*>(this); }
};

struct TlsTable {
    static void say(gantry_certificate_report_t* report, std::string_view text) {
        if (report == nullptr) return;
        text = text.substr(0, sizeof(report->reason));
        std::memcpy(report->reason, text.data(), text.size());
        report->reason_size = static_cast<std::uint32_t>(text.size());
    }
    static bool is_sound(State& state, gantry_certificate_report_t* report, const char* function) {
        if (report == nullptr) return true;
        if (report->size < sizeof(gantry_certificate_report_t)) {
            state.violation(std::string{function} + ": a report has its size");
            return false;
        }
        report->reason_size = 0;
        report->not_before = report->not_after = 0;
        return true;
    }

    static gantry_result_t make(const gantry_host_t* host, const gantry_certificate_pem_t* pem,
                                gantry_certificate_t* certificate,
                                gantry_certificate_report_t* report) noexcept {
        State& state = State::of(host);
        *certificate = 0;
        if (!is_sound(state, report, "make()")) return GANTRY_ERROR_ARGUMENT;
        if (pem->size < sizeof(gantry_certificate_pem_t)) {
            state.violation("make(): a certificate has its size");
            return GANTRY_ERROR_ARGUMENT;
        }
        const std::lock_guard lock{state.mutex};
        const std::string_view key = pem->key.size == 0 ? view(pem->chain) : view(pem->key);
        std::string problem;
        if (view(pem->chain).find("-----BEGIN CERTIFICATE-----") == std::string_view::npos)
            problem = "holds no certificate in PEM form";
        if (problem.empty() && key.find("PRIVATE KEY-----") == std::string_view::npos)
            problem = "holds no private key in PEM form";
        if (problem.empty()) problem = state.certificate_problem;
        say(report, problem);
        if (!problem.empty()) return GANTRY_ERROR_ARGUMENT;
        if (report != nullptr) {
            report->not_before = 1;
            report->not_after = state.certificate_end;
        }
        *certificate = ++state.last_certificate;
        state.certificates[*certificate] = view(pem->chain);
        return GANTRY_OK;
    }

    static gantry_result_t release(const gantry_host_t* host, gantry_certificate_t certificate) noexcept {
        State& state = State::of(host);
        const std::lock_guard lock{state.mutex};
        return state.certificates.erase(certificate) > 0 ? GANTRY_OK : GANTRY_ERROR_STALE;
    }

    static gantry_result_t offer(const gantry_host_t* host, const gantry_bytes_t* names,
                                 std::uint32_t name_count, const gantry_certificate_t* certificates,
                                 std::uint32_t count, gantry_certificate_report_t* report) noexcept {
        State& state = State::of(host);
        if (name_count == 0 || count > GANTRY_OFFER_MOST || !is_sound(state, report, "offer()"))
            return GANTRY_ERROR_ARGUMENT;
        const std::lock_guard lock{state.mutex};
        std::vector<std::string> chains;
        for (std::uint32_t index = 0; index < count; ++index) {
            const auto found = state.certificates.find(certificates[index]);
            if (found == state.certificates.end()) return GANTRY_ERROR_STALE;
            chains.push_back(found->second);
        }
        for (std::uint32_t index = 0; index < name_count; ++index) {
            if (state.asked_for.find(view(names[index])) != state.asked_for.end()) continue;
            say(report, "no host asks for it");
            return GANTRY_ERROR_STALE;
        }
        for (std::uint32_t index = 0; index < name_count; ++index)
            state.offered[std::string{view(names[index])}] = chains;
        return GANTRY_OK;
    }

    // ---- hellos

    static gantry_result_t add_hello(gantry_scope_t* raw, const gantry_hello_hook_t* hook) noexcept {
        auto* scope = reinterpret_cast<ScopeState*>(raw);
        if (scope->kind == GANTRY_IN_SERVER) {
            if (!scope->host->is_in_step(Step::Preparing, "add_hello()", "prepare()"))
                return GANTRY_ERROR_STATE;
        } else if (PhaseTable::writable(raw, "add_hello()") == nullptr) {
            return GANTRY_ERROR_STATE;
        } else if (scope->kind != GANTRY_IN_LISTENER) {
            scope->host->violation("add_hello(): hooks of hellos are of listeners, or of all");
            return GANTRY_ERROR_STATE;
        }
        if (hook->size < sizeof(gantry_hello_hook_t) || hook->run == nullptr || hook->name == nullptr) {
            scope->host->violation("add_hello(): a hook has its size, a name and a function");
            return GANTRY_ERROR_ARGUMENT;
        }
        scope->hello_hooks.push_back({hook->name, PhaseTable::text_or_nothing(hook->before),
                                      PhaseTable::text_or_nothing(hook->after), "", *hook});
        return GANTRY_OK;
    }

    static HelloState* usable(const gantry_hello_t* raw, const char* function) {
        auto* hello = reinterpret_cast<HelloState*>(const_cast<gantry_hello_t*>(raw));
        if (hello->is_running) return hello;
        hello->host->violation(std::string{function} + ": not in the hook of that hello");
        return nullptr;
    }
    static gantry_bytes_t listener(const gantry_hello_t* raw) noexcept {
        const HelloState* hello = usable(raw, "listener()");
        return hello == nullptr ? gantry_bytes_t{} : bytes(hello->listener);
    }
    static gantry_bytes_t server_name(const gantry_hello_t* raw) noexcept {
        const HelloState* hello = usable(raw, "server_name()");
        return hello == nullptr ? gantry_bytes_t{} : bytes(hello->server_name);
    }
    static gantry_bytes_t protocol(const gantry_hello_t* raw, std::uint32_t index) noexcept {
        const HelloState* hello = usable(raw, "protocol()");
        if (hello == nullptr || index >= hello->protocols.size()) return {};
        return bytes(hello->protocols[index]);
    }
    static void client(const gantry_hello_t* raw, gantry_address_t* to) noexcept {
        const HelloState* hello = usable(raw, "client()");
        *to = hello == nullptr ? gantry_address_t{} : hello->client;
    }
    static void local(const gantry_hello_t* raw, gantry_address_t* to) noexcept {
        const HelloState* hello = usable(raw, "local()");
        *to = hello == nullptr ? gantry_address_t{} : hello->local;
    }
    static gantry_result_t use(gantry_hello_t* raw, gantry_certificate_t certificate,
                               gantry_bytes_t protocol) noexcept {
        HelloState* hello = usable(raw, "use()");
        if (hello == nullptr) return GANTRY_ERROR_STATE;
        const auto& known = hello->protocols;
        if (protocol.size > 0 && std::find(known.begin(), known.end(), view(protocol)) == known.end())
            return GANTRY_ERROR_ARGUMENT;
        const std::lock_guard lock{hello->host->mutex};
        const auto found = hello->host->certificates.find(certificate);
        if (certificate != 0 && found == hello->host->certificates.end()) return GANTRY_ERROR_STALE;
        hello->answer.chain = certificate == 0 ? std::string{} : found->second;
        hello->answer.protocol = view(protocol);
        hello->is_answered = true;
        return GANTRY_OK;
    }
    static void refuse(gantry_hello_t* raw, std::uint8_t alert) noexcept {
        if (HelloState* hello = usable(raw, "refuse()")) hello->answer.alert = alert;
    }

    // Asks the hooks of all listeners and those of its own.
    static Greeted run(HelloState& hello, const Generation& generation) {
        std::vector<HelloHookState*> hooks;
        for (const auto& scope : generation.scopes) {
            const bool is_it = scope->kind == GANTRY_IN_SERVER ||
                               (scope->kind == GANTRY_IN_LISTENER && scope->name == hello.listener);
            for (HelloHookState& hook : scope->hello_hooks) {
                if (is_it) hooks.push_back(&hook);
            }
        }
        HookOrder::sort(hooks);
        for (HelloHookState* hook : hooks) {
            hello.answer = {.is_refused = false, .alert = 49, .chain = {}, .protocol = {}};
            hello.is_answered = false;
            hello.is_running = true;
            const gantry_verdict_t verdict = hook->hook.run(hello.raw(), hook->hook.self);
            hello.is_running = false;
            if (verdict == GANTRY_NEXT) continue;
            if (verdict == GANTRY_DONE && hello.is_answered) {
                hello.answer.alert = 0;
                return hello.answer;
            }
            if (verdict != GANTRY_FAIL) hello.host->violation(hook->name + " answered a hello without use()");
            return {.is_refused = true, .alert = hello.answer.alert, .chain = {}, .protocol = {}};
        }
        return {};
    }

    static constexpr gantry_tls_1_t kTable{
        sizeof(gantry_tls_1_t), &make,     &release, &offer, &add_hello, &listener,
        &server_name,           &protocol, &client,  &local, &use,       &refuse};
};

}  // namespace detail
}  // namespace gantry::fake
