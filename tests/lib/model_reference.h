/* SPDX-License-Identifier: Apache-2.0 */
/* The naive reference of the model: objects in an array, and one predicate
 * that says what must hold, checked pair by pair without any index.  Slow
 * and obvious on purpose. */
#ifndef VX_TESTS_MODEL_REFERENCE_H
#define VX_TESTS_MODEL_REFERENCE_H

#include "core/model.h"

enum { REF_MAX_OBJS = 4096 };

struct ref_state {
    const struct vx_obj *objs[REF_MAX_OBJS];    /* borrowed */
    size_t n;
    bool is_damaged;        /* border hosts may be missing */
};

/* All objects of the model, in kind and key order. */
void ref_read(const struct vx_model *model, struct ref_state *s);
/* Puts new in the place of old; either may be NULL. */
void ref_replace(struct ref_state *s, const struct vx_obj *old,
                 const struct vx_obj *new);
bool ref_is_legal(const struct ref_state *s);

const struct vx_obj *ref_by_oid(const struct ref_state *s, uint64_t oid,
                                enum vx_kind kind);
const struct vx_obj *ref_by_name(const struct ref_state *s,
                                 enum vx_kind kind, uint64_t parent,
                                 const char *name);
/* oid of the tenant of a subnet or port, 0 if there is none. */
uint64_t ref_tenant_of(const struct ref_state *s, const struct vx_obj *subnet);
/* Who routes, or has a budget, has a router. */
bool ref_has_routers(const struct ref_state *s);
uint32_t ref_vni_of(const struct vx_obj *obj);  /* 0 if it has none */
bool ref_has_ip(const struct vx_port *port, const struct vx_ip *ip);

#endif
