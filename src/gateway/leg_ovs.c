/* SPDX-License-Identifier: Apache-2.0 */
/* Host ends of legs in br-tenant; see leg_ovs.h.
 *
 *   wanted legs + view of the database -> leg_rows (pure) -> one transaction
 *
 * at every change and, since plugging of single ports is not told by the
 * session, every few seconds. */
#include "gateway/leg_ovs.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "core/pipeline.h"
#include "gateway/kernel.h"
#include "gateway/leg_rows.h"
#include "lib/clock.h"
#include "lib/xalloc.h"
#include "ovs-glue/ovsdb_session.h"

enum {
    BACKOFF_MIN_MS = 100,
    BACKOFF_MAX_MS = 5000,
    CHECK_MS = 2000,
    HOLD_MS = 500,      /* a port is gone in ovs-vswitchd after that */
};

struct vx_gw_legs {
    struct event_base *base;
    struct sockaddr_un addr;
    struct vx_gw_legs_callbacks cb;
    void *aux;
    struct vx_tree legs;            /* struct vx_gw_leg by VNI */
    bool is_synced;
    struct bufferevent *bev;        /* while it connects */
    struct og_ovsdb_session *session;
    struct event *connect;
    struct event *check;
    unsigned backoff_ms;
    bool in_flight, is_told, is_connected, was_userspace;
};

static struct timeval
ms(unsigned n)
{
    return (struct timeval) { n / 1000, n % 1000 * 1000 };
}

/* While there is no bridge, which comes with the controller, nothing may be
 * left to be computed later. */
static bool
is_userspace(const struct vx_gw_legs *legs)
{
    const struct og_bridge *bridge = legs->session
        ? og_view_bridge(og_ovsdb_session_view(legs->session),
                         VX_BRIDGE_TENANT) : NULL;

    return !bridge || !strcmp(bridge->datapath_type, "netdev");
}

static void
tell(struct vx_gw_legs *legs, bool connected, const char *why)
{
    bool userspace = connected ? is_userspace(legs) : legs->was_userspace;

    if (legs->is_told && legs->is_connected == connected
        && legs->was_userspace == userspace) {
        return;
    }
    legs->is_told = true;
    legs->is_connected = connected;
    legs->was_userspace = userspace;
    if (legs->cb.connected) {
        legs->cb.connected(legs->aux, connected, userspace, why);
    }
}

static void
check_soon(struct vx_gw_legs *legs)
{
    event_active(legs->check, EV_TIMEOUT, 0);
}

/* --- Of the session. */

static void
done(void *aux, bool ok, const char *error)
{
    struct vx_gw_legs *legs = aux;
    char text[300];

    legs->in_flight = false;
    if (ok) {
        check_soon(legs);
    } else if (legs->cb.note) {
        snprintf(text, sizeof text, "legs into %s: %.200s", VX_BRIDGE_TENANT,
                 error);
        legs->cb.note(legs->aux, text);
    }
}

static void
leg_free(struct vx_gw_legs *legs, struct vx_gw_leg *leg)
{
    vx_tree_remove(&legs->legs, &leg->by_vni);
    free(leg->iface_id);
    free(leg);
}

static void
set_ofport(struct vx_gw_legs *legs, struct vx_gw_leg *leg, uint32_t ofport)
{
    if (leg->ofport != ofport) {
        leg->ofport = ofport;
        if (legs->cb.leg) {
            legs->cb.leg(legs->aux, leg->vni, ofport);
        }
    }
}

/* A database that is another one than before does not tell what it lacks;
 * and ports that were to go may be gone. */
static void
settle(struct vx_gw_legs *legs)
{
    VX_TREE_FOR_EACH_SAFE(node, next, &legs->legs) {
        struct vx_gw_leg *leg = VX_CONTAINER(node, struct vx_gw_leg, by_vni);

        set_ofport(legs, leg, leg->iface_id
                   ? og_ovsdb_session_ofport(legs->session, leg->iface_id)
                   : 0);
        if (leg->is_going && !leg->is_in && !legs->in_flight) {
            leg_free(legs, leg);
        }
    }
}

