#include "core/http/method.hpp"

namespace gantry::http {

Method method_of(std::string_view token) {
    switch (token.size()) {
        case 3:
            if (token == "GET") return Method::Get;
            return token == "PUT" ? Method::Put : Method::Other;
        case 4:
            if (token == "POST") return Method::Post;
            return token == "HEAD" ? Method::Head : Method::Other;
        case 5:
            if (token == "PATCH") return Method::Patch;
            return token == "TRACE" ? Method::Trace : Method::Other;
        case 6:
            return token == "DELETE" ? Method::Delete : Method::Other;
        case 7:
            if (token == "OPTIONS") return Method::Options;
            return token == "CONNECT" ? Method::Connect : Method::Other;
        default:
            return Method::Other;
    }
}

std::string_view name_of(Method method) {
    switch (method) {
        case Method::Get:
            return "GET";
        case Method::Head:
            return "HEAD";
        case Method::Post:
            return "POST";
        case Method::Put:
            return "PUT";
        case Method::Delete:
            return "DELETE";
        case Method::Connect:
            return "CONNECT";
        case Method::Options:
            return "OPTIONS";
        case Method::Trace:
            return "TRACE";
        case Method::Patch:
            return "PATCH";
        case Method::Other:
            break;
    }
    return "";
}

}  // namespace gantry::http
