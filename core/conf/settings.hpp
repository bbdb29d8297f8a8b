// The typed configuration: what load() makes of the TOML files, with every default in place and every
// reference resolved to an index. Plain data, immutable after loading; the rooms above build their objects
// from it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace gantry::conf {

using Duration = std::chrono::milliseconds;

// Where a thing stands, for messages of later stages and for `explain`. `file` indexes Settings::files.
struct Place {
    std::uint32_t file = 0;
    std::uint32_t line = 0;    // 1-based; 0: not from a file (a default)
    std::uint32_t column = 0;  // 1-based, in characters, as editors count
};

// An immutable value that many hosts and locations have in common, held once: ten thousand hosts that set no
// fields of their own share one FieldEdits. Never empty; a default one holds a default T. Equal addresses
// mean equal values, so that what is built from it can be shared as well. [any]
template <class T>
class Shared {
public:
    Shared() : value_(standard()) {}
    Shared(T value) : value_(std::make_shared<const T>(std::move(value))) {}
    const T& operator*() const { return *value_; }
    const T* operator->() const { return value_.get(); }
    const T* get() const { return value_.get(); }

private:
    static const std::shared_ptr<const T>& standard() {
        static const auto instance = std::make_shared<const T>();
        return instance;
    }
    std::shared_ptr<const T> value_;
};

// A string in which ${variables} are replaced per request: ${host}, ${query.name}. Compiled by
// server/template; kept as text here. One rule for all strings of the configuration: names in UPPER_CASE are
// the environment and `file:` is a file, both put in at load; names in lower case are per request and stand
// only in templates; `$$` is a plain `$`. In a Template `$$` is still `$$`, so that what the environment or a
// file brought is never taken for a variable; any other `$` that does not open `${` is a plain one.
struct Template {
    std::string text;
    Place place;

    bool operator==(const Template& other) const { return text == other.text; }
};

// ---- what modules are told
// --------------------------------------------------------------------------------------------

struct ModuleKey;  // module_keys.hpp

// What a key is set to: in a file, or by default.
struct ModuleValue {
    enum class Kind : std::uint8_t { Boolean, Integer, Text, List, Table, Names };
    const ModuleKey* key = nullptr;
    Kind kind = Kind::Boolean;
    std::int64_t integer = 0;  // Boolean, Integer: bytes of sizes, nanoseconds of timespans
    std::string text;
    std::string name;  // in a table: its key; in Names: what the user called it
    std::vector<ModuleValue>
        items;    // of List and Names; of Table the keys that have a value, also by default
    Place place;  // line 0: the default

    // Null: there is none of that name.
    const ModuleValue* member(std::string_view wanted) const;
    bool operator==(const ModuleValue& other) const;  // wherever they stand
};
// Those of one table of the files, one per key.
using ModuleValues = std::vector<ModuleValue>;

// ---- listeners
// -------------------------------------------------------------------------------------------------

struct Address {
    enum class Family : std::uint8_t { Ipv4, Ipv6, Unix };
    Family family = Family::Ipv4;
    std::string host;        // numeric, without brackets; or the path of a unix socket
    std::uint16_t port = 0;  // 0: chosen by the kernel (logged once bound)
    std::string tag;         // with port 0: listener and number, because many may read "127.0.0.1:0"; else ""
    Place place;
};

struct ClientCertificates {
    enum class Mode : std::uint8_t { None, Optional, Required };
    Mode mode = Mode::None;
    std::string ca_file;  // PEM
    Place ca_place;
    int depth = 3;
};

struct TlsSettings {
    enum class Fallback : std::uint8_t {
        SelfSigned,
        Reject
    };  // for a host whose certificate is missing or broken
    enum class Version : std::uint8_t { Tls12, Tls13 };
    Version min_version = Version::Tls12;
    std::string ciphers;  // TLS 1.2, OpenSSL syntax; "" = our modern list
    std::string groups;   // "" = ours, X25519 first
    Place ciphers_place;
    Place groups_place;
    Fallback fallback = Fallback::SelfSigned;
    bool tickets = true;
    Duration ticket_rotation{std::chrono::hours(8)};
    Duration handshake_timeout{std::chrono::seconds(10)};
    ClientCertificates client;
};

