// gantry.tls/1
#include "core/module/host_tls.hpp"

#include "core/base/log.hpp"
#include "core/module/extensions.hpp"
#include "core/module/scope.hpp"
#include "core/module/sized.hpp"

#include <algorithm>
#include <cstddef>
#include <fmt/format.h>

namespace gantry::module {
namespace {

// ---- certificates

// A report of the module's size: an older one is shorter.
class Report {
public:
    explicit Report(gantry_certificate_report_t* raw) : raw_(raw) {
        if (raw_ == nullptr) return;
        raw_->reason_size = 0;
        raw_->not_before = raw_->not_after = 0;
    }

    void say(std::string_view text) {
        if (raw_ == nullptr) return;
        const std::size_t room = raw_->size - offsetof(gantry_certificate_report_t, reason);
        text = text.substr(0, std::min(room, sizeof raw_->reason));
        while (!text.empty() && (text.back() & 0xc0) == 0x80)
            text.remove_suffix(1);  // no half of a character
        std::copy(text.begin(), text.end(), raw_->reason);
        raw_->reason_size = static_cast<std::uint32_t>(text.size());
    }
    void tell(const net::CertificateData& certificate) {
        if (raw_ == nullptr) return;
        raw_->not_before = certificate.not_before;
        raw_->not_after = certificate.not_after;
    }

