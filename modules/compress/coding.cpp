#include "coding.hpp"

#include "field_syntax.hpp"

namespace compression {
namespace {

// RFC 9110 12.4.2: "0.5" is 500. What cannot be read is no wish at all.
int weight_of(std::string_view text) {
    if (text.empty() || (text[0] != '0' && text[0] != '1')) return 0;
    if (text.size() > 1 && text[1] != '.') return 0;
    int weight = (text[0] - '0') * 1000;
    int unit = 100;
    for (std::size_t i = 2; i < text.size(); ++i, unit /= 10) {
        if (i > 4 || text[i] < '0' || text[i] > '9') return 0;
        weight += (text[i] - '0') * unit;
    }
    return weight > 1000 ? 0 : weight;
}

}  // namespace

std::string_view name_of(Coding coding) {
    switch (coding) {
        case Coding::Zstd:
            return "zstd";
        case Coding::Brotli:
            return "br";
        case Coding::Gzip:
            return "gzip";
    }
    return "";
}

std::optional<Coding> coding_of(std::string_view name) {
    if (is_same(name, "zstd")) return Coding::Zstd;
    if (is_same(name, "br")) return Coding::Brotli;
    if (is_same(name, "gzip") || is_same(name, "x-gzip")) return Coding::Gzip;
    return std::nullopt;
}

void Accepted::add(std::string_view field) {
    each_element(field, ',', [&](std::string_view element) {
        const auto semicolon = element.find(';');
        const std::string_view name = trimmed(element.substr(0, semicolon));
        int weight = 1000;
        if (semicolon != element.npos) {
            each_element(element.substr(semicolon + 1), ';', [&](std::string_view parameter) {
                if (parameter.size() >= 2 && lower(parameter[0]) == 'q' && parameter[1] == '=')
                    weight = weight_of(parameter.substr(2));
            });
        }
        if (name == "*") {
            others_ = weight;
        } else if (is_same(name, "identity")) {
            given_[kIdentity] = weight;
        } else if (const auto coding = coding_of(name)) {
            given_[static_cast<std::size_t>(*coding)] = weight;
        }
    });
}

int Accepted::weight(std::size_t which) const {
    if (given_[which] != kUnsaid) return given_[which];
    if (others_ != kUnsaid) return which == kIdentity && others_ > 0 ? 1 : others_;
    return which == kIdentity ? 1 : 0;  // always acceptable, and nobody's wish
}

}  // namespace compression
