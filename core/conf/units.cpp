#include "core/conf/units.hpp"

#include "core/base/text.hpp"

#include <fmt/format.h>
#include <limits>

namespace gantry::conf {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr Unit kDurations[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 60 * 60'000}, {"d", 24 * 60 * 60'000}};

constexpr Unit kSizes[] = {
    {"B", 1},     {"KiB", 1ull << 10}, {"MiB", 1ull << 20}, {"GiB", 1ull << 30},  {"TiB", 1ull << 40},
    {"KB", 1000}, {"kB", 1000},        {"MB", 1000'000},    {"GB", 1000'000'000}, {"TB", 1000'000'000'000}};

constexpr std::string_view kNumber = "[0-9]+(\\.[0-9]{1,3})?";

template <std::size_t N>
std::string names_of(const Unit (&units)[N]) {
    std::string out;
    for (const Unit& unit : units) out.append(out.empty() ? "" : "|").append(unit.name);
    return out;
}

constexpr std::uint64_t kLargest = 1ull << 53;  // eight pebibytes: no sum of sizes overflows

// A number with up to three decimals, then letters. What was read is taken off `text`.
struct Quantity {
    std::uint64_t thousandths = 0;
    std::string_view unit;
};

bool is_negative(std::string_view text) {
    return text.size() > 1 && text[0] == '-' && is_digit(text[1]);
}

// More digits than any quantity that makes sense.
bool is_huge(std::string_view text) {
    return text.size() > 13 && text.substr(0, 14).find_first_not_of("0123456789") == text.npos;
}

bool take_digits(std::string_view& text, std::uint64_t& value) {
    std::size_t n = 0;
    while (n < text.size() && is_digit(text[n])) ++n;
    const auto parsed = parse_decimal(text.substr(0, n));
    if (!parsed || *parsed > std::numeric_limits<std::uint64_t>::max() / 1'000'000) return false;
    value = *parsed;
    text.remove_prefix(n);
    return true;
}

bool take_quantity(std::string_view& text, Quantity& out) {
    std::uint64_t whole = 0;
    if (!take_digits(text, whole)) return false;
    out.thousandths = whole * 1000;
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        std::uint64_t scale = 100;
        std::size_t n = 0;
        for (; n < text.size() && is_digit(text[n]); ++n, scale /= 10) {
            if (scale == 0) return false;
            out.thousandths += static_cast<std::uint64_t>(text[n] - '0') * scale;
        }
        if (n == 0) return false;
        text.remove_prefix(n);
    }
    if (text.starts_with(' ')) text.remove_prefix(1);
    std::size_t letters = 0;
    while (letters < text.size() && is_alpha(text[letters])) ++letters;
    out.unit = text.substr(0, letters);
    text.remove_prefix(letters);
    return true;
}

// Whole multiples only: a fraction must not vanish.
bool scale(const Quantity& quantity, std::uint64_t factor, std::uint64_t& out) {
    std::uint64_t product = 0;
    if (__builtin_mul_overflow(quantity.thousandths, factor, &product)) return false;
    if (product % 1000 != 0) return false;
    out = product / 1000;
    return true;
}

UnitError bad_duration_unit(std::string_view text, std::string_view unit) {
    if (unit.empty()) {
        return {fmt::format("\"{}\" has no unit", text),
                fmt::format("write \"{}s\" or \"{}ms\"", text, text)};
    }
    return {fmt::format("\"{}\" is not a unit of time", unit), "units are ms, s, m, h and d"};
}

UnitError bad_size_unit(std::string_view text, std::string_view unit) {
    if (unit.size() == 1 && std::string_view("kKmMgGtT").find(unit[0]) != std::string_view::npos) {
        const char upper = static_cast<char>(unit[0] & ~0x20);
        const std::string_view number = trim(text.substr(0, text.size() - 1));
        return {fmt::format("\"{}\" may be meant either way", text),
                fmt::format("write \"{}{}iB\" (steps of 1024) or \"{}{}B\" (steps of 1000)", number, upper,
                            number, upper)};
    }
    return {fmt::format("\"{}\" is not a unit of size", unit),
            "units are B, KiB, MiB, GiB, TiB (steps of 1024) and KB, MB, GB, TB (steps of 1000)"};
}

}  // namespace