    static bool is_sound(const gantry_certificate_report_t* raw) {
        return raw == nullptr || is_enough<gantry_certificate_report_t>(raw->size);
    }

private:
    gantry_certificate_report_t* raw_;
};

constexpr std::size_t kMostSource = 256;

// It goes into logs and labels.
std::string source_of(const Module& module, std::string_view given) {
    std::string source(given.empty() ? std::string_view(module.name) : given.substr(0, kMostSource));
    std::replace_if(
        source.begin(), source.end(),
        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
    return source;
}

gantry_result_t make(const gantry_host_t* host, const gantry_certificate_pem_t* given,
                     gantry_certificate_t* certificate, gantry_certificate_report_t* report) noexcept {
    const auto pem = whole(given);
    if (!pem || certificate == nullptr || !Report::is_sound(report)) return GANTRY_ERROR_ARGUMENT;
    const Module& module = module_of(host);
    *certificate = 0;
    Report said(report);
    const net::CertificateLoad load =
        net::read_certificate({.chain = view_of(pem->chain),
                               .key = view_of(pem->key),
                               .ocsp = view_of(pem->ocsp),
                               .source = source_of(module, view_of(pem->source))});
    using Kind = net::CertificateProblem::Kind;
    // What refuses it is what matters; else the first thing that somebody should look at.
    const auto worst =
        std::find_if(load.problems.begin(), load.problems.end(),
                     [](const net::CertificateProblem& problem) { return problem.kind == Kind::Error; });
    if (worst != load.problems.end()) {
        said.say(worst->text);
    } else if (!load.problems.empty()) {
        said.say(load.problems.front().text);
    }
    if (load.certificate == nullptr) return GANTRY_ERROR_ARGUMENT;
    for (const net::CertificateProblem& problem : load.problems)
        log::warn("certificate: {}; {} module={}", problem.text, problem.hint, module.name);
    said.tell(*load.certificate);
    *certificate = module.services->certificates.add(load.certificate);
    return *certificate == 0 ? GANTRY_ERROR_LIMIT : GANTRY_OK;
}

gantry_result_t release(const gantry_host_t* host, gantry_certificate_t certificate) noexcept {
    return module_of(host).services->certificates.release(certificate) ? GANTRY_OK : GANTRY_ERROR_STALE;
}

gantry_result_t offer(const gantry_host_t* host, const gantry_bytes_t* names, std::uint32_t name_count,
                      const gantry_certificate_t* numbers, std::uint32_t count,
                      gantry_certificate_report_t* report) noexcept {
    if (names == nullptr || name_count == 0 || (numbers == nullptr && count > 0) ||
        count > GANTRY_OFFER_MOST || !Report::is_sound(report))
        return GANTRY_ERROR_ARGUMENT;
    const Module& module = module_of(host);
    Report said(report);
    std::vector<net::CertificatePtr> certificates;
    for (std::uint32_t i = 0; i < count; ++i) {
        certificates.push_back(module.services->certificates.find(numbers[i]));
        if (certificates.back() != nullptr) continue;
        said.say(fmt::format("the certificate number {} was released, or never made", numbers[i]));
        return GANTRY_ERROR_STALE;
    }
    std::vector<std::string_view> wanted;
    for (std::uint32_t i = 0; i < name_count; ++i) wanted.push_back(view_of(names[i]));
    const auto outcome = module.services->offers.offer(module.name, wanted, certificates);
    using Kind = net::CertificateOffers::Outcome::Kind;
    if (outcome.kind != Kind::Done) {
        said.say(outcome.reason);
        return outcome.kind == Kind::NotAsked ? GANTRY_ERROR_STALE : GANTRY_ERROR_ARGUMENT;
    }
    if (certificates.empty()) {
        log::info("certificate withdrawn names={} module={}", fmt::join(wanted, ","), module.name);
    } else {
        log::info("certificate offered names={} subject={} source={} module={}", fmt::join(wanted, ","),
                  certificates.front()->subject, certificates.front()->source, module.name);
    }
    return GANTRY_OK;
}

// ---- hellos

struct Hello {
    net::ClientHello& hello;
    const Module& module;
    bool is_answered = false;
};

Hello& hello_of(gantry_hello_t* hello) {
    return *reinterpret_cast<Hello*>(hello);
}
const net::ClientHello& hello_of(const gantry_hello_t* hello) {
    return reinterpret_cast<const Hello*>(hello)->hello;
}

gantry_result_t add_hello(gantry_scope_t* scope, const gantry_hello_hook_t* given) noexcept {
    const auto hook = whole(given);
    if (scope == nullptr || !hook || hook->name == nullptr || hook->run == nullptr)
        return GANTRY_ERROR_ARGUMENT;
    const bool is_for_all = scope->kind == GANTRY_IN_SERVER;
    const bool is_for_one = scope->kind == GANTRY_IN_LISTENER && scope->added != nullptr;
    if (!is_for_all && !is_for_one) return GANTRY_ERROR_STATE;
    const BoundHello& bound =
        scope->kept->hellos.emplace_back(BoundHello{hook->run, hook->self, scope->module, hook->name});
    auto& to = is_for_all ? scope->kept->hellos_everywhere : scope->added->hellos;
    to.push_back({order_of(*hook), &bound});
    return GANTRY_OK;
}

gantry_bytes_t listener(const gantry_hello_t* hello) noexcept {
    return bytes_of(hello_of(hello).listener);
}

gantry_bytes_t server_name(const gantry_hello_t* hello) noexcept {
    return bytes_of(hello_of(hello).server_name);
}

gantry_bytes_t protocol(const gantry_hello_t* hello, std::uint32_t index) noexcept {
    return bytes_of(net::protocol_at(hello_of(hello).protocols, index));
}

void client(const gantry_hello_t* hello, gantry_address_t* to) noexcept {
    *to = handle_of(hello_of(hello).client);
}

void local(const gantry_hello_t* hello, gantry_address_t* to) noexcept {
    *to = handle_of(hello_of(hello).local);
}

gantry_result_t use(gantry_hello_t* handle, gantry_certificate_t certificate,
                    gantry_bytes_t answer) noexcept {
    Hello& call = hello_of(handle);
    const std::string_view name = view_of(answer);
    if (!name.empty() && !net::has_protocol(call.hello.protocols, name)) return GANTRY_ERROR_ARGUMENT;
    net::CertificateSetPtr set;
    if (certificate != 0) {
        set = call.module.services->certificates.set_of(certificate);
        if (set == nullptr) return GANTRY_ERROR_STALE;
    }
    call.hello.certificate = std::move(set);
    call.hello.protocol = name;
    call.is_answered = true;
    return GANTRY_OK;
}

void refuse(gantry_hello_t* hello, std::uint8_t alert) noexcept {
    hello_of(hello).hello.alert = alert;
}

// ---- running

server::Verdict run(net::ClientHello& hello, const void* self) {
    const auto& hook = *static_cast<const BoundHello*>(self);
    Hello call{hello, *hook.module};
    const gantry_verdict_t verdict = [&] {
        const AtWork at_work(*hook.module, "hook of hellos", hook.name.c_str());
        return hook.run(reinterpret_cast<gantry_hello_t*>(&call), hook.self);
    }();
    if (verdict == GANTRY_DONE && call.is_answered) return server::Verdict::Done;
    hello.certificate.reset();
    hello.protocol.clear();
    if (verdict == GANTRY_NEXT) return server::Verdict::Next;
    if (verdict != GANTRY_FAIL) {
        log::error(
            "hook of a module failed module={} hook={}: {}", hook.module->name, hook.name,
            verdict == GANTRY_DONE ? "it says that it has answered, and has not" : "its verdict is none");
    }
    return server::Verdict::Fail;
}

}  // namespace

server::HelloHook hello_hook(const BoundHello& bound) {
    return {&run, &bound, bound.name};
}

const gantry_tls_1_t kTls = {
    .size = sizeof(gantry_tls_1_t),
    .make = &make,
    .release = &release,
    .offer = &offer,
    .add_hello = &add_hello,
    .listener = &listener,
    .server_name = &server_name,
    .protocol = &protocol,
    .client = &client,
    .local = &local,
    .use = &use,
    .refuse = &refuse,
};

}  // namespace gantry::module
