#include "core/net/certificate_ocsp.hpp"

#include "core/net/tls_handles.hpp"

#include <ctime>
#include <openssl/err.h>

namespace gantry::net {

namespace {

constexpr std::int64_t kClockSkew = 300;

std::int64_t to_unix(const ASN1_GENERALIZEDTIME* time) {
    std::tm parts{};
    if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return 0;
    return ::timegm(&parts);
}

// The part of the response that is about `leaf`; null when there is none.
OCSP_SINGLERESP* find_single(OCSP_BASICRESP* basic, const X509* leaf, const X509* issuer) {
    for (int i = 0; i < OCSP_resp_count(basic); ++i) {
        OCSP_SINGLERESP* single = OCSP_resp_get0(basic, i);
        auto* id = const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(single));
        ASN1_INTEGER* serial = nullptr;
        ASN1_OBJECT* algorithm = nullptr;
        if (OCSP_id_get0_info(nullptr, &algorithm, nullptr, &serial, id) != 1) continue;
        if (ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)) != 0) continue;
        if (issuer == nullptr) return single;
        const EVP_MD* digest = EVP_get_digestbyobj(algorithm);
        if (digest == nullptr) continue;
        OCSP_CERTID* wanted = OCSP_cert_to_id(digest, leaf, issuer);
        const bool is_it = wanted != nullptr && OCSP_id_issuer_cmp(wanted, id) == 0;
        OCSP_CERTID_free(wanted);
        if (is_it) return single;
    }
    return nullptr;
}

bool is_signed_by_issuer(OCSP_BASICRESP* basic, STACK_OF(X509) * chain) {
    const X509StoreHandle store(X509_STORE_new());
    if (!store) return false;
    // Our issuer need not be a root here: it is what we serve and therefore trust.
    X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
    for (int i = 1; i < sk_X509_num(chain); ++i) X509_STORE_add_cert(store.get(), sk_X509_value(chain, i));
    return OCSP_basic_verify(basic, chain, store.get(), 0) == 1;
}

}  // namespace

OcspVerdict check_ocsp(const std::string& der, stack_st_X509* chain, std::int64_t now) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
    const OcspResponseHandle response(d2i_OCSP_RESPONSE(nullptr, &bytes, static_cast<long>(der.size())));
    const X509* leaf = sk_X509_value(chain, 0);
    const X509* issuer = sk_X509_num(chain) > 1 ? sk_X509_value(chain, 1) : nullptr;
    const auto refuse = [](std::string problem) {
        ERR_clear_error();
        return OcspVerdict{std::move(problem), 0};
    };
    if (!response) return refuse("it is not an OCSP response in DER form");
    const int status = OCSP_response_status(response.get());
    if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
        return refuse(std::string("the responder answered ") + OCSP_response_status_str(status));
    }
    const OcspBasicHandle basic(OCSP_response_get1_basic(response.get()));
    if (!basic) return refuse("its content is damaged");
    OCSP_SINGLERESP* single = find_single(basic.get(), leaf, issuer);
    if (single == nullptr) return refuse("it is about another certificate");

    int reason = 0;
    ASN1_GENERALIZEDTIME* revoked = nullptr;
    ASN1_GENERALIZEDTIME* this_update = nullptr;
    ASN1_GENERALIZEDTIME* next_update = nullptr;
    const int verdict = OCSP_single_get0_status(single, &reason, &revoked, &this_update, &next_update);
    if (verdict == V_OCSP_CERTSTATUS_REVOKED) return refuse("it says that the certificate was revoked");
    if (verdict != V_OCSP_CERTSTATUS_GOOD) return refuse("its responder does not know the certificate");
    const std::int64_t until = to_unix(next_update);
    if (until != 0 && until < now) return refuse("it has expired");
    if (to_unix(this_update) > now + kClockSkew) return refuse("it is not valid yet");
    if (issuer != nullptr && !is_signed_by_issuer(basic.get(), chain)) {
        return refuse("it is not signed by the certificate's issuer");
    }
    ERR_clear_error();
    return {"", until};
}

}  // namespace gantry::net
