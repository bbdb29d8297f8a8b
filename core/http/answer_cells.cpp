#include "core/http/answer_cells.hpp"

#include <utility>

namespace gantry::http {

metrics::Family answer_family(std::string name, std::string help) {
    metrics::Family family;
    family.name = std::move(name);
    family.help = std::move(help);
    family.hides_zero = true;
    metrics::Dimension methods{"method", {}};
    for (auto method = Method::Get; method < Method::Other;
         method = static_cast<Method>(static_cast<std::uint8_t>(method) + 1)) {
        methods.values.emplace_back(name_of(method));
    }
    methods.values.emplace_back("other");
    family.dimensions = {std::move(methods), {"status", {"none", "1xx", "2xx", "3xx", "4xx", "5xx"}}};
    return family;
}

}  // namespace gantry::http
