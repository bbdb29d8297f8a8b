#include "core/net/certificate.hpp"

#include "core/base/text.hpp"
#include "core/base/unique_fd.hpp"
#include "core/net/certificate_ocsp.hpp"
#include "core/net/tls_handles.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <mutex>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <sys/stat.h>

namespace gantry::net {

namespace {

constexpr std::size_t kMaxFileBytes = 1024 * 1024;

using Problems = std::vector<CertificateProblem>;

using File = CertificateProblem::File;

template <class... Args>
CertificateProblem& complain(Problems& problems, CertificateProblem::Kind kind,
                             fmt::format_string<Args...> format, Args&&... args) {
    return problems.emplace_back(CertificateProblem{kind, fmt::format(format, std::forward<Args>(args)...)});
}
constexpr auto kError = CertificateProblem::Kind::Error;
constexpr auto kWarning = CertificateProblem::Kind::Warning;

// What was found since there were `first` problems is about `file`.
void is_about(File file, Problems& problems, std::size_t first) {
    for (std::size_t i = first; i < problems.size(); ++i) problems[i].file = file;
}

std::string last_reason() {
    const char* reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return reason != nullptr ? reason : "unknown error";
}

// The whole file, or what is wrong with it.
bool read_file(const std::string& path, const char* what, std::string& to, Problems& problems,
               struct stat* status = nullptr) {
    static constexpr char kRights[] = "give the user that runs gantry the right to read it";
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat facts{};
    if (!fd || ::fstat(fd.get(), &facts) != 0) {
        const bool is_missing = errno == ENOENT;
        complain(problems, kError, "cannot read the {} {}: {}", what, path, std::strerror(errno)).hint =
            is_missing ? "put it there, or name another file" : kRights;
        return false;
    }
    if (!S_ISREG(facts.st_mode)) {
        complain(problems, kError, "the {} {} is not a file", what, path).hint = "name a file";
        return false;
    }
    if (static_cast<std::size_t>(facts.st_size) > kMaxFileBytes) {
        complain(problems, kError, "the {} {} has more than {} bytes", what, path, kMaxFileBytes).hint =
            "name a file with nothing else in it";
        return false;
    }
    to.resize(kMaxFileBytes + 1);
    std::size_t size = 0;
    for (;;) {
        const ssize_t part = ::read(fd.get(), to.data() + size, to.size() - size);
        if (part < 0 && errno == EINTR) continue;
        if (part < 0) {
            complain(problems, kError, "cannot read the {} {}: {}", what, path, std::strerror(errno)).hint =
                kRights;
            return false;
        }
        if (part == 0 || size == to.size()) break;
        size += static_cast<std::size_t>(part);
    }
    to.resize(size);
    to.shrink_to_fit();
    if (status != nullptr) *status = facts;
    return true;
}

BioHandle open_memory(std::string_view bytes) {
    return BioHandle(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

std::int64_t to_unix(const ASN1_TIME* time) {
    std::tm parts{};
    if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return 0;
    return ::timegm(&parts);
}

std::string day(std::int64_t unix_seconds) {
    const auto seconds = static_cast<std::time_t>(unix_seconds);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts)};
}

template <class T, class Encode>
std::string to_der(const T* object, Encode encode) {
    unsigned char* der = nullptr;
    const int size = encode(object, &der);
    if (size <= 0) return {};
    std::string bytes(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
    OPENSSL_clear_free(der, static_cast<std::size_t>(size));
    return bytes;
}

std::string subject_of(const X509* certificate) {
    const BioHandle text(BIO_new(BIO_s_mem()));
    if (!text || X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0,
                                    XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) {
        return {};
    }
    char* data = nullptr;
    const long size = BIO_get_mem_data(text.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

std::vector<std::string> names_of(const X509* certificate) {
    std::vector<std::string> names;
    auto* alternatives =
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives, i);
        int type = 0;
        const auto* value = static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(name, &type));
        if (type != GEN_DNS && type != GEN_IPADD) continue;
        const auto* bytes = ASN1_STRING_get0_data(value);
        const auto size = static_cast<std::size_t>(ASN1_STRING_length(value));
        if (type == GEN_DNS) {
            names.push_back(lower_case({reinterpret_cast<const char*>(bytes), size}));
        } else if (char text[INET6_ADDRSTRLEN];
                   (size == 4 || size == 16) &&
                   ::inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, text, sizeof text) != nullptr) {
            names.emplace_back(text);
        }
    }
    GENERAL_NAMES_free(alternatives);
    return names;
}

// Certificates of a PEM text in their order; null with a problem where there is none or a broken one.
ChainHandle parse_chain(std::string_view pem, const std::string& path, Problems& problems) {
    ERR_clear_error();
    const BioHandle bio = open_memory(pem);
    ChainHandle chain(sk_X509_new_null());
    while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
        sk_X509_push(chain.get(), certificate);
    }
    const unsigned long error = ERR_peek_last_error();
    const bool at_end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    const int count = sk_X509_num(chain.get());
    if (!at_end) {
        complain(problems, kError, "certificate number {} in {} is damaged: {}", count + 1, path,
                 last_reason())
            .hint = "ask the authority for it again, or take the damaged block out";
        return nullptr;
    }
    ERR_clear_error();
    if (count > 0) return chain;
    const bool has_key = pem.find("PRIVATE KEY-----") != std::string::npos;
    complain(problems, kError, "{} holds no certificate in PEM form{}", path,
             has_key ? ", only a key: are certificate and key swapped?" : "")
        .hint =
        has_key
            ? "write { certificate = \"www.pem\", key = \"www.key\" }"
            : "PEM is text with -----BEGIN CERTIFICATE-----; from DER it is made by openssl x509 -inform der";
    return nullptr;
}

