// Certificates that a module offers, and a look at handshakes before they are answered. gantry/ext/tls.h says what
// each thing means.
//
// A source of certificates is the State of its module, and is told which hosts ask for it, certificate = "vault":
//
//     struct Vault {
//         static std::unique_ptr<Vault> prepare(gantry::Scope& top, Vault* old);
//         bool want(gantry::Scope& host, gantry::tls::Names names) {                        // [main] [loading]
//             for (std::string_view name : names) offer(host.host(), name);
//             return true;
//         }
//     };
//     GANTRY_MODULE("vault", "1.0.0", "Shows what is in the vault.", gantry::CertificateSource<Vault>);
//
// Offering, at any time and on any thread:
//
//     const auto made = gantry::tls::Certificate::make(host, {.chain = pem, .key = key_pem});
//     if (const auto offered = gantry::tls::offer(host, name, made); !offered) complain(offered.reason);
//
// A look at hellos: of all listeners where T is the State of the module, otherwise of those for which create() makes one:
//
//     gantry::Verdict Challenge::hello(gantry::Hello& hello) {                              // [worker] [running]
//         if (!hello.speaks_only("acme-tls/1")) return gantry::Verdict::Next;
//         return hello.use(certificate_of(hello.server_name()), "acme-tls/1") ? gantry::Verdict::Done
//                                                                             : gantry::Verdict::Fail;
//     }
//     GANTRY_MODULE("acme", …, gantry::CertificateSource<Acme>, gantry::HelloHook<Acme>);
#pragma once

#include "gantry/roles.hpp"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::inline sdk {
namespace tls {

struct Pem {
    std::string_view chain;        // PEM: its own certificate first
    std::string_view key = {};     // PEM; else it is in `chain`
    std::string_view ocsp = {};    // DER, to staple
    std::string_view source = {};  // what people know it by; else the module
};

// The names of a host, in lower case: "example.com", "*.example.com". Valid during the call.
class Names {
public:
    Names(const gantry_bytes_t* names, std::uint32_t count) noexcept : names_(names), count_(count) {}

    class Iterator {
    public:
        explicit Iterator(const gantry_bytes_t* at) noexcept : at_(at) {}
        std::string_view operator*() const noexcept { return view(*at_); }
        Iterator& operator++() noexcept {
            ++at_;
            return *this;
        }
        bool operator==(const Iterator&) const = default;

    private:
        const gantry_bytes_t* at_;
    };
    Iterator begin() const noexcept { return Iterator{names_}; }
    Iterator end() const noexcept { return Iterator{names_ + count_}; }
    std::size_t size() const noexcept { return count_; }
    std::string_view operator[](std::size_t index) const noexcept { return view(names_[index]); }

private:
    const gantry_bytes_t* names_;
    std::uint32_t count_;
};

namespace detail {

inline gantry_certificate_report_t new_report() noexcept {
    gantry_certificate_report_t report{};
    report.size = sizeof(report);
    return report;
}
inline std::string_view reason_of(const gantry_certificate_report_t& report) noexcept {
    return {report.reason, std::min<std::size_t>(report.reason_size, sizeof(report.reason))};
}

}  // namespace detail

// A certificate with its key, while somebody in the module holds it. What was offered outlives it. [any]
class Certificate {
public:
    Certificate() = default;
    Certificate(Certificate&& other) noexcept { swap(other); }
    Certificate& operator=(Certificate other) noexcept {
        swap(other);
        return *this;
    }
    ~Certificate() {
        if (number_ != 0) host_->tls()->release(host_->raw(), number_);
    }

    // Nothing where it cannot be served: reason() says why.
    static Certificate make(const Host& host, const Pem& pem) {
        Certificate made;
        made.host_ = &host;
        gantry_certificate_pem_t raw{};
        raw.size = sizeof(raw);
        raw.chain = bytes(pem.chain);
        raw.key = bytes(pem.key);
        raw.ocsp = bytes(pem.ocsp);
        raw.source = bytes(pem.source);
        auto report = detail::new_report();
        made.result_ = host.tls() == nullptr ? GANTRY_ERROR_STATE
                                             : host.tls()->make(host.raw(), &raw, &made.number_, &report);
        made.reason_ = detail::reason_of(report);
        made.not_before_ = report.not_before;
        made.not_after_ = report.not_after;
        return made;
    }

    explicit operator bool() const noexcept { return number_ != 0; }
    gantry_certificate_t number() const noexcept { return number_; }
    gantry_result_t result() const noexcept { return result_; }
    // Why there is none, or what somebody should look at; "": all is well.
    const std::string& reason() const noexcept { return reason_; }
    std::int64_t not_before() const noexcept { return not_before_; }  // seconds since 1970
    std::int64_t not_after() const noexcept { return not_after_; }

private:
    void swap(Certificate& other) noexcept {
        std::swap(host_, other.host_);
        std::swap(number_, other.number_);
        std::swap(result_, other.result_);
        std::swap(reason_, other.reason_);
        std::swap(not_before_, other.not_before_);
        std::swap(not_after_, other.not_after_);
    }

