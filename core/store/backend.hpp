// Where a store keeps what it is told: a file, or a server.
#pragma once

#include "core/store/operation.hpp"

#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>

namespace gantry::store {

struct Job {
    std::string space;
    Operation operation;
    Answer answer = {};
};

class Backend {
public:
    virtual ~Backend() = default;
    // Carries the jobs out in their order, and gives each its answer. What was changed is kept for good when
    // this returns; where that fails, nothing of the batch was done and its answers say so. `now`: wall
    // clock. The text is for the log, "" where nothing is wrong. One thread at a time, which may wait.
    virtual std::string run(std::span<Job* const> jobs, Millis now) = 0;
    // Takes away some of what is over. False: there is nothing left of that.
    virtual bool clean(Millis now) = 0;
};

// How safe what was acknowledged is.
enum class Durability : std::uint8_t {
    Full,    // it survives that the power fails
    Normal,  // it survives that gantry or the system's processes die; a power cut may cost the last seconds
};

// The file is made where it is not there, for its owner alone; processes may share it. The error names the
// cause and the remedy.
tl::expected<std::unique_ptr<Backend>, std::string> open_sqlite(const std::string& file,
                                                                Durability durability);

}  // namespace gantry::store
