/* gantry.log/1: lines of the error log. */
#ifndef GANTRY_EXT_LOG_H
#define GANTRY_EXT_LOG_H

#include "gantry/base.h"

GANTRY_BEGIN

#define GANTRY_LOG_1 "gantry.log/1"

typedef int32_t gantry_level_t;
#define GANTRY_TRACE ((gantry_level_t)0)
#define GANTRY_DEBUG ((gantry_level_t)1)
#define GANTRY_INFO ((gantry_level_t)2)
#define GANTRY_WARN ((gantry_level_t)3)
#define GANTRY_ERROR ((gantry_level_t)4)
#define GANTRY_CRITICAL ((gantry_level_t)5)

typedef struct gantry_log_1 {
    uint32_t size;

    /* Whether lines of this level are written at all; ask before a costly text is made. It changes while
     * gantry runs. [any] */
    bool (*wants)(const gantry_host_t* host, gantry_level_t level) GANTRY_NOEXCEPT;

    /* One line, without its end; the host puts the time, the level and "module=NAME" to it, and makes bytes
     * that would disturb a terminal visible. Never waits for a disk; where lines come faster than they can be
     * written some are lost, and counted. Custom: the fact first, in lower case, then key=value. [any] */
    void (*write)(const gantry_host_t* host, gantry_level_t level, gantry_bytes_t line) GANTRY_NOEXCEPT;
} gantry_log_1_t;

GANTRY_END

#endif
