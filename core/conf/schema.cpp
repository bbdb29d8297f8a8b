#include "core/conf/schema.hpp"

#include "core/conf/loading.hpp"

namespace gantry::conf {

const std::vector<Scope>& all_scopes() {
    static const std::vector<Scope> scopes = [] {
        std::vector<Scope> out{root_scope_doc(), server_scope_doc(), log_scope_doc()};
        const auto add = [&out](std::vector<Scope> more) {
            for (Scope& scope : more) out.push_back(std::move(scope));
        };
        add(listener_scope_docs());
        add(upstream_scope_docs());
        out.push_back(host_scope_doc());
        add(certificate_scope_docs());
        add(location_scope_docs());
        add(static_scope_docs());
        add(proxy_scope_docs());
        add(answer_scope_docs());
        add(shared_scope_docs());
        add(test_scope_docs());
        return out;
    }();
    return scopes;
}

}  // namespace gantry::conf
