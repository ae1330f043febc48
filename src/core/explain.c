/* SPDX-License-Identifier: Apache-2.0 */
/* From a cookie or a VNI to an object; see explain.h. */
#include "core/explain.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/pipeline.h"

static const char *
name_of(const struct vx_model *model, const struct vx_obj *obj, char *buf,
        size_t size)
{
    char path[256];

    snprintf(buf, size, "%s %s", vx_kind_name(obj->kind),
             vx_model_path(model, obj, path, sizeof path));
    return buf;
}

static const struct vx_obj *
by_vni(const struct vx_model *model, uint32_t vni)
{
    const struct vx_network *network =
        vni ? vx_model_by_vni(model, vni) : NULL;

    return network ? &network->o : NULL;
}

/* False if the cookie is not one of ours. */
static bool
explain_cookie(const struct vx_model *model, uint64_t cookie, char *buf,
               size_t size)
{
    unsigned kind = VX_COOKIE_KIND(cookie);
    uint64_t oid = VX_COOKIE_OID(cookie);
    const struct vx_obj *obj;

    if (kind == VX_COOKIE_EPOCH) {
        snprintf(buf, size, "base (epoch)");
        return true;
    }
    if (kind == VX_COOKIE_KIND(VX_COOKIE_BASE)
        && oid == VX_COOKIE_OID(VX_COOKIE_BASE)) {
        snprintf(buf, size, "base");
        return true;
    }
    if (kind == VX_NONE || kind >= VX_N_KINDS || !oid) {
        return false;
    }
    obj = vx_model_by_oid(model, oid);
    if (obj && (unsigned) obj->kind == kind) {
        name_of(model, obj, buf, size);
        return true;
    }
    if (!obj && oid <= vx_model_last_oid(model)) {
        snprintf(buf, size, "a %s that was deleted (oid %" PRIu64 ")",
                 vx_kind_name((enum vx_kind) kind), oid);
        return true;
    }
    return false;
}

static const char *
explain_bucket(const struct vx_model *model, enum vx_tier tier,
               const struct vx_row_hint *hint, char *buf, size_t size)
{
    const struct vx_obj *network = by_vni(model, hint->vni);
    const struct vx_host *host = tier == VX_FABRIC_TIER
        ? vx_model_host_by_num(model, hint->bucket) : NULL;
    char path[256] = "", to[96];

    if (network) {
        snprintf(path, sizeof path, "network ");
        vx_model_path(model, network, path + 8, sizeof path - 8);
    } else {
        snprintf(path, sizeof path, "VNI %u, which no network has",
                 hint->vni);
    }
    if (host) {
        snprintf(to, sizeof to, "host %s", host->o.name);
    } else if (hint->bucket == VX_OFPORT_PATCH && tier == VX_TENANT_TIER) {
        snprintf(to, sizeof to, "the other hosts");
    } else {
        snprintf(to, sizeof to, "%s %u",
                 tier == VX_FABRIC_TIER ? "bucket" : "OpenFlow port",
                 hint->bucket);
    }
    snprintf(buf, size, "%s, to %s", path, to);
    return buf;
}

const char *
vx_explain_row(const struct vx_model *model, enum vx_tier tier,
               const struct vx_row_hint *hint, char *buf, size_t size)
{
    const struct vx_obj *network = by_vni(model, hint->vni);

    switch (hint->type) {
    case VX_ROW_BUCKET:
        return explain_bucket(model, tier, hint, buf, size);
    case VX_ROW_FLOW:
        if (explain_cookie(model, hint->cookie, buf, size)) {
            return buf;
        }
        break;
    case VX_ROW_GROUP:
        break;
    default:
        snprintf(buf, size, "base");
        return buf;
    }
    if (network) {
        return name_of(model, network, buf, size);
    }
    if (hint->vni) {
        snprintf(buf, size, "VNI %u, which no network has", hint->vni);
    } else {
        snprintf(buf, size, "nobody");
    }
    return buf;
}