struct Listener {
    std::string name;
    Place place;
    std::vector<Address> addresses;
    std::optional<TlsSettings> tls;  // absent: plain
    std::vector<std::string> protocols{"http/1.1"};
    int backlog = 4096;
    std::uint64_t max_connections = 10'000;  // per process, over all workers
    std::uint32_t unix_mode = 0666;          // of a unix socket's file
    // limits and deadlines of the connection
    std::uint64_t max_head = 16 * 1024;               // 431
    std::uint64_t max_request_line = 8 * 1024;        // 414
    std::uint64_t max_fields = 100;                   // 431
    std::uint64_t max_requests = 0;                   // per connection; 0 = unlimited
    Duration head_timeout{std::chrono::seconds(10)};  // from the first byte of a head to its end
    Duration idle_timeout{std::chrono::seconds(75)};  // between requests, and before the first one
    Duration body_timeout{std::chrono::seconds(30)};  // without any body byte
    std::uint64_t body_min_rate = 256;  // bytes a second, averaged, after a grace of body_timeout; 0 = none
    Duration send_timeout{std::chrono::seconds(60)};  // without the client taking any byte
    std::optional<std::size_t>
        default_host;  // index into hosts; by `default = true` of a host, else the first host of the listener
    Shared<ModuleValues> module_values;
};

// ---- upstreams
// -------------------------------------------------------------------------------------------------

struct Peer {
    std::string host;  // a name or a numeric address; or the path of a unix socket
    std::uint16_t port = 0;
    bool is_unix = false;
    std::uint32_t weight = 1;
    Place place;
};

struct UpstreamTls {
    bool verify = true;
    std::string ca_file;  // "" = the system's
    Place ca_place;
    std::string server_name;  // SNI and the name to verify; "" = the peer's host
};

struct Upstream {
    std::string name;
    Place place;
    std::vector<Peer> peers;
    std::optional<UpstreamTls> tls;
    std::uint32_t keep_alive = 64;  // idle connections kept per peer and worker; 0 = none
    Duration keep_alive_timeout{std::chrono::seconds(60)};
    Duration connect_timeout{std::chrono::seconds(5)};
    Duration send_timeout{std::chrono::seconds(60)};      // without the peer taking any byte
    Duration response_timeout{std::chrono::seconds(60)};  // without any byte from the peer, head or body
    std::uint64_t max_head = 64 * 1024;                   // of a response
    Shared<ModuleValues> module_values;
};

// ---- what hosts and locations share
// ----------------------------------------------------------------------------

// Request or response fields; applied remove, then set, then add. Scopes add up: server, host, location.
struct FieldEdits {
    std::vector<std::string> remove;
    std::vector<std::pair<std::string, Template>> set;
    std::vector<std::pair<std::string, Template>> add;
    bool empty() const { return remove.empty() && set.empty() && add.empty(); }
};

// `status`: 404, or 4 / 5 for "4xx" / "5xx". The nearest scope that names the status (or its class) wins.
struct ErrorPage {
    int status = 0;
    std::string file;   // a file read at load; or
    Template redirect;  // an URL (a 302)
    Place place;
};

struct AccessLog {
    bool enabled = false;
    std::string target;                  // "stdout", "stderr", a path, "syslog:/socket" or "udp://host:port"
    std::string format = "combined";     // "combined", "json", or a template
    bool mask = true;                    // credentials are "***"
    std::vector<std::string> mask_also;  // further names of fields and query parameters, lower case
    Place format_place;
    Place place;
};

// ---- content
// ---------------------------------------------------------------------------------------------------

