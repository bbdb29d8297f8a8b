// Judges an OCSP response from a file before it is stapled to handshakes (RFC 6960, RFC 6066 section 8).
#pragma once

#include <cstdint>
#include <string>

struct stack_st_X509;

namespace gantry::net {

struct OcspVerdict {
    std::string problem;     // "": it may be stapled
    std::int64_t until = 0;  // Unix seconds of nextUpdate; 0: none given
};

// `chain`: the certificate that it must speak about, then its issuers. The signature is checked when the
// issuer is there. [any]
OcspVerdict check_ocsp(const std::string& der, stack_st_X509* chain, std::int64_t now);

}  // namespace gantry::net
