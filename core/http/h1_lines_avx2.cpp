#include "core/http/h1_lines.hpp"

namespace gantry::http {

const LineScans* avx2_line_scans() {
    return nullptr;
}

}  // namespace gantry::http