// What locations that serve files mostly have in common.
struct StaticOptions {
    std::vector<std::string> index{"index.html"};
    std::string spa;                  // file under root answered (200) where nothing is found; "" = none
    std::vector<Template> try_files;  // "${path}", "${path}/index.html", "=404"
    bool listing = false;
    enum class ListingFormat : std::uint8_t { Auto, Html, Json } listing_format = ListingFormat::Auto;
    std::string listing_theme;  // a CSS file put into the page; "" = ours
    bool dotfiles = false;
    enum class Symlinks : std::uint8_t { Deny, Beneath, Follow } symlinks = Symlinks::Deny;
    std::vector<std::string> precompressed;    // of "br", "zstd", "gzip"; in order of preference
    std::string charset = "utf-8";             // for text types; "" = none
    std::map<std::string, std::string> types;  // extension → media type, over the built-in table
    std::string default_type = "application/octet-stream";
    bool etag = true;
    std::string cache_control;                    // "" = no such field
    std::uint64_t cache_size = 64 * 1024 * 1024;  // memory for small files, per process
    std::uint64_t cache_max_file = 256 * 1024;
    Duration cache_check{
        std::chrono::seconds(1)};  // a cached file is compared with the disk at most this often

    bool operator==(const StaticOptions&) const = default;
};

struct Static {
    std::string root;           // absolute
    bool strip_prefix = false;  // /a/b.txt under location "/a/" is b.txt instead of a/b.txt
    Shared<StaticOptions> options;
};

struct ProxyOptions {
    std::optional<Template> host;  // the Host that the peer sees; absent = the client's
    bool forwarded = true;         // X-Forwarded-For, -Proto, -Host and Forwarded
    std::vector<std::string>
        trusted;          // client addresses whose own X-Forwarded-*/Forwarded are kept and extended: CIDRs
    bool upgrade = true;  // WebSocket and other upgrades
    bool buffer_requests = false;                    // read the whole request body before connecting
    std::optional<Duration> timeout;                 // for the whole exchange; absent = none
    Duration tunnel_timeout{std::chrono::hours(1)};  // of an upgraded connection without any byte either way

    bool operator==(const ProxyOptions&) const = default;
};

struct Proxy {
    std::size_t upstream = 0;  // index into Settings::upstreams
    std::string uri;           // replaces the location's prefix in the path; "" = passed on as it is
    Shared<ProxyOptions> options;
};

struct Redirect {
    int status = 302;  // 301 302 303 307 308
    Template to;
};

struct Respond {
    int status = 200;
    Template body;
    std::string content_type = "text/plain; charset=utf-8";
};

// What a module answers: the value of its key is among the location's module_values.
struct ByModule {
    std::string key;
};

using Handler = std::variant<std::monostate, Static, Proxy, Redirect, Respond, ByModule>;

// ---- routing
// ---------------------------------------------------------------------------------------------------

struct Pattern {
    enum class Kind : std::uint8_t { Exact, Prefix, Regex };
    Kind kind = Kind::Prefix;
    std::string text;          // "/x", "/x/", or the regular expression without "~"
    bool ignore_case = false;  // "~*"
    Place place;
};

// name → what its value must be; all of them have to hold.
struct Condition {
    enum class Source : std::uint8_t { Header, Query, Cookie };
    enum class Test : std::uint8_t { Present, Absent, Equals, Regex };
    Source source = Source::Header;
    std::string name;
    Test test = Test::Equals;
    std::string value;
    Place place;
};

struct Location {
    std::string name;  // its key in the file
    Place place;
    std::vector<Pattern> patterns;
    std::vector<std::string> methods;  // empty = any; GET implies HEAD
    std::vector<Condition> conditions;
    std::vector<std::string> clients;  // CIDRs; empty = any
    int priority = 0;                  // higher first, before specificity
    Handler handler;
    Place handler_place;
    std::optional<std::uint64_t> max_body;
    Shared<FieldEdits> request_headers;  // server's, host's and location's, added up
    Shared<FieldEdits> response_headers;
    Shared<std::vector<ErrorPage>> error_pages;  // nearest scope first
    Shared<AccessLog> access_log;                // effective
    Shared<ModuleValues> module_values;          // its own
};

struct Certificate {
    std::string certificate_file;  // PEM, leaf first
    std::string key_file;
    std::string ocsp_file;  // DER, "" = none
    Place place;            // of certificate_file
    Place key_place{};
    Place ocsp_place{};
    bool is_complained_of = false;  // loading has said what is wrong with the files
};