int refuse_passphrase(char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
}

KeyHandle parse_key(std::string_view pem, const std::string& path, Problems& problems) {
    ERR_clear_error();
    const BioHandle bio = open_memory(pem);
    bool asked = false;
    KeyHandle key(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_passphrase, &asked));
    const std::string reason = key ? "" : last_reason();
    if (key) {
        ERR_clear_error();
    } else if (asked) {
        complain(problems, kError, "the key in {} is protected by a passphrase", path).hint =
            fmt::format("store it without one: openssl pkey -in {} -out NEW", path);
    } else if (pem.find("PRIVATE KEY-----") == std::string::npos) {
        complain(problems, kError, "{} holds no private key in PEM form", path).hint =
            "name the file that has -----BEGIN PRIVATE KEY----- in it: { certificate = \"www.pem\", key = "
            "\"www.key\" }";
    } else {
        complain(problems, kError, "the key in {} is damaged: {}", path, reason).hint =
            "copy it again from where it was made";
    }
    return key;
}

// Would OpenSSL serve it? Asks a context made for this, so that weak keys and unknown kinds are found at
// load.
bool is_servable(X509* leaf, EVP_PKEY* key, std::string& reason) {
    static std::mutex mutex;
    static SSL_CTX* trial = SSL_CTX_new(TLS_server_method());
    const std::lock_guard lock(mutex);
    ERR_clear_error();
    if (SSL_CTX_use_cert_and_key(trial, leaf, key, nullptr, 1) == 1) return true;
    reason = last_reason();
    return false;
}

bool check_pair(STACK_OF(X509) * chain, EVP_PKEY* key, const conf::Certificate& files, Problems& problems) {
    const std::string& key_path = files.key_file.empty() ? files.certificate_file : files.key_file;
    X509* leaf = sk_X509_value(chain, 0);
    ERR_clear_error();
    if (X509_check_private_key(leaf, key) != 1) {
        int owner = 0;
        for (int i = 1; i < sk_X509_num(chain) && owner == 0; ++i) {
            if (X509_check_private_key(sk_X509_value(chain, i), key) == 1) owner = i + 1;
        }
        ERR_clear_error();
        if (owner != 0) {
            complain(
                problems, kError,
                "the certificate of the key {} is number {} in {}; it must be the first, its issuers follow",
                key_path, owner, files.certificate_file)
                .hint = "put it at the top of the file";
        } else {
            CertificateProblem& problem =
                complain(problems, kError, "the key {} does not belong to the certificate {} ({})", key_path,
                         files.certificate_file, subject_of(leaf));
            problem.hint = "name the key that this certificate was made for";
            problem.file = File::Key;
        }
        return false;
    }
    std::string reason;
    if (is_servable(leaf, key, reason)) return true;
    complain(problems, kError, "the certificate {} ({}) cannot be served: {}", files.certificate_file,
             subject_of(leaf), reason)
        .hint = "get one with a key that clients accept: RSA with 2048 bits or more, or ECDSA P-256";
    return false;
}

void check_details(const CertificateData& data, STACK_OF(X509) * chain, Problems& problems) {
    const std::int64_t now = std::time(nullptr);
    if (data.not_after < now) {
        complain(problems, kWarning, "the certificate {} ({}) expired on {}", data.source, data.subject,
                 day(data.not_after))
            .hint = "renew it";
    } else if (data.not_before > now) {
        complain(problems, kWarning, "the certificate {} ({}) is not valid before {}", data.source,
                 data.subject, day(data.not_before))
            .hint = "wait until then, or look at the clock of this machine";
    }
    if (data.names.empty()) {
        complain(problems, kWarning,
                 "the certificate {} ({}) names no host (no subjectAltName): clients refuse it", data.source,
                 data.subject)
            .hint = "get one with the names of the host in it";
    }
    for (int i = 0; i + 1 < sk_X509_num(chain); ++i) {
        const X509* issuer = sk_X509_value(chain, i + 1);
        if (X509_NAME_cmp(X509_get_issuer_name(sk_X509_value(chain, i)), X509_get_subject_name(issuer)) == 0)
            continue;
        complain(problems, kWarning,
                 "certificate number {} in {} ({}) is not the issuer of the one before it", i + 2,
                 data.source, subject_of(issuer))
            .hint = "put each certificate's issuer behind it, and leave out what does not belong";
    }
}

