/* SPDX-License-Identifier: Apache-2.0 */
/* Planner of a VRF in the kernel; see kernel_plan.h. */
#include "gateway/kernel_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/object.h"
#include "lib/xalloc.h"

/* --- Names. */

static const char *
numbered(const char *prefix, uint32_t vni, char buf[VX_GW_IFNAME_SIZE])
{
    snprintf(buf, VX_GW_IFNAME_SIZE, "%s%u", prefix, vni & VX_VNI_MAX);
    return buf;
}

const char *
vx_gw_vrf_name(uint32_t vni, char buf[VX_GW_IFNAME_SIZE])
{
    return numbered("vx", vni, buf);
}

const char *
vx_gw_host_end(uint32_t vni, char buf[VX_GW_IFNAME_SIZE])
{
    return numbered("vl", vni, buf);
}

const char *
vx_gw_leg_name(enum vx_gw_backend backend, uint32_t vni,
               char buf[VX_GW_IFNAME_SIZE])
{
    if (backend == VX_GW_VRF_DEVICE) {
        return numbered("lg", vni, buf);
    }
    return strcpy(buf, "leg");
}

uint32_t
vx_gw_vrf_parse(const char *name)
{
    uint32_t vni = 0;
    const char *p = name;

    if (p[0] != 'v' || p[1] != 'x' || p[2] < '1' || p[2] > '9') {
        return 0;
    }
    for (p += 2; *p >= '0' && *p <= '9' && vni <= VX_VNI_MAX; p++) {
        vni = vni * 10 + (uint32_t) (*p - '0');
    }
    return *p || vni > VX_VNI_MAX ? 0 : vni;
}

/* --- Settings. */

struct setting_list {
    struct vx_gw_setting *items;
    size_t n, cap;
};

static const struct {
    const char *path;
    int value;
} vrf_settings[] = {
    { "ipv4/ip_forward", 1 },
    { "ipv4/fib_multipath_hash_policy", 1 },
    { "ipv4/conf/all/rp_filter", 0 },
    { "ipv4/conf/default/rp_filter", 0 },
    { "ipv4/conf/all/send_redirects", 0 },
    { "ipv4/conf/default/send_redirects", 0 },
    { "ipv6/conf/all/forwarding", 1 },
    { "ipv6/conf/default/accept_ra", 0 },
    { "ipv6/fib_multipath_hash_policy", 1 },
}, device_settings[] = {
    { "ipv4/conf/%s/rp_filter", 0 },
    { "ipv4/conf/%s/send_redirects", 0 },
    { "ipv4/conf/%s/accept_redirects", 0 },
    { "ipv4/conf/%s/arp_ignore", 1 },
    { "ipv4/conf/%s/arp_announce", 2 },
    { "ipv6/conf/%s/accept_ra", 0 },
    { "ipv6/conf/%s/accept_redirects", 0 },
    { "ipv6/conf/%s/accept_dad", 0 },
    { "ipv6/conf/%s/dad_transmits", 0 },
};

#define ELEMENTS(A) (sizeof (A) / sizeof *(A))

static void
put_setting(struct setting_list *list, bool inside, const char *path,
            int value)
{
    struct vx_gw_setting *setting;

    list->items = vx_grow(list->items, &list->cap, list->n + 1,
                          sizeof *list->items);
    setting = &list->items[list->n++];
    memset(setting, 0, sizeof *setting);
    setting->inside = inside;
    setting->value = value;
    snprintf(setting->path, sizeof setting->path, "%s", path);
}

/* A device called "eth0.5" is eth0/5 below /proc/sys only to sysctl(8): the
 * path has the name as it is. */
static void
put_device(struct setting_list *list, const char *name)
{
    for (size_t i = 0; i < ELEMENTS(device_settings); i++) {
        const char *path = device_settings[i].path;
        const char *hole = strstr(path, "%s");
        char text[80];

        snprintf(text, sizeof text, "%.*s%s%s", (int) (hole - path), path,
                 name, hole + 2);
        put_setting(list, true, text, device_settings[i].value);
    }
}

