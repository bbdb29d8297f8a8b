// What a client says of codings, and bodies in pieces through each encoder and back.
#include "modules/compress/encoder.hpp"
#include "modules/compress/rules.hpp"
#include "tests/unit/modules/compress/decode.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace compression;

namespace {

void expect(bool holds) {
    if (!holds) std::abort();
}

void round_trip(Coding coding, std::string_view body, std::uint8_t seed) {
    static Budget budget;
    static Pool pool{budget};
    auto encoder = pool.take(coding, 1 + seed % 9, (seed & 1) != 0 ? body.size() : UINT64_MAX);
    expect(encoder != nullptr);
    std::string bytes;
    const Output output{&bytes,
                        [](void* to, std::string_view more) { static_cast<std::string*>(to)->append(more); }};
    std::string_view rest = body;
    for (unsigned step = seed; !rest.empty(); step = step * 31 + 7) {
        const std::string_view piece = rest.substr(0, 1 + step % 997);
        rest.remove_prefix(piece.size());
        const bool is_flushed = step % 5 == 0;
        expect(encoder->encode(piece, is_flushed ? Flush::Now : Flush::None, output));
        if (is_flushed) expect(decoded_so_far(coding, bytes) == body.substr(0, body.size() - rest.size()));
        if (step % 61 == 0) return pool.give(coding, std::move(encoder));  // the client left
    }
    expect(encoder->encode({}, Flush::End, output));
    expect(decoded(coding, bytes) == body);
    pool.give(coding, std::move(encoder));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto line = text.find('\n');
    const std::string_view first = text.substr(0, line);
    Accepted accepted;
    accepted.add(first);
    constexpr Coding kAll[] = {Coding::Zstd, Coding::Brotli, Coding::Gzip};
    const auto choice = accepted.choose(kAll);
    host_of(first);
    has_weak_form(first, "\"a\"");
    if (Types::is_pattern(first)) expect(!Types{{std::string(first)}}.contain(""));
    is_attackable({true, first, first, "", first, first, "a.example"}, first);
    if (line == text.npos) return 0;
    const std::string_view body = text.substr(line + 1, 8192);
    const std::uint8_t seed = first.empty() ? 0 : static_cast<std::uint8_t>(first.front());
    round_trip(choice.coding.value_or(Coding::Gzip), body, seed);
    return 0;
}
