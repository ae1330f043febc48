/* SPDX-License-Identifier: Apache-2.0 */
/* What an object must hold, as tables of rules; inside of the model.
 *
 * A candidate is a whole object that is about to take its place, from an
 * operation or from the store: both go through the same rules, so nothing
 * can be stored that could not be loaded, and a damaged store cannot bring
 * in what the API refuses.  Rules read and never change.
 *
 *     vx_validate_op      the operation itself: kind, verb, key
 *     vx_validate_value   the object alone            (validate.c)
 *     vx_validate_place   the object among the others (validate_model.c,
 *                                                      validate_port.c)
 *                         both, of routes and policies (validate_hops.c)
 *                         both, of gateways and peerings (validate_bgp.c)
 *     vx_validate_delete  nobody needs it any more    (validate_delete.c)
 *
 * Members that are allocated (VNI, MAC, host number) may be 0 before
 * allocation, except in a record from the store. */
#ifndef VX_CORE_VALIDATE_H
#define VX_CORE_VALIDATE_H

#include "core/model_priv.h"

struct vx_candidate {
    const struct vx_model *model;
    const struct vx_ent *self;      /* its entry, NULL if it is new */
    const struct vx_ent *parent;    /* tenant or network, NULL if none */
    const struct vx_obj *new;
    bool loading;                   /* from the store */
};

struct vx_rule {
    const char *name;       /* what must hold, for tests and readers */
    const char *field;      /* as in the JSON API */
    bool (*hold)(const struct vx_candidate *c, const char *field,
                 struct vx_error *err);
};

bool vx_validate_op(const struct vx_op *op, struct vx_error *err);
bool vx_validate_value(const struct vx_candidate *c, struct vx_error *err);
bool vx_validate_place(const struct vx_candidate *c, struct vx_error *err);
/* force: of a host, ports that are only located there do not count. */
bool vx_validate_delete(const struct vx_model *model,
                        const struct vx_ent *ent, bool force,
                        struct vx_error *err);

/* [A-Za-z0-9][A-Za-z0-9._-]{0,62} */
bool vx_name_is_valid(const char *name);
/* False for the network, broadcast (IPv4, up to /30) and subnet-router
 * anycast (IPv6, up to /126) addresses and for what is not in the prefix. */
bool vx_prefix_is_usable(const struct vx_prefix *prefix,
                         const struct vx_ip *ip);
/* Lowest and highest usable address. */
struct vx_ip vx_prefix_first_usable(const struct vx_prefix *prefix);
struct vx_ip vx_prefix_last_usable(const struct vx_prefix *prefix);
/* True for /31, /32, /127, /128: every address is usable, no gateway by
 * default. */
bool vx_prefix_is_tiny(const struct vx_prefix *prefix);

/* Runs a table; stops at the first rule that does not hold. */
bool vx_rules_hold(const struct vx_rule *rules, size_t n_rules,
                   const struct vx_candidate *c, struct vx_error *err);
extern const struct vx_rule vx_port_place_rules[];
extern const size_t vx_n_port_place_rules;

/* Routes and policies: by themselves, among the others. */
bool vx_validate_hops_value(const struct vx_candidate *c,
                            struct vx_error *err);
bool vx_validate_hops_place(const struct vx_candidate *c,
                            struct vx_error *err);

/* Gateways, peerings, uplinks: by themselves, among the others. */
bool vx_validate_bgp_value(const struct vx_candidate *c,
                           struct vx_error *err);
bool vx_validate_bgp_place(const struct vx_candidate *c,
                           struct vx_error *err);

/* Route targets of an object. */
struct vx_rts {
    const uint64_t *rts;
    size_t n;
};
bool vx_validate_rts(const struct vx_candidate *c, const struct vx_rts *rts,
                     const char *field, struct vx_error *err);
/* RD and route targets of a tenant; the RD among the others. */
bool vx_validate_tenant_targets(const struct vx_candidate *c,
                                const char *field, struct vx_error *err);
bool vx_validate_rd_is_free(const struct vx_candidate *c, const char *field,
                            struct vx_error *err);

/* Printable ASCII of at most max bytes. */
bool vx_text_is_printable(const char *s, size_t max);
/* Family 4 or 6, nothing behind the four bytes of an IPv4 address. */
bool vx_is_address(const struct vx_ip *ip);
/* Whether the prefix overlaps a subnet of the routers' networks. */
bool vx_meets_router(const struct vx_prefix *prefix);

/* Fails with who has the VNI, if somebody but self has. */
bool vx_validate_vni_free(const struct vx_candidate *c, uint32_t vni,
                          const char *field, struct vx_error *err);

#endif
