/* SPDX-License-Identifier: Apache-2.0 */
/* Runs executables of hooks.d as children, beside the loop.
 *
 *     posix_spawn (no copy of our page tables, whatever the model weighs)
 *       stdin  <- a memory file with the event: nothing to write, no pipe to
 *                 fill, no reader to wait for
 *       stdout -> one pipe, read without blocking; the head is kept, the rest
 *       stderr /  counted and dropped
 *     SIGCHLD -> the whole process group is ended, what is left in the pipe
 *                is read, done is called
 *     too long -> SIGTERM to the group, SIGKILL 2 s later
 *
 * A child gets a group of its own, no descriptor but these three, default
 * signals, / as its folder and the environment given.  Nothing here waits. */
#ifndef VX_DAEMON_HOOK_EXEC_H
#define VX_DAEMON_HOOK_EXEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

struct event_base;
struct vx_execs;

enum {
    VX_EXEC_OUTPUT_KEPT = 4096,                 /* bytes */
    VX_EXEC_OUTPUT_MAX = 64 * 1024 * 1024,      /* bytes, then it is ended */
    VX_EXEC_KILL_MS = 2000,
};

struct vx_execs *vx_execs_new(struct event_base *base);
/* Children that still run are told to end (SIGTERM), their done is not
 * called. */
void vx_execs_free(struct vx_execs *execs);

/* How an attempt ended; also that of a webhook. */
struct vx_attempt {
    bool ok;
    bool hopeless;              /* trying again is no use */
    const char *result;         /* in words */
    const char *output;         /* bytes, its head */
    size_t output_size;
};
typedef void vx_attempt_done(void *aux, const struct vx_attempt *attempt);

struct vx_exec_spec {
    const char *path;
    char *const *env;
    const char *input;
    size_t input_size;          /* bytes */
    int64_t timeout_ms;
    vx_attempt_done *done;      /* from the loop, once, never from start */
    void *aux;
};

bool vx_execs_start(struct vx_execs *execs, const struct vx_exec_spec *spec,
                    struct vx_error *err);

#endif