/* With the userspace datapath a port whose device has been deleted and made
 * again stays deaf: it has to be taken out and, when ovs-vswitchd has seen
 * that, put in again.  True if one is on its way. */
static bool
watch_devices(struct vx_gw_legs *legs)
{
    int64_t now = vx_clock_ms();
    bool any = false;

    VX_TREE_FOR_EACH(node, &legs->legs) {
        struct vx_gw_leg *leg = VX_CONTAINER(node, struct vx_gw_leg, by_vni);
        char name[VX_GW_IFNAME_SIZE];
        unsigned index = if_nametoindex(vx_gw_host_end(leg->vni, name));

        if (index && leg->index && index != leg->index) {
            leg->is_stale = true;
        }
        if (leg->is_stale && !leg->is_in) {
            leg->is_stale = false;
            leg->held_until_ms = now + HOLD_MS;
        }
        if (index && !leg->is_stale) {
            leg->index = index;
        }
        leg->is_held = now < leg->held_until_ms;
        any |= leg->is_held || leg->is_stale;
    }
    return any;
}

static void
check(evutil_socket_t fd, short events, void *aux)
{
    struct vx_gw_legs *legs = aux;
    struct timeval tv = ms(watch_devices(legs) ? HOLD_MS / 4 : CHECK_MS);
    char *operations;

    (void) fd, (void) events;
    event_add(legs->check, &tv);
    if (!legs->session || !og_ovsdb_session_is_ready(legs->session)
        || legs->in_flight) {
        return;
    }
    tell(legs, true, "");
    operations = vx_gw_leg_rows(og_ovsdb_session_view(legs->session),
                                &legs->legs, legs->is_synced);
    if (operations) {
        legs->in_flight = true;
        og_ovsdb_session_transact(legs->session, operations, done, legs);
        free(operations);
    }
    settle(legs);
}

static void
ready(void *aux)
{
    struct vx_gw_legs *legs = aux;

    legs->backoff_ms = BACKOFF_MIN_MS;
    tell(legs, true, "");
    check_soon(legs);
}

static void
changed(void *aux)
{
    check_soon(aux);
}

static void
iface(void *aux, const char *iface_id, uint32_t ofport)
{
    struct vx_gw_legs *legs = aux;

    VX_TREE_FOR_EACH(node, &legs->legs) {
        struct vx_gw_leg *leg = VX_CONTAINER(node, struct vx_gw_leg, by_vni);

        if (leg->iface_id && !strcmp(leg->iface_id, iface_id)) {
            set_ofport(legs, leg, ofport);
            check_soon(legs);
            break;
        }
    }
}

static void
session_note(void *aux, const char *text)
{
    struct vx_gw_legs *legs = aux;

    if (legs->cb.note) {
        legs->cb.note(legs->aux, text);
    }
}

static void
try_again(struct vx_gw_legs *legs)
{
    struct timeval tv = ms(legs->backoff_ms);

    event_add(legs->connect, &tv);
    legs->backoff_ms = legs->backoff_ms * 2 > BACKOFF_MAX_MS
                       ? BACKOFF_MAX_MS : legs->backoff_ms * 2;
}

/* The ports are still there, most likely, and so is the datapath: what was
 * known of them stays known until the database says otherwise. */
static void
closed(void *aux, const char *why)
{
    struct vx_gw_legs *legs = aux;

    og_ovsdb_session_free(legs->session);
    legs->session = NULL;
    legs->in_flight = false;
    try_again(legs);
    tell(legs, false, why);
}

static const struct og_ovsdb_callbacks session_callbacks = {
    .ready = ready, .changed = changed, .iface = iface,
    .note = session_note, .closed = closed,
};

