/* SPDX-License-Identifier: Apache-2.0 */
/* What gateways are told: intent -> entries of their feeds.
 *
 *   change (old, new) --vx_export_touched--> keys of entries
 *   key, gateway --vx_export--> the entry as it is to be now, or none
 *
 * An entry is a function of the model and of three facts (is a port active,
 * does it live as a next hop, has a host ports of a network), never of what
 * was told before.  So what a feed
 * holds after any changes is what it would hold if it were made anew, if each
 * change touches the keys of all entries that look at it: cost follows the
 * change.
 *
 * Keys are texts, as the feed has them (doc/gateway-feed.md):
 *   gateway "g1" · tenant "acme" · peering "up1", "acme/ce1"
 *   network "acme/web" · prefix "acme 10.0.0.0/24" · policy "acme no-smtp"
 *   vtep "5001 192.0.2.1" · endpoint "5001 0a:00:00:00:00:01"
 *
 * Pure: libc only. */
#ifndef VX_CORE_EXPORT_H
#define VX_CORE_EXPORT_H

#include "core/model.h"

/* In this order a reader can use what it is told without waiting. */
enum vx_feed_type {
    VX_FEED_GATEWAY,
    VX_FEED_TENANT,
    VX_FEED_PEERING,
    VX_FEED_NETWORK,
    VX_FEED_PREFIX,
    VX_FEED_VTEP,
    VX_FEED_ENDPOINT,
    VX_FEED_POLICY,
    VX_FEED_N_TYPES
};
const char *vx_feed_type_name(enum vx_feed_type type);  /* "prefix" */
bool vx_feed_type_parse(const char *name, enum vx_feed_type *ret_type);

enum { VX_FEED_KEY_SIZE = 2 * VX_NAME_MAX + 4 };    /* with its NUL */

struct vx_feed_key {
    enum vx_feed_type type;
    char text[VX_FEED_KEY_SIZE];
};
/* By type, then by text. */
int vx_feed_key_compare(const struct vx_feed_key *a,
                        const struct vx_feed_key *b);

struct vx_export_env {
    const struct vx_model *model;
    void *ctx;
    bool (*port_active)(void *ctx, uint64_t port);
    /* As vx_port_alive of core/status.h: NULL = all do. */
    bool (*hop_alive)(void *ctx, uint64_t port);
    bool (*has_port_at)(void *ctx, uint64_t network, uint64_t host);
    /* Packets that come to the gateway for the tenant get on: its leg is
     * plugged, and has its rows.  NULL = all do. */
    bool (*leg_ready)(void *ctx, uint64_t leg);
    /* A tenant or network that the model has no more, but had before the
     * changes that are being told; NULL = unknown. */
    const struct vx_obj *(*gone)(void *ctx, uint64_t oid);
};

/* A gateway as entries see it. */
struct vx_export_gateway {
    const struct vx_gateway *gateway;
    uint32_t as;
    bool evpn;                  /* it has an uplink that carries EVPN */
};
/* O(sessions of the gateway). */
void vx_export_gateway(const struct vx_model *model,
                       const struct vx_gateway *gateway,
                       struct vx_export_gateway *ret_gateway);

/* Called with each key; a key may come twice. */
typedef void vx_export_key_cb(void *aux, const struct vx_feed_key *key);

/* The entries that look at the object, before or after the change.  Either
 * may be NULL.  O(1) but for: a subnet that announces ports' addresses, and a
 * network whose VNI changes: O(ports of the network); a subnet, or a leg:
 * O(policies of the tenant, next hops in it). */
void vx_export_touched(const struct vx_export_env *env,
                       const struct vx_obj *old, const struct vx_obj *new,
                       vx_export_key_cb *f, void *aux);

enum vx_export_verdict {
    VX_EXPORT_NONE,             /* nothing to tell */
    VX_EXPORT_WITHHELD,         /* intent says so, but not yet: see why_not */
    VX_EXPORT_TELL,
};

enum { VX_FEED_MAX_FELLOWS = 1024 };    /* other gateways that one is told */

/* An entry.  Pointers are into the model. */
struct vx_export {
    enum vx_feed_type type;
    const struct vx_obj *obj;   /* what it is of: a gateway, tenant, peering,
                                 * uplink, network, policy; of a prefix the
                                 * subnet, route or port; of an endpoint the
                                 * port */
    const struct vx_host *host; /* of a gateway, vtep, endpoint */
    const struct vx_tenant *tenant;
    const struct vx_network *network;   /* of a network, vtep, endpoint; of a
                                         * tenant: the router's */
    const struct vx_port *leg;  /* of a tenant */
    struct vx_prefix prefix;
    const char *why;            /* of a prefix: "subnet", "route", "host" */
    uint32_t as;                /* of a gateway */
    struct vx_ip router_id;     /* of a gateway */
    uint64_t imports[VX_MAX_RTS], exports[VX_MAX_RTS];
    size_t n_imports, n_exports;
    const char *why_not;        /* WITHHELD: for a person */
};

/* O(log n). */
enum vx_export_verdict
vx_export(const struct vx_export_env *env,
          const struct vx_export_gateway *gateway,
          const struct vx_feed_key *key, struct vx_export *ret_export);

/* Route target AS:number (RFC 4360 4; of an AS of four bytes the lower two),
 * as an extended community. */
uint64_t vx_export_auto_rt(uint32_t as, uint32_t number);

#endif