struct vx_gw_setting *
vx_gw_settings(enum vx_gw_backend backend,
               const struct vx_gw_vrf_want *want, size_t *ret_n)
{
    struct setting_list list = { NULL, 0, 0 };
    char name[VX_GW_IFNAME_SIZE], path[80];

    for (size_t i = 0; i < ELEMENTS(vrf_settings); i++) {
        /* In a namespace of its own all is ours; in the gateway's own only
         * that it forwards. */
        if (backend == VX_GW_VRF_NETNS
            || strstr(vrf_settings[i].path, "forward")) {
            put_setting(&list, true, vrf_settings[i].path,
                        vrf_settings[i].value);
        }
    }
    snprintf(path, sizeof path, "ipv6/conf/%s/disable_ipv6",
             vx_gw_host_end(want->vni, name));
    put_setting(&list, false, path, 1);
    put_device(&list, vx_gw_leg_name(backend, want->vni, name));
    for (size_t i = 0; i < want->n_devices; i++) {
        put_device(&list, want->devices[i].name);
    }
    *ret_n = list.n;
    return list.items;
}

/* --- The plan. */

struct plan {
    enum vx_gw_backend backend;
    uint32_t vni;
    const struct vx_gw_vrf_want *want;
    const struct vx_gw_seen *seen;
    struct vx_gw_ops *ops;
    bool holds;                 /* what is not wanted stays as yet */
};

static struct vx_gw_op *
put(struct plan *plan, enum vx_gw_op_kind kind, bool inside,
    const char *name)
{
    struct vx_gw_ops *ops = plan->ops;
    struct vx_gw_op *op;

    ops->ops = vx_grow(ops->ops, &ops->cap, ops->n + 1, sizeof *ops->ops);
    op = &ops->ops[ops->n++];
    memset(op, 0, sizeof *op);
    op->kind = kind;
    op->inside = inside;
    snprintf(op->name, sizeof op->name, "%s", name);
    return op;
}

static bool
same_addr(const struct vx_gw_addr *a, const struct vx_gw_addr *b)
{
    return a->length == b->length && !vx_ip_compare(&a->ip, &b->ip);
}

static bool
has_addr(const struct vx_gw_addr *addrs, size_t n,
         const struct vx_gw_addr *addr)
{
    for (size_t i = 0; i < n; i++) {
        if (same_addr(&addrs[i], addr)) {
            return true;
        }
    }
    return false;
}

/* The kernel makes those itself. */
bool
vx_gw_addr_is_automatic(const struct vx_gw_addr *addr)
{
    return addr->ip.family == 6 && vx_ip_is_link_local(&addr->ip);
}