struct HostName {
    enum class Kind : std::uint8_t { Exact, Wildcard, Regex };
    Kind kind = Kind::Exact;
    std::string text;  // lower case; "example.com" for "*.example.com"; the expression
    Place place;
};

// What keeps one host from being served, the others not.
struct Fault {
    Place place;
    std::string message;  // one sentence, lower case, no full stop
    std::string hint;     // what to do about it
};

struct Host {
    std::string name;  // its key in the file
    Place place;
    std::vector<HostName> names;         // the key itself and `names`
    std::vector<std::size_t> listeners;  // indexes; default: all
    bool is_default = false;
    std::vector<Certificate> certificates;  // RSA and ECDSA together
    bool self_signed = false;               // asked for in words: no certificate is no mistake here
    std::string certificate_module;         // which offers certificates for its names; "": none does
    Place certificate_place{};              // of the module's name
    std::uint64_t max_body = 1024 * 1024 * 1024;
    enum class EncodedSlash : std::uint8_t { Keep, Reject, Decode } encoded_slash = EncodedSlash::Keep;
    bool merge_slashes = true;
    std::vector<Location> locations;  // in the order of the file
    // effective for answers outside every location
    Shared<FieldEdits> request_headers;
    Shared<FieldEdits> response_headers;
    Shared<std::vector<ErrorPage>> error_pages;
    Shared<AccessLog> access_log;
    Shared<ModuleValues> module_values;  // its own
    // Where there is one, requests are answered with 503, and nothing else here needs to make sense but names
    // and listeners.
    std::vector<Fault> faults;
};

// ---- process
// ---------------------------------------------------------------------------------------------------

struct Log {
    enum class Level : std::uint8_t { Trace, Debug, Info, Warn, Error, Critical, Off } level = Level::Info;
    std::string target = "stderr";  // of the error log
};

// Where modules keep what is to outlive the process.
struct Store {
    std::string file = "/var/lib/gantry/store.db";
    enum class Durability : std::uint8_t { Full, Normal } durability = Durability::Full;
};

struct Server {
    // Whose rights the server process has, by name or number; "" = whoever starts it, or for root, who is not
    // meant to serve, the account "gantry".
    std::string user;
    std::string group;          // "" = the user's
    std::uint32_t workers = 0;  // 0 = one per processor that we may use
    Duration drain_timeout{std::chrono::seconds(30)};
    bool server_header = true;                            // Server: gantry
    std::uint32_t blocking_threads = 4;                   // for disk misses
    Duration hook_limit{std::chrono::milliseconds(100)};  // of modules; 0 = none
    std::vector<std::string> fail_open;                   // modules whose hooks that fail are passed over
    std::uint32_t recent_requests = 1024;                 // kept in memory per worker; 0 = none
    struct Control {
        bool is_enabled = true;
        std::string path;  // of the unix socket; "" = where the commands look by themselves
        bool operator==(const Control&) const = default;
    } control;
    Shared<ModuleValues> module_values;
};

// ---- tests
// ---------------------------------------------------------------------------------------------------

// What is expected of the answer to a request; decided without asking a disk or a peer.
struct Expectation {
    enum class What : std::uint8_t { Host, Location, Path, HandlerKind, Upstream, File, Status, Header };
    What what = What::Status;
    std::string name;        // of a header
    std::string value;       // a status in digits
    bool is_absent = false;  // of a header: there is none
    Place place;
};

// A [[test]]: runs whenever the configuration is checked, and before it is served.
struct Test {
    std::string method;
    std::string url;
    Place place;  // of the request
    std::vector<std::pair<std::string, std::string>> headers;
    std::string client = "127.0.0.1";
    std::string listener;  // "" = by scheme and port of the URL
    std::vector<Expectation> expect;
};

struct Settings {
    std::vector<std::string> files;  // every file read, the main one first
    Server server;
    Log log;
    Store store;
    std::vector<std::string> modules;
    std::vector<Listener> listeners;
    std::vector<Upstream> upstreams;
    std::vector<Host> hosts;
    std::vector<Test> tests;
    std::vector<Fault> faults;  // of included files whose hosts are not known
};

}  // namespace gantry::conf
