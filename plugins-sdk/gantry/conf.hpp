// Keys of a module in the configuration files: how they are declared, and how their values are read.
//
// Keys are constants of the type that uses them:
//
//     static constexpr gantry::Key keys[] = {
//         gantry::Key::text("teapot")
//             .in(gantry::kInLocation).handler()
//             .example("\"short and stout\"")
//             .doc("Answers every request with 418 and this text."),
//     };
//
// The face declares them when the module opens. A value that arrives is of its type and in its range, or
// the load has failed before the module was asked. gantry/ext/conf.h says what each type and flag means.
#pragma once

#include "gantry/host.hpp"

#include <chrono>
#include <cstdint>

namespace gantry::inline sdk {

// Where a key may stand; add them up with |.
inline constexpr std::uint32_t kInServer = GANTRY_IN_SERVER;
inline constexpr std::uint32_t kInHost = GANTRY_IN_HOST;
inline constexpr std::uint32_t kInLocation = GANTRY_IN_LOCATION;
inline constexpr std::uint32_t kInListener = GANTRY_IN_LISTENER;
inline constexpr std::uint32_t kInUpstream = GANTRY_IN_UPSTREAM;
inline constexpr std::uint32_t kAnywhere = kInServer | kInHost | kInLocation;

namespace detail {
template <class Member, class Given>
constexpr gantry_key_t with(gantry_key_t key, Member gantry_key_t::* member, Given value) {
    key.*member = value;
    return key;
}
inline void the_last_choice_has_to_be_nullptr() {}  // not constexpr: a compiler that comes here names it
}  // namespace detail

// A key, as a constant. Each function returns a copy with one thing more. All texts are literals.
class Key {
public:
    static constexpr Key boolean(const char* name) { return {name, GANTRY_TYPE_BOOLEAN}; }
    static constexpr Key integer(const char* name, std::int64_t least, std::int64_t most) {
        return Key{name, GANTRY_TYPE_INTEGER}.range(least, most);
    }
    static constexpr Key size(const char* name, std::int64_t least, std::int64_t most) {
        return Key{name, GANTRY_TYPE_SIZE}.range(least, most);
    }
    static constexpr Key timespan(const char* name, std::chrono::nanoseconds least,
                                  std::chrono::nanoseconds most) {
        return Key{name, GANTRY_TYPE_TIMESPAN}.range(least.count(), most.count());
    }
    static constexpr Key text(const char* name) { return {name, GANTRY_TYPE_STRING}; }
    static constexpr Key path(const char* name) { return {name, GANTRY_TYPE_PATH}; }
    // A text with variables such as ${host}, for Exchange::evaluate().
    static constexpr Key pattern(const char* name) { return {name, GANTRY_TYPE_TEMPLATE}; }
    // `choices`: a constant array of words, nullptr at its end.
    template <std::size_t Count>
    static constexpr Key choice(const char* name, const char* const (&choices)[Count]) {
        Key key{name, GANTRY_TYPE_CHOICE};
        if (choices[Count - 1] != nullptr) detail::the_last_choice_has_to_be_nullptr();
        key.raw_.choices = choices;
        return key;
    }
    // `keys`: a constant array of the keys within.
    template <std::size_t Count>
    static constexpr Key table(const char* name, const Key (&keys)[Count]) {
        Key key{name, GANTRY_TYPE_TABLE};
        key.raw_.keys = &keys[0].raw_;
        key.raw_.key_count = Count;
        return key;
    }

    constexpr Key in(std::uint32_t scopes) const { return detail::with(raw_, &gantry_key_t::scopes, scopes); }
    constexpr Key handler() const { return flag(GANTRY_KEY_HANDLER); }
    constexpr Key required() const { return flag(GANTRY_KEY_REQUIRED); }
    constexpr Key list() const { return flag(GANTRY_KEY_LIST); }
    constexpr Key named() const { return flag(GANTRY_KEY_NAMED); }
    constexpr Key secret() const { return flag(GANTRY_KEY_SECRET); }
    constexpr Key short_for(const char* member) const {
        return detail::with(raw_, &gantry_key_t::short_for, member);
    }
    // As one would write it in the file: "\"10s\"".
    constexpr Key standard(const char* value) const {
        return detail::with(raw_, &gantry_key_t::standard, value);
    }
    // Every key has an example and a doc, those in tables as well: gantry's manual is made of them.
    constexpr Key example(const char* value) const {
        return detail::with(raw_, &gantry_key_t::example, value);
    }
    constexpr Key doc(const char* sentences) const {
        return detail::with(raw_, &gantry_key_t::doc, sentences);
    }
    constexpr Key deprecated(const char* instead) const {
        return detail::with(raw_, &gantry_key_t::deprecated, instead);
    }

    constexpr const gantry_key_t& raw() const { return raw_; }

private:
    constexpr Key(const gantry_key_t& raw) : raw_(raw) {}
    constexpr Key(const char* name, std::uint32_t type) : raw_{} {
        raw_.name = name;
        raw_.type = type;
    }
    constexpr Key range(std::int64_t least, std::int64_t most) const {
        return detail::with(detail::with(raw_, &gantry_key_t::least, least), &gantry_key_t::most, most);
    }
    constexpr Key flag(std::uint32_t flag) const {
        return detail::with(raw_, &gantry_key_t::flags, raw_.flags | flag);
    }
    gantry_key_t raw_;
};
static_assert(sizeof(Key) == sizeof(gantry_key_t), "an array of keys is an array of the C type");

// The value of a key, or nothing: `if (value)`. Lives as long as the instance. What is asked of nothing, or
// does not fit the type, is 0, empty or nothing. [any]
class Value {
public:
    Value() = default;
    Value(const gantry_value_t* raw, const gantry_conf_1_t* conf) noexcept : raw_(raw), conf_(conf) {}

