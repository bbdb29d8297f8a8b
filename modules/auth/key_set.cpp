#include "key_set.hpp"

#include "bytes.hpp"
#include "json.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cjose/cjose.h>

namespace auth {
namespace {

using boost::json::object;

constexpr std::array<std::string_view, 9> kAlgorithms = {"RS256", "RS384", "RS512", "PS256", "PS384",
                                                         "PS512", "ES256", "ES384", "ES512"};

struct Curve {
    std::string_view name;
    std::string_view algorithm;
    std::size_t bytes;  // of a coordinate
};
constexpr std::array<Curve, 3> kCurves = {Curve{"P-256", "ES256", 32}, Curve{"P-384", "ES384", 48},
                                          Curve{"P-521", "ES512", 66}};

// What is not public stays outside.
std::string public_part(const object& jwk, std::initializer_list<std::string_view> members) {
    object part;
    for (const std::string_view member : members) part[member] = text_of(jwk, member);
    return boost::json::serialize(part);
}

// 2048 to 8192 bits, and an exponent that is odd and not huge: else a verification takes as long as its maker
// wants.
std::string fault_of_rsa(const object& jwk) {
    const auto modulus = from_base64(text_of(jwk, "n"), Alphabet::Url);
    const auto exponent = from_base64(text_of(jwk, "e"), Alphabet::Url);
    if (!modulus || !exponent || modulus->empty() || exponent->empty()) return "its n or e is not base64url";
    const std::size_t zeros = modulus->find_first_not_of('\0');
    const std::size_t size = zeros == modulus->npos ? 0 : modulus->size() - zeros;
    if (size < 256) return "it has less than 2048 bits";
    if (size > 1024) return "it has more than 8192 bits";
    if (exponent->size() > 8 || (exponent->back() & 1) == 0) return "its exponent is none";
    return "";
}

std::string fault_of_ec(const object& jwk, const Curve& curve) {
    for (const char* member : {"x", "y"}) {
        const auto coordinate = from_base64(text_of(jwk, member), Alphabet::Url);
        if (!coordinate || coordinate->size() != curve.bytes) return "its x or y is not one of its curve";
    }
    return "";
}

bool is_for_signatures(const object& jwk) {
    if (jwk.contains("use") && text_of(jwk, "use") != "sig") return false;
    const boost::json::value* operations = jwk.if_contains("key_ops");
    if (operations == nullptr) return true;
    const boost::json::array* list = operations->if_array();
    return list != nullptr && std::any_of(list->begin(), list->end(), [](const boost::json::value& one) {
               return one.is_string() && one.get_string() == "verify";
           });
}

// What a key of that kind may be used for; of RSA six algorithms, of a curve one.
std::vector<std::string> usable_algorithms(const object& jwk) {
    std::vector<std::string> algorithms;
    if (text_of(jwk, "kty") == "RSA") algorithms.assign(kAlgorithms.begin(), kAlgorithms.begin() + 6);
    for (const Curve& curve : kCurves) {
        if (text_of(jwk, "kty") == "EC" && text_of(jwk, "crv") == curve.name)
            algorithms.emplace_back(curve.algorithm);
    }
    if (jwk.contains("alg")) {
        const std::string_view pinned = text_of(jwk, "alg");
        algorithms.erase(std::remove_if(algorithms.begin(), algorithms.end(),
                                        [&](const std::string& one) { return one != pinned; }),
                         algorithms.end());
    }
    return algorithms;
}

struct ReleaseJws {
    void operator()(cjose_jws_t* jws) const { cjose_jws_release(jws); }
};

}  // namespace

bool is_algorithm(std::string_view name) {
    return std::find(kAlgorithms.begin(), kAlgorithms.end(), name) != kAlgorithms.end();
}

bool SigningKey::may_sign_by(std::string_view algorithm) const {
    return std::find(algorithms_.begin(), algorithms_.end(), algorithm) != algorithms_.end();
}

bool SigningKey::has_signed(std::string_view token, std::string_view algorithm) const {
    cjose_err error = {};
    const std::unique_ptr<cjose_jws_t, ReleaseJws> jws(cjose_jws_import(token.data(), token.size(), &error));
    if (jws == nullptr || !may_sign_by(algorithm)) return false;
    // Two readers of one head must have read the same.
    const char* said = cjose_header_get(cjose_jws_get_protected(jws.get()), CJOSE_HDR_ALG, &error);
    return said != nullptr && said == algorithm && cjose_jws_verify(jws.get(), key_.get(), &error);
}

std::string KeySet::add(std::string_view text) {
    const auto jwk = parse_object(text);
    if (!jwk) return "it is no object";
    if (!is_for_signatures(*jwk)) return "it is not for signatures";
    SigningKey key;
    key.algorithms_ = usable_algorithms(*jwk);
    if (key.algorithms_.empty()) return "its kty, crv and alg are of no algorithm that is taken here";
    const bool is_rsa = text_of(*jwk, "kty") == "RSA";
    const auto curve = std::find_if(kCurves.begin(), kCurves.end(),
                                    [&](const Curve& one) { return one.name == text_of(*jwk, "crv"); });
    if (const std::string fault = is_rsa ? fault_of_rsa(*jwk) : fault_of_ec(*jwk, *curve); !fault.empty())
        return fault;
    const std::string part =
        is_rsa ? public_part(*jwk, {"kty", "n", "e"}) : public_part(*jwk, {"kty", "crv", "x", "y"});
    cjose_err error = {};
    key.key_ = std::shared_ptr<_cjose_jwk_int>(cjose_jwk_import(part.data(), part.size(), &error),
                                               [](cjose_jwk_t* made) { cjose_jwk_release(made); });
    if (key.key_ == nullptr) return "it is no key";
    key.id_ = text_of(*jwk, "kid");
    keys_.push_back(std::move(key));
    return "";
}

std::uint64_t KeySet::next_serial() {
    static std::atomic<std::uint64_t> next{1};
    return next.fetch_add(1, std::memory_order_relaxed);
}

bool KeySet::has_id(std::string_view id) const {
    return std::any_of(keys_.begin(), keys_.end(), [&](const SigningKey& key) { return key.id() == id; });
}

std::vector<const SigningKey*> KeySet::candidates(std::string_view id, std::string_view algorithm) const {
    std::vector<const SigningKey*> found;
    for (const SigningKey& key : keys_) {
        if ((id.empty() || key.id() == id) && key.may_sign_by(algorithm)) found.push_back(&key);
    }
    return found;
}

Parsed<KeySet> parse_key_set(std::string_view text) {
    Parsed<KeySet> parsed;
    const auto set = text.size() > kMostKeySetBytes ? std::nullopt : parse_object(text);
    const boost::json::value* member = set ? set->if_contains("keys") : nullptr;
    const boost::json::array* keys = member != nullptr ? member->if_array() : nullptr;
    if (keys == nullptr) {
        parsed.fault(0, "it is no JWK set: {\"keys\": [...]}, of 1 MiB at most");
        return parsed;
    }
    std::string why = "it has no keys";
    for (const boost::json::value& key : *keys) {
        if (parsed.content.keys().size() == kMostKeys) break;
        const std::string fault = parsed.content.add(boost::json::serialize(key));
        if (!fault.empty()) why = "none of its keys can be used, the last because " + fault;
    }
    if (parsed.content.keys().empty()) parsed.fault(0, why);
    return parsed;
}

}  // namespace auth
