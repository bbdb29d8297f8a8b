#include "core/server/tls_hosts.hpp"

#include "core/base/log.hpp"
#include "core/net/tls_client.hpp"
#include "core/server/generation.hpp"

#include <algorithm>
#include <set>

namespace gantry::server {

namespace {

using Kind = net::CertificateProblem::Kind;

bool is_served_by_tls(const conf::Settings& settings, const conf::Host& host) {
    return std::any_of(host.listeners.begin(), host.listeners.end(),
                       [&](std::size_t index) { return settings.listeners[index].tls.has_value(); });
}

std::string place_text(const conf::Settings& settings, const conf::Place& place) {
    if (place.line == 0 || place.file >= settings.files.size()) return "-";
    return fmt::format("{}:{}", settings.files[place.file], place.line);
}

}  // namespace

std::vector<TlsProblem> check_tls(const conf::Settings& settings) {
    using Scope = TlsProblem::Scope;
    std::vector<TlsProblem> problems;
    for (const conf::Listener& listener : settings.listeners) {
        if (!listener.tls) continue;
        const std::string problem = net::TlsContext::check(*listener.tls);
        if (!problem.empty())
            problems.push_back({Scope::Configuration, Kind::Error, listener.place, problem});
    }
    for (const conf::Upstream& upstream : settings.upstreams) {
        if (!upstream.tls) continue;
        const std::string problem = net::TlsClientContext::check(*upstream.tls);
        if (!problem.empty())
            problems.push_back({Scope::Configuration, Kind::Error, upstream.place, problem});
    }
    std::set<std::string> said;
    for (const conf::Host& host : settings.hosts) {
        const std::vector<std::string> names = certified_names(host);
        for (const conf::Certificate& files : host.certificates) {
            for (net::CertificateProblem& problem : net::check_certificate(files, names)) {
                if (!said.insert(problem.text).second) continue;
                const conf::Place place = net::place_of(problem, files);
                problems.push_back({Scope::Certificate, problem.kind, place, std::move(problem.text)});
            }
        }
    }
    return problems;
}

TlsHosts::TlsHosts(net::CertificateStore& store, std::shared_ptr<const Generation> generation)
    : generation_(std::move(generation)) {
    const conf::Settings& settings = generation_->settings();
    std::set<std::string> said;  // thousands of hosts may share what is broken
    sets_.resize(settings.hosts.size());
    for (std::size_t i = 0; i < sets_.size(); ++i) {
        const conf::Host& host = settings.hosts[i];
        if (!is_served_by_tls(settings, host) || generation_->host(static_cast<std::uint32_t>(i)).offered)
            continue;
        auto acquired = store.acquire(host.certificates, certified_names(host));
        sets_[i] = std::move(acquired.set);
        for (const net::CertificateProblem& problem : acquired.problems) {
            // Its faults are told elsewhere.
            if (generation_->host(static_cast<std::uint32_t>(i)).is_disabled()) continue;
            if (!said.insert(problem.text).second) continue;
            const conf::Certificate& files = host.certificates[problem.number];
            const std::string place = place_text(settings, net::place_of(problem, files));
            if (problem.kind == Kind::Error) {
                log::error("certificate not used: {}; {} host={} at={}", problem.text, problem.hint,
                           host.name, place);
            } else {
                log::warn("certificate: {}; {} host={} at={}", problem.text, problem.hint, host.name, place);
            }
        }
    }
}

const net::CertificateSet* TlsHosts::certificates(std::uint32_t host, std::string_view name) const {
    const HostEntry& entry = generation_->host(host);
    return entry.offered ? entry.offered->find(name) : sets_[host].get();
}

std::shared_ptr<const TlsHosts> TlsSelector::use(std::shared_ptr<const TlsHosts> hosts,
                                                 std::size_t listener) {
    listener_ = listener;
    return std::exchange(hosts_, std::move(hosts));
}

const net::CertificateSet* TlsSelector::select(std::string_view name) {
    if (!hosts_) return nullptr;
    const HostMatch match = hosts_->generation().hosts_of(listener_).find(name, arena_);
    const bool is_found = match.is_found && !match.is_failed;
    arena_.reset();
    return is_found ? hosts_->certificates(match.host, name) : nullptr;
}

bool TlsSelector::has_hooks() const {
    return hosts_ && !hosts_->generation().hello_hooks(listener_).empty();
}

net::HelloWatcher::Answer TlsSelector::on_hello(net::ClientHello& hello) {
    if (!hosts_) return Answer::Refuse;
    const Generation& generation = hosts_->generation();
    hello.listener = generation.settings().listeners[listener_].name;
    for (const HelloHook& hook : generation.hello_hooks(listener_)) {
        const Verdict verdict = hook.run(hello, hook.self);
        if (verdict == Verdict::Done) return Answer::GoOn;
        if (verdict != Verdict::Next) return Answer::Refuse;
    }
    return Answer::GoOn;
}

}  // namespace gantry::server
