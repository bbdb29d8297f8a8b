#include "password.hpp"

#include "bytes.hpp"

#include <crypt.h>
#include <openssl/crypto.h>

#ifdef GANTRY_AUTH_ARGON2
#include <argon2.h>
#endif

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <memory>

namespace auth {
namespace {

constexpr const char* kRemedy = "; make a new one, for example by htpasswd -B -C 12, or mkpasswd -m yescrypt";

std::string too_fast(const char* what) {
    return std::string(what) + " is guessed too fast" + kRemedy;
}

bool is_crypt_alphabet(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
               c == '/';
    });
}

// The number in `text` between `least` and `most`.
bool is_between(std::string_view text, unsigned least, unsigned most) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size() && number >= least && number <= most;
}

std::string fault_of_bcrypt(std::string_view hash) {
    if (hash.size() != 60 || hash[6] != '$' || !is_crypt_alphabet(hash.substr(7)))
        return "it is not a whole bcrypt hash, which has 60 characters: it may have been cut or changed";
    if (!is_between(hash.substr(4, 2), 4, 31)) return "its cost is not between 04 and 31";
    // What takes minutes to verify serves nobody but who wants to keep threads busy.
    if (!is_between(hash.substr(4, 2), 4, 16))
        return "its cost is above 16, which takes many seconds to verify";
    return "";
}

// $5$ and $6$: [rounds=N$]salt$hash.
std::string fault_of_sha_crypt(std::string_view hash, std::size_t digits) {
    std::string_view rest = hash.substr(3);
    if (rest.starts_with("rounds=")) {
        rest.remove_prefix(7);
        if (!is_between(next_part(rest, '$'), 1000, 10'000'000))
            return "its rounds are not between 1000 and 10000000";
    }
    const std::string_view salt = next_part(rest, '$');
    if (salt.size() > 16 || rest.size() != digits || !is_crypt_alphabet(rest))
        return "it is not a whole SHA-crypt hash: it may have been cut or changed";
    return "";
}

// $y$PARAMETERS$SALT$HASH, $gy$ alike, and $7$PARAMETERS-AND-SALT$HASH: only libxcrypt knows their
// parameters.
std::string fault_of_crypt(std::string_view hash) {
    const std::string_view digest = hash.substr(hash.rfind('$') + 1);
    const auto parts = std::count(hash.begin(), hash.end(), '$');
    if (hash.size() > 384 || parts != (hash.starts_with("$7$") ? 3 : 4) || digest.size() != 43 ||
        !is_crypt_alphabet(digest))
        return "it is not a whole hash of its kind: it may have been cut or changed";
    const std::string text{hash};
    return crypt_checksalt(text.c_str()) == CRYPT_SALT_OK ? ""
                                                          : "the library of this system does not know it";
}

#ifdef GANTRY_AUTH_ARGON2
// $argon2id$v=19$m=65536,t=3,p=4$salt$hash
std::string fault_of_argon2(std::string_view hash) {
    constexpr const char* kCut = "it is not a whole Argon2id hash: it may have been cut or changed";
    std::string_view rest = hash.substr(std::string_view("$argon2id$").size());
    if (next_part(rest, '$') != "v=19") return "it is not of version 19 of Argon2";
    std::string_view costs = next_part(rest, '$');
    const std::string_view memory = next_part(costs, ',');
    const std::string_view times = next_part(costs, ',');
    if (!memory.starts_with("m=") || !times.starts_with("t=") || !costs.starts_with("p=")) return kCut;
    if (!is_between(memory.substr(2), 8, 1024 * 1024)) return "its memory is not between 8 KiB and 1 GiB";
    if (!is_between(times.substr(2), 1, 64)) return "its passes are not between 1 and 64";
    if (!is_between(costs.substr(2), 1, 64)) return "its lanes are not between 1 and 64";
    const std::string_view salt = next_part(rest, '$');
    if (salt.size() < 11 || rest.size() < 16 || rest.find('$') != rest.npos || hash.size() > 512) return kCut;
    return "";
}
#endif

struct FreeCrypt {
    void operator()(void* data) const { std::free(data); }
};

bool fits(const std::string& password, const std::string& hash) {
#ifdef GANTRY_AUTH_ARGON2
    if (hash.starts_with("$argon2id$"))
        return argon2id_verify(hash.c_str(), password.data(), password.size()) == ARGON2_OK;
#endif
    void* data = nullptr;
    int size = 0;
    const char* made = crypt_ra(password.c_str(), hash.c_str(), &data, &size);
    const std::unique_ptr<void, FreeCrypt> owner(data);
    const bool is_right = made != nullptr && made[0] != '*' && is_equal_secret(made, hash);
    if (data != nullptr) OPENSSL_cleanse(data, static_cast<std::size_t>(size));
    return is_right;
}

}  // namespace

std::string fault_of_hash(std::string_view hash) {
    if (hash.empty()) return std::string("there is no hash") + kRemedy;
    if (hash.starts_with("$2b$") || hash.starts_with("$2y$")) return fault_of_bcrypt(hash);
    if (hash.starts_with("$2a$") || hash.starts_with("$2x$"))
        return "this kind of bcrypt is of programs with an error" + std::string(kRemedy);
    if (hash.starts_with("$y$") || hash.starts_with("$gy$") || hash.starts_with("$7$"))
        return fault_of_crypt(hash);
    if (hash.starts_with("$6$")) return fault_of_sha_crypt(hash, 86);
    if (hash.starts_with("$5$")) return fault_of_sha_crypt(hash, 43);
    if (hash.starts_with("$argon2id$")) {
#ifdef GANTRY_AUTH_ARGON2
        return fault_of_argon2(hash);
#else
        return "this gantry was built without Argon2" + std::string(kRemedy);
#endif
    }
    if (hash.starts_with("$argon2")) return "of the kinds of Argon2, only argon2id is taken";
    if (hash.starts_with("$apr1$")) return too_fast("$apr1$ (MD5, what htpasswd makes without -B)");
    if (hash.starts_with("$1$")) return too_fast("$1$ (MD5)");
    if (hash.starts_with("$sha1$")) return too_fast("$sha1$");
    if (hash.starts_with("{SHA}")) return too_fast("{SHA}");
    if (hash.starts_with("{SSHA}")) return too_fast("{SSHA}");
    if (hash.starts_with("{PLAIN}")) return "{PLAIN} is the password itself" + std::string(kRemedy);
    if (hash.size() == 13 && is_crypt_alphabet(hash)) return too_fast("it is DES, or no hash at all, and");
    return std::string("it is no hash of a kind that is known, perhaps the password itself") + kRemedy;
}

bool verify_password(std::string password, const std::string& hash) {
    // crypt() would look no further than a byte 0, and so take what is not the password.
    const bool may = password.size() <= kMostPasswordBytes && password.find('\0') == password.npos;
    const bool is_right = may && fits(password, hash);
    OPENSSL_cleanse(password.data(), password.size());
    return is_right;
}

const std::string& nobodys_hash() {
    static const std::string hash = "$2b$12$" + std::string(53, '.');
    return hash;
}

}  // namespace auth
