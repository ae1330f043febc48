/* SPDX-License-Identifier: Apache-2.0 */
/* The model: all intent in memory, its indexes, its rules.
 *
 *     ops --vx_model_apply--> staged changes --store--> vx_model_commit
 *                                   \--error--> vx_model_rollback
 *
 * An operation is validated as a whole before anything moves; a batch that
 * fails in the middle is undone to the mark, objects and allocations alike.
 * Several requests of one loop turn are staged one after the other and made
 * durable together; readers must not run between stage and commit (the
 * daemon commits first).
 *
 * Cost: O(log n) per operation and per lookup; a port of a network with a
 * million ports costs what one of a network with two does.  A port with one
 * IPv4 and one IPv6 address takes 660 bytes, indexes and object together
 * (tests/bench/bench_model.c, a million ports).  Pure: time comes in as a
 * parameter, nothing is logged, output order is sorted. */
#ifndef VX_CORE_MODEL_H
#define VX_CORE_MODEL_H

#include "core/object.h"
#include "core/op.h"
#include "lib/err.h"

struct vx_model;
struct vx_tree_node;

struct vx_vni_range {
    uint32_t first, last;       /* inclusive, within VX_VNI_MIN..VX_VNI_MAX */
};

struct vx_model_config {
    const struct vx_vni_range *vni_ranges;  /* allocation takes from these,
                                             * lowest first; NULL = all */
    size_t n_vni_ranges;
    const struct vx_vni_range *vni_reserved;    /* never allocated, but may
                                                 * be asked for by number */
    size_t n_vni_reserved;
    int64_t vni_quarantine_ms;  /* wait before re-use */
    uint8_t mac_prefix;         /* first byte of allocated MACs; locally
                                 * administered unicast; 0 = 0x0a */
};

struct vx_model *vx_model_new(const struct vx_model_config *config);
void vx_model_free(struct vx_model *model);

/* --- Loading (start-up): kind after kind in the order of enum vx_kind, any
 * order within a kind. */

/* Takes over the reference, also on failure.  Fails on a record that breaks a
 * rule or contradicts the others (the store is damaged, or of a newer
 * version). */
bool vx_model_load(struct vx_model *model, struct vx_obj *take_obj,
                   struct vx_error *err);
/* After the last record: the counters as stored. */
void vx_model_loaded(struct vx_model *model, uint64_t revision,
                     uint64_t last_oid);

/* --- Changing. */

struct vx_change {
    const struct vx_obj *old;   /* NULL: created */
    const struct vx_obj *new;   /* NULL: deleted */
    uint64_t revision;          /* of the batch that made it */
};

struct vx_result {
    const struct vx_obj *obj;   /* after the op; for DELETE the old one;
                                 * valid until commit or rollback */
    bool changed;
    bool created;
};

/* Applies n operations as one atomic batch with one revision (none if
 * nothing changed).  now_ms is wall clock.  results, if not NULL, has n
 * entries.  On failure nothing is changed, err tells what, *ret_failed which
 * operation. */
bool vx_model_apply(struct vx_model *model, const struct vx_op *ops,
                    size_t n, int64_t now_ms, struct vx_result *results,
                    size_t *ret_failed, struct vx_error *err);

/* A point to return to; taken before a batch. */
size_t vx_model_mark(const struct vx_model *model);
/* Undoes all staged changes after the mark, the revision too. */
void vx_model_rollback(struct vx_model *model, size_t mark);

/* Staged changes since the last commit, oldest first, in the order applied.
 * Valid until commit or rollback. */
const struct vx_change *vx_model_staged(const struct vx_model *model,
                                        size_t *ret_n);
/* Forgets the undo information.  Drops the model's references to old
 * objects: take your own before if you need them longer. */
void vx_model_commit(struct vx_model *model);

/* The next VNI whose quarantine may end: until_ms <= now_ms and retired at
 * or before realized_revision (every host has confirmed it, so no switch
 * still knows the old network).  NULL if none.  O(log n). */
const struct vx_retired_vni *
vx_model_releasable(const struct vx_model *model, int64_t now_ms,
                    uint64_t realized_revision);

/* --- Reading. */

uint64_t vx_model_revision(const struct vx_model *model);
uint64_t vx_model_last_oid(const struct vx_model *model);
size_t vx_model_count(const struct vx_model *model, enum vx_kind kind);
/* Hosts of other fabrics among vx_model_count(VX_HOST). */
size_t vx_model_n_external(const struct vx_model *model);
/* VNIs that can still be allocated automatically. */
uint32_t vx_model_free_vnis(const struct vx_model *model);

/* The object, or NULL with err (VX_NOT_FOUND names the part that is
 * missing). err may be NULL. */
const struct vx_obj *vx_model_find(const struct vx_model *model,
                                   enum vx_kind kind,
                                   const struct vx_key *key,
                                   struct vx_error *err);
const struct vx_obj *vx_model_by_oid(const struct vx_model *model,
                                     uint64_t oid);
/* Of a router's VNI: the tenant's router network, if it has one. */
const struct vx_network *vx_model_by_vni(const struct vx_model *model,
                                         uint32_t vni);
const struct vx_port *vx_model_by_iface_id(const struct vx_model *model,
                                           const char *iface_id);
const struct vx_host *vx_model_by_system_id(const struct vx_model *model,
                                            const char *system_id);
