#include "core/http/body_decoder.hpp"

#include <algorithm>

namespace gantry::http {

void BodyDecoder::start(BodyKind kind, std::uint64_t length) {
    kind_ = kind;
    left_ = length;
    in_trailers_ = false;
    scanned_ = 0;
    chunks_ = ChunkedDecoder(side_);
    complete_ = kind == BodyKind::None || (kind == BodyKind::Length && length == 0);
}

Result<BodyDecoder::Step> BodyDecoder::feed(std::string_view input, const HeadLimits& limits,
                                            Headers& trailers) {
    if (complete_) return Step{0, {}, true};
    if (kind_ == BodyKind::UntilClose) return Step{input.size(), input, false};
    if (kind_ == BodyKind::Length) {
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
        left_ -= size;
        complete_ = left_ == 0;
        return Step{size, input.substr(0, size), complete_};
    }
    if (!in_trailers_) {
        const auto step = chunks_.feed(input);
        if (!step) return tl::unexpected(step.error());
        in_trailers_ = step->last;
        return Step{step->consumed, step->data, false};
    }
    const auto size = parse_trailers(input, limits, side_, trailers, scanned_);
    if (!size) return tl::unexpected(size.error());
    complete_ = *size > 0;
    return Step{*size, {}, complete_};
}

}  // namespace gantry::http
