/* SPDX-License-Identifier: Apache-2.0 */
/* Status of a port as a function of facts: level-triggered, computed anew
 * from state whenever something it depends on changes, never from an edge. */
#ifndef VX_CORE_STATUS_H
#define VX_CORE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/model.h"

enum vx_port_state {
    VX_PORT_PENDING,        /* waits for something outside: host, interface */
    VX_PORT_BUILDING,       /* rows are on their way, or a first probe */
    VX_PORT_ACTIVE,         /* every host that needs it has confirmed, and a
                             * probe has come */
    VX_PORT_DEGRADED,       /* works, but a host that needs it is away, or
                             * does not get through to it, or its own host
                             * lacks rows */
    VX_PORT_DOWN,           /* its own host is away */
};

struct vx_port_facts {
    const char *host;           /* name of its location, NULL = none */
    const char *iface_id;
    const char *elsewhere;      /* name of the host an interface is seen on
                                 * where it may not be, NULL = none */
    bool elsewhere_draining;    /* and that is why */
    bool intent_host;           /* location is by intent */
    bool host_seen;             /* its host has joined at least once */
    bool host_ready;            /* connected, both tiers in sync */
    const char *host_reason;    /* why not, if not */
    bool plugged;               /* interface with an ofport is there */
    unsigned n_outstanding;     /* confirmations of the last change missing */
    unsigned n_lacking;         /* rows it lives by that an audit has found
                                 * missing or altered on its host */
    bool unproven;              /* no probe has got through yet, and one
                                 * has to */
    const char *probe_from;     /* host whose probe has not come, NULL = none
                                 * is under way */
    unsigned n_probes_more;     /* others of which the same is true */
    bool probe_late;
    unsigned n_away;            /* other hosts of the network not ready */
    const char *away;           /* name of one of them */
    const char *target;         /* where it migrates to, NULL = it does not */
    bool target_ready;          /* that host, as host_ready */
    bool target_plugged;        /* an interface is there */
    bool hold;                  /* and yet it is to wait for a call */
};

struct vx_port_status {
    enum vx_port_state state;
    char reason[256];           /* "" if active */
    char migration[160];        /* what its migration waits for, "" = it does
                                 * not migrate */
    int64_t reachable_at_ms;    /* when a probe got through; wall clock, 0 =
                                 * not known.  Not of vx_port_status_eval() */
};

void vx_port_status_eval(const struct vx_port_facts *facts,
                         struct vx_port_status *ret_status);
const char *vx_port_state_name(enum vx_port_state state);

/* --- Routes and policies. */

enum vx_hops_state {
    VX_HOPS_ACTIVE,         /* all next hops are there and live, or it needs
                             * none */
    VX_HOPS_DEGRADED,       /* some do */
    VX_HOPS_UNRESOLVED,     /* no port has one of the addresses; or it is a
                             * policy for what is not routed */
    VX_HOPS_DOWN,           /* ports have, and none of them lives */
    VX_N_HOPS_STATES
};

struct vx_hop_status {
    struct vx_ip ip;
    char port[3 * VX_NAME_MAX + 4];     /* TENANT/NETWORK/PORT, "" = none */
    bool alive;
};

struct vx_hops_status {
    enum vx_hops_state state;
    char reason[256];           /* "" if active */
    struct vx_hop_status hops[VX_MAX_HOPS];     /* as in the object */
    size_t n_hops;
    bool is_idle;           /* a policy: nothing it is for is routed */
};

/* Of a route or policy.  alive: whether the port answers; NULL = every port
 * does. */
typedef bool vx_port_alive(void *aux, uint64_t port);
void vx_hops_status_eval(const struct vx_model *model,
                         const struct vx_obj *obj, vx_port_alive *alive,
                         void *aux, struct vx_hops_status *ret_status);
const char *vx_hops_state_name(enum vx_hops_state state);

#endif
