/* SPDX-License-Identifier: Apache-2.0 */
/* The controller's log becomes part of the life's. */
#include "lib/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/sim.h"

void
vx_log_set_level(enum vx_log_level level)
{
    (void) level;
}

enum vx_log_level
vx_log_get_level(void)
{
    return sim && sim->verbose ? VX_LOG_DEBUG : VX_LOG_ERROR;
}

bool
vx_log_level_parse(const char *s, enum vx_log_level *ret_level)
{
    (void) s;
    *ret_level = VX_LOG_DEBUG;
    return true;
}

void
vx_log_write(struct vx_log_site *site, enum vx_log_level level,
             const char *object, const char *fmt, ...)
{
    char text[512];
    va_list args;

    (void) site;
    (void) level;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    say("    vxfabricd: %s: %s", object ? object : "-", text);
}
