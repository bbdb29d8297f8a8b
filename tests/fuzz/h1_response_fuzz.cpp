// A peer's bytes through the response reader, whole and in pieces: both ways must tell the same story.
#include "core/http/h1_response.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace gantry;
using namespace gantry::http;

namespace {

struct Story {
    std::string text;
    bool failed = false;
};

using Event = H1ResponseReader::Event;

void tell(Story& story, const H1ResponseReader::Step& step, const IncomingResponse& response) {
    switch (step.event) {
        case Event::NeedMore:
            break;
        case Event::Interim:
        case Event::Head:
            story.text +=
                (step.event == Event::Head ? "head " : "interim ") + std::to_string(response.head.status);
            for (const Field& field : response.head.headers) {
                story.text.append(field.name).append(":").append(field.value).append(";");
            }
            story.text += '\n';
            break;
        case Event::Body:
            story.text += step.data;
            break;
        case Event::End:
            story.text += "\nend";
            for (const Field& field : response.trailers) {
                story.text.append(field.name).append(":").append(field.value).append(";");
            }
            break;
    }
}

// Feeds `input` in pieces of `piece` bytes, as a connection would.
Story read(std::string_view input, std::size_t piece, Method method, H1ResponseReader::Upgrade upgrade) {
    Arena arena;
    IncomingResponse response(arena);
    HeadLimits limits;
    limits.head_bytes = 2048;
    limits.fields = 20;
    H1ResponseReader reader;
    reader.start(method, upgrade, limits);
    Story story;
    std::size_t begin = 0;
    std::size_t end = 0;
    for (;;) {
        const auto step = reader.feed(input.substr(begin, end - begin), response);
        if (!step) {
            story.failed = true;
            return story;
        }
        if (step->consumed > end - begin) std::abort();
        begin += step->consumed;
        tell(story, *step, response);
        if (step->event == Event::End) return story;
        if (step->event != Event::NeedMore) continue;
        if (end == input.size()) break;
        end = std::min(input.size(), end + piece);
    }
    const auto last = reader.feed_end(begin != end);
    if (last) tell(story, *last, response);
    story.failed = !last;
    return story;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const Method method = (data[0] & 1) != 0 ? Method::Head : Method::Get;
    const auto upgrade =
        (data[0] & 2) != 0 ? H1ResponseReader::Upgrade::Wanted : H1ResponseReader::Upgrade::Refused;
    const std::size_t piece = 1 + data[1] % 64;
    const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
    const Story whole = read(input, input.size() + 1, method, upgrade);
    const Story pieces = read(input, piece, method, upgrade);
    if (whole.failed != pieces.failed) std::abort();
    // Of a broken response more may have been passed on before the mistake came, but nothing else.
    if (!whole.failed && whole.text != pieces.text) std::abort();
    return 0;
}
