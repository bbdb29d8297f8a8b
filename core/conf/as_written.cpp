#include "core/conf/as_written.hpp"

namespace gantry::conf {

std::string as_written(const HostName& name) {
    switch (name.kind) {
        case HostName::Kind::Wildcard:
            return "*." + name.text;
        case HostName::Kind::Regex:
            return "~" + name.text;
        case HostName::Kind::Exact:
            break;
    }
    return name.text;
}

std::string as_written(const Pattern& pattern) {
    switch (pattern.kind) {
        case Pattern::Kind::Exact:
            return "= " + pattern.text;
        case Pattern::Kind::Regex:
            return (pattern.ignore_case ? "~*" : "~") + pattern.text;
        case Pattern::Kind::Prefix:
            break;
    }
    return pattern.text;
}

}  // namespace gantry::conf
