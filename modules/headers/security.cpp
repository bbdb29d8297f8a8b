#include "security.hpp"

#include "field_syntax.hpp"

#include <algorithm>

namespace headers {
namespace {

using Set = SecuritySettings::Set;

constexpr const char* kTelling[] = {"Server", "X-Powered-By", "X-AspNet-Version", "X-AspNetMvc-Version",
                                    "X-Generator"};
// Fields without which a response cannot be understood, or that are not a module's to take.
constexpr const char* kNeeded[] = {"Content-Length",
                                   "Transfer-Encoding",
                                   "Connection",
                                   "Keep-Alive",
                                   "TE",
                                   "Trailer",
                                   "Upgrade",
                                   "Proxy-Connection",
                                   "Content-Type",
                                   "Content-Encoding",
                                   "Content-Range",
                                   "Date",
                                   "Location"};

constexpr const char* kStrictPolicy =
    "default-src 'self'; base-uri 'self'; form-action 'self'; object-src 'none'";
constexpr const char* kStrictPermissions =
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), "
    "microphone=(), midi=(), payment=(), usb=()";

std::string chosen(const std::optional<std::string>& given, Set set, const char* basic, const char* strict) {
    if (given) return *given;
    return set == Set::Strict ? strict : set == Set::Basic ? basic : "";
}

bool is_ancestor(std::string_view text) {
    return !text.empty() && is_value(text) && text.find_first_of(" ;,'") == text.npos;
}

}  // namespace

bool has_directive(std::string_view policy, std::string_view directive) {
    while (!policy.empty()) {
        // Several policies in one field have commas between.
        const auto end = policy.find_first_of(";,");
        const std::string_view one = trimmed(policy.substr(0, end));
        if (is_same(one.substr(0, one.find_first_of(" \t")), directive)) return true;
        policy = end == policy.npos ? std::string_view{} : policy.substr(end + 1);
    }
    return false;
}

Security Security::make(const SecuritySettings& settings, Problems& problems) {
    Security made;
    if (settings.remove) {
        made.removed_ = *settings.remove;
    } else if (settings.set != Set::Off) {
        made.removed_.assign(std::begin(kTelling), std::end(kTelling));
    }
    for (const std::string& name : made.removed_) {
        const bool is_needed = std::any_of(std::begin(kNeeded), std::end(kNeeded),
                                           [&](const char* needed) { return is_same(name, needed); });
        if (!is_token(name)) {
            problems.push_back({"remove", "\"" + name + "\" is no name of a field",
                                "for example: remove = [\"X-Powered-By\"]"});
        } else if (is_needed) {
            problems.push_back({"remove", "\"" + name + "\" cannot be removed", "clients need it"});
        }
    }
    if (settings.set != Set::Off) made.fields_.push_back({"X-Content-Type-Options", "nosniff", false});
    made.add_policies(settings, problems);
    made.add_frames(settings, problems);
    for (Field& field : made.fields_) field.is_kept = field.is_kept && !settings.replaces;
    return made;
}

void Security::add(const char* key, const char* name, const std::string& value, Problems& problems) {
    if (!is_value(value)) {
        problems.push_back({key, "a field is of letters, digits and signs of ASCII, on one line", ""});
    } else if (!value.empty()) {
        fields_.push_back({name, value});
    }
}

void Security::add_policies(const SecuritySettings& settings, Problems& problems) {
    const Set set = settings.set;
    add("referrer_policy", "Referrer-Policy",
        chosen(settings.referrer_policy, set, "strict-origin-when-cross-origin", "same-origin"), problems);
    add("permissions_policy", "Permissions-Policy",
        chosen(settings.permissions_policy, set, "", kStrictPermissions), problems);
    add("opener_policy", "Cross-Origin-Opener-Policy", chosen(settings.opener_policy, set, "", "same-origin"),
        problems);
    add("embedder_policy", "Cross-Origin-Embedder-Policy",
        chosen(settings.embedder_policy, set, "", "require-corp"), problems);
    add("resource_policy", "Cross-Origin-Resource-Policy",
        chosen(settings.resource_policy, set, "", "same-origin"), problems);
    add("csp_report_only", "Content-Security-Policy-Report-Only", settings.csp_report_only.value_or(""),
        problems);
}

// X-Frame-Options for old browsers, frame-ancestors for all others, which say the same or nothing.
void Security::add_frames(const SecuritySettings& settings, Problems& problems) {
    std::string policy = chosen(settings.csp, settings.set, "", kStrictPolicy);
    const bool says_frames = has_directive(policy, "frame-ancestors");
    if (says_frames && settings.frame_ancestors) {
        problems.push_back({"frame_ancestors", "the policy in \"csp\" has frame-ancestors as well",
                            "say it in one of the two places"});
        return;
    }
    std::vector<std::string> ancestors;
    if (settings.frame_ancestors) {
        ancestors = *settings.frame_ancestors;
    } else if (settings.set != Set::Off && !says_frames) {
        ancestors = {settings.set == Set::Strict ? "none" : "self"};
    }
    std::string sources;
    for (const std::string& ancestor : ancestors) {
        const bool is_word = ancestor == "none" || ancestor == "self";
        if (!is_ancestor(ancestor)) {
            problems.push_back({"frame_ancestors", "\"" + ancestor + "\" is no source of frames",
                                "none, self, or an origin such as https://www.example.com"});
        } else if (ancestor == "none" && ancestors.size() > 1) {
            problems.push_back({"frame_ancestors", "\"none\" allows nobody, and others stand beside it",
                                "take one or the other out"});
        }
        sources += is_word ? " '" + ancestor + "'" : " " + ancestor;
    }
    const bool is_explicit = settings.frame_ancestors && !ancestors.empty();
    if (is_explicit && !settings.replaces) frame_policy_ = "frame-ancestors" + sources;
    if (!ancestors.empty() && (is_explicit || !policy.empty()))
        policy += (policy.empty() ? "frame-ancestors" : "; frame-ancestors") + sources;
    add("csp", "Content-Security-Policy", policy, problems);
    if (sources == " 'none'") {
        fields_.push_back({"X-Frame-Options", "DENY"});
    } else if (sources == " 'self'") {
        fields_.push_back({"X-Frame-Options", "SAMEORIGIN"});
    } else if (!sources.empty()) {
        removed_.emplace_back("X-Frame-Options");  // it cannot say this, and must not say otherwise
    }
}

std::string hsts_value(const HstsSettings& settings, Problems& problems) {
    constexpr std::chrono::seconds kYear{365L * 24 * 60 * 60};
    const bool is_forgotten = settings.max_age.count() == 0;
    if (settings.preload && !is_forgotten && (!settings.subdomains || settings.max_age < kYear)) {
        problems.push_back({"preload",
                            "lists of browsers take a host only with subdomains and a year at least",
                            "hsts = { max_age = \"365d\", subdomains = true, preload = true }"});
    }
    std::string value = "max-age=" + std::to_string(settings.max_age.count());
    if (settings.subdomains) value += "; includeSubDomains";
    if (settings.preload) value += "; preload";
    return value;
}

}  // namespace headers
