/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the model; for src/core/model*.c and validate*.c only.
 *
 * An entry is the stable place of an object: it holds the current value and
 * the tree nodes that index it.  vx_model_set() is the only function that
 * moves anything: from the old value to the new one, everything that is
 * derived from values (indexes, VNI pool, used addresses, counts) included.
 * So undo is the same call with the values exchanged, and loading is the
 * same call with no old value: neither can forget a piece. */
#ifndef VX_CORE_MODEL_PRIV_H
#define VX_CORE_MODEL_PRIV_H

#include "core/alloc.h"
#include "core/model.h"

struct vx_ent {
    const struct vx_obj *obj;       /* current value, one reference */
    struct vx_ent *parent;          /* tenant or network, or NULL */
    struct vx_tree_node by_oid;     /* model->by_oid */
    struct vx_tree_node by_name;    /* in the parent, or model->by_name[] */
};

/* Who holds a VNI: a network, a tenant's router or a quarantine. */
struct vx_vni_node {
    struct vx_tree_node node;       /* model->by_vni */
    struct vx_ent *owner;
    uint32_t vni;
};

struct vx_zone_ent {
    struct vx_ent e;
    struct vx_tree hosts;           /* vx_host_ent.by_zone, by oid */
};

struct vx_host_ent {
    struct vx_ent e;
    struct vx_tree ports;           /* vx_port_ent.by_host, by oid */
    struct vx_tree arrivals;        /* vx_port_ent.by_target, by oid: ports
                                     * that migrate here */
    struct vx_tree_node by_zone, by_num, by_system_id, by_vtep, by_mtu;
    struct vx_gateway_ent *gateway; /* the one that is on it, or NULL */
};

/* Tenant peerings of one tenant at one gateway. */
struct vx_serve_node {
    struct vx_tree_node by_gateway; /* vx_tenant_ent.gateways */
    struct vx_tree_node by_tenant;  /* vx_gateway_ent.tenants */
    struct vx_gateway_ent *gateway;
    struct vx_tenant_ent *tenant;
    size_t n;                       /* peerings, > 0 */
};

struct vx_gateway_ent {
    struct vx_ent e;
    struct vx_tree sessions;        /* vx_peering_ent.by_gateway, by oid */
    struct vx_tree uplinks;         /* vx_peering_ent.by_uplink, by oid */
    struct vx_tree tenants;         /* vx_serve_node.by_tenant, by oid */
    struct vx_tree_node by_fabric;  /* model->fabric_gateways */
    size_t n_fabric;                /* uplinks with VPN or EVPN */
};

/* Also of an uplink. */
struct vx_peering_ent {
    struct vx_ent e;
    struct vx_tree_node by_gateway, by_uplink;
    struct vx_tree_node by_peer;    /* model->peers */
    struct vx_tree_node by_device;  /* model->devices, if it has one */
};

struct vx_tenant_ent {
    struct vx_ent e;
    struct vx_tree networks, routes, policies;  /* by name */
    struct vx_tree routed;          /* vx_subnet_ent.by_routed, by address:
                                     * disjoint */
    struct vx_tree vias;            /* vx_via_node: next hops of routes and
                                     * policies */
    struct vx_tree priorities;      /* vx_policy_ent.by_priority */
    struct vx_tree peerings;        /* by name */
    struct vx_tree gateways;        /* vx_serve_node.by_gateway, by oid */
    struct vx_tree_node by_announce;    /* model->announcers */
    struct vx_tree_node by_rd;      /* model->rds, if it has one */
    struct vx_vni_node router;
    struct vx_ent *router_net;      /* its router network, or NULL */
    size_t n_announced;             /* subnets, static routes */
    size_t n_learned_routes;
    size_t n_ports;                 /* operators' */
};

struct vx_network_ent {
    struct vx_ent e;
    struct vx_tree subnets, ports;  /* by name */
    struct vx_tree by_prefix;       /* vx_subnet_ent, by address */
    struct vx_tree by_mac;          /* vx_port_ent */
    struct vx_tree by_ip;           /* vx_ip_node, explicit addresses */
    struct vx_tree policies;        /* vx_policy_ent.by_network, by oid: those
                                     * whose match names it */
    struct vx_runset used;          /* the same as vx_model_ip_number() */
    struct vx_vni_node vni;
    struct vx_tree_node by_mtu;
};