void take_ocsp(std::string der, const std::string& source, STACK_OF(X509) * chain, CertificateData& data,
               Problems& problems) {
    const OcspVerdict verdict = check_ocsp(der, chain, std::time(nullptr));
    if (!verdict.problem.empty()) {
        complain(problems, kWarning, "the OCSP response {} is not used: {}", source, verdict.problem).hint =
            "fetch a new one: openssl ocsp -respout";
        return;
    }
    data.ocsp = std::move(der);
    data.ocsp_until = verdict.until;
}

void load_ocsp(const std::string& path, STACK_OF(X509) * chain, CertificateData& data, Problems& problems) {
    std::string der;
    Problems trouble;
    if (read_file(path, "OCSP response", der, trouble))
        return take_ocsp(std::move(der), path, chain, data, problems);
    for (CertificateProblem& problem : trouble)
        complain(problems, kWarning, "{}; serving without", problem.text).hint = problem.hint;
}

// Of a pair that was checked.
std::shared_ptr<CertificateData> data_of(STACK_OF(X509) * chain, EVP_PKEY* key, const std::string& source) {
    auto data = std::make_shared<CertificateData>();
    for (int i = 0; i < sk_X509_num(chain); ++i)
        data->chain.push_back(to_der(sk_X509_value(chain, i), i2d_X509));
    const X509* leaf = sk_X509_value(chain, 0);
    data->source = source;
    data->key = to_der(key, i2d_PrivateKey);
    data->not_before = to_unix(X509_get0_notBefore(leaf));
    data->not_after = to_unix(X509_get0_notAfter(leaf));
    data->subject = subject_of(leaf);
    data->names = names_of(leaf);
    data->kind = EVP_PKEY_get0_type_name(key);
    return data;
}

}  // namespace

conf::Place place_of(const CertificateProblem& problem, const conf::Certificate& files) {
    const conf::Place& place = problem.file == File::Key    ? files.key_place
                               : problem.file == File::Ocsp ? files.ocsp_place
                                                            : files.place;
    return place.line != 0 ? place : files.place;
}

CertificateData::~CertificateData() {
    OPENSSL_cleanse(key.data(), key.size());
}

CertificateLoad load_certificate(const conf::Certificate& files) {
    CertificateLoad load;
    Problems& problems = load.problems;
    const bool one_file = files.key_file.empty();
    std::string pem;
    std::string key_pem;
    struct stat key_facts{};
    const bool has_pem =
        read_file(files.certificate_file, "certificate", pem, problems, one_file ? &key_facts : nullptr);
    const std::size_t before_key = problems.size();
    const bool has_key_pem =
        one_file ? has_pem : read_file(files.key_file, "key", key_pem, problems, &key_facts);
    is_about(File::Key, problems, before_key);
    const std::string& key_path = one_file ? files.certificate_file : files.key_file;

    const ChainHandle chain = has_pem ? parse_chain(pem, files.certificate_file, problems) : nullptr;
    const std::size_t after_chain = problems.size();
    const KeyHandle key = has_key_pem ? parse_key(one_file ? pem : key_pem, key_path, problems) : nullptr;
    if (key && (key_facts.st_mode & S_IROTH) != 0) {
        complain(problems, kWarning, "every user of this machine can read the key {} (mode {:04o})", key_path,
                 key_facts.st_mode & 07777)
            .hint = fmt::format("make it private: chmod 600 {}", key_path);
    }
    is_about(File::Key, problems, after_chain);
    if (chain && key && check_pair(chain.get(), key.get(), files, problems)) {
        auto data = data_of(chain.get(), key.get(), files.certificate_file);
        check_details(*data, chain.get(), problems);
        const std::size_t before_ocsp = problems.size();
        if (!files.ocsp_file.empty()) load_ocsp(files.ocsp_file, chain.get(), *data, problems);
        is_about(File::Ocsp, problems, before_ocsp);
        load.certificate = std::move(data);
    }
    OPENSSL_cleanse(pem.data(), pem.size());
    OPENSSL_cleanse(key_pem.data(), key_pem.size());
    return load;
}