const struct vx_host *vx_model_by_vtep(const struct vx_model *model,
                                       const struct vx_ip *vtep);
/* The port of the network that has the address, or NULL. */
const struct vx_port *vx_model_port_by_ip(const struct vx_model *model,
                                          uint64_t network,
                                          const struct vx_ip *ip);
/* The port of the network that has the MAC, or NULL. */
const struct vx_port *vx_model_port_by_mac(const struct vx_model *model,
                                           uint64_t network,
                                           const struct vx_mac *mac);
/* The routed subnet of the tenant that has the address, or NULL. */
const struct vx_subnet *
vx_model_routed_subnet(const struct vx_model *model, uint64_t tenant,
                       const struct vx_ip *ip);
/* Ports that migrate to the host and are not there yet. */
size_t vx_model_n_arrivals(const struct vx_model *model, uint64_t host);
const struct vx_host *vx_model_host_by_num(const struct vx_model *model,
                                           uint32_t num);

/* The port of the tenant (oid) that has the address in a routed subnet: who a
 * next hop is.  NULL if there is none.  O(log n). */
const struct vx_port *vx_model_hop(const struct vx_model *model,
                                   uint64_t tenant, const struct vx_ip *ip);

/* Full key of an object; the strings are owned by the model's objects. */
struct vx_key vx_model_key(const struct vx_model *model,
                           const struct vx_obj *obj);

/* Iteration in key order.  Lists the kind below scope: tenant and network of
 * scope limit it where given (ports of all tenants: both NULL).  Starts
 * after the key `after` (NULL or empty parts: from the start); for subnets
 * the order is by name as well.  O(log n) to start, O(1) amortized per
 * step.  The model must not change while an iterator is in use. */
struct vx_iter {
    const struct vx_model *model;
    enum vx_kind kind;
    unsigned n_fixed;       /* levels given by the scope */
    void *pos[3];           /* tenant, network, next object */
};
void vx_iter_init(struct vx_iter *iter, const struct vx_model *model,
                  enum vx_kind kind, const struct vx_key *scope,
                  const struct vx_key *after);
const struct vx_obj *vx_iter_next(struct vx_iter *iter);

/* --- Gateways.
 *
 * A gateway serves a tenant if a peering of the tenant is at it, or if it has
 * an uplink that carries VPN routes or EVPN and the tenant announces
 * something (a subnet or a static route). */

/* The gateway on the host, or NULL. */
const struct vx_gateway *
vx_model_gateway_of_host(const struct vx_model *model, uint64_t host);
/* Its AS: its own, else the local AS of its first uplink (by oid) that has
 * one, else VX_AS_DEFAULT.  O(uplinks of the gateway). */
uint32_t vx_model_gateway_as(const struct vx_model *model,
                             const struct vx_gateway *gateway);
/* The AS that the gateway has in this session. */
uint32_t vx_model_local_as(const struct vx_model *model,
                           const struct vx_peering *peering);
/* False too if one of them does not exist.  O(log n). */
bool vx_model_serves(const struct vx_model *model, uint64_t gateway,
                     uint64_t tenant);
/* Subnets and static routes (not learned ones) that the tenant announces. */
size_t vx_model_n_announced(const struct vx_model *model, uint64_t tenant);
/* Uplinks of the gateway that carry VPN routes or EVPN. */
size_t vx_model_n_fabric_uplinks(const struct vx_model *model,
                                 uint64_t gateway);
/* Calls f with each static route (not learned ones) of the tenant that is
 * announced and has a next hop in the prefix; one may come twice.  O(log n +
 * next hops in the prefix). */
typedef void vx_model_route_cb(void *aux, const struct vx_route *route);
void vx_model_announced_via(const struct vx_model *model, uint64_t tenant,
                            const struct vx_prefix *prefix,
                            vx_model_route_cb *f, void *aux);
/* The router network of the tenant, or NULL. */
const struct vx_network *
vx_model_router_network(const struct vx_model *model, uint64_t tenant);
/* The leg of the gateway in the tenant's router network, or NULL. */
const struct vx_port *vx_model_leg(const struct vx_model *model,
                                   uint64_t gateway, uint64_t tenant);

/* Iteration by oid; O(log n) to start, O(1) amortized per step.  The model
 * must not change meanwhile.  Nothing if what is given does not exist. */
struct vx_serve_iter {
    const struct vx_tree_node *own, *all;   /* by peerings; by uplinks */
};
/* Sessions of a gateway: VX_PEERING and VX_UPLINK. */
void vx_peerings_init(struct vx_serve_iter *iter,
                      const struct vx_model *model, uint64_t gateway);
const struct vx_peering *vx_peerings_next(struct vx_serve_iter *iter);
/* Tenants that the gateway serves. */
void vx_served_init(struct vx_serve_iter *iter, const struct vx_model *model,
                    uint64_t gateway);
const struct vx_tenant *vx_served_next(struct vx_serve_iter *iter);
/* Gateways that serve the tenant. */
void vx_serving_init(struct vx_serve_iter *iter, const struct vx_model *model,
                     uint64_t tenant);
const struct vx_gateway *vx_serving_next(struct vx_serve_iter *iter);

/* --- Names and numbers of things, for messages. */

/* "acme/web/vm1" */
const char *vx_model_path(const struct vx_model *model,
                          const struct vx_obj *obj, char *buf, size_t size);

#endif