struct vx_subnet_ent {
    struct vx_ent e;
    struct vx_tree_node by_prefix;
    struct vx_tree_node by_routed;  /* if it is routed */
};

/* One next hop of a route or policy. */
struct vx_via_node {
    struct vx_tree_node node;       /* vx_tenant_ent.vias, by (address, oid) */
    struct vx_ent *owner;
    const struct vx_ip *ip;         /* in the owner's value */
};

struct vx_route_ent {
    struct vx_ent e;
    struct vx_via_node *vias;       /* as many as the object has */
};

struct vx_policy_ent {
    struct vx_ent e;
    struct vx_via_node *vias;
    struct vx_tree_node by_priority, by_network;
};

struct vx_ip_node {
    struct vx_tree_node node;       /* vx_network_ent.by_ip */
    struct vx_ent *port;
    size_t index;                   /* in the port's ips */
};

struct vx_port_ent {
    struct vx_ent e;
    struct vx_tree_node by_mac, by_iface_id, by_host, by_target;
    struct vx_ip_node *ips;         /* as many as the object has */
};

struct vx_retired_ent {
    struct vx_ent e;
    struct vx_vni_node vni;
    struct vx_tree_node by_revision;
    int64_t min_until_ms;           /* of its subtree in model->retired */
};

struct vx_model {
    struct vx_tree by_oid;
    struct vx_tree by_name[VX_N_KINDS];     /* kinds without a parent */
    struct vx_tree by_vni, by_iface_id;
    struct vx_tree by_num, by_system_id, by_vtep;
    struct vx_tree network_mtus;    /* (mtu, oid) */
    struct vx_tree host_mtus;       /* (what fits inside VXLAN, oid) */
    struct vx_tree retired;         /* (revision, oid), with min_until_ms */
    struct vx_tree fabric_gateways; /* by oid: those with n_fabric */
    struct vx_tree announcers;      /* tenants with n_announced, by oid */
    struct vx_tree rds;             /* explicit ones of tenants */
    struct vx_tree peers;           /* sessions: (gateway, tenant, peer) */
    struct vx_tree devices;         /* of peerings: (gateway, device) */
    size_t n_vteps[2];              /* IPv4, IPv6 */
    size_t n_external;              /* hosts of other fabrics */
    size_t counts[VX_N_KINDS];
    struct vx_vni_pool *vnis;
    struct vx_runset nums;          /* host numbers in use */
    struct vx_runset zone_nums, hop_nums;   /* of zones; of routes and
                                             * policies */
    struct vx_vni_range *ranges;    /* allocatable: sorted, disjoint,
                                     * without the reserved ones */
    size_t n_ranges;
    uint32_t n_free_vnis;           /* free ones in ranges */
    int64_t vni_quarantine_ms;
    uint8_t mac_prefix;

    uint64_t revision, last_oid;
    uint64_t committed_revision;
    struct vx_change *staged;
    uint64_t *oids_before;          /* last_oid before each staged change */
    size_t n_staged, staged_cap, oids_cap;
};

/* --- model_index.c */

void vx_model_init_indexes(struct vx_model *model);
/* Moves the object from old to new (one of them may be NULL, not both).  The
 * rules must have been held.  Takes its own reference. */
void vx_model_set(struct vx_model *model, const struct vx_obj *old,
                  const struct vx_obj *new);
void vx_model_free_entries(struct vx_model *model);

struct vx_ent *vx_model_ent(const struct vx_model *model, uint64_t oid);
/* The entry if it is of the kind, else NULL. */
struct vx_ent *vx_model_ent_of(const struct vx_model *model, uint64_t oid,
                               enum vx_kind kind);
/* The tree that indexes a kind by name below parent (NULL at the top). */
const struct vx_tree *vx_model_names(const struct vx_model *model,
                                     enum vx_kind kind,
                                     const struct vx_ent *parent);
struct vx_ent *vx_ent_by_name(const struct vx_tree *names, const char *name);
const struct vx_ent *vx_model_vni_holder(const struct vx_model *model,
                                         uint32_t vni);
struct vx_subnet_ent *vx_network_subnet_of(const struct vx_network_ent *net,
                                           const struct vx_ip *ip);