/* --- Connection. */

static void
connected(struct bufferevent *bev, short what, void *aux)
{
    struct vx_gw_legs *legs = aux;
    int error = EVUTIL_SOCKET_ERROR();

    legs->bev = NULL;
    if (what & BEV_EVENT_CONNECTED) {
        bufferevent_setcb(bev, NULL, NULL, NULL, NULL);
        legs->session = og_ovsdb_session_new(bev, &session_callbacks, legs);
        return;
    }
    bufferevent_free(bev);
    try_again(legs);
    tell(legs, false, error ? strerror(error) : "no connection");
}

static void
connect_now(evutil_socket_t fd, short events, void *aux)
{
    struct vx_gw_legs *legs = aux;

    (void) fd, (void) events;
    legs->bev = bufferevent_socket_new(legs->base, -1, BEV_OPT_CLOSE_ON_FREE
                                       | BEV_OPT_DEFER_CALLBACKS);
    if (!legs->bev) {
        try_again(legs);
        return;
    }
    bufferevent_setcb(legs->bev, NULL, NULL, connected, legs);
    if (bufferevent_socket_connect(legs->bev, (void *) &legs->addr,
                                   sizeof legs->addr)) {
        bufferevent_free(legs->bev);
        legs->bev = NULL;
        try_again(legs);
        tell(legs, false, strerror(errno));
    }
}

/* --- Public. */

static int
compare(const void *key, const struct vx_tree_node *node)
{
    uint32_t a = *(const uint32_t *) key;
    uint32_t b = VX_CONTAINER(node, struct vx_gw_leg, by_vni)->vni;

    return a < b ? -1 : a > b;
}

struct vx_gw_legs *
vx_gw_legs_new(struct event_base *base, const char *addr,
               const struct vx_gw_legs_callbacks *cb, void *aux,
               struct vx_error *err)
{
    struct vx_gw_legs *legs;

    addr = addr ? addr : VX_GW_OVSDB_DEFAULT;
    if (strncmp(addr, "unix:", 5) || !addr[5]
        || strlen(addr + 5) >= sizeof legs->addr.sun_path) {
        vx_fail(err, VX_INVALID, "ovsdb", "\"%.100s\" is not unix:PATH",
                addr);
        return NULL;
    }
    legs = vx_xcalloc(1, sizeof *legs);
    legs->base = base;
    legs->addr.sun_family = AF_UNIX;
    strcpy(legs->addr.sun_path, addr + 5);
    legs->cb = *cb;
    legs->aux = aux;
    legs->backoff_ms = BACKOFF_MIN_MS;
    legs->was_userspace = true;
    vx_tree_init(&legs->legs, compare);
    legs->connect = event_new(base, -1, 0, connect_now, legs);
    legs->check = event_new(base, -1, 0, check, legs);
    event_active(legs->connect, EV_TIMEOUT, 0);
    check_soon(legs);
    return legs;
}

void
vx_gw_legs_free(struct vx_gw_legs *legs)
{
    if (!legs) {
        return;
    }
    while (legs->legs.root) {
        leg_free(legs, VX_CONTAINER(vx_tree_first(&legs->legs),
                                    struct vx_gw_leg, by_vni));
    }
    if (legs->bev) {
        bufferevent_free(legs->bev);
    }
    og_ovsdb_session_free(legs->session);
    event_free(legs->connect);
    event_free(legs->check);
    free(legs);
}

static struct vx_gw_leg *
find(const struct vx_gw_legs *legs, uint32_t vni)
{
    struct vx_tree_node *node = vx_tree_find(&legs->legs, &vni);

    return node ? VX_CONTAINER(node, struct vx_gw_leg, by_vni) : NULL;
}

static struct vx_gw_leg *
leg_new(struct vx_gw_legs *legs, uint32_t vni)
{
    struct vx_gw_leg *leg = vx_xcalloc(1, sizeof *leg);

    leg->vni = vni;
    vx_tree_insert(&legs->legs, &vni, &leg->by_vni);
    return leg;
}

