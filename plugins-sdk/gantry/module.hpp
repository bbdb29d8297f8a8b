// A module in C++: types with a few functions, and one macro.
//
//     struct Teapot {
//         static constexpr gantry::Key keys[] = {…};                          // optional: conf.hpp
//         static std::unique_ptr<Teapot> create(gantry::Scope& scope);          // [main] [loading]
//         gantry::Verdict handle(gantry::Exchange& exchange);                   // [worker] [running]
//     };
//     GANTRY_MODULE("teapot", "1.0.0", "Answers with 418.", gantry::Handler<Teapot>);
//
// The macro takes roles, as many as there are. A type may have several; it is created once for each place:
//
//     role              phase          what T has
//     Rewrite<T>        rewrite        rewrite(Exchange&)      -> Verdict, or Task<Verdict>
//     Preaccess<T>      preaccess      preaccess(Exchange&)      the same
//     Access<T>         access         access(Exchange&)         the same
//     Precontent<T>     precontent     precontent(Exchange&)     the same
//     Handler<T>        content        handle(Exchange&)         the same
//     Logger<T>         log            log(Exchange&)          -> void
//     HeaderFilter<T>                  head(Exchange&)         -> void
//     BodyFilter<T>                    filter(Exchange&)       -> std::optional<T::Body>: roles.hpp
//     ConnFilter<T>                    connection(…)           -> Preface: conn.hpp; created for listeners
//     Discovery<T>                     discover(Peers)         -> void: peers.hpp; created for upstreams
//     PeerPicker<T>                    pick(…)                 -> std::optional<std::size_t>: the same
//     State<T>                         prepare(Scope&, T* old) -> std::unique_ptr<T>
//     Subscriber<T>                    event(const Event&)     -> Verdict: events.hpp
//     CertificateSource<T>             want(Scope&, tls::Names) -> bool; T is the State as well: tls.hpp
//     HelloHook<T>                     hello(Hello&)           -> Verdict: tls.hpp; of all listeners where T is the State
//     Control<T>                       control(Routes<T>&)     -> void: control.hpp; T is the State
//
// create(scope) is asked for every location where a key of the module holds, its own or that of its host or of
// [server], whenever the configuration is loaded. nullptr: nothing to do here, or, after scope.error(), the load
// fails. The object lives until the last exchange of its generation is over. It belongs to all workers: what a hook
// changes in it has to be atomic.
//
// State<T> is at most one: what all places of one generation share. create(scope, state) is given it where it
// takes it. prepare() finds in `old` that of the generation that serves so far (nullptr at first), which goes on
// serving: take over what is shared by std::shared_ptr and may be used by both. commit(), if T has it, is called
// when the new generation serves.
//
// A type may also have `static constexpr const char* before` and `after`: names of hooks, with commas between;
// and `name`, else it is that of the module. With `static constexpr bool in_hosts = true` a type whose roles are filters
// is created for hosts as well (scope.kind() tells), for the answers of a host for which it has no location. With
// `static constexpr bool takes_preflights = true` its hooks get preflights also where the location does not take
// OPTIONS: GANTRY_HOOK_PREFLIGHTS.
#pragma once

#include "gantry/conn.hpp"
#include "gantry/control.hpp"
#include "gantry/events.hpp"
#include "gantry/peers.hpp"
#include "gantry/roles.hpp"
#include "gantry/tls.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

// Once per module, at file scope: name, version and description as literals, then the roles.
#define GANTRY_MODULE(name_, version_, description_, ...)                                  \
    namespace {                                                                            \
    struct GantryModuleName {                                                              \
        [[maybe_unused]] static constexpr const char* value = name_;                       \
    };                                                                                     \
    using GantryModule = ::gantry::detail::Module<GantryModuleName, __VA_ARGS__>;          \
    }                                                                                      \
    GANTRY_ENTRY(name_, version_, description_, &GantryModule::open, &GantryModule::close, \
                 &GantryModule::get_extension)

