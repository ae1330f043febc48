/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a daemon: limits, signals, a tick, and what systemd is told
 * (sd_notify(3)'s protocol, without its library). */
#ifndef VX_SHELL_PROCESS_H
#define VX_SHELL_PROCESS_H

#include <stdbool.h>

#include "lib/err.h"

struct event_base;
struct vx_process;

struct vx_process_spec {
    struct event_base *base;
    /* SIGTERM or SIGINT: the loop ends after this. */
    void (*stop)(void *aux, int signal);
    void (*tick)(void *aux);    /* once a second */
    void *aux;
};

/* As many files as the system lets us have, and a full disk or a reader that
 * is gone is an error, not the end.  From here on the loop tells systemd that
 * it turns, as often as that wants to hear it (WatchdogSec=). */
struct vx_process *vx_process_new(const struct vx_process_spec *spec);
void vx_process_free(struct vx_process *process);       /* NULL is fine */

/* "READY=1\nSTATUS=..."; nothing happens without $NOTIFY_SOCKET. */
void vx_process_notify(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* One that exists is as good. */
bool vx_process_make_dir(const char *path, unsigned mode,
                         struct vx_error *err);

#endif
