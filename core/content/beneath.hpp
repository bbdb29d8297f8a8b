// Opening files below a root so that the kernel itself keeps the path inside (openat2).
#pragma once

#include "core/base/result.hpp"
#include "core/base/unique_fd.hpp"
#include "core/conf/settings.hpp"

#include <cstdint>

namespace gantry::content {

// May the call wait for the disk? Cached fails with EAGAIN instead, where the kernel can tell (5.12 and
// later).
enum class Disk : std::uint8_t { Cached, MayBlock };

// Opens `path` (relative, "" or "." for the root itself) for reading. Nothing outside of `root` is ever
// opened, whatever links or ".." say; with Symlinks::Deny no link at all is followed below the root, with
// Follow links may lead anywhere. Never blocks on a FIFO or device: whoever opened looks at what it is. The
// error's `system` is the errno. [any]
Result<UniqueFd> open_beneath(int root, const char* path, conf::StaticOptions::Symlinks links, Disk disk);

}  // namespace gantry::content