namespace gantry::inline sdk {

// What all places of a generation share.
template <class T>
struct State {
    static_assert(
        requires(Scope& top, T* old) {
            { T::prepare(top, old) } -> std::same_as<std::unique_ptr<T>>;
        }, "gantry::State<T>: T needs `static std::unique_ptr<T> prepare(gantry::Scope& top, T* old)`");
    using Object = T;
    static constexpr bool kIsState = true;
    static constexpr bool kHoldsState = true;
    static constexpr bool kNeedsFilter = false;
    static constexpr bool kNeedsAsync = false;
};

namespace detail {

struct NoState {
    static std::unique_ptr<NoState> prepare(Scope&, NoState*) { return std::make_unique<NoState>(); }
};
template <class... Roles>
struct StateOf {
    using Type = NoState;
};
template <class Role, class... Roles>
struct StateOf<Role, Roles...> : StateOf<Roles...> {};
template <class Role, class... Roles>
    requires(requires { Role::kHoldsState; })
struct StateOf<Role, Roles...> {
    using Type = typename Role::Object;
    using Other = typename StateOf<Roles...>::Type;
    static_assert(std::is_same_v<Other, NoState> || std::is_same_v<Other, Type>,
                  "a module has one State at most");
};

template <class T>
const char kTypeMark = 0;  // its address stands for T

// One generation of the configuration.
template <class S>
struct Instance {
    struct Owned {
        const void* type;
        std::shared_ptr<void> place;
    };

    std::unique_ptr<S> state;
    std::deque<Mounted<S>> routes;
    std::vector<Owned> places;  // all of them; the places refer to the state, and go first
};

template <class Name, class... Roles>
class Module {
    using S = typename StateOf<Roles...>::Type;

public:
    // [main] [loading]
    static bool open(const gantry_host_t* raw, void** module) noexcept {
        const Host host{raw};
        return guarded(host, "open()", false, [&] {
            if (!has_what_it_needs(host)) return false;
            auto self = std::make_unique<Module>(host);
            if (!self->declare_keys()) return false;
            *module = self.release();
            return true;
        });
    }

    static void close(void* module) noexcept { delete static_cast<Module*>(module); }

    static const void* get_extension(void*, const char* id) noexcept {
        static constexpr gantry_instance_1_t kInstance{sizeof(gantry_instance_1_t),
                                                       &prepare,
                                                       &configure,
                                                       &commit,
                                                       &retire,
                                                       kHosts,
                                                       kListeners,
                                                       kUpstreams};
        if (std::string_view{id} == GANTRY_INSTANCE_1) return &kInstance;
        if constexpr ((is_source<Roles>() || ...)) {
            static constexpr gantry_certificate_source_1_t kSource{sizeof(gantry_certificate_source_1_t),
                                                                   &want};
            if (std::string_view{id} == GANTRY_CERTIFICATE_SOURCE_1) return &kSource;
        }
        return nullptr;
    }

    explicit Module(const Host& host) : host_(host) {}

private:
    // What the hooks of one instance are given; made by prepare().
    struct Generation : Instance<S> {
        const Host* host;
        std::vector<std::function<void()>> starts;  // what begins with commit()
    };

    static bool has_what_it_needs(const Host& host) noexcept {
        const auto needs = [&host](const void* table, bool is_needed, const char* id) {
            if (table != nullptr || !is_needed) return true;
            host.print(LogLevel::Error, "the module needs %s, which this gantry does not have", id);
            return false;
        };
        constexpr bool kFilters = (Roles::kNeedsFilter || ...);
        constexpr bool kWaits = (Roles::kNeedsAsync || ...);
        constexpr bool kConnections = (is_of_connections<Roles>() || ...);
        constexpr bool kEvents = (is_subscriber<Roles>() || ...);
        constexpr bool kHandshakes = (needs_tls<Roles>() || ...);
        constexpr bool kRoutes = (has_routes<Roles>() || ...);
        constexpr bool kPeers = (is_of_upstreams<Roles>() || ...);
        return needs(host.conf(), true, GANTRY_CONF_1) && needs(host.http(), true, GANTRY_HTTP_1) &&
               needs(host.phase(), true, GANTRY_PHASE_1) && needs(host.filter(), kFilters, GANTRY_FILTER_1) &&
               needs(host.async(), kWaits, GANTRY_ASYNC_1) && needs(host.timer(), kWaits, GANTRY_TIMER_1) &&
               needs(host.conn(), kConnections, GANTRY_CONN_1) &&
               needs(host.control(), kRoutes, GANTRY_CONTROL_1) &&
               needs(host.find<gantry_events_1_t>(GANTRY_EVENTS_1), kEvents, GANTRY_EVENTS_1) &&
               needs(host.tls(), kHandshakes, GANTRY_TLS_1) &&
               needs(GANTRY_HAS(host.upstream(), set_picker) ? host.upstream() : nullptr, kPeers,
                     GANTRY_UPSTREAM_1);
    }

    bool declare_keys() {
        std::vector<const void*> seen;
        const auto take_keys = [&]<class T>(std::type_identity<T>) {
            if (std::find(seen.begin(), seen.end(), &kTypeMark<T>) != seen.end()) return;
            seen.push_back(&kTypeMark<T>);
            if constexpr (requires { T::keys; }) {
                for (const Key& key : T::keys) keys_.push_back(key.raw());
            }
        };
        (take_keys(std::type_identity<typename Roles::Object>{}), ...);
        return keys_.empty() ||
               host_.conf()->declare(host_.raw(), keys_.data(), static_cast<std::uint32_t>(keys_.size()),
                                     sizeof(gantry_key_t)) == GANTRY_OK;
    }

