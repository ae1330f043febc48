/* SPDX-License-Identifier: Apache-2.0 */
/* From a cookie or a VNI to an object; see explain.h. */
#include "core/explain.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/model_priv.h"
#include "core/pipeline.h"

enum { SEARCH_MAX = 4096 };     /* policies looked at to find one */

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

/* The VNI of a group of a network, 0 if it is none. */
static uint32_t
vni_of_group(uint32_t group)
{
    uint32_t kind = group & ~UINT32_C(0xffffff);

    return !kind || kind == VX_GROUP_FROM_ZONE || kind == VX_GROUP_FROM_CROSS
           ? group & 0xffffff : 0;
}

static const char *
explain_bucket(const struct vx_model *model, enum vx_tier tier,
               const struct vx_row_hint *hint, char *buf, size_t size)
{
    uint32_t vni = vni_of_group(hint->vni);
    const struct vx_obj *network = by_vni(model, vni);
    const struct vx_host *host = tier == VX_FABRIC_TIER
        ? vx_model_host_by_num(model, hint->bucket) : NULL;
    char path[256] = "", to[96];

    if (network) {
        snprintf(path, sizeof path, "network ");
        vx_model_path(model, network, path + 8, sizeof path - 8);
    } else {
        snprintf(path, sizeof path, "VNI %u, which no network has", vni);
    }
    if (host) {
        snprintf(to, sizeof to, "host %s", host->o.name);
    } else if (hint->bucket == VX_OFPORT_PATCH && tier == VX_TENANT_TIER) {
        snprintf(to, sizeof to, "the other hosts");
    } else if (!hint->bucket && tier == VX_FABRIC_TIER) {
        snprintf(to, sizeof to, "its own ports");
    } else {
        snprintf(to, sizeof to, "%s %u",
                 tier == VX_FABRIC_TIER ? "bucket" : "OpenFlow port",
                 hint->bucket);
    }
    snprintf(buf, size, "%s, to %s", path, to);
    return buf;
}

static const struct vx_obj *
policy_by_num(const struct vx_model *model, uint32_t num)
{
    const struct vx_obj *obj;
    struct vx_iter iter;
    size_t n = vx_model_count(model, VX_POLICY);

    if (!n || n > SEARCH_MAX) {
        return NULL;
    }
    vx_iter_init(&iter, model, VX_POLICY, NULL, NULL);
    while ((obj = vx_iter_next(&iter))) {
        if (((const struct vx_policy *) obj)->num == num) {
            return obj;
        }
    }
    return NULL;
}

static const struct vx_obj *
tenant_by_router(const struct vx_model *model, uint32_t vni)
{
    const struct vx_ent *ent = vx_model_vni_holder(model, vni);

    return ent && ent->obj->kind == VX_TENANT ? ent->obj : NULL;
}

/* What a meter limits; by the port's number where it is of a tap. */
static const char *
explain_meter(const struct vx_model *model, const struct vx_row_hint *hint,
              char *buf, size_t size)
{
    static const char *const of_tap[VX_N_METER_KINDS] = {
        [VX_METER_PUNT] = "what the controller answers",
        [VX_METER_OUT_KBPS] = "what it sends",
        [VX_METER_OUT_PPS] = "what it sends",
        [VX_METER_IN_KBPS] = "what it gets",
        [VX_METER_IN_PPS] = "what it gets",
        [VX_METER_PORT_BUM] = "broadcast it sends",
    };
    uint32_t meter = hint->vni;
    unsigned kind = meter >> 24, num = meter & 0xffffff;
    const struct vx_obj *obj = hint->port
        ? vx_model_by_oid(model, hint->port) : NULL;
    char path[256];

    if (meter == VX_METER_CONTROLLER || kind == VX_METER_HOST
        || kind == VX_METER_NO_HOST) {
        snprintf(buf, size, "base");
        return buf;
    }
    if (kind < VX_N_METER_KINDS && of_tap[kind] && obj) {
        vx_model_path(model, obj, path, sizeof path);
        snprintf(buf, size, "port %s, %s", path, of_tap[kind]);
        return buf;
    }
    if (kind < VX_N_METER_KINDS && of_tap[kind]) {
        snprintf(buf, size, "OpenFlow port %u, %s", num, of_tap[kind]);
        return buf;
    }
    switch (kind) {
    case VX_METER_POLICY:
        obj = policy_by_num(model, num);
        break;
    case VX_METER_NETWORK_BUM:
        obj = by_vni(model, num);
        break;
    case VX_METER_TENANT:
        obj = tenant_by_router(model, num);
        break;
    default:
        snprintf(buf, size, "nobody");
        return buf;
    }
    if (obj) {
        return name_of(model, obj, buf, size);
    }
    snprintf(buf, size, "%s %u", kind == VX_METER_POLICY ? "policy number"
             : kind == VX_METER_TENANT ? "router of VNI" : "network of VNI",
             num);
    return buf;
}

static const char *
explain_group(const struct vx_model *model, const struct vx_row_hint *hint,
              char *buf, size_t size)
{
    uint32_t vni = vx_explain_vni(hint);
    const struct vx_obj *network = by_vni(model, vni);

    if (network) {
        return name_of(model, network, buf, size);
    }
    if (vni) {
        snprintf(buf, size, "VNI %u, which no network has", vni);
    } else {
        snprintf(buf, size, "nobody");
    }
    return buf;
}

uint32_t
vx_explain_vni(const struct vx_row_hint *hint)
{
    switch (hint->type) {
    case VX_ROW_FLOW:
        return hint->vni;
    case VX_ROW_METER:
        return hint->vni >> 24 == VX_METER_NETWORK_BUM
               ? hint->vni & 0xffffff : 0;
    default:
        return vni_of_group(hint->vni);
    }
}

const char *
vx_explain_row(const struct vx_model *model, enum vx_tier tier,
               const struct vx_row_hint *hint, char *buf, size_t size)
{
    bool ecmp = (hint->type == VX_ROW_GROUP || hint->type == VX_ROW_BUCKET)
                && hint->vni == VX_GROUP_ECMP;

    if (ecmp) {
        snprintf(buf, size, "base");
        return buf;
    }
    if (hint->type == VX_ROW_METER) {
        return explain_meter(model, hint, buf, size);
    }
    if (hint->type == VX_ROW_BUCKET) {
        return explain_bucket(model, tier, hint, buf, size);
    }
    if (hint->type == VX_ROW_FLOW
        && explain_cookie(model, hint->cookie, buf, size)) {
        return buf;
    }
    return explain_group(model, hint, buf, size);
}
