/* SPDX-License-Identifier: Apache-2.0 */
/* What an operation makes of gateways, peerings and uplinks, and of the route
 * targets of tenants and networks; see model_propose.c.  Sets are sorted, so
 * that two bodies that mean the same are the same value. */
#include "core/validate.h"

#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

static int
compare_u64(const void *a_, const void *b_)
{
    const uint64_t *a = a_, *b = b_;

    return *a < *b ? -1 : *a > *b;
}

static int
compare_u32(const void *a_, const void *b_)
{
    const uint32_t *a = a_, *b = b_;

    return *a < *b ? -1 : *a > *b;
}

static int
compare_prefixes(const void *a, const void *b)
{
    return vx_prefix_compare(a, b);
}

/* An array of a spec on its way into a member. */
struct set {
    const void *elems;
    size_t n, elem_size;
    int (*compare)(const void *, const void *);
};

static void *
copy_set(const struct set *set, void *old)
{
    void *copy = set->n ? vx_xmemdup(set->elems, set->n * set->elem_size)
                        : NULL;

    free(old);
    if (set->n) {
        qsort(copy, set->n, set->elem_size, set->compare);
    }
    return copy;
}

void
vx_propose_rts(const uint64_t *rts, size_t n, uint64_t **member,
               size_t *n_member)
{
    const struct set set = { rts, n, sizeof *rts, compare_u64 };

    *member = copy_set(&set, *member);
    *n_member = n;
}

static void
propose_prefixes(const struct vx_prefix *prefixes, size_t n,
                 struct vx_prefix **member, size_t *n_member)
{
    const struct set set = { prefixes, n, sizeof *prefixes,
                             compare_prefixes };

    *member = copy_set(&set, *member);
    *n_member = n;
}

bool
vx_propose_gateway(const struct vx_doing *d, struct vx_obj *new,
                   struct vx_error *err)
{
    const struct vx_gateway_spec *spec = &d->op->spec.gateway;
    struct vx_gateway *gateway = (void *) new;
    const struct vx_ent *host;

    if (!spec->host || !spec->host[0]) {
        return vx_fail(err, VX_INVALID, "host", "gateway \"%.80s\" needs a "
                       "host: that on which FRR and vxgatewayd run",
                       d->name);
    }
    host = vx_ent_by_name(&d->model->by_name[VX_HOST], spec->host);
    if (!host) {
        return vx_fail(err, VX_NOT_FOUND, "host", "no host \"%.80s\" for "
                       "gateway \"%.80s\": let the host join first",
                       spec->host, d->name);
    }
    gateway->host = host->obj->oid;
    gateway->as = spec->as;
    gateway->router_id = spec->router_id;
    return true;
}

static void
propose_session(const struct vx_peering *from, struct vx_peering *peering)
{
    const struct set communities = {
        from->communities, from->n_communities, sizeof *from->communities,
        compare_u32,
    };

    peering->peer = from->peer;
    peering->peer_as = from->peer_as;
    peering->local_as = from->local_as;
    peering->families = from->families;
    peering->bfd = from->bfd;
    peering->hold_s = from->hold_s;
    peering->multihop = from->multihop;
    peering->communities = copy_set(&communities, peering->communities);
    peering->n_communities = from->n_communities;
    peering->has_med = from->has_med;
    peering->med = from->has_med ? from->med : 0;
    peering->local_pref = from->local_pref;
    peering->prefix_limit = from->prefix_limit;
    peering->source = from->source;
    peering->flowspec_in = from->flowspec_in;
    peering->readvertise = from->readvertise;
}

bool
vx_propose_peering(const struct vx_doing *d, struct vx_obj *new,
                   struct vx_error *err)
{
    const struct vx_peering_spec *spec = &d->op->spec.peering;
    const struct vx_peering *from = &spec->value;
    struct vx_peering *peering = (void *) new;
    const struct vx_ent *gateway;

    if (!spec->gateway || !spec->gateway[0]) {
        return vx_fail(err, VX_INVALID, "gateway", "%s \"%.80s\" needs a "
                       "gateway", vx_kind_name(new->kind), d->name);
    }
    gateway = vx_ent_by_name(&d->model->by_name[VX_GATEWAY], spec->gateway);
    if (!gateway) {
        return vx_fail(err, VX_NOT_FOUND, "gateway", "no gateway \"%.80s\" "
                       "for %s \"%.80s\": add the gateway first",
                       spec->gateway, vx_kind_name(new->kind), d->name);
    }
    peering->gateway = gateway->obj->oid;
    propose_session(from, peering);
    if (!spec->keep_password) {
        vx_propose_string(&peering->password, from->password);
    }
    vx_propose_string(&peering->device, from->device);
    propose_prefixes(from->imports, from->n_imports, &peering->imports,
                     &peering->n_imports);
    propose_prefixes(from->exports, from->n_exports, &peering->exports,
                     &peering->n_exports);
    propose_prefixes(from->locals, from->n_locals, &peering->locals,
                     &peering->n_locals);
    return true;
}
