/* The layout in C. */
#define STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#include "layout.h"
