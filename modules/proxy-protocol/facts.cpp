#include "facts.hpp"

#include <algorithm>
#include <cstdio>

namespace proxy_protocol {
namespace {

constexpr std::uint8_t kChecksum = 0x03;
constexpr std::uint8_t kNothing = 0x04;
constexpr std::uint8_t kSsl = 0x20;
constexpr std::uint8_t kGoogle = 0xe0;
constexpr std::uint8_t kAmazon = 0xea;
constexpr std::uint8_t kAzure = 0xee;

constexpr std::pair<std::uint8_t, std::string_view> kNames[] = {
    {0x01, "alpn"}, {0x02, "authority"}, {0x05, "unique_id"}, {0x30, "netns"}};
constexpr std::pair<std::uint8_t, std::string_view> kSslNames[] = {
    {0x21, "ssl_version"}, {0x22, "ssl_cn"},    {0x23, "ssl_cipher"},     {0x24, "ssl_sig_alg"},
    {0x25, "ssl_key_alg"}, {0x26, "ssl_group"}, {0x27, "ssl_sig_scheme"}, {0x28, "ssl_client_cert"}};

template <std::size_t Count>
std::string_view name_of(const std::pair<std::uint8_t, std::string_view> (&names)[Count], std::uint8_t type) {
    for (const auto& [known, name] : names) {
        if (known == type) return name;
    }
    return {};
}

std::string hexadecimal(std::string_view bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out += kDigits[byte >> 4];
        out += kDigits[byte & 15];
    }
    return out;
}

std::string text_of(std::string_view value) {
    const bool is_text = std::all_of(value.begin(), value.end(), [](char c) {
        return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
    });
    return is_text ? std::string(value) : hexadecimal(value);
}

class Collector {
public:
    explicit Collector(std::size_t most_value) : most_value_(most_value) {}

    void take(const Tlv& tlv) {
        if (tlv.type == kChecksum || tlv.type == kNothing) return;
        if (tlv.type == kSsl) return take_ssl(tlv.value);
        if (const std::string_view name = name_of(kNames, tlv.type); !name.empty())
            return add(std::string(name), text_of(tlv.value));
        if (!take_vendor(tlv))
            add("tlv." + hexadecimal({reinterpret_cast<const char*>(&tlv.type), 1}), hexadecimal(tlv.value));
    }
    Facts facts;

private:
    void add(std::string name, std::string value) {
        if (value.size() > most_value_) return;
        const bool is_known =
            std::any_of(facts.begin(), facts.end(), [&](const auto& fact) { return fact.first == name; });
        if (!is_known) facts.emplace_back(std::move(name), std::move(value));
    }

    // Section 2.2.6: a byte that says what the client did, four that are 0 where its certificate was
    // verified, and vectors of their own.
    void take_ssl(std::string_view value) {
        if (value.size() < 5) return;
        const auto client = static_cast<std::uint8_t>(value[0]);
        const bool has_shown = (client & 6) != 0;
        add("ssl", (client & 1) != 0 ? "yes" : "no");
        add("ssl_verified",
            has_shown && value.substr(1, 4) == std::string_view("\0\0\0\0", 4) ? "yes" : "no");
        value.remove_prefix(5);
        for (Tlv tlv; next_tlv(value, tlv);) {
            const std::string_view name = name_of(kSslNames, tlv.type);
            if (name == "ssl_client_cert") {
                add(std::string(name), hexadecimal(tlv.value));
            } else if (!name.empty()) {
                add(std::string(name), text_of(tlv.value));
            }
        }
    }

    // What clouds say about private links.
    bool take_vendor(const Tlv& tlv) {
        const std::string_view value = tlv.value;
        if (tlv.type == kAmazon && value.size() > 1 && value[0] == 1) {
            add("aws_vpce_id", text_of(value.substr(1)));
        } else if (tlv.type == kAzure && value.size() == 5 && value[0] == 1) {
            add("azure_link_id", std::to_string(number_of({value.rbegin(), value.rend() - 1})));
        } else if (tlv.type == kGoogle && value.size() == 8) {
            add("gcp_psc_id", std::to_string(number_of(std::string(value))));
        } else {
            return false;
        }
        return true;
    }
    // The most significant byte first.
    static std::uint64_t number_of(const std::string& bytes) {
        std::uint64_t number = 0;
        for (const char byte : bytes) number = number << 8 | static_cast<std::uint8_t>(byte);
        return number;
    }

    std::size_t most_value_;
};

}  // namespace

Facts facts_of(std::string_view tlvs, std::size_t most_value) {
    Collector collector(most_value);
    for (Tlv tlv; next_tlv(tlvs, tlv);) collector.take(tlv);
    return std::move(collector.facts);
}

}  // namespace proxy_protocol