    static bool prepare(void* module, gantry_scope_t* top, void* old, void** instance) noexcept {
        const Host& host = static_cast<Module*>(module)->host_;
        return guarded(host, "prepare()", false, [&] {
            Scope scope{top, host};
            auto generation = std::make_unique<Generation>();
            generation->host = &host;
            auto* before = static_cast<Generation*>(old);
            generation->state = S::prepare(scope, before != nullptr ? before->state.get() : nullptr);
            if (generation->state == nullptr || scope.has_failed()) return false;
            if (!(subscribe<Roles>(*generation, scope) && ...)) return false;
            if (!(add_everywhere<Roles>(*generation, scope) && ...)) return false;
            (add_routes<Roles>(*generation, scope), ...);
            if (scope.has_failed()) return false;
            *instance = generation.release();
            return true;
        });
    }

    template <class Role>
    static constexpr bool is_subscriber() {
        return requires { Role::kIsSubscriber; };
    }
    template <class Role>
    static bool subscribe(Generation& generation, Scope& scope) {
        if constexpr (is_subscriber<Role>()) return Role::template add<S>(scope, generation) == GANTRY_OK;
        return true;
    }
    template <class Role>
    static constexpr bool has_routes() {
        return requires { Role::kHasRoutes; };
    }
    template <class Role>
    static void add_routes(Generation& self, Scope& scope) {
        if constexpr (has_routes<Role>()) {
            static_assert(std::is_same_v<typename Role::Object, S>,
                          "gantry::Control<T>: T is the State of the module as well");
            Routes<S> routes{scope, *self.state, self.routes};
            self.state->control(routes);
        }
    }

    static bool configure(void* instance, gantry_scope_t* raw) noexcept {
        auto& self = *static_cast<Generation*>(instance);
        return guarded(*self.host, "configure()", false, [&] {
            Scope scope{raw, *self.host};
            const std::size_t first = self.places.size();  // the types that this scope has a place of follow
            return (add_to_location<Roles>(self, scope, first) && ...);
        });
    }
    template <class Role>
    static constexpr bool is_of_connections() {
        return requires { Role::kIsOfListeners; };
    }
    template <class Role>
    static constexpr bool needs_tls() {
        return requires { Role::kNeedsTls; };
    }
    template <class Role>
    static constexpr bool is_source() {
        return requires { Role::kIsSource; };
    }
    template <class Role>
    static constexpr bool is_of_hellos() {
        return requires { Role::kIsOfHellos; };
    }
    // Its object is the state, so that it has no places.
    template <class Role>
    static constexpr bool is_everywhere() {
        return is_of_hellos<Role>() && std::is_same_v<typename Role::Object, S>;
    }
    template <class Role>
    static constexpr bool is_of_listeners() {
        return is_of_connections<Role>() || (is_of_hellos<Role>() && !is_everywhere<Role>());
    }
    template <class Role>
    static bool add_everywhere(Generation& self, Scope& top) {
        if constexpr (is_everywhere<Role>()) {
            using Seat = typename Role::Seat;
            auto seat = std::make_shared<Seat>(Seat{self.host, Name::value, self.state.get()});
            self.places.push_back({nullptr, seat});
            return Role::add(top, *seat) == GANTRY_OK;
        }
        return true;
    }
    static bool want(void* instance, gantry_scope_t* raw, const gantry_bytes_t* names,
                     std::uint32_t count) noexcept {
        auto& self = *static_cast<Generation*>(instance);
        return guarded(*self.host, "want()", false, [&] {
            Scope scope{raw, *self.host};
            return self.state->want(scope, tls::Names{names, count}) && !scope.has_failed();
        });
    }
    template <class Role>
    static bool add_to_location(Generation& self, Scope& scope, std::size_t first) {
        if constexpr (!is_of_listeners<Role>() && !is_everywhere<Role>() && !is_of_upstreams<Role>())
            return add_role<Role>(self, scope, first);
        return true;
    }
    template <class Role>
    static constexpr bool is_of_upstreams() {
        return requires { Role::kIsOfUpstreams; };
    }
    template <class Role>
    static bool add_to_upstream(Generation& self, Scope& scope, std::size_t first) {
        if constexpr (requires { Role::kStarts; }) {
            using T = typename Role::Object;
            auto* place = static_cast<Place<T>*>(place_of<T>(self, scope, first));
            if (scope.has_failed()) return false;
            auto* given = place->object == nullptr ? nullptr : Role::prepare(scope);
            if (given != nullptr) self.starts.push_back([place, given] { Role::start(*place, given); });
            return place->object == nullptr || given != nullptr;
        } else if constexpr (is_of_upstreams<Role>()) {
            return add_role<Role>(self, scope, first);
        }
        return true;
    }
    static bool configure_upstream(void* instance, gantry_scope_t* raw) noexcept {
        auto& self = *static_cast<Generation*>(instance);
        return guarded(*self.host, "configure_upstream()", false, [&] {
            Scope scope{raw, *self.host};
            const std::size_t first = self.places.size();
            return (add_to_upstream<Roles>(self, scope, first) && ...);
        });
    }
    static constexpr auto kUpstreams = (is_of_upstreams<Roles>() || ...) ? &configure_upstream : nullptr;

