// Result<T>: a value or an Error. The only way that the data plane reports a failure.
#pragma once

#include "core/base/error.hpp"

#include <tl/expected.hpp>

namespace gantry {

template <class T>
using Result = tl::expected<T, Error>;

// return fail(Code::BadRequest, Side::Client, "while reading the request head");
inline tl::unexpected<Error> fail(Code code, Side side, const char* context = "", int system = 0,
                                  Retry retry = Retry::No) {
    return tl::unexpected<Error>(Error{code, side, retry, system, context});
}

}  // namespace gantry
