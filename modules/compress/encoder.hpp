// Encoders: bytes in, compressed bytes out, as they come. One for each coding, behind one face, and a pool of
// them for each thread, so that the next body finds its memory ready.
#pragma once

#include "coding.hpp"
#include "memory.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace compression {

enum class Flush : std::uint8_t {
    None,  // as it is best for the size
    Now,   // all that came so far can be decoded from what goes out
    End,   // the body is complete
};

// Where compressed bytes go; they are valid during the call.
struct Output {
    void* self;
    void (*write)(void* self, std::string_view bytes);
};

// At one body at a time. On one thread.
class Encoder {
public:
    Encoder() = default;
    Encoder(const Encoder&) = delete;
    Encoder& operator=(const Encoder&) = delete;
    virtual ~Encoder() = default;

    // A new body. `size`: its bytes, UINT64_MAX where that is not known. False: there is no memory.
    virtual bool begin(int level, std::uint64_t size) = 0;
    // False: the body cannot be encoded; only end() may follow.
    virtual bool encode(std::string_view bytes, Flush flush, const Output& output) = 0;
    // Lets go of the body, complete or not.
    virtual void end() = 0;

    static std::unique_ptr<Encoder> make(Coding coding, Budget& budget);
};

std::unique_ptr<Encoder> make_gzip(Budget& budget);
std::unique_ptr<Encoder> make_brotli(Budget& budget);
std::unique_ptr<Encoder> make_zstd(Budget& budget);

// Where encoders write to before it goes out: of this thread, as no two are at work on it at once.
struct Scratch {
    static constexpr std::size_t kSize = 32UL * 1024;
    static char* of_thread();
};

// What an encoder takes, about, at levels that are meant for traffic: what has to be free for a new one.
std::size_t typical_size(Coding coding);

// The encoders of one thread.
class Pool {
public:
    explicit Pool(Budget& budget) : budget_(budget) {}

    static Pool& of_thread();

    // One that has begun; null: there is no memory for another.
    std::unique_ptr<Encoder> take(Coding coding, int level, std::uint64_t size);
    void give(Coding coding, std::unique_ptr<Encoder> encoder);

private:
    static constexpr std::size_t kMostIdle = 4;  // of each coding

    Budget& budget_;
    std::array<std::vector<std::unique_ptr<Encoder>>, kCodings> idle_;
};

}  // namespace compression
