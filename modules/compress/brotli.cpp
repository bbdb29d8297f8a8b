// br by libbrotlienc, which makes a new state for each body: its memory is what stays.
#include "encoder.hpp"

#include <algorithm>
#include <brotli/encode.h>

namespace compression {
namespace {

// 64 KiB: with more, the tables beside the window take 4 to 40 MiB, which each slow client would hold.
constexpr std::uint32_t kWindowBits = 16;
// From a MiB on, also where it is not told and sees one, it takes a table that is meant for large files.
constexpr std::uint64_t kMostHint = 1024UL * 1024 - 1;
constexpr std::size_t kMostKept = 4UL * 1024 * 1024;

class Brotli final : public Encoder {
public:
    explicit Brotli(Budget& budget) : charge_(budget, typical_size(Coding::Brotli)) {}
    ~Brotli() override { Brotli::end(); }

    bool begin(int level, std::uint64_t size) override {
        state_ = ::BrotliEncoderCreateInstance(&Blocks::allocate, &Blocks::release, &blocks_);
        if (state_ == nullptr) return false;
        ::BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, static_cast<std::uint32_t>(level));
        ::BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, kWindowBits);
        ::BrotliEncoderSetParameter(state_, BROTLI_PARAM_SIZE_HINT,
                                    static_cast<std::uint32_t>(std::min(size, kMostHint)));
        return true;
    }

    bool encode(std::string_view bytes, Flush flush, const Output& output) override {
        const BrotliEncoderOperation operation = flush == Flush::End   ? BROTLI_OPERATION_FINISH
                                                 : flush == Flush::Now ? BROTLI_OPERATION_FLUSH
                                                                       : BROTLI_OPERATION_PROCESS;
        char* const scratch = Scratch::of_thread();
        const auto* in = reinterpret_cast<const std::uint8_t*>(bytes.data());
        std::size_t left = bytes.size();
        for (;;) {
            auto* out = reinterpret_cast<std::uint8_t*>(scratch);
            std::size_t room = Scratch::kSize;
            if (::BrotliEncoderCompressStream(state_, operation, &left, &in, &room, &out, nullptr) ==
                BROTLI_FALSE) {
                return false;
            }
            charge_.update(blocks_.held());
            const std::size_t made = Scratch::kSize - room;
            if (made > 0) output.write(output.self, {scratch, made});
            const bool is_through = left == 0 && ::BrotliEncoderHasMoreOutput(state_) == BROTLI_FALSE;
            if (is_through && (flush != Flush::End || ::BrotliEncoderIsFinished(state_) == BROTLI_TRUE))
                return true;
        }
    }

    void end() override {
        if (state_ == nullptr) return;
        ::BrotliEncoderDestroyInstance(state_);
        state_ = nullptr;
        blocks_.trim(kMostKept);
        charge_.update(blocks_.held());
    }

private:
    Charge charge_;
    Blocks blocks_;
    BrotliEncoderState* state_ = nullptr;
};

}  // namespace

std::unique_ptr<Encoder> make_brotli(Budget& budget) {
    return std::make_unique<Brotli>(budget);
}

}  // namespace compression