    const Host* host_ = nullptr;
    gantry_certificate_t number_ = 0;
    gantry_result_t result_ = GANTRY_ERROR_STALE;
    std::string reason_;
    std::int64_t not_before_ = 0;
    std::int64_t not_after_ = 0;
};

// How an offer went.
struct Offered {
    gantry_result_t result;
    std::string reason;  // why not
    explicit operator bool() const noexcept { return result == GANTRY_OK; }
};

// All `names` show `certificates` from the next handshake on: one for each kind of key. None: they are withdrawn. [any]
inline Offered offer(const Host& host, std::span<const std::string_view> names,
                     std::span<const Certificate* const> certificates) {
    std::vector<gantry_bytes_t> raw_names;
    for (const std::string_view name : names) raw_names.push_back(bytes(name));
    std::vector<gantry_certificate_t> numbers;
    for (const Certificate* certificate : certificates) numbers.push_back(certificate->number());
    auto report = detail::new_report();
    const gantry_result_t result =
        host.tls() == nullptr
            ? GANTRY_ERROR_STATE
            : host.tls()->offer(host.raw(), raw_names.data(), static_cast<std::uint32_t>(raw_names.size()),
                                numbers.data(), static_cast<std::uint32_t>(numbers.size()), &report);
    return {result, std::string{detail::reason_of(report)}};
}
inline Offered offer(const Host& host, std::string_view name, const Certificate& certificate) {
    const Certificate* const one = &certificate;
    return offer(host, std::span{&name, 1}, std::span{&one, 1});
}
// The name shows a placeholder again.
inline Offered withdraw(const Host& host, std::string_view name) {
    return offer(host, std::span{&name, 1}, {});
}

}  // namespace tls

// What a client says first. Valid during the call.
class Hello {
public:
    Hello(gantry_hello_t* raw, const Host& host) noexcept : raw_(raw), host_(&host) {}

    std::string_view listener() const noexcept { return view(host_->tls()->listener(raw_)); }
    // In lower case; "": the client asks for none.
    std::string_view server_name() const noexcept { return view(host_->tls()->server_name(raw_)); }
    // What the client speaks, from 0 on; "": there are no more.
    std::string_view protocol(std::uint32_t index) const noexcept {
        return view(host_->tls()->protocol(raw_, index));
    }
    bool speaks_only(std::string_view name) const noexcept {
        return protocol(0) == name && protocol(1).empty();
    }
    Address client() const noexcept {
        Address address;
        host_->tls()->client(raw_, &address);
        return address;
    }
    Address local() const noexcept {
        Address address;
        host_->tls()->local(raw_, &address);
        return address;
    }

    // For Verdict::Done. "": as the listener chooses. False: the certificate is none, or the client does not speak that.
    bool use(const tls::Certificate& certificate, std::string_view protocol = {}) noexcept {
        return certificate && use_number(certificate.number(), protocol);
    }
    // The certificate is that of the host.
    bool use_protocol(std::string_view protocol) noexcept { return use_number(0, protocol); }
    bool use_number(gantry_certificate_t number, std::string_view protocol = {}) noexcept {
        return host_->tls()->use(raw_, number, bytes(protocol)) == GANTRY_OK;
    }
    // The alert of Verdict::Fail: 112 is unrecognized_name.
    void refuse(std::uint8_t alert) noexcept { host_->tls()->refuse(raw_, alert); }

    gantry_hello_t* raw() const noexcept { return raw_; }

private:
    gantry_hello_t* raw_;
    const Host* host_;
};

// T is the State of the module as well.
template <class T>
struct CertificateSource {
    static_assert(
        requires(T& state, Scope& scope, T* old, tls::Names names) {
            { T::prepare(scope, old) } -> std::same_as<std::unique_ptr<T>>;
            { state.want(scope, names) } -> std::same_as<bool>;
        },
        "gantry::CertificateSource<T>: T needs `static std::unique_ptr<T> prepare(gantry::Scope& top, T* "
        "old)` and "
        "`bool want(gantry::Scope& host, gantry::tls::Names names)`");
    using Object = T;
    static constexpr bool kIsState = true;
    static constexpr bool kHoldsState = true;
    static constexpr bool kNeedsFilter = false;
    static constexpr bool kNeedsAsync = false;
    static constexpr bool kNeedsTls = true;
    static constexpr bool kIsSource = true;
};

template <class T>
struct HelloHook {
    static_assert(
        requires(T& object, Hello& hello) {
            { object.hello(hello) } -> std::same_as<Verdict>;
        }, "gantry::HelloHook<T>: T needs `gantry::Verdict hello(gantry::Hello&)`");
    using Object = T;
    static constexpr bool kIsState = false;
    static constexpr bool kNeedsFilter = false;
    static constexpr bool kNeedsAsync = false;
    static constexpr bool kNeedsTls = true;
    static constexpr bool kIsOfHellos = true;

    // A T that is the state, and has no place of its own.
    struct Seat {
        const Host* host;
        const char* module;
        T* object;
        const char* name() const noexcept { return detail::Place<T>{host, module, nullptr}.name(); }
    };

    // `at`: a Place<T> or a Seat, which lives as long as the instance.
    template <class At>
    static Result add(Scope& scope, At& at) noexcept {
        gantry_hello_hook_t hook{};
        hook.size = sizeof(hook);
        hook.name = at.name();
        hook.before = detail::Place<T>::before();
        hook.after = detail::Place<T>::after();
        hook.run = &run<At>;
        hook.self = &at;
        return scope.host().tls()->add_hello(scope.raw(), &hook);
    }

    template <class At>
    static gantry_verdict_t run(gantry_hello_t* raw, void* self) noexcept {
        auto& at = *static_cast<At*>(self);
        return detail::guarded(*at.host, at.name(), GANTRY_FAIL, [&] {
            Hello hello{raw, *at.host};
            return static_cast<gantry_verdict_t>(at.object->hello(hello));
        });
    }
};

}  // namespace gantry::inline sdk