static void
plan_addrs(struct plan *plan, const char *name,
           const struct vx_gw_seen_link *had, const struct vx_gw_addr *addrs,
           size_t n)
{
    bool is_leg = had == &plan->seen->leg;

    for (size_t i = 0; had && i < had->n_addrs; i++) {
        if (vx_gw_addr_is_automatic(&had->addrs[i])
            || has_addr(addrs, n, &had->addrs[i])) {
            continue;
        }
        if (plan->holds && !is_leg) {
            plan->ops->holds = true;
        } else {
            put(plan, VX_GW_OP_ADDR_DEL, true, name)->addr = had->addrs[i];
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (!had || !has_addr(had->addrs, had->n_addrs, &addrs[i])) {
            put(plan, VX_GW_OP_ADDR_ADD, true, name)->addr = addrs[i];
        }
    }
}

/* Settings whose path names this device, or, device NULL, none.  had: what
 * they are about was there when they were read; then one that could not be
 * read does not exist on this kernel. */
static void
plan_settings(struct plan *plan, const struct setting_list *list, bool had,
              const char *device)
{
    const struct vx_gw_setting *settings = list->items;

    for (size_t i = 0; i < list->n; i++) {
        const char *conf = strstr(settings[i].path, "/conf/");
        const char *of = conf ? conf + 6 : NULL;
        size_t length = of ? strcspn(of, "/") : 0;
        bool is_general = !of || !strncmp(of, "all/", 4)
                          || !strncmp(of, "default/", 8);
        bool is_its = device && !is_general && length == strlen(device)
                      && !strncmp(of, device, length);
        int value = had && i < plan->seen->n_values
                    ? plan->seen->values[i] : settings[i].value + 1;

        if ((device ? is_its : is_general) && value != -1
            && value != settings[i].value) {
            struct vx_gw_op *op = put(plan, VX_GW_OP_SETTING,
                                      settings[i].inside, "");

            op->setting = settings[i];
        }
    }
}

static bool
is_pair(const struct vx_gw_seen *seen)
{
    return seen->leg.exists && seen->host_end.exists
           && seen->leg.peer == seen->host_end.index
           && seen->host_end.peer == seen->leg.index;
}

/* Makes the pair, or an end that does not belong to it makes place. */
static bool
plan_pair(struct plan *plan, const char *host_end, const char *leg)
{
    const struct vx_gw_seen *seen = plan->seen;
    struct vx_gw_op *op;

    if (is_pair(seen)) {
        return true;
    }
    if (seen->host_end.exists) {
        put(plan, VX_GW_OP_LINK_DEL, false, host_end);
    }
    if (seen->leg.exists) {
        put(plan, VX_GW_OP_LINK_DEL, true, leg);
    }
    op = put(plan, VX_GW_OP_LEG_ADD, false, host_end);
    op->mac = plan->want->leg_mac;
    op->number = plan->want->leg_mtu;
    return false;
}

static void
plan_leg(struct plan *plan, const struct setting_list *settings)
{
    const struct vx_gw_vrf_want *want = plan->want;
    const struct vx_gw_seen *seen = plan->seen;
    char host_end[VX_GW_IFNAME_SIZE], leg[VX_GW_IFNAME_SIZE];
    bool had;

    vx_gw_host_end(plan->vni, host_end);
    vx_gw_leg_name(plan->backend, plan->vni, leg);
    had = plan_pair(plan, host_end, leg);
    if (had && seen->host_end.mtu != want->leg_mtu) {
        put(plan, VX_GW_OP_MTU, false, host_end)->number = want->leg_mtu;
    }
    if (had && seen->leg.mtu != want->leg_mtu) {
        put(plan, VX_GW_OP_MTU, true, leg)->number = want->leg_mtu;
    }
    if (had && vx_mac_compare(&seen->leg.mac, &want->leg_mac)) {
        put(plan, VX_GW_OP_MAC, true, leg)->mac = want->leg_mac;
    }
    if (plan->backend == VX_GW_VRF_DEVICE
        && !(had && seen->leg.is_in_master)) {
        put(plan, VX_GW_OP_MASTER, true, leg);
    }
    if (!had || seen->leg.is_offloading != want->leg_offload) {
        put(plan, VX_GW_OP_OFFLOAD, true, leg)->number = want->leg_offload;
    }
    plan_settings(plan, settings, had, host_end);
    plan_settings(plan, settings, had, leg);
    if (!had || !seen->leg.is_up) {
        put(plan, VX_GW_OP_UP, true, leg);
    }
    plan_addrs(plan, leg, had ? &seen->leg : NULL, want->leg_addrs,
               want->n_leg_addrs);
    if (!had || !seen->host_end.is_up) {
        put(plan, VX_GW_OP_UP, false, host_end);
    }
}

static const struct vx_gw_seen_link *
find_link(const struct vx_gw_seen_link *links, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(links[i].name, name)) {
            return &links[i];
        }
    }
    return NULL;
}