void
vx_gw_legs_set(struct vx_gw_legs *legs, uint32_t vni, const char *iface_id)
{
    struct vx_gw_leg *leg = find(legs, vni);

    if (leg && !leg->is_going && leg->iface_id
        && !strcmp(leg->iface_id, iface_id)) {
        return;
    }
    leg = leg ? leg : leg_new(legs, vni);
    free(leg->iface_id);
    leg->iface_id = vx_xstrdup(iface_id);
    leg->is_going = false;
    leg->ofport = 0;
    check_soon(legs);
}

void
vx_gw_legs_keep(struct vx_gw_legs *legs, uint32_t vni)
{
    struct vx_gw_leg *leg = find(legs, vni);

    if (!leg) {
        leg_new(legs, vni);
    } else if (leg->is_going) {
        leg->is_going = false;
        free(leg->iface_id);
        leg->iface_id = NULL;
    }
}

void
vx_gw_legs_remove(struct vx_gw_legs *legs, uint32_t vni)
{
    struct vx_gw_leg *leg = find(legs, vni);

    if (leg && !leg->is_going) {
        leg->is_going = true;
        check_soon(legs);
    }
}

void
vx_gw_legs_sync(struct vx_gw_legs *legs)
{
    legs->is_synced = true;
    check_soon(legs);
}

uint32_t
vx_gw_legs_ofport(const struct vx_gw_legs *legs, uint32_t vni)
{
    const struct vx_gw_leg *leg = find(legs, vni);

    return leg ? leg->ofport : 0;
}

bool
vx_gw_legs_has_iface(const struct vx_gw_legs *legs, const char *name)
{
    return legs->session
           && og_view_iface(og_ovsdb_session_view(legs->session), name);
}

bool
vx_gw_legs_is_connected(const struct vx_gw_legs *legs)
{
    return legs->is_connected;
}

/* Of hardware, or a device of the kernel. */
static bool
leads_out(const struct og_iface *iface)
{
    static const char *const types[] = { "", "system", "dpdk", "afxdp",
                                         "afxdp-nonpmd" };

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!strcmp(iface->type, types[i])) {
            return true;
        }
    }
    return false;
}

/* False: one of the port's interfaces has a carrier, or may have. */
static bool
add_cut(const struct og_ovsdb_view *view, const struct og_port *port,
        char *ports, size_t size)
{
    for (size_t i = 0; i < port->interfaces.n; i++) {
        const struct og_iface *iface = (const struct og_iface *)
            og_view_row(view, OG_T_INTERFACE, port->interfaces.items[i]);
        size_t used = strlen(ports);

        if (!iface || !leads_out(iface)) {
            continue;
        }
        if (strcmp(iface->link_state, "down")) {
            return false;
        }
        snprintf(ports + used, size - used, "%s%s", used ? ", " : "",
                 iface->name);
    }
    return true;
}

bool
vx_gw_legs_is_cut(const struct vx_gw_legs *legs, const char *name,
                  char *ret_ports, size_t size)
{
    const struct og_ovsdb_view *view = legs->session
        ? og_ovsdb_session_view(legs->session) : NULL;

    ret_ports[0] = '\0';
    if (!view || !og_ovsdb_session_is_ready(legs->session)
        || !og_view_bridge(view, name)) {
        return false;
    }
    VX_TREE_FOR_EACH(node, &view->rows[OG_T_PORT]) {
        const struct og_port *port = (const struct og_port *)
            VX_CONTAINER(node, struct og_row, by_uuid);
        const struct og_bridge *bridge = og_view_port_bridge(port);

        if (bridge && !strcmp(bridge->name, name)
            && !add_cut(view, port, ret_ports, size)) {
            return false;
        }
    }
    return ret_ports[0] != '\0';
}
