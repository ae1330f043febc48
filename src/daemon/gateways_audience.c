/* SPDX-License-Identifier: Apache-2.0 */
/* See gateways_audience.h. */
#include "daemon/gateways_audience.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/codec.h"
#include "lib/xalloc.h"

static void
gather(struct vx_gws_audience *audience, const struct vx_model *model,
       uint64_t gateway, uint64_t tenant)
{
    const struct vx_peering *peering;
    struct vx_serve_iter iter;

    audience->gateway = gateway;
    audience->tenant = tenant;
    audience->fabric = 0;
    audience->n_peerings = 0;
    vx_peerings_init(&iter, model, gateway);
    while ((peering = vx_peerings_next(&iter))) {
        if (peering->o.kind == VX_UPLINK) {
            audience->fabric |= peering->families;
        } else if (peering->o.parent == tenant) {
            audience->peerings = vx_grow(audience->peerings,
                                         &audience->cap_peerings,
                                         audience->n_peerings + 1,
                                         sizeof *audience->peerings);
            audience->peerings[audience->n_peerings++] = peering;
        }
    }
}

/* As the gateway's prefix lists have it: these and longer ones. */
static bool
lets_out(const struct vx_peering *peering, const struct vx_prefix *prefix)
{
    for (size_t i = 0; i < peering->n_exports; i++) {
        if (peering->exports[i].length <= prefix->length
            && vx_prefix_contains(&peering->exports[i], &prefix->ip)) {
            return true;
        }
    }
    return !peering->n_exports;
}

static void
withhold(const struct vx_peering *peering, const struct vx_model *model,
         struct vx_gws_hearing *hearing)
{
    char name[2 * VX_NAME_MAX + 2], text[sizeof name + 40];
    size_t n = strlen(hearing->reason), room = sizeof hearing->reason - n;

    vx_model_path(model, &peering->o, name, sizeof name);
    snprintf(text, sizeof text, "not in the export list of %s", name);
    vx_buf_puts(&hearing->withheld, n ? ",{" : "{");
    vx_buf_puts(&hearing->withheld, "\"peering\":");
    vx_json_string(&hearing->withheld, name);
    vx_buf_puts(&hearing->withheld, ",\"reason\":");
    vx_json_string(&hearing->withheld, text);
    vx_buf_puts(&hearing->withheld, "}");
    if (!n) {
        snprintf(hearing->reason, room, "%s", text);
    } else if (room > strlen(name) + sizeof ", ...") {
        snprintf(hearing->reason + n, room, ", %s", name);
    } else if (strcmp(hearing->reason + n - 3, "...")) {
        snprintf(hearing->reason + n, room, ", ...");
    }
}

/* Families of the tenant's peerings that let it out. */
static uint8_t
ask_peerings(const struct vx_gws_audience *audience,
             const struct vx_model *model, const struct vx_prefix *prefix,
             struct vx_gws_hearing *hearing)
{
    uint8_t family = prefix->ip.family == 6 ? VX_AF_IPV6 : VX_AF_IPV4;
    uint8_t families = 0;

    for (size_t i = 0; i < audience->n_peerings; i++) {
        const struct vx_peering *peering = audience->peerings[i];

        if (!(peering->families & family)) {
            continue;
        } else if (lets_out(peering, prefix)) {
            families |= family;
        } else {
            withhold(peering, model, hearing);
        }
    }
    return families;
}

void
vx_gws_audience_ask(struct vx_gws_audience *audience,
                    const struct vx_model *model, uint64_t gateway,
                    const struct vx_tenant *tenant,
                    const struct vx_prefix *prefix,
                    struct vx_gws_hearing *hearing)
{
    static const struct {
        uint8_t family, bit;
        const char *name;
    } names[] = {
        { 4, VX_AF_IPV4, "ipv4" }, { 6, VX_AF_IPV6, "ipv6" },
        { 4, VX_AF_VPNV4, "vpnv4" }, { 6, VX_AF_VPNV6, "vpnv6" },
        { 4, VX_AF_EVPN, "evpn" }, { 6, VX_AF_EVPN, "evpn" },
    };
    uint8_t families;

    if (audience->gateway != gateway || audience->tenant != tenant->o.oid) {
        gather(audience, model, gateway, tenant->o.oid);
    }
    vx_buf_clear(&hearing->families);
    vx_buf_clear(&hearing->withheld);
    hearing->reason[0] = '\0';
    hearing->is_heard = false;
    families = ask_peerings(audience, model, prefix, hearing)
               | audience->fabric;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].family == prefix->ip.family
            && names[i].bit & families) {
            vx_buf_printf(&hearing->families, "%s\"%s\"",
                          hearing->is_heard ? "," : "", names[i].name);
            hearing->is_heard = true;
        }
    }
    if (!hearing->is_heard && !hearing->reason[0]) {
        snprintf(hearing->reason, sizeof hearing->reason, "no peering of "
                 "tenant %s at this gateway carries IPv%u", tenant->o.name,
                 prefix->ip.family);
    }
}

void
vx_gws_audience_fini(struct vx_gws_audience *audience)
{
    free(audience->peerings);
    *audience = (struct vx_gws_audience) { .gateway = 0 };
}

void
vx_gws_hearing_fini(struct vx_gws_hearing *hearing)
{
    vx_buf_fini(&hearing->families);
    vx_buf_fini(&hearing->withheld);
}
