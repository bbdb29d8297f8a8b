// Dates, entity tags, and the list fields that are read beside them: Accept-Encoding, Forwarded. Input:
// lines, one per field.
#include "core/http/conditional.hpp"
#include "core/http/date.hpp"
#include "core/http/forwarded.hpp"
#include "core/http/mime.hpp"
#include "core/http/negotiate.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

using namespace gantry;
using namespace gantry::http;

namespace {

void check(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
}

void check_conditions(std::string_view one, std::string_view other) {
    constexpr HeaderId kFields[] = {HeaderId::IfMatch, HeaderId::IfNoneMatch, HeaderId::IfModifiedSince,
                                    HeaderId::IfUnmodifiedSince};
    constexpr std::int64_t kModified = 784111777;
    for (const HeaderId first : kFields) {
        for (const HeaderId second : kFields) {
            Arena arena;
            RequestHead head(arena);
            head.headers.add(first, one);
            head.headers.add(second, other);
            head.method = Method::Get;
            const Condition condition = evaluate_conditions(head, {"\"a\"", kModified});
            head.method = Method::Put;
            check(evaluate_conditions(head, {"\"a\"", kModified}) != Condition::NotModified,
                  "304 is for reading");
            // Without validators only If-Match, and "*", can object.
            if (first == HeaderId::IfMatch || second == HeaderId::IfMatch) continue;
            head.method = Method::Get;
            if (condition == Condition::Proceed) {
                check(evaluate_conditions(head, {}) == Condition::Proceed, "nothing to compare");
            }
        }
    }
    Arena arena;
    RequestHead head(arena);
    head.headers.add(HeaderId::IfRange, one);
    check(!range_applies(head, {}), "If-Range without validators");
}

void check_date(std::string_view text) {
    const auto date = parse_date(text);
    if (!date || *date < 0) return;
    char written[kDateBytes];
    write_date(written, *date);
    check(parse_date({written, kDateBytes}) == date, "a date there and back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::size_t cut = std::min(text.find('\n'), text.size());
    const std::string_view one = text.substr(0, cut);
    const std::string_view other = cut == text.size() ? std::string_view{} : text.substr(cut + 1);
    check_conditions(one, other);
    check_date(one);
    for (const char* coding : {"gzip", "br", "identity"}) {
        const int weight = encoding_weight(one, coding);
        check(weight >= 0 && weight <= 1000, "a weight");
    }
    for (const ForwardedField field : {ForwardedField::XForwardedFor, ForwardedField::Forwarded}) {
        std::size_t asked = 0;
        const auto all = [&](std::string_view) { return ++asked < 100'000; };
        const std::string_view address = client_address(field, one, "192.0.2.1", all);
        check(node_address(address) == address && !address.empty(), "an address");
        check(asked <= one.size() + 1, "each element once");
    }
    Arena arena;
    ForwardedReader reader(ForwardedField::Forwarded, forwarded_element(one, "https", other, arena));
    std::string_view address;
    check(reader.next(address) && !reader.next(address), "one element is written as one");
    is_text_type(one);
    mime_type(one);
    return 0;
}
