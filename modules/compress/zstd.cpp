// zstd by libzstd. Its own allocation functions are no part of its stable interface, so its memory is counted
// by what it says of itself.
#include "encoder.hpp"

#include <zstd.h>

namespace compression {
namespace {

// 256 KiB, of the 8 MiB that a client has to be able to keep (RFC 9659).
constexpr int kWindowBits = 18;
// From level 5 on tables grow up to 50 MiB; these leave them at what level 3 takes.
constexpr int kFirstLarge = 5;
constexpr int kTableBits = 17;

class Zstd final : public Encoder {
public:
    explicit Zstd(Budget& budget)
        : charge_(budget, typical_size(Coding::Zstd)), context_(::ZSTD_createCCtx()) {}
    ~Zstd() override { ::ZSTD_freeCCtx(context_); }

    bool begin(int level, std::uint64_t size) override {
        if (context_ == nullptr) return false;
        if (failed(::ZSTD_CCtx_reset(context_, ZSTD_reset_session_and_parameters))) return false;
        const int tables = level < kFirstLarge ? 0 : kTableBits;  // 0: as it thinks best
        const bool is_set = set(ZSTD_c_compressionLevel, level) && set(ZSTD_c_windowLog, kWindowBits) &&
                            set(ZSTD_c_hashLog, tables) && set(ZSTD_c_chainLog, tables);
        if (!is_set) return false;
        // One that knows the size takes less for small bodies.
        return size == UINT64_MAX || !failed(::ZSTD_CCtx_setPledgedSrcSize(context_, size));
    }

    bool encode(std::string_view bytes, Flush flush, const Output& output) override {
        const ZSTD_EndDirective operation = flush == Flush::End   ? ZSTD_e_end
                                            : flush == Flush::Now ? ZSTD_e_flush
                                                                  : ZSTD_e_continue;
        char* const scratch = Scratch::of_thread();
        ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
        for (;;) {
            ZSTD_outBuffer out{scratch, Scratch::kSize, 0};
            const std::size_t left = ::ZSTD_compressStream2(context_, &out, &in, operation);
            if (failed(left)) return false;
            if (out.pos > 0) output.write(output.self, {scratch, out.pos});
            const bool is_done = operation == ZSTD_e_continue ? in.pos == in.size : left == 0;
            if (is_done) break;
        }
        charge_.update(::ZSTD_sizeof_CCtx(context_));
        return true;
    }

    void end() override {}

private:
    static bool failed(std::size_t result) { return ::ZSTD_isError(result) != 0; }
    bool set(ZSTD_cParameter parameter, int value) const {
        return !failed(::ZSTD_CCtx_setParameter(context_, parameter, value));
    }

    Charge charge_;
    ZSTD_CCtx* context_;
};

}  // namespace

std::unique_ptr<Encoder> make_zstd(Budget& budget) {
    return std::make_unique<Zstd>(budget);
}

}  // namespace compression
