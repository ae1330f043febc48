/* SPDX-License-Identifier: Apache-2.0 */
/* Logging for the shell (daemons, sessions); the core never logs.
 *
 * One line per event on stderr: time, level, object, text.  Under systemd
 * the journal takes the line as it is.  Bytes that are not printable are
 * escaped, so hostile names cannot forge lines.  Rate limit: each call site
 * prints at most 20 lines in a burst and 5 per second after that; what was
 * left out is counted and told with the next line of the site. */
#ifndef VX_LIB_LOG_H
#define VX_LIB_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum vx_log_level {
    VX_LOG_ERROR, VX_LOG_WARN, VX_LOG_INFO, VX_LOG_DEBUG
};

struct vx_log_site {
    int64_t tokens_ms;      /* bucket, in ms of credit */
    int64_t last_ms;
    unsigned n_suppressed;
};

bool vx_log_level_parse(const char *s, enum vx_log_level *ret_level);
void vx_log_set_level(enum vx_log_level level);
enum vx_log_level vx_log_get_level(void);
void vx_log_write(struct vx_log_site *site, enum vx_log_level level,
                  const char *object, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#define VX_LOG(LEVEL, OBJECT, ...)                                  \
    do {                                                            \
        static struct vx_log_site vx_log_site_ = { 4000, 0, 0 };    \
        if ((LEVEL) <= vx_log_get_level()) {                        \
            vx_log_write(&vx_log_site_, LEVEL, OBJECT, __VA_ARGS__); \
        }                                                           \
    } while (0)
#define vx_log_error(OBJECT, ...) VX_LOG(VX_LOG_ERROR, OBJECT, __VA_ARGS__)
#define vx_log_warn(OBJECT, ...) VX_LOG(VX_LOG_WARN, OBJECT, __VA_ARGS__)
#define vx_log_info(OBJECT, ...) VX_LOG(VX_LOG_INFO, OBJECT, __VA_ARGS__)
#define vx_log_debug(OBJECT, ...) VX_LOG(VX_LOG_DEBUG, OBJECT, __VA_ARGS__)

#endif