    explicit operator bool() const noexcept { return raw_ != nullptr; }
    const gantry_value_t* raw() const noexcept { return raw_; }

    bool boolean() const noexcept { return raw_ != nullptr && conf_->boolean(raw_); }
    // Integers; sizes in bytes.
    std::int64_t integer() const noexcept { return raw_ != nullptr ? conf_->integer(raw_) : 0; }
    std::chrono::nanoseconds timespan() const noexcept { return std::chrono::nanoseconds{integer()}; }
    // Strings, paths, templates as they were written, choices.
    std::string_view text() const noexcept {
        return raw_ != nullptr ? view(conf_->text(raw_)) : std::string_view{};
    }

    // Of a list, and of a table of names.
    std::uint32_t count() const noexcept { return raw_ != nullptr ? conf_->count(raw_) : 0; }
    Value operator[](std::uint32_t index) const noexcept {
        return {raw_ != nullptr ? conf_->at(raw_, index) : nullptr, conf_};
    }
    std::string_view name_at(std::uint32_t index) const noexcept {
        return raw_ != nullptr ? view(conf_->name_at(raw_, index)) : std::string_view{};
    }
    // Of a table.
    Value member(std::string_view key) const noexcept {
        return {raw_ != nullptr ? conf_->member(raw_, bytes(key)) : nullptr, conf_};
    }

private:
    const gantry_value_t* raw_ = nullptr;
    const gantry_conf_1_t* conf_ = nullptr;
};

// A place of the configuration, while it is loaded: [server], a host, a location or a listener. What create() and
// prepare() are given; valid until they return. [main] [loading]
class Scope {
public:
    enum class Kind : std::uint32_t {
        Server = kInServer,
        Host = kInHost,
        Location = kInLocation,
        Listener = kInListener,
    };

    Scope(gantry_scope_t* raw, const Host& host) noexcept : raw_(raw), host_(&host) {}
    Scope(const Scope&) = delete;  // it remembers whether the load failed
    Scope& operator=(const Scope&) = delete;

    // The value that holds here: its own, else that of the scopes around, else the default. "limit.rate" is
    // the key of a table.
    Value find(std::string_view key) const noexcept { return found(host_->conf()->find(raw_, bytes(key))); }
    // Only what stands in this very place.
    Value find_own(std::string_view key) const noexcept {
        return found(host_->conf()->find_own(raw_, bytes(key)));
    }
    // The value that holds here where tables add up member by member: of several places that have a table, the
    // nearest one that has this member of it ("limit.rate"), without defaults.
    Value find_nearest(std::string_view path) const noexcept {
        const gantry_conf_1_t* conf = host_->conf();
        for (const gantry_scope_t* scope = raw_; scope != nullptr; scope = conf->parent(scope)) {
            if (const Value value = found(conf->find_own(scope, bytes(path)))) return value;
        }
        return {};
    }
    // The same of the scopes around: of the host of a location, of [server].
    Value find_own_of_host(std::string_view key) const noexcept { return find_around(Kind::Host, key); }
    Value find_own_of_server(std::string_view key) const noexcept { return find_around(Kind::Server, key); }

    Kind kind() const noexcept { return static_cast<Kind>(host_->conf()->kind(raw_)); }
    // "www.example.com", "/api/"; of [server] "".
    std::string_view name() const noexcept { return view(host_->conf()->name(raw_)); }

    // The load fails, and says why at the place of `value`, or of this scope where that is nothing.
    // `message`: one sentence in lower case without a full stop; `hint`: what to do about it. More than one is
    // fine: who configures would rather know all.
    void error(std::string_view message, std::string_view hint, Value value = {}) noexcept {
        failed_ = true;
        host_->conf()->error(raw_, value.raw(), bytes(message), bytes(hint));
    }
    // The same, but the load goes on.
    void warning(std::string_view message, std::string_view hint, Value value = {}) const noexcept {
        host_->conf()->warning(raw_, value.raw(), bytes(message), bytes(hint));
    }
    bool has_failed() const noexcept { return failed_; }

    const Host& host() const noexcept { return *host_; }
    gantry_scope_t* raw() const noexcept { return raw_; }

private:
    Value found(const gantry_value_t* value) const noexcept { return {value, host_->conf()}; }
    Value find_around(Kind kind, std::string_view key) const noexcept {
        const gantry_conf_1_t* conf = host_->conf();
        for (const gantry_scope_t* scope = raw_; scope != nullptr; scope = conf->parent(scope)) {
            if (conf->kind(scope) == static_cast<std::uint32_t>(kind)) {
                return found(conf->find_own(scope, bytes(key)));
            }
        }
        return {};
    }

    gantry_scope_t* raw_;
    const Host* host_;
    bool failed_ = false;
};

}  // namespace gantry::inline sdk
