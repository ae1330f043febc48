/* SPDX-License-Identifier: Apache-2.0 */
/* What an entry of the feed wants of zebra and of the speaker.  Pure: the
 * same value and snapshot give the same items, so what was derived before is
 * derived again to be taken back.
 *
 *   prefix    zebra: PREFIX via the anycast gateway, on the tenant's leg, in
 *             the tenant's VRF (bgpd redistributes it to the CEs);
 *             speaker: VPNv4/v6 and EVPN type 5, as the fabric-wide peerings
 *             of this gateway ask for
 *   vtep      speaker: EVPN type 3
 *   endpoint  speaker: EVPN type 2 of the MAC and of each address
 *   policy    speaker: FlowSpec (RFC 8955, 8956), one per prefix of its
 *             network and per family
 *
 * VRFs, legs, CE devices and sessions are node.c's. */
#ifndef VX_GATEWAY_WANTED_H
#define VX_GATEWAY_WANTED_H

#include "bgp/bgp_attr.h"
#include "bgp/bgp_types.h"
#include "bgp/route_sync.h"
#include "gateway/entries.h"
#include "lib/err.h"

enum {
    VX_GW_LABEL_BASE = 16,      /* RFC 3032: the first label of no meaning */
    VX_GW_LABEL_MAX = 0xfffff,
    VX_GW_DISTANCE = 5,         /* what is announced is ours: a CE that says
                                 * the same prefix does not draw it away */
    VX_GW_POLICY_ITEMS_MAX = 256,
};

struct vx_gw_item {
    enum vx_gw_item_kind { VX_GW_ITEM_ROUTE, VX_GW_ITEM_BGP } kind;
    /* ROUTE */
    const char *vrf;            /* borrowed from the snapshot */
    struct bg_want want;
    /* BGP */
    struct bg_nlri nlri;
    struct bg_attrs attrs;
};

struct vx_gw_items {
    struct vx_gw_item *items;
    size_t n, cap;
};
void vx_gw_items_fini(struct vx_gw_items *items);

/* Replaces items by what value wants.  False: it cannot be in force (partly
 * or at all), err says why; items is then what can be.  value NULL or ctx
 * NULL: nothing is wanted.  leg: name of the leg's interface in the VRF. */
bool vx_gw_wanted(const struct vx_gw_value *value,
                  const struct vx_gw_ctx *ctx, const char *leg,
                  struct vx_gw_items *items, struct vx_error *err);

/* Replaces items by the speaker's routes of a prefix of ctx's tenant; none if
 * no fabric-wide peering asks for them. */
void vx_gw_wanted_fabric(const struct vx_prefix *prefix,
                         const struct vx_gw_ctx *ctx,
                         struct vx_gw_items *items);

/* Whether one of them is of the same route as item, so that it takes its
 * place. */
bool vx_gw_items_has(const struct vx_gw_items *items,
                     const struct vx_gw_item *item);

/* The route targets of a tenant or network: as told, else AS:VNI. */
struct bg_ext vx_gw_auto_rt(const struct vx_gw_gateway *gateway,
                            uint32_t vni);

#endif