    template <class Role>
    static bool add_to_listener(Generation& self, Scope& scope, std::size_t first) {
        if constexpr (is_of_listeners<Role>()) return add_role<Role>(self, scope, first);
        return true;
    }
    static bool configure_listener(void* instance, gantry_scope_t* raw) noexcept {
        auto& self = *static_cast<Generation*>(instance);
        return guarded(*self.host, "configure_listener()", false, [&] {
            Scope scope{raw, *self.host};
            const std::size_t first = self.places.size();
            return (add_to_listener<Roles>(self, scope, first) && ...);
        });
    }
    static constexpr auto kListeners = (is_of_listeners<Roles>() || ...) ? &configure_listener : nullptr;

    // Types that look at the answers of hosts as well.
    template <class Role>
    static constexpr bool is_in_hosts() {
        if constexpr (requires { Role::Object::in_hosts; })
            return Role::Object::in_hosts && Role::kNeedsFilter;
        return false;
    }
    template <class Role>
    static bool add_to_host(Generation& self, Scope& scope, std::size_t first) {
        if constexpr (is_in_hosts<Role>()) return add_role<Role>(self, scope, first);
        return true;
    }
    static bool configure_host(void* instance, gantry_scope_t* raw) noexcept {
        auto& self = *static_cast<Generation*>(instance);
        return guarded(*self.host, "configure_host()", false, [&] {
            Scope scope{raw, *self.host};
            const std::size_t first = self.places.size();
            return (add_to_host<Roles>(self, scope, first) && ...);
        });
    }
    static constexpr auto kHosts = (is_in_hosts<Roles>() || ...) ? &configure_host : nullptr;

    template <class Role>
    static bool add_role(Generation& self, Scope& scope, std::size_t first) {
        using T = typename Role::Object;
        if constexpr (Role::kIsState) {
            return true;
        } else {
            auto* place = static_cast<Place<T>*>(place_of<T>(self, scope, first));
            if (scope.has_failed()) return false;
            return place->object == nullptr || Role::add(scope, *place) == GANTRY_OK;
        }
    }

    template <class T>
    static void* place_of(Generation& self, Scope& scope, std::size_t first) {
        for (std::size_t index = first; index < self.places.size(); ++index) {
            if (self.places[index].type == &kTypeMark<T>) return self.places[index].place.get();
        }
        auto place = std::make_shared<Place<T>>(Place<T>{self.host, Name::value, nullptr});
        if constexpr (requires {
                          { T::create(scope, *self.state) } -> std::same_as<std::unique_ptr<T>>;
                      }) {
            place->object = T::create(scope, *self.state);
        } else {
            static_assert(
                requires {
                    { T::create(scope) } -> std::same_as<std::unique_ptr<T>>;
                },
                "a type with a role needs `static std::unique_ptr<T> create(gantry::Scope&)`, or with "
                "the State of the module as its second parameter");
            place->object = T::create(scope);
        }
        self.places.push_back({&kTypeMark<T>, place});
        return place.get();
    }

    static void commit(void* instance) noexcept {
        auto& self = *static_cast<Generation*>(instance);
        for (const auto& start : self.starts) {
            guarded(*self.host, "commit()", false, [&] {
                start();
                return true;
            });
        }
        if constexpr (requires(S& state) { state.commit(); }) {
            guarded(*self.host, "commit()", false, [&] {
                self.state->commit();
                return true;
            });
        }
    }

    static void retire(void* instance) noexcept {
        auto* self = static_cast<Generation*>(instance);
        self->places.clear();
        delete self;
    }

    const Host host_;
    std::vector<gantry_key_t> keys_;
};

}  // namespace detail
}  // namespace gantry::inline sdk
