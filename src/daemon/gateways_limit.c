/* SPDX-License-Identifier: Apache-2.0 */
/* What of a gateway's reports is taken: a peering that is named has to be at
 * that gateway, and of what one gateway has learned for one tenant (routes by
 * their family, FlowSpec) or one VNI no more is taken than its peerings'
 * prefix limits allow together.  bgpd and vxgatewayd keep to the limits by
 * themselves; this is for a gateway that does not.
 *
 * What is refused is kept, with the reason, and looked at again when
 * something has gone, or a peering has changed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/app.h"
#include "daemon/gateways_priv.h"
#include "lib/xalloc.h"

/* Of a gateway: items of one type, family and owner. */
struct vx_gw_count {
    struct vx_tree_node node;
    enum vx_learned_type type;
    uint8_t family;             /* of ROUTE, else 0 */
    uint32_t vni;               /* ENDPOINT and VTEP, else 0 */
    char tenant[VX_NAME_MAX + 1];       /* of the others, else "" */
    size_t n;
};

static void
key_of(const struct vx_learned *item, struct vx_gw_count *ret_key)
{
    bool has_vni = item->type == VX_LEARNED_ENDPOINT
                   || item->type == VX_LEARNED_VTEP;

    memset(ret_key, 0, sizeof *ret_key);
    ret_key->type = item->type;
    ret_key->family = item->type == VX_LEARNED_ROUTE ? item->prefix.ip.family
                                                     : 0;
    ret_key->vni = has_vni ? item->vni : 0;
    snprintf(ret_key->tenant, sizeof ret_key->tenant, "%s",
             has_vni || !item->tenant ? "" : item->tenant);
}

int
vx_gws_count_compare(const void *key_, const struct vx_tree_node *node)
{
    const struct vx_gw_count *a = key_;
    const struct vx_gw_count *b = VX_CONTAINER(node, struct vx_gw_count,
                                               node);

    return a->type != b->type ? (a->type < b->type ? -1 : 1)
           : a->family != b->family ? (a->family < b->family ? -1 : 1)
           : a->vni != b->vni ? (a->vni < b->vni ? -1 : 1)
           : strcmp(a->tenant, b->tenant);
}

/* --- Limits. */

static uint8_t
families_of(const struct vx_learned *item)
{
    return item->type == VX_LEARNED_FLOWSPEC ? VX_AF_FLOWSPEC
           : item->type != VX_LEARNED_ROUTE ? VX_AF_EVPN
           : item->prefix.ip.family == 4 ? VX_AF_IPV4 : VX_AF_IPV6;
}

/* What its peerings may say together.  Without one, as of an operator's own
 * neighbor, what a peering may by default. */
static uint64_t
limit_of(const struct vx_gw *gw, const struct vx_learned *item)
{
    bool of_tenant = item->type == VX_LEARNED_ROUTE;
    uint8_t families = families_of(item);
    const struct vx_key scope = { .tenant = item->tenant };
    const struct vx_obj *obj;
    struct vx_iter iter;
    uint64_t limit = 0;

    vx_iter_init(&iter, gw->gws->app->model,
                 of_tenant ? VX_PEERING : VX_UPLINK,
                 of_tenant ? &scope : NULL, NULL);
    while ((obj = vx_iter_next(&iter))) {
        const struct vx_peering *peering = (const void *) obj;

        if (peering->gateway == gw->oid && (peering->families & families)) {
            limit += vx_peering_limit(peering);
        }
    }
    return limit ? limit : VX_PREFIX_LIMIT_DEFAULT;
}

/* A peering that such an item can have come by. */
static bool
has_peering(const struct vx_gw *gw, const struct vx_learned *item)
{
    const struct vx_peering *peering =
        vx_gws_find_peering(gw->gws->app->model, item->peering);
    size_t size = item->tenant ? strlen(item->tenant) : 0;

    if (!peering || peering->gateway != gw->oid) {
        return false;
    }
    return item->type != VX_LEARNED_ROUTE
           ? peering->o.kind == VX_UPLINK
           : peering->o.kind == VX_PEERING
             && !strncmp(item->peering, item->tenant, size)
             && item->peering[size] == '/';
}

/* --- Items. */

static void
refuse(struct vx_gw_item *item, char *take_why)
{
    item->gw->n_refused += !item->refused;
    free(item->refused);
    item->refused = take_why;
}

bool
vx_gws_admit(struct vx_gw_item *item)
{
    struct vx_gw *gw = item->gw;
    const struct vx_learned *l = item->item;
    struct vx_gw_count key, *count;
    struct vx_tree_node *node;
    uint64_t limit;

    if (l->peering && !has_peering(gw, l)) {
        refuse(item, vx_xasprintf("gateway \"%s\" has no peering \"%.130s\" "
                                  "for it", gw->name, l->peering));
        return false;
    }
    key_of(l, &key);
    node = vx_tree_find(&gw->counts, &key);
    count = node ? VX_CONTAINER(node, struct vx_gw_count, node) : NULL;
    limit = limit_of(gw, l);
    if (count && count->n >= limit) {
        refuse(item, vx_xasprintf(
            "the peerings of gateway \"%s\" have more than %llu prefixes "
            "here: raise --prefix-limit", gw->name,
            (unsigned long long) limit));
        return false;
    }
    if (!count) {
        count = vx_xmemdup(&key, sizeof key);
        vx_tree_insert(&gw->counts, &key, &count->node);
    }
    count->n++;
    item->count = count;
    gw->n_refused -= item->refused != NULL;
    free(item->refused);
    item->refused = NULL;
    return true;
}

void
vx_gws_leave(struct vx_gw_item *item)
{
    struct vx_gw *gw = item->gw;

    gw->n_refused -= item->refused != NULL;
    free(item->refused);
    item->refused = NULL;
    if (item->count) {
        gw->has_room = true;
        if (!--item->count->n) {
            vx_tree_remove(&gw->counts, &item->count->node);
            free(item->count);
        }
        item->count = NULL;
    }
}
