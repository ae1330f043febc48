/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing what the caller left open: VNI, host number, MAC, addresses.
 * Only chooses; vx_model_set() of the object that carries the choice takes
 * it, so a choice that is thrown away needs no giving back. */
#include "core/validate.h"

#include <string.h>

#include "core/pipeline.h"
#include "lib/xalloc.h"

enum { PATH_SIZE = 3 * VX_NAME_MAX + 4 };

#define LOW_40_BITS ((UINT64_C(1) << 40) - 1)

static bool
vnis_exhausted(const struct vx_model *model, const char *field,
               struct vx_error *err)
{
    uint64_t total = 0;

    for (size_t i = 0; i < model->n_ranges; i++) {
        total += model->ranges[i].last - model->ranges[i].first + 1;
    }
    return vx_fail(err, VX_EXHAUSTED, field, "no free VNI: all %ju of the "
                   "configured ranges are taken (%zu VNIs are in "
                   "quarantine): delete networks, widen the ranges, or ask "
                   "for a number outside of them", (uintmax_t) total,
                   model->counts[VX_RETIRED_VNI]);
}

bool
vx_alloc_vni(const struct vx_model *model, uint32_t *ret_vni,
             struct vx_error *err)
{
    for (size_t i = 0; i < model->n_ranges; i++) {
        uint32_t vni = vx_vni_pool_lowest(model->vnis, model->ranges[i].first,
                                          model->ranges[i].last);
        if (vni) {
            *ret_vni = vni;
            return true;
        }
    }
    return vnis_exhausted(model, "vni", err);
}

/* From the other end, so that routers do not sit on the numbers that the
 * next networks would get. */
bool
vx_alloc_router_vni(const struct vx_model *model, uint32_t *ret_vni,
                    struct vx_error *err)
{
    for (size_t i = model->n_ranges; i-- > 0; ) {
        uint32_t vni = vx_vni_pool_highest(model->vnis,
                                           model->ranges[i].first,
                                           model->ranges[i].last);
        if (vni) {
            *ret_vni = vni;
            return true;
        }
    }
    return vnis_exhausted(model, "router_vni", err);
}

bool
vx_alloc_host_num(const struct vx_model *model, uint32_t *ret_num,
                  struct vx_error *err)
{
    unsigned __int128 num;

    if (!vx_runset_lowest_free(&model->nums, 1, VX_HOST_NUM_MAX, &num)) {
        return vx_fail(err, VX_EXHAUSTED, "", "the fabric already has %d "
                       "hosts, which is the most", VX_HOST_NUM_MAX);
    }
    *ret_num = (uint32_t) num;
    return true;
}

bool
vx_alloc_zone_num(const struct vx_model *model, uint32_t *ret_num,
                  struct vx_error *err)
{
    unsigned __int128 num;

    if (!vx_runset_lowest_free(&model->zone_nums, 1, VX_ZONE_NUM_MAX,
                               &num)) {
        return vx_fail(err, VX_EXHAUSTED, "", "the fabric already has %d "
                       "zones, which is the most", VX_ZONE_NUM_MAX);
    }
    *ret_num = (uint32_t) num;
    return true;
}

bool
vx_alloc_hop_num(const struct vx_model *model, uint32_t *ret_num,
                 struct vx_error *err)
{
    unsigned __int128 num;

    if (!vx_runset_lowest_free(&model->hop_nums, 1, VX_HOP_NUM_MAX, &num)) {
        return vx_fail(err, VX_EXHAUSTED, "", "the fabric already has %d "
                       "routes and policies, which is the most",
                       VX_HOP_NUM_MAX);
    }
    *ret_num = (uint32_t) num;
    return true;
}

/* The oid is unique, so a collision needs somebody who asked for the very
 * MAC.  Probing jumps by a constant that visits all of the 40 bits, so that
 * a row of MACs asked for does not become a row of probes. */
bool
vx_alloc_mac(const struct vx_model *model, const struct vx_network_ent *net,
             struct vx_port *port, struct vx_error *err)
{
    const struct vx_mac gateway = VX_GATEWAY_MAC;
    uint64_t low = port->o.oid & LOW_40_BITS;

