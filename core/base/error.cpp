#include "core/base/error.hpp"

#include <cstring>

namespace gantry {

int status_of(const Error& error) {
    switch (error.code) {
        case Code::BadRequest:
            return 400;
        case Code::Forbidden:
            return 403;
        case Code::NotFound:
            return 404;
        case Code::MethodNotAllowed:
            return 405;
        case Code::RequestTimeout:
            return 408;
        case Code::BodyTooLarge:
            return 413;
        case Code::UriTooLong:
            return 414;
        case Code::Misdirected:
            return 421;
        case Code::HeaderTooLarge:
            return 431;
        case Code::Internal:
            return 500;
        case Code::NotImplemented:
            return 501;
        case Code::Connect:
        case Code::BadResponse:
            return 502;
        case Code::Unavailable:
            return 503;
        case Code::UpstreamTimeout:
            return 504;
        case Code::VersionNotSupported:
            return 505;
        // A peer that vanished is a bad gateway; a client that vanished cannot be told anything.
        case Code::Closed:
        case Code::Tls:
            return error.side == Side::Upstream ? 502 : 0;
    }
    return 500;
}

std::string_view name_of(Code code) {
    switch (code) {
        case Code::BadRequest:
            return "bad request";
        case Code::UriTooLong:
            return "request target too long";
        case Code::HeaderTooLarge:
            return "request head too large";
        case Code::BodyTooLarge:
            return "request body too large";
        case Code::VersionNotSupported:
            return "HTTP version not supported";
        case Code::NotImplemented:
            return "not implemented";
        case Code::RequestTimeout:
            return "client too slow";
        case Code::Forbidden:
            return "forbidden";
        case Code::NotFound:
            return "not found";
        case Code::MethodNotAllowed:
            return "method not allowed";
        case Code::Misdirected:
            return "misdirected request";
        case Code::Closed:
            return "connection closed";
        case Code::Connect:
            return "connect failed";
        case Code::BadResponse:
            return "bad response";
        case Code::UpstreamTimeout:
            return "upstream timed out";
        case Code::Unavailable:
            return "unavailable";
        case Code::Tls:
            return "TLS failure";
        case Code::Internal:
            return "internal error";
    }
    return "error";
}

std::string describe(const Error& error) {
    std::string text{name_of(error.code)};
    if (error.system != 0) text.append(": ").append(std::strerror(error.system));
    if (*error.context != '\0') text.append(" ").append(error.context);
    return text;
}

}  // namespace gantry
