/* SPDX-License-Identifier: Apache-2.0 */
/* What gateways learn by BGP, and the objects it becomes.
 *
 *   item of a report --vx_learned_key--> identity   (per gateway)
 *   item             --vx_learned_targets--> objects that depend on it
 *   target + who knows what --vx_learned_plan--> operations
 *
 *   route     tenant prefix        VX_ROUTE by the legs of those who know it
 *   route5    tenant prefix vtep   VX_ROUTE by the port of the other router
 *   endpoint  vni mac              VX_PORT on the other fabric's host
 *   vtep      vni vtep             VX_PORT without addresses there, so that
 *                                  the host takes the network's floods
 *   flowspec  tenant rule          VX_POLICY
 *
 * A target is one object, or two that are of no use alone.  The plan is a
 * function of the model and of what is known: what was planned before does not
 * count.  Pure. */
#ifndef VX_CORE_LEARNED_H
#define VX_CORE_LEARNED_H

#include "core/model.h"

enum vx_learned_type {
    VX_LEARNED_ROUTE,
    VX_LEARNED_ROUTE5,
    VX_LEARNED_ENDPOINT,
    VX_LEARNED_VTEP,
    VX_LEARNED_FLOWSPEC,
    VX_N_LEARNED
};
const char *vx_learned_type_name(enum vx_learned_type type);
bool vx_learned_type_parse(const char *name, enum vx_learned_type *ret_type);

/* Members that the type does not have are zero.  Strings and arrays are
 * borrowed, or owned by vx_learned_clone. */
struct vx_learned {
    enum vx_learned_type type;
    const char *tenant;         /* ROUTE, ROUTE5, FLOWSPEC */
    struct vx_prefix prefix;    /* ROUTE, ROUTE5 */
    const char *peering;        /* it was heard from; NULL = not known */
    struct vx_ip vtep;          /* ROUTE5, ENDPOINT, VTEP */
    struct vx_mac mac;          /* ROUTE5: of the router, ENDPOINT */
    uint32_t vni;               /* ENDPOINT, VTEP */
    const struct vx_ip *ips;    /* ENDPOINT */
    size_t n_ips;
    uint32_t seq;               /* ENDPOINT: RFC 7432 7.7 */
    const struct vx_policy_spec *rule;  /* FLOWSPEC */
    uint64_t rule_hash;
};

enum { VX_LEARNED_KEY_SIZE = 2 * VX_NAME_MAX + VX_PREFIX_STRLEN + 8 };
/* "acme 0.0.0.0/0", "acme 10.0.0.0/8 192.0.2.9", "5001 0a:...",
 * "5001 192.0.2.9", "acme fs-0123456789abcdef" */
void vx_learned_key(const struct vx_learned *item,
                    char key[VX_LEARNED_KEY_SIZE]);
struct vx_learned *vx_learned_clone(const struct vx_learned *item);
void vx_learned_free(struct vx_learned *item);      /* NULL is fine */
bool vx_learned_same(const struct vx_learned *a, const struct vx_learned *b);
/* What is wrong with it, NULL if nothing is. */
const char *vx_learned_check(const struct vx_learned *item);

/* --- Objects. */

enum vx_target_type {
    VX_TARGET_HOST,             /* "192.0.2.9" */
    VX_TARGET_ROUTER,           /* "acme 192.0.2.9": its port in the tenant's
                                 * router network */
    VX_TARGET_FLOOD,            /* "5001 192.0.2.9" */
    VX_TARGET_PORT,             /* "5001 0a:..." */
    VX_TARGET_ROUTE,            /* "acme 0.0.0.0/0" */
    VX_TARGET_POLICY,           /* "acme fs-..." */
    VX_N_TARGETS
};
struct vx_target {
    enum vx_target_type type;
    char key[VX_LEARNED_KEY_SIZE];
};
int vx_target_compare(const struct vx_target *a, const struct vx_target *b);
/* At most four, hosts first. */
enum { VX_LEARNED_MAX_TARGETS = 4 };
size_t vx_learned_targets(const struct vx_learned *item,
                          struct vx_target ret[VX_LEARNED_MAX_TARGETS]);
/* The target that an object of origin VX_BY_BGP belongs to; false if it is of
 * none. */
bool vx_target_of(const struct vx_model *model, const struct vx_obj *obj,
                  struct vx_target *ret_target);

/* An item and who knows it. */
struct vx_known {
    uint64_t gateway;           /* oid */
    const struct vx_learned *item;
};
struct vx_learned_ask {
    const struct vx_model *model;
    const struct vx_target *target;
    const struct vx_known *known;   /* all items that have the target */
    size_t n;
    /* What a gateway has put into the model before it could report stays:
     * legs of gateways for which this is true, and everything else while
     * keep is. */
    bool (*is_silent)(void *ctx, uint64_t gateway);
    void *ctx;
    bool keep;
};

struct vx_learned_plan {
    struct vx_op *ops;          /* borrow from the model, the items and the
                                 * plan; good until the model changes */
    size_t n, cap;
    void **blocks;
    size_t n_blocks, cap_blocks;
    char reason[160];           /* why nothing can be made of it; "" = none */
    bool is_own;                /* it is an address of ours: no error */
};
void vx_learned_plan(const struct vx_learned_ask *ask,
                     struct vx_learned_plan *ret_plan);
void vx_learned_plan_fini(struct vx_learned_plan *plan);

#endif
