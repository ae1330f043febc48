/* SPDX-License-Identifier: Apache-2.0 */
/* Ports that change hosts, and what stays behind for a while.
 *
 *   fabric --locate-->  noted --loop turn--> VX_OP_LOCATE   (follows its
 *                                                            interface)
 *   status evaluated--> target ready, confirmed, plugged?
 *                                    \--> VX_OP_ARRIVE      (migration over)
 *   place changed, confirmed --> ARP and ND on the port's behalf
 *   fabric --grace--> queue --grace_ms later--> vx_fabric_grace_over
 *
 * A migration: tier 2 of the target is in place before its interface is; when
 * the interface is up, its tap is made and confirmed; only then the port is
 * made to be there, durably, and all other hosts are told.  What is still
 * under way to the old host is delivered there.
 *
 * O(log n) per port looked at; the queue of graces is first in, first out. */
#ifndef VX_DAEMON_MOVES_H
#define VX_DAEMON_MOVES_H

#include <stdint.h>

#include "core/fabric.h"
#include "core/object.h"

struct vx_app;
struct vx_moves;

struct vx_moves *vx_moves_new(struct vx_app *app);
void vx_moves_free(struct vx_moves *moves);

/* The fabric wants the port located; looked at when it is done. */
void vx_moves_note(struct vx_moves *moves, uint64_t port);
/* The fabric keeps something for a while. */
void vx_moves_grace(struct vx_moves *moves, const struct vx_grace *grace);
/* The port's object was changed and applied. */
void vx_moves_changed(struct vx_moves *moves, const struct vx_port *old,
                      const struct vx_port *new);
/* Something about the port has changed: it may have arrived, or its arrival
 * may be told. */
void vx_moves_look(struct vx_moves *moves, uint64_t port);
void vx_moves_forget(struct vx_moves *moves, uint64_t port);

#endif