static bool
is_wanted(const struct vx_gw_vrf_want *want, const char *name)
{
    for (size_t i = 0; want && i < want->n_devices; i++) {
        if (!strcmp(want->devices[i].name, name)) {
            return true;
        }
    }
    return false;
}

static void
plan_device(struct plan *plan, const struct vx_gw_device_want *device,
            const struct setting_list *settings)
{
    const struct vx_gw_seen *seen = plan->seen;
    const struct vx_gw_seen_link *link = find_link(
        seen->inside, seen->n_inside, device->name);

    if (!link) {
        const struct vx_gw_seen_link *outside = find_link(
            seen->outside, seen->n_outside, device->name);

        if (!outside || outside->refusal) {
            return;
        }
        put(plan, VX_GW_OP_DEVICE_IN, false, device->name);
    }
    plan_settings(plan, settings, link != NULL, device->name);
    if (!link || !link->is_up) {
        put(plan, VX_GW_OP_UP, true, device->name);
    }
    plan_addrs(plan, device->name, link, device->addrs, device->n_addrs);
}

/* A leg's MAC is its tenant's alone, and that of no later tenant of the VNI or
 * of the name: a VRF whose leg has another one is another tenant's yet. */
static bool
is_same_tenant(const struct plan *plan)
{
    return plan->seen->leg.exists
           && !vx_mac_compare(&plan->seen->leg.mac, &plan->want->leg_mac);
}

static bool
is_another_tenant(const struct plan *plan)
{
    return plan->want && plan->seen->leg.exists && !is_same_tenant(plan);
}

/* Devices that have no more business inside.  What an operator has put there
 * himself is the tenant's that he did it for. */
static void
plan_strays(struct plan *plan)
{
    const struct vx_gw_seen *seen = plan->seen;

    for (size_t i = 0; i < seen->n_inside; i++) {
        const struct vx_gw_seen_link *link = &seen->inside[i];

        if (is_wanted(plan->want, link->name) || link->is_fixed) {
            continue;
        }
        if (link->is_ours && plan->holds) {
            plan->ops->holds = true;
        } else if (link->is_ours) {
            for (size_t j = 0; j < link->n_addrs; j++) {
                /* With VRF devices nothing else takes them away. */
                if (plan->backend == VX_GW_VRF_DEVICE
                    && !vx_gw_addr_is_automatic(&link->addrs[j])) {
                    put(plan, VX_GW_OP_ADDR_DEL, true, link->name)->addr
                        = link->addrs[j];
                }
            }
            put(plan, VX_GW_OP_DEVICE_OUT, true, link->name);
        } else if (!plan->want || is_another_tenant(plan)) {
            put(plan, VX_GW_OP_DEVICE_OUT_TRY, true, link->name);
        }
    }
}

static void
plan_removal(struct plan *plan)
{
    char name[VX_GW_IFNAME_SIZE];

    if (plan->seen->vrf == VX_GW_OURS) {
        plan_strays(plan);
    }
    if (plan->seen->host_end.exists && plan->seen->host_end.is_ours) {
        put(plan, VX_GW_OP_LINK_DEL, false,
            vx_gw_host_end(plan->vni, name));
    }
    if (plan->seen->vrf == VX_GW_OURS) {
        put(plan, VX_GW_OP_VRF_DEL, false, vx_gw_vrf_name(plan->vni, name));
    }
}

/* Strays go first: with the leg's new MAC the fabric takes what comes from
 * it for the tenant's. */
static void
plan_wanted(struct plan *plan)
{
    const struct vx_gw_vrf_want *want = plan->want;
    struct setting_list settings = { NULL, 0, 0 };
    char name[VX_GW_IFNAME_SIZE];

    plan->holds = want->holds && is_same_tenant(plan);
    plan_strays(plan);
    settings.items = vx_gw_settings(plan->backend, want, &settings.n);
    vx_gw_vrf_name(plan->vni, name);
    if (plan->seen->vrf == VX_GW_ABSENT) {
        put(plan, VX_GW_OP_VRF_ADD, false, name);
    }
    if (plan->backend == VX_GW_VRF_DEVICE && !plan->seen->vrf_is_up) {
        put(plan, VX_GW_OP_VRF_UP, false, name);
    }
    plan_settings(plan, &settings, plan->seen->vrf == VX_GW_OURS, NULL);
    plan_leg(plan, &settings);
    for (size_t i = 0; i < want->n_devices; i++) {
        plan_device(plan, &want->devices[i], &settings);
    }
    free(settings.items);
}