CertificateLoad read_certificate(const CertificatePem& pem) {
    CertificateLoad load;
    Problems& problems = load.problems;
    if (pem.chain.size() > kMaxFileBytes || pem.key.size() > kMaxFileBytes ||
        pem.ocsp.size() > kMaxFileBytes) {
        complain(problems, kError, "{} has more than {} bytes", pem.source, kMaxFileBytes).hint =
            "hand over one certificate, its chain and its key";
        return load;
    }
    const ChainHandle chain = parse_chain(pem.chain, pem.source, problems);
    const KeyHandle key = parse_key(pem.key.empty() ? pem.chain : pem.key, pem.source, problems);
    conf::Certificate names;  // as files would be called
    names.certificate_file = pem.source;
    if (!chain || !key || !check_pair(chain.get(), key.get(), names, problems)) return load;
    auto data = data_of(chain.get(), key.get(), pem.source);
    check_details(*data, chain.get(), problems);
    if (!pem.ocsp.empty()) take_ocsp(std::string(pem.ocsp), "of " + pem.source, chain.get(), *data, problems);
    load.certificate = std::move(data);
    return load;
}

std::vector<CertificateProblem> check_certificate(const conf::Certificate& files,
                                                  const std::vector<std::string>& names) {
    CertificateLoad load = load_certificate(files);
    if (load.certificate && !load.certificate->names.empty()) {
        for (const std::string& name : names) {
            if (covers(*load.certificate, name)) continue;
            complain(load.problems, kWarning, "the certificate {} is not valid for {} (it names {})",
                     files.certificate_file, name, fmt::join(load.certificate->names, ", "))
                .hint = "get one that names it, or take the name out of the host";
        }
    }
    return std::move(load.problems);
}

bool covers(const CertificateData& certificate, std::string_view name) {
    for (const std::string_view candidate : certificate.names) {
        if (candidate == name) return true;
        if (!candidate.starts_with("*.") || name.starts_with("*.")) continue;
        const std::size_t dot = name.find('.');
        if (dot != 0 && dot != name.npos && name.substr(dot) == candidate.substr(1)) return true;
    }
    return false;
}

CertificatePtr make_self_signed(const std::vector<std::string>& names) {
    constexpr long kHour = 3600;
    constexpr long kTwoYears = 730L * 24 * kHour;
    const std::string first = names.empty() ? std::string("localhost") : names.front();
    const KeyHandle key(EVP_EC_gen("P-256"));
    const X509Handle certificate(X509_new());
    if (!key || !certificate) return nullptr;
    X509* const x509 = certificate.get();
    X509_set_version(x509, X509_VERSION_3);
    unsigned char serial[16];
    if (RAND_bytes(serial, sizeof serial) != 1) return nullptr;
    serial[0] &= 0x7f;
    BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509));
    BN_free(number);
    X509_gmtime_adj(X509_getm_notBefore(x509), -kHour);
    X509_gmtime_adj(X509_getm_notAfter(x509), kTwoYears);
    // A common name has at most 64 bytes; longer ones stand in the subjectAltName alone.
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(first.data()),
                               static_cast<int>(std::min<std::size_t>(first.size(), 64)), -1, 0);
    X509_set_issuer_name(x509, X509_get_subject_name(x509));
    X509_set_pubkey(x509, key.get());

    GENERAL_NAMES* alternatives = GENERAL_NAMES_new();
    auto data = std::make_shared<CertificateData>();
    for (const std::string& name : names.empty() ? std::vector<std::string>{first} : names) {
        unsigned char address[16];
        const int family = name.find(':') != name.npos ? AF_INET6 : AF_INET;
        const bool is_address = ::inet_pton(family, name.c_str(), address) == 1;
        GENERAL_NAME* general = GENERAL_NAME_new();
        if (is_address) {
            ASN1_OCTET_STRING* value = ASN1_OCTET_STRING_new();
            ASN1_OCTET_STRING_set(value, address, family == AF_INET ? 4 : 16);
            GENERAL_NAME_set0_value(general, GEN_IPADD, value);
        } else {
            ASN1_IA5STRING* value = ASN1_IA5STRING_new();
            ASN1_STRING_set(value, name.data(), static_cast<int>(name.size()));
            GENERAL_NAME_set0_value(general, GEN_DNS, value);
        }
        sk_GENERAL_NAME_push(alternatives, general);
        data->names.push_back(lower_case(name));
    }
    X509_add1_ext_i2d(x509, NID_subject_alt_name, alternatives, 0, X509V3_ADD_DEFAULT);
    GENERAL_NAMES_free(alternatives);
    if (X509_sign(x509, key.get(), EVP_sha256()) == 0) return nullptr;

    data->source = "self-signed";
    data->chain.push_back(to_der(x509, i2d_X509));
    data->key = to_der(key.get(), i2d_PrivateKey);
    data->not_before = to_unix(X509_get0_notBefore(x509));
    data->not_after = to_unix(X509_get0_notAfter(x509));
    data->subject = subject_of(x509);
    data->kind = "EC";
    return data;
}

}  // namespace gantry::net
