// Decoders, by the libraries that clients use.
#pragma once

#include "modules/compress/coding.hpp"

#include <brotli/decode.h>
#include <cstdint>
#include <string>
#include <string_view>
#include <zlib.h>
#include <zstd.h>

namespace compression {

struct Decoded {
    std::string text;
    bool is_complete = false;
    bool is_broken = false;
};

inline Decoded decode_gzip(std::string_view bytes) {
    Decoded out;
    z_stream stream{};
    ::inflateInit2(&stream, 15 + 16);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    char room[65536];
    int result = Z_OK;
    do {
        stream.next_out = reinterpret_cast<Bytef*>(room);
        stream.avail_out = sizeof(room);
        result = ::inflate(&stream, Z_SYNC_FLUSH);
        out.text.append(room, sizeof(room) - stream.avail_out);
    } while (result == Z_OK && (stream.avail_in > 0 || stream.avail_out == 0));
    out.is_complete = result == Z_STREAM_END && stream.avail_in == 0;
    out.is_broken = result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR;
    ::inflateEnd(&stream);
    return out;
}

inline Decoded decode_brotli(std::string_view bytes) {
    Decoded out;
    BrotliDecoderState* const state = ::BrotliDecoderCreateInstance(nullptr, nullptr, nullptr);
    const auto* in = reinterpret_cast<const std::uint8_t*>(bytes.data());
    std::size_t left = bytes.size();
    std::uint8_t room[65536];
    BrotliDecoderResult result = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
    while (result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) {
        std::uint8_t* to = room;
        std::size_t free = sizeof(room);
        result = ::BrotliDecoderDecompressStream(state, &left, &in, &free, &to, nullptr);
        out.text.append(reinterpret_cast<const char*>(room), sizeof(room) - free);
    }
    out.is_complete = result == BROTLI_DECODER_RESULT_SUCCESS && left == 0;
    out.is_broken = result == BROTLI_DECODER_RESULT_ERROR;
    ::BrotliDecoderDestroyInstance(state);
    return out;
}

inline Decoded decode_zstd(std::string_view bytes) {
    Decoded out;
    ZSTD_DCtx* const context = ::ZSTD_createDCtx();
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    char room[65536];
    std::size_t result = 1;
    for (;;) {
        ZSTD_outBuffer to{room, sizeof(room), 0};
        result = ::ZSTD_decompressStream(context, &to, &in);
        out.text.append(room, to.pos);
        if (::ZSTD_isError(result) != 0 || (in.pos == in.size && to.pos < to.size)) break;
    }
    out.is_broken = ::ZSTD_isError(result) != 0;
    out.is_complete = result == 0;
    ::ZSTD_freeDCtx(context);
    return out;
}

inline Decoded decode(Coding coding, std::string_view bytes) {
    return coding == Coding::Zstd     ? decode_zstd(bytes)
           : coding == Coding::Brotli ? decode_brotli(bytes)
                                      : decode_gzip(bytes);
}

// "?" where it is not a whole body.
inline std::string decoded(Coding coding, std::string_view bytes) {
    Decoded out = decode(coding, bytes);
    return out.is_complete && !out.is_broken ? out.text : "?";
}
inline std::string decoded_so_far(Coding coding, std::string_view bytes) {
    Decoded out = decode(coding, bytes);
    return out.is_broken ? "?" : out.text;
}

}  // namespace compression