/* The port of the network that has the address or MAC, or NULL. */
struct vx_ent *vx_network_port_by_ip(const struct vx_network_ent *net,
                                     const struct vx_ip *ip);
struct vx_ent *vx_network_port_by_mac(const struct vx_network_ent *net,
                                      const struct vx_mac *mac);
/* The first port with an address in the prefix, or NULL. */
struct vx_ent *vx_network_port_in(const struct vx_network_ent *net,
                                  const struct vx_prefix *prefix);
/* The port whose MAC makes this EUI-64 link-local address, or NULL. */
struct vx_ent *vx_network_port_by_eui64(const struct vx_network_ent *net,
                                        const struct vx_ip *ip);
/* The routed subnet of the tenant that has the address, or NULL. */
struct vx_subnet_ent *vx_tenant_subnet_of(const struct vx_tenant_ent *tenant,
                                          const struct vx_ip *ip);
/* A route or policy with a next hop in the prefix; NULL if there is none. */
struct vx_ent *vx_tenant_via_in(const struct vx_tenant_ent *tenant,
                                const struct vx_prefix *prefix);
/* The first vx_via_node at or after the prefix, or NULL. */
struct vx_tree_node *vx_tenant_via_node(const struct vx_tenant_ent *tenant,
                                        const struct vx_prefix *prefix);
/* The policy of this priority, or NULL. */
struct vx_ent *vx_tenant_policy_at(const struct vx_tenant_ent *tenant,
                                   uint16_t priority);
/* One number space for both families: IPv4 as IPv4-mapped IPv6. */
unsigned __int128 vx_model_ip_number(const struct vx_ip *ip);
/* Bytes of VXLAN headers around a tenant's IP packet. */
int vx_host_overhead(const struct vx_host *host);
/* The network with the largest MTU; the host with the least room for tenants'
 * packets among those whose MTU is known.  NULL if there is none. */
const struct vx_network *
vx_model_largest_network(const struct vx_model *model);
const struct vx_host *vx_model_smallest_host(const struct vx_model *model);
bool vx_model_vni_is_auto(const struct vx_model *model, uint32_t vni);

static inline const struct vx_network_ent *
vx_network_ent(const struct vx_ent *ent)
{
    return (const struct vx_network_ent *) (const void *) ent;
}

static inline const struct vx_tenant_ent *
vx_tenant_ent(const struct vx_ent *ent)
{
    return (const struct vx_tenant_ent *) (const void *) ent;
}

/* --- model_serve.c */

void vx_serve_init(struct vx_model *model);
void vx_serve_init_gateway(struct vx_gateway_ent *gateway);
void vx_serve_init_tenant(struct vx_tenant_ent *tenant);
void vx_gateway_link(struct vx_model *model, struct vx_gateway_ent *ent);
void vx_gateway_unlink(struct vx_model *model, struct vx_gateway_ent *ent);
void vx_peering_link(struct vx_model *model, struct vx_peering_ent *ent);
void vx_peering_unlink(struct vx_model *model, struct vx_peering_ent *ent);
/* step: 1 or -1 of what the tenant announces. */
void vx_serve_announce(struct vx_model *model, struct vx_tenant_ent *tenant,
                       int step);
void vx_serve_rd_link(struct vx_model *model, struct vx_tenant_ent *tenant);
void vx_serve_rd_unlink(struct vx_model *model, struct vx_tenant_ent *tenant);
void vx_serve_free_gateway(struct vx_gateway_ent *ent);
/* The tenant that has the RD, or NULL. */
struct vx_ent *vx_model_by_rd(const struct vx_model *model, uint64_t rd);
/* The session of the gateway to the peer in the tenant's VRF (0: of the
 * fabric), or NULL. */
struct vx_ent *vx_model_session(const struct vx_model *model,
                                const struct vx_peering *peering);
/* The tenant's peering at this peering's gateway that brings the device; the
 * first by oid, NULL if there is none. */
struct vx_ent *vx_model_device(const struct vx_model *model,
                               const struct vx_peering *peering);

/* --- model_retired.c */

void vx_retired_init(struct vx_tree *tree);
void vx_retired_insert(struct vx_tree *tree, struct vx_retired_ent *ent);
void vx_retired_remove(struct vx_tree *tree, struct vx_retired_ent *ent);

/* --- model_find.c */