bool
vx_gw_kernel_plan(enum vx_gw_backend backend, uint32_t vni,
                  const struct vx_gw_vrf_want *want,
                  const struct vx_gw_seen *seen, struct vx_gw_ops *ret_ops,
                  struct vx_error *err)
{
    struct vx_gw_ops ops = { NULL, 0, 0, false };
    struct plan plan = { backend, vni, want, seen, &ops, false };
    char name[VX_GW_IFNAME_SIZE];

    if (want && seen->vrf == VX_GW_FOREIGN) {
        return vx_fail(err, VX_EXISTS, "vrf", "%s \"%s\" is there and not "
                       "ours (it lacks the alias \"%s\"): remove it or "
                       "give the tenant another router VNI",
                       backend == VX_GW_VRF_NETNS ? "network namespace"
                       : "device", vx_gw_vrf_name(vni, name), VX_GW_MARK);
    }
    if (want && seen->host_end.exists && !seen->host_end.is_ours) {
        return vx_fail(err, VX_EXISTS, "leg", "device \"%s\" is there and "
                       "not ours (it lacks the alias \"%s\"): remove or "
                       "rename it", vx_gw_host_end(vni, name), VX_GW_MARK);
    }
    if (want) {
        plan_wanted(&plan);
    } else {
        plan_removal(&plan);
    }
    *ret_ops = ops;
    return true;
}

void
vx_gw_ops_fini(struct vx_gw_ops *ops)
{
    free(ops->ops);
    memset(ops, 0, sizeof *ops);
}

void
vx_gw_seen_fini(struct vx_gw_seen *seen)
{
    free(seen->outside);
    free(seen->inside);
    free(seen->values);
    memset(seen, 0, sizeof *seen);
}

const char *
vx_gw_op_format(const struct vx_gw_op *op, char *buf, size_t size)
{
    static const char *const verbs[] = {
        [VX_GW_OP_VRF_ADD] = "make VRF", [VX_GW_OP_VRF_DEL] = "remove VRF",
        [VX_GW_OP_VRF_UP] = "VRF up", [VX_GW_OP_LEG_ADD] = "make leg",
        [VX_GW_OP_LINK_DEL] = "remove device",
        [VX_GW_OP_DEVICE_IN] = "move in device",
        [VX_GW_OP_DEVICE_OUT] = "move out device",
        [VX_GW_OP_DEVICE_OUT_TRY] = "move out device",
        [VX_GW_OP_MASTER] = "enslave device",
        [VX_GW_OP_MAC] = "MAC of", [VX_GW_OP_MTU] = "MTU of",
        [VX_GW_OP_OFFLOAD] = "checksums of",
        [VX_GW_OP_SETTING] = "setting",
        [VX_GW_OP_ADDR_DEL] = "remove address of",
        [VX_GW_OP_ADDR_ADD] = "address of", [VX_GW_OP_UP] = "up:",
    };
    char ip[VX_IP_STRLEN];

    if (op->kind == VX_GW_OP_SETTING) {
        snprintf(buf, size, "setting %s = %d", op->setting.path,
                 op->setting.value);
    } else if (op->addr.ip.family) {
        snprintf(buf, size, "%s %s (%s/%u)", verbs[op->kind], op->name,
                 vx_ip_format(&op->addr.ip, ip), op->addr.length);
    } else {
        snprintf(buf, size, "%s %s", verbs[op->kind], op->name);
    }
    return buf;
}
