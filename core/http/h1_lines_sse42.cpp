#include "core/http/h1_lines.hpp"

namespace gantry::http {

const LineScans* sse42_line_scans() {
    return nullptr;
}

}  // namespace gantry::http
