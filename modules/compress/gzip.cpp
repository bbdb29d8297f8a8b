// gzip by zlib.
#include "encoder.hpp"

#include <limits>
#include <zlib.h>

namespace compression {
namespace {

constexpr int kWindowBits = 15;
constexpr int kGzip = 16;  // added to the bits of the window: a gzip header in place of zlib's
constexpr int kMemoryLevel = 8;

class Gzip final : public Encoder {
public:
    explicit Gzip(Budget& budget) : charge_(budget, typical_size(Coding::Gzip)) {}
    ~Gzip() override {
        if (is_made_) ::deflateEnd(&stream_);
    }

    bool begin(int level, std::uint64_t /*size*/) override {
        if (!is_made_) {
            stream_.zalloc = [](void* self, unsigned items, unsigned size) {
                return Blocks::allocate(self, std::size_t{items} * size);
            };
            stream_.zfree = &Blocks::release;
            stream_.opaque = &blocks_;
            level_ = level;
            is_made_ = ::deflateInit2(&stream_, level, Z_DEFLATED, kWindowBits + kGzip, kMemoryLevel,
                                      Z_DEFAULT_STRATEGY) == Z_OK;
            charge_.update(blocks_.held());  // all that it will ever take
            return is_made_;
        }
        if (::deflateReset(&stream_) != Z_OK) return false;
        if (level == level_) return true;
        level_ = level;
        return ::deflateParams(&stream_, level, Z_DEFAULT_STRATEGY) == Z_OK;
    }

    bool encode(std::string_view bytes, Flush flush, const Output& output) override {
        char* const scratch = Scratch::of_thread();
        do {
            // avail_in is of 32 bits.
            const std::size_t step = std::min<std::size_t>(bytes.size(), std::numeric_limits<uInt>::max());
            stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
            stream_.avail_in = static_cast<uInt>(step);
            bytes.remove_prefix(step);
            const int mode = !bytes.empty()        ? Z_NO_FLUSH
                             : flush == Flush::End ? Z_FINISH
                             : flush == Flush::Now ? Z_SYNC_FLUSH
                                                   : Z_NO_FLUSH;
            do {
                stream_.next_out = reinterpret_cast<Bytef*>(scratch);
                stream_.avail_out = Scratch::kSize;
                const int result = ::deflate(&stream_, mode);
                if (result == Z_STREAM_ERROR) return false;
                const std::size_t made = Scratch::kSize - stream_.avail_out;
                if (made > 0) output.write(output.self, {scratch, made});
            } while (stream_.avail_out == 0);
        } while (!bytes.empty());
        return true;
    }

    void end() override {}

private:
    Charge charge_;
    Blocks blocks_;
    z_stream stream_{};
    int level_ = 0;
    bool is_made_ = false;
};

}  // namespace

std::unique_ptr<Encoder> make_gzip(Budget& budget) {
    return std::make_unique<Gzip>(budget);
}

}  // namespace compression
