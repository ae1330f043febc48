/* SPDX-License-Identifier: Apache-2.0 */
/* What zebra still has of a VRF that is empty and to go: the last thing that
 * is asked before its namespace is deleted.
 *
 * zebra 8.4 that is told that a namespace is gone takes the routes it has in
 * it out of the kernel, which its dataplane thread does, and closes that
 * thread's sockets in the same moment: it falls in netlink_route_
 * multipath_msg_encode(), or ends over "recvmsg overrun: Bad file
 * descriptor".  bgpd's routes are there until bgpd takes them back, though
 * their devices are gone: for as long as it hangs; when it was killed, until
 * graceful restart gives them up, 500 s.  So a namespace goes when zebra says
 * that no route is left in it; once bgpd does not know the VRF any more, or
 * is gone, zebra is told to drop what it still has of it.
 *
 * A question costs zebra a walk of the VRF's routes, of which there are few
 * or none. */
#ifndef VX_GATEWAY_REMAINS_H
#define VX_GATEWAY_REMAINS_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/vty.h"
#include "lib/addr.h"
#include "lib/tree.h"

/* zebra is to drop what it has of BGP's for this prefix. */
typedef void vx_gw_remains_drop(void *aux, const char *vrf,
                                const struct vx_prefix *prefix);

struct vx_gw_remains {
    struct vx_tree vrfs;        /* by VNI */
    vx_gw_remains_drop *drop;
    void *aux;
};

void vx_gw_remains_init(struct vx_gw_remains *remains,
                        vx_gw_remains_drop *drop, void *aux);
/* The VTY must be free: it calls back here. */
void vx_gw_remains_fini(struct vx_gw_remains *remains);

struct vx_gw_remains_question {
    uint32_t vni;
    bool first;                 /* since it is to go */
    bool is_let_go;             /* bgpd will say nothing of it any more */
};

/* Asks zebra about the VRF.  True: to the question before it has said that it
 * has no route in it; or there is no zebra.  What it has in one that is let
 * go of it is told to drop. */
bool vx_gw_remains_none(struct vx_gw_remains *remains,
                        struct vx_gw_vty *zebra,
                        const struct vx_gw_remains_question *question);
/* The VRF is gone, or wanted again: nothing in it is dropped any more. */
void vx_gw_remains_forget(struct vx_gw_remains *remains, uint32_t vni);

/* Routes in the answer to `show ip route vrf NAME summary json`, of the kernel
 * or of all others; -1: it is none.  The kernel takes routes away with their
 * device and says nothing, so zebra keeps those; what counts is whether it
 * uses them, which is asked for if need be.  Pure. */
long vx_gw_remains_count(const char *answer, bool of_kernel);
/* Routes that are used in the answer to `show ip route vrf NAME kernel`.
 * Pure. */
long vx_gw_remains_used(const char *answer);

#endif