tl::expected<Duration, UnitError> parse_duration(std::string_view text) {
    const auto malformed = [text] {
        return tl::unexpected(UnitError{fmt::format("\"{}\" is not a duration", text),
                                        "write \"500ms\", \"30s\", \"1h30m\" or \"1d\""});
    };
    const auto too_long = [text] {
        return tl::unexpected(UnitError{fmt::format("\"{}\" is longer than ten years", text),
                                        "choose a shorter time: \"30d\""});
    };
    if (is_negative(text))
        return tl::unexpected(UnitError{fmt::format("\"{}\" is negative", text), "take the - out"});
    if (is_huge(text)) return too_long();
    static constexpr std::uint64_t kLongest = 3650ull * 24 * 60 * 60'000;  // ten years: no timer overflows
    std::uint64_t total = 0;
    std::uint64_t last_factor = std::numeric_limits<std::uint64_t>::max();
    std::string_view rest = text;
    do {
        Quantity quantity;
        if (!take_quantity(rest, quantity)) return malformed();
        const Unit* unit = nullptr;
        for (const Unit& u : kDurations) {
            if (u.name == quantity.unit) unit = &u;
        }
        if (unit == nullptr) {
            if (quantity.unit.empty() && !rest.empty()) return malformed();
            return tl::unexpected(bad_duration_unit(text, quantity.unit));
        }
        std::uint64_t value = 0;
        if (unit->factor >= last_factor) return malformed();  // "30s1h" is a slip, not a sum
        if (!scale(quantity, unit->factor, value)) return malformed();
        last_factor = unit->factor;
        total += value;
        if (total > kLongest) return too_long();
    } while (!rest.empty());
    return Duration(total);
}

tl::expected<std::uint64_t, UnitError> parse_size(std::string_view text) {
    const auto malformed = [text] {
        return tl::unexpected(UnitError{fmt::format("\"{}\" is not a size", text),
                                        "write \"64KiB\", \"10MiB\", \"1GB\" or a number of bytes"});
    };
    if (is_negative(text))
        return tl::unexpected(UnitError{fmt::format("\"{}\" is negative", text), "take the - out"});
    const auto too_large = [text] {
        return tl::unexpected(UnitError{fmt::format("\"{}\" is larger than any size can be", text),
                                        "choose a smaller one: \"1TiB\""});
    };
    if (is_huge(text)) return too_large();
    Quantity quantity;
    std::string_view rest = text;
    if (!take_quantity(rest, quantity) || !rest.empty()) return malformed();
    std::uint64_t bytes = 0;
    if (quantity.unit.empty()) {
        if (!scale(quantity, 1, bytes)) return malformed();
        return bytes;
    }
    for (const Unit& unit : kSizes) {
        if (unit.name != quantity.unit) continue;
        if (quantity.thousandths / 1000 > kLargest / unit.factor) return too_large();
        if (!scale(quantity, unit.factor, bytes)) return malformed();
        return bytes;
    }
    return tl::unexpected(bad_size_unit(text, quantity.unit));
}

std::string format_duration(Duration duration) {
    std::uint64_t rest = static_cast<std::uint64_t>(duration.count());
    if (rest == 0) return "0s";
    std::string out;
    for (std::size_t i = std::size(kDurations); i-- > 0;) {
        const std::uint64_t count = rest / kDurations[i].factor;
        if (count == 0) continue;
        fmt::format_to(std::back_inserter(out), "{}{}", count, kDurations[i].name);
        rest %= kDurations[i].factor;
    }
    return out;
}

std::string format_size(std::uint64_t bytes) {
    for (std::size_t i = 4; i > 0; --i) {
        if (bytes != 0 && bytes % kSizes[i].factor == 0) {
            return fmt::format("{}{}", bytes / kSizes[i].factor, kSizes[i].name);
        }
    }
    return fmt::format("{}", bytes);
}

std::string duration_pattern() {
    return fmt::format("^({} ?({}))+$", kNumber, names_of(kDurations));
}

std::string size_pattern() {
    return fmt::format("^{}( ?({}))?$", kNumber, names_of(kSizes));
}

}  // namespace gantry::conf
