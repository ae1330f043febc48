/* SPDX-License-Identifier: Apache-2.0 */
/* A client of one FRR daemon's VTY socket (DIR/bgpd.vty, DIR/zebra.vty), the
 * way vtysh talks to it: `command NUL`, answered by text, three NULs and a
 * status (lib/command.h of FRR: 0 done, 1 warning, ...).
 *
 * One job at a time, one command of it at a time, jobs in order.  Connected
 * again with backoff; a job that was under way when the connection went fails
 * (it may have been carried out in part: compare the running configuration
 * again), jobs not begun wait.  Everything has a time limit; an answer is
 * limited to VX_GW_VTY_TEXT_MAX bytes.  No callback runs inside _new, _run or
 * _free; any callback may call _run or _free. */
#ifndef VX_GATEWAY_VTY_H
#define VX_GATEWAY_VTY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/err.h"

enum {
    VX_GW_VTY_TEXT_MAX = 64 << 20,
    VX_GW_VTY_COMMAND_MAX = 4000,   /* FRR takes 4,096 bytes */
    VX_GW_VTY_TIMEOUT_MS = 10000,   /* per command */
};

struct event_base;
struct bufferevent;
struct vx_gw_vty;

struct vx_gw_vty_callbacks {
    /* May be asked now (enabled); or not (any more), and why. */
    void (*up)(void *aux);
    void (*down)(void *aux, const char *why);
};

/* path: of the socket.  callbacks are copied; members may be NULL. */
struct vx_gw_vty *vx_gw_vty_new(struct event_base *base, const char *path,
                                const struct vx_gw_vty_callbacks *callbacks,
                                void *aux);
/* As _new on a connection that is there already and is not made again; for
 * tests. */
struct vx_gw_vty *vx_gw_vty_new_on(struct bufferevent *take_bev,
                                   const char *name,
                                   const struct vx_gw_vty_callbacks *cb,
                                   void *aux);
/* Jobs that wait are dropped without a callback.  NULL is fine. */
void vx_gw_vty_free(struct vx_gw_vty *vty);
void vx_gw_vty_set_timeout(struct vx_gw_vty *vty, unsigned timeout_ms);
bool vx_gw_vty_is_up(const struct vx_gw_vty *vty);
/* There is no daemon: nobody listens at the socket. */
bool vx_gw_vty_is_gone(const struct vx_gw_vty *vty);
/* Process at the other end; 0 if not connected, or of another PID
 * namespace. */
pid_t vx_gw_vty_peer(const struct vx_gw_vty *vty);

/* ok: all commands were taken.  text: what was printed by the last command
 * that ran, never NULL, borrowed.  err: if not ok; message names the command
 * (passwords left out), the daemon and what it said; code VX_BUSY: somebody
 * else is in configuration mode, try again; VX_UNAVAILABLE: the connection
 * went; VX_TIMEOUT; VX_INVALID: the command was refused. */
typedef void vx_gw_vty_done(void *aux, bool ok, const char *text,
                            const struct vx_error *err);

/* Whether commands[at] is to be said all the same, though commands[refused],
 * which came before it, was refused. */
typedef bool vx_gw_vty_goes_on(char *const *commands, size_t refused,
                               size_t at);

struct vx_gw_vty_commands {
    char *const *commands;
    size_t n;
    vx_gw_vty_goes_on *goes_on;     /* NULL: none is */
};

/* Commands are copied.  One: a question ("show running-config").  In a
 * configuring job the daemon is put into configuration mode before the first
 * and out of it after the last, also when one is refused; what follows a
 * refused one is left out unless it goes on, and the second one refused ends
 * the job. */
void vx_gw_vty_ask(struct vx_gw_vty *vty, const char *command,
                   vx_gw_vty_done *done, void *aux);
void vx_gw_vty_configure(struct vx_gw_vty *vty,
                         const struct vx_gw_vty_commands *commands,
                         vx_gw_vty_done *done, void *aux);
/* Inside done of a configuring job: the command that was refused first;
 * SIZE_MAX: none of them. */
size_t vx_gw_vty_refused(const struct vx_gw_vty *vty);

#endif