/* The entries above key (tenant, network) of a kind; false if missing. */
bool vx_model_resolve(const struct vx_model *model, enum vx_kind kind,
                      const struct vx_key *key, struct vx_ent **ret_parent,
                      struct vx_error *err);
/* The canonical form of a name: CIDRs are rewritten. */
const char *vx_model_canonical(enum vx_kind kind, const char *name,
                               char buf[VX_PREFIX_STRLEN]);

/* --- model_alloc.c: choose, never take.  A choice is taken by
 * vx_model_set() of the object that carries it. */

bool vx_alloc_vni(const struct vx_model *model, uint32_t *ret_vni,
                  struct vx_error *err);
bool vx_alloc_router_vni(const struct vx_model *model, uint32_t *ret_vni,
                         struct vx_error *err);
bool vx_alloc_host_num(const struct vx_model *model, uint32_t *ret_num,
                       struct vx_error *err);
bool vx_alloc_zone_num(const struct vx_model *model, uint32_t *ret_num,
                       struct vx_error *err);
bool vx_alloc_hop_num(const struct vx_model *model, uint32_t *ret_num,
                      struct vx_error *err);
bool vx_alloc_mac(const struct vx_model *model,
                  const struct vx_network_ent *net, struct vx_port *port,
                  struct vx_error *err);
/* Sets port->ips: one address per family that the network has a subnet
 * of. */
bool vx_alloc_ips(const struct vx_network_ent *net, struct vx_port *port,
                  struct vx_error *err);

/* --- model_propose.c */

/* One operation on its way. */
struct vx_doing {
    struct vx_model *model;
    const struct vx_op *op;
    int64_t now_ms;
    struct vx_ent *parent;      /* tenant or network, or NULL */
    struct vx_ent *self;        /* NULL if it does not exist yet */
    char cidr[VX_PREFIX_STRLEN];
    const char *name;           /* canonical */
};

/* Sets new to what the operation says. */
bool vx_propose(const struct vx_doing *d, struct vx_obj *new,
                struct vx_error *err);
/* Fills in what the proposal leaves open; after the rules. */
bool vx_propose_rest(const struct vx_doing *d, struct vx_obj *new,
                     struct vx_error *err);
/* The oid of a host that is named by an operation on a port. */
bool vx_propose_host_oid(const struct vx_doing *d, const char *name,
                         uint64_t *ret_oid, struct vx_error *err);
/* Where it has migrated from, if that is what the change is. */
void vx_propose_left(const struct vx_doing *d, const struct vx_port *old,
                     struct vx_port *new);
void vx_propose_string(char **p, const char *s);    /* NULL is "" */

/* --- model_propose_bgp.c */

bool vx_propose_gateway(const struct vx_doing *d, struct vx_obj *new,
                        struct vx_error *err);
bool vx_propose_peering(const struct vx_doing *d, struct vx_obj *new,
                        struct vx_error *err);
void vx_propose_rts(const uint64_t *rts, size_t n, uint64_t **member,
                    size_t *n_member);

/* --- model_origin.c */

/* Whether the operation may touch what is there.  Sets *ret_yields if it is
 * none of its business and nothing is to happen. */
bool vx_origin_allows(const struct vx_doing *d, bool *ret_yields,
                      struct vx_error *err);
/* Removes what the controller itself has made of or below the object, and
 * what was learned, so that only what operators made can keep it. */
void vx_origin_clear(const struct vx_doing *d, struct vx_ent *ent);
/* Removes learned ports that have the MAC or an address of the proposal, and
 * a learned route where a subnet is to be: what is here by intent wins. */
void vx_origin_make_room(const struct vx_doing *d, const struct vx_obj *new);

/* --- model_ops.c */

/* Applies one operation; changes are staged.  On failure the caller rolls
 * the batch back. */
bool vx_model_apply_op(struct vx_model *model, const struct vx_op *op,
                       int64_t now_ms, struct vx_result *ret_result,
                       struct vx_error *err);
/* Stages old -> new and retires the VNI that old had and new has not. */
void vx_model_move(const struct vx_doing *d, const struct vx_obj *old,
                   struct vx_obj *take_new);
/* Sets and records.  Takes over the reference to new. */
void vx_model_stage(struct vx_model *model, const struct vx_obj *old,
                    struct vx_obj *take_new);

#endif
