/* SPDX-License-Identifier: Apache-2.0 */
/* Whether this machine can reach the fabric at all, as far as it can tell by
 * itself: the interface that has the VTEP's address has a carrier; if that is
 * a bridge of Open vSwitch, one of the ports that lead out of it has.  Nothing
 * is sent, and nobody is asked: a controller that is away means nothing.
 *
 * Not seen: a fault beyond the first link whose carrier stays; and a VTEP on a
 * loopback has no link of its own.  An address that was never there since the
 * start is no fault. */
#ifndef VX_GATEWAY_UNDERLAY_H
#define VX_GATEWAY_UNDERLAY_H

#include <stdbool.h>
#include <stddef.h>

struct event_base;
struct vx_ip;
struct vx_gw_underlay;

struct vx_gw_underlay_config {
    struct event_base *base;
    /* The VTEP; false: not known yet. */
    bool (*vtep)(void *aux, struct vx_ip *ret_vtep);
    /* The interface is a bridge of Open vSwitch, and none of its ports that
     * lead out has a carrier; which, for the log. */
    bool (*is_cut)(void *aux, const char *bridge, char *ret_ports,
                   size_t size);
    /* why: it is down since some time; NULL: it is up again, since some more
     * time. */
    void (*changed)(void *aux, const char *why);
    void *aux;
};

struct vx_gw_underlay *
vx_gw_underlay_new(const struct vx_gw_underlay_config *config);
void vx_gw_underlay_free(struct vx_gw_underlay *underlay);  /* NULL is fine */

/* Why it is down, NULL = it is up, or not known. */
const char *vx_gw_underlay_why(const struct vx_gw_underlay *underlay);

#endif