    for (size_t i = 0; i <= 2 * net->ports.count; i++) {
        struct vx_mac mac =
            vx_mac_from_u64((uint64_t) model->mac_prefix << 40 | low);
        struct vx_ip local = vx_ip_link_local(&mac);
        const struct vx_ent *owner = vx_network_port_by_ip(net, &local);

        if (vx_mac_to_u64(&mac) && vx_mac_compare(&mac, &gateway)
            && !vx_network_port_by_mac(net, &mac)
            && (!owner || owner->obj->oid == port->o.oid)) {
            port->mac = mac;
            return true;
        }
        low = (low + UINT64_C(0x9e3779b97f)) & LOW_40_BITS;
    }
    return vx_fail(err, VX_EXHAUSTED, "mac", "no free MAC in network \"%s\": "
                   "give one", net->e.obj->name);
}

/* Lowest free address of one range of a subnet, without the gateway. */
static bool
alloc_in_range(const struct vx_network_ent *net,
               const struct vx_subnet *subnet, const struct vx_range *range,
               struct vx_ip *ret_ip)
{
    struct vx_ip first = vx_prefix_first_usable(&subnet->prefix);
    struct vx_ip last = vx_prefix_last_usable(&subnet->prefix);
    unsigned __int128 n, end;

    if (range && vx_ip_compare(&range->first, &first) > 0) {
        first = range->first;
    }
    if (range && vx_ip_compare(&range->last, &last) < 0) {
        last = range->last;
    }
    n = vx_model_ip_number(&first);
    end = vx_model_ip_number(&last);
    if (!vx_runset_lowest_free(&net->used, n, end, &n)) {
        return false;
    }
    if (subnet->gateway.family && n == vx_model_ip_number(&subnet->gateway)
        && !vx_runset_lowest_free(&net->used, n + 1, end, &n)) {
        return false;
    }
    *ret_ip = vx_ip_from_u128(n, subnet->prefix.ip.family);
    return true;
}

static bool
alloc_in_subnet(const struct vx_network_ent *net,
                const struct vx_subnet *subnet, struct vx_ip *ret_ip)
{
    if (!subnet->n_ranges) {
        return alloc_in_range(net, subnet, NULL, ret_ip);
    }
    for (size_t i = 0; i < subnet->n_ranges; i++) {
        if (alloc_in_range(net, subnet, &subnet->ranges[i], ret_ip)) {
            return true;
        }
    }
    return false;
}

/* *ret_ip keeps family 0 if the network has no subnet of the family. */
static bool
alloc_of_family(const struct vx_network_ent *net, uint8_t family,
                struct vx_ip *ret_ip, struct vx_error *err)
{
    size_t n_subnets = 0;

    VX_TREE_FOR_EACH(node, &net->subnets) {
        const struct vx_subnet *subnet = (const void *)
            VX_CONTAINER(node, struct vx_ent, by_name)->obj;

        if (subnet->prefix.ip.family != family) {
            continue;
        }
        n_subnets++;
        if (alloc_in_subnet(net, subnet, ret_ip)) {
            return true;
        }
    }
    return !n_subnets
           || vx_fail(err, VX_EXHAUSTED, "ips", "no free IPv%u address in "
                      "the %zu IPv%u subnet%s of network \"%s\": add a "
                      "subnet, widen its ranges, or give addresses", family,
                      n_subnets, family, n_subnets == 1 ? "" : "s",
                      net->e.obj->name);
}

bool
vx_alloc_ips(const struct vx_network_ent *net, struct vx_port *port,
             struct vx_error *err)
{
    struct vx_ip ips[2] = { { .family = 0 }, { .family = 0 } };
    size_t n = 0;

    if (!alloc_of_family(net, 4, &ips[0], err)) {
        return false;
    }
    n += ips[0].family != 0;
    if (!alloc_of_family(net, 6, &ips[n], err)) {
        return false;
    }
    n += ips[n].family != 0;
    port->n_ips = n;
    port->ips = n ? vx_xmemdup(ips, n * sizeof *ips) : NULL;
    return true;
}
