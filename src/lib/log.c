/* SPDX-License-Identifier: Apache-2.0 */
/* Logging for the shell; see log.h. */
#include "lib/log.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/clock.h"

static enum vx_log_level max_level = VX_LOG_INFO;

static const char *const level_names[] = {
    [VX_LOG_ERROR] = "error",
    [VX_LOG_WARN] = "warn",
    [VX_LOG_INFO] = "info",
    [VX_LOG_DEBUG] = "debug",
};

enum { COST_MS = 200, BURST_MS = 4000 };    /* 5 per second, 20 at once */

bool
vx_log_level_parse(const char *s, enum vx_log_level *ret_level)
{
    for (unsigned i = 0; i < sizeof level_names / sizeof *level_names; i++) {
        if (!strcmp(s, level_names[i])) {
            *ret_level = (enum vx_log_level) i;
            return true;
        }
    }
    return false;
}

void
vx_log_set_level(enum vx_log_level level)
{
    max_level = level;
}

enum vx_log_level
vx_log_get_level(void)
{
    return max_level;
}

static bool
admit(struct vx_log_site *site)
{
    int64_t now = vx_clock_ms();

    if (site->last_ms) {
        site->tokens_ms += now - site->last_ms;
    }
    site->last_ms = now;
    if (site->tokens_ms > BURST_MS) {
        site->tokens_ms = BURST_MS;
    }
    if (site->tokens_ms < COST_MS) {
        site->n_suppressed++;
        return false;
    }
    site->tokens_ms -= COST_MS;
    return true;
}

static void
escape(char *s)
{
    for (; *s; s++) {
        if (!isprint((unsigned char) *s) && !((unsigned char) *s & 0x80)) {
            *s = '?';
        }
    }
}

void
vx_log_write(struct vx_log_site *site, enum vx_log_level level,
             const char *object, const char *fmt, ...)
{
    char text[1024], object_text[256], stamp[32], suppressed[48] = "";
    struct timespec ts;
    struct tm tm;
    va_list args;

    if (level > VX_LOG_ERROR && level < VX_LOG_DEBUG && !admit(site)) {
        return;
    }
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    snprintf(object_text, sizeof object_text, "%s", object ? object : "-");
    escape(text);
    escape(object_text);
    if (site->n_suppressed) {
        snprintf(suppressed, sizeof suppressed, " (%u similar left out)",
                 site->n_suppressed);
        site->n_suppressed = 0;
    }
    clock_gettime(CLOCK_REALTIME, &ts);
    gmtime_r(&ts.tv_sec, &tm);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
    fprintf(stderr, "%s.%03ldZ %s %s: %s%s\n", stamp,
            ts.tv_nsec / 1000000, level_names[level], object_text, text,
            suppressed);
}
