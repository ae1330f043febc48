/* SPDX-License-Identifier: Apache-2.0 */
/* VRFs, legs and CE devices: what is wanted, what is to be looked at; see
 * kernel.h. */
#include "gateway/kernel_priv.h"

#include <dirent.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "gateway/nl.h"
#include "lib/clock.h"
#include "lib/xalloc.h"

enum {
    ROUNDS = 3,                 /* look and change, until nothing is left */
    RETRY_MS = 1000,
    /* So long a VRF stays there, empty and let go of by all, before it is
     * removed: zebra 8.4 falls or ends when a namespace goes while its
     * dataplane has anything of it under way. */
    QUIET_MS = 1000,
    TICK_MS = 500,
};

static void work(evutil_socket_t fd, short events, void *aux);

static int
compare_vni(const void *key, const struct vx_tree_node *node)
{
    uint32_t a = *(const uint32_t *) key;
    uint32_t b = VX_CONTAINER(node, struct vx_gw_vrf, by_vni)->vni;

    return a < b ? -1 : a > b;
}

static int
compare_name(const void *key, const struct vx_tree_node *node)
{
    return strcmp(key, VX_CONTAINER(node, struct vx_gw_device,
                                    by_name)->name);
}

struct vx_gw_vrf *
vx_gw_kernel_find(const struct vx_gw_kernel *kernel, uint32_t vni)
{
    struct vx_tree_node *node = vx_tree_find(&kernel->vrfs, &vni);

    return node ? VX_CONTAINER(node, struct vx_gw_vrf, by_vni) : NULL;
}

void
vx_gw_kernel_dirty(struct vx_gw_vrf *vrf, bool stirred, unsigned delay_ms)
{
    struct vx_gw_kernel *kernel = vrf->kernel;
    struct timeval tv = { delay_ms / 1000, delay_ms % 1000 * 1000 };

    vrf->is_stirred |= stirred;
    if (!vrf->is_dirty) {
        vrf->is_dirty = true;
        vrf->next_dirty = NULL;
        *kernel->dirty_tail = vrf;
        kernel->dirty_tail = &vrf->next_dirty;
        kernel->n_dirty++;
    }
    if (!delay_ms || !event_pending(kernel->work, EV_TIMEOUT, NULL)) {
        event_add(kernel->work, &tv);
    }
}

/* --- CE devices. */

/* A name belongs to the VRF that wants it first. */
static void
index_devices(struct vx_gw_vrf *vrf)
{
    for (size_t i = 0; vrf->want && i < vrf->want->n_devices; i++) {
        struct vx_gw_device *device = &vrf->devices[i];

        if (!device->is_indexed) {
            device->is_indexed = !vx_tree_insert(
                &vrf->kernel->devices, device->name, &device->by_name);
        }
    }
}

static void
drop_devices(struct vx_gw_vrf *vrf)
{
    struct vx_gw_kernel *kernel = vrf->kernel;
    bool freed = false;

    for (size_t i = 0; vrf->want && i < vrf->want->n_devices; i++) {
        if (vrf->devices[i].is_indexed) {
            vx_tree_remove(&kernel->devices, &vrf->devices[i].by_name);
            freed = true;
        }
    }
    free(vrf->devices);
    vrf->devices = NULL;
    if (!freed) {
        return;
    }
    VX_TREE_FOR_EACH(node, &kernel->vrfs) {
        struct vx_gw_vrf *other = VX_CONTAINER(node, struct vx_gw_vrf,
                                               by_vni);

        for (size_t i = 0; other->devices && i < other->want->n_devices;
             i++) {
            if (!other->devices[i].is_indexed) {
                vx_gw_kernel_dirty(other, false, 0);
            }
        }
    }
}

static void
tell_device(struct vx_gw_vrf *vrf, struct vx_gw_device *device, bool ready,
            const char *why)
{
    struct vx_gw_kernel *kernel = vrf->kernel;

    if (device->is_told && device->is_ready == ready
        && device->why == why) {
        return;
    }
    device->why = why;
    device->is_told = true;
    device->is_ready = ready;
    if (kernel->cb.device) {
        kernel->cb.device(kernel->aux, vrf->vni, device->name, ready, why);
    }
}

static bool
is_seen(const struct vx_gw_seen *seen, const char *name)
{
    for (size_t i = 0; i < seen->n_inside; i++) {
        if (!strcmp(seen->inside[i].name, name)) {
            return true;
        }
    }
    return false;
}

static const char *
why_not(const struct vx_gw_seen *seen, const char *name)
{
    for (size_t i = 0; i < seen->n_outside; i++) {
        if (!strcmp(seen->outside[i].name, name)
            && seen->outside[i].refusal) {
            return seen->outside[i].refusal;
        }
    }
    return "there is no such device in the gateway's network namespace (yet)";
}

/* Callbacks may change what is wanted of this VRF, so that its devices are
 * others afterwards: stop then, it is dirty again. */
static void
tell_devices(struct vx_gw_vrf *vrf, const struct vx_gw_seen *seen)
{
    const struct vx_gw_vrf_want *want = vrf->want;

    for (size_t i = 0; vrf->want == want && want && i < want->n_devices;
         i++) {
        struct vx_gw_device *device = &vrf->devices[i];

        if (!device->is_indexed) {
            tell_device(vrf, device, false, "another VRF has this device");
        } else if (!is_seen(seen, device->name)) {
            tell_device(vrf, device, false, why_not(seen, device->name));
        } else {
            tell_device(vrf, device, true, "");
        }
    }
}

/* --- State. */

static void
tell(struct vx_gw_vrf *vrf, bool ready, const char *why)
{
    struct vx_gw_kernel *kernel = vrf->kernel;

    if (vrf->is_told && vrf->is_ready == ready && !strcmp(vrf->why, why)) {
        return;
    }
    vrf->is_told = true;
    vrf->is_ready = ready;
    snprintf(vrf->why, sizeof vrf->why, "%s", why);
    if (kernel->cb.vrf) {
        kernel->cb.vrf(kernel->aux, vrf->vni, ready, vrf->why);
    }
}

static void
note(struct vx_gw_vrf *vrf, const struct vx_gw_ops *ops)
{
    struct vx_gw_kernel *kernel = vrf->kernel;
    char text[200], first[120];

    for (size_t i = 0; i < ops->n; i++) {
        if (ops->ops[i].kind == VX_GW_OP_DEVICE_IN) {
            return;             /* it was waited for */
        }
    }
    if (kernel->cb.note && vrf->is_stirred && vrf->is_ready && ops->n) {
        snprintf(text, sizeof text, "vx%u was changed by somebody else, is "
                 "put right: %s%s", vrf->vni,
                 vx_gw_op_format(ops->ops, first, sizeof first),
                 ops->n > 1 ? ", ..." : "");
        kernel->cb.note(kernel->aux, text);
    }
}

static void
stop_ending(struct vx_gw_vrf *vrf)
{
    if (vrf->ending) {
        event_free(vrf->ending);
        vrf->ending = NULL;
    }
    vrf->may_end = vrf->is_let_go = false;
}

static void
vrf_free(struct vx_gw_vrf *vrf)
{
    vx_tree_remove(&vrf->kernel->vrfs, &vrf->by_vni);
    stop_ending(vrf);
    drop_devices(vrf);
    vx_gw_unwatch_vrf(vrf);
    vx_gw_want_free(vrf->want);
    free(vrf);
}

/* --- Work. */

/* What is wanted without the devices that another VRF has. */
static struct vx_gw_vrf_want *
effective(const struct vx_gw_vrf *vrf)
{
    struct vx_gw_vrf_want *want = vx_gw_want_copy(vrf->want);
    struct vx_gw_device_want *devices = (void *) want->devices;
    size_t n = 0;

    for (size_t i = 0; i < want->n_devices; i++) {
        if (vrf->devices[i].is_indexed) {
            devices[n++] = devices[i];
        } else {
            free((void *) devices[i].addrs);
        }
    }
    want->n_devices = n;
    return want;
}

/* zebra takes up to some seconds to see a new namespace; see
 * vx_gw_kernel_nudge. */
static bool
is_nudge_due(unsigned n_ticks)
{
    return n_ticks == 2 || n_ticks == 4 || n_ticks == 8 || n_ticks == 20
           || n_ticks == 60;
}

static void
tick(evutil_socket_t fd, short events, void *aux)
{
    struct vx_gw_kernel *kernel = aux;
    struct timeval tv = { 0, TICK_MS * 1000 };
    bool any = false;

    (void) fd, (void) events;
    VX_TREE_FOR_EACH(node, &kernel->vrfs) {
        struct vx_gw_vrf *vrf = VX_CONTAINER(node, struct vx_gw_vrf, by_vni);

        if (!vrf->want || !vrf->n_ticks) {
            continue;
        }
        vrf->n_ticks = vrf->n_ticks > 60 ? 0 : vrf->n_ticks + 1;
        any |= vrf->n_ticks != 0;
        if (is_nudge_due(vrf->n_ticks)) {
            vx_gw_kernel_nudge(kernel, vrf->vni);
        }
    }
    if (any) {
        event_add(kernel->tick, &tv);
    }
}

static void
changed(struct vx_gw_vrf *vrf)
{
    struct timeval tv = { 0, TICK_MS * 1000 };

    vrf->n_ticks = 1;
    if (!event_pending(vrf->kernel->tick, EV_TIMEOUT, NULL)) {
        event_add(vrf->kernel->tick, &tv);
    }
}

/* --- The end of a VRF that is empty. */

/* A VRF device has no sockets of its own that zebra could close too soon, and
 * a route of ours until it goes, the last of its table. */
static bool
ask_let_go(struct vx_gw_vrf *vrf, bool first)
{
    struct vx_gw_kernel *kernel = vrf->kernel;

    return kernel->backend != VX_GW_VRF_NETNS || !kernel->cb.let_go
           || kernel->cb.let_go(kernel->aux, vrf->vni, first);
}

static void
end_later(struct vx_gw_vrf *vrf)
{
    const struct timeval tv = { QUIET_MS / 1000, QUIET_MS % 1000 * 1000 };

    event_add(vrf->ending, &tv);
}

/* Let go of at both ends of the time that is over. */
static void
end_now(evutil_socket_t fd, short events, void *vrf_)
{
    struct vx_gw_vrf *vrf = vrf_;
    bool had = vrf->is_let_go;

    (void) fd, (void) events;
    vrf->is_let_go = ask_let_go(vrf, false);
    if (had && vrf->is_let_go) {
        vrf->may_end = true;
        vx_gw_kernel_dirty(vrf, false, 0);
    } else {
        end_later(vrf);
    }
}

/* What empties the VRF comes first. */
static void
put_off_end(struct vx_gw_vrf *vrf, struct vx_gw_ops *ops)
{
    if (vrf->may_end || !ops->n
        || ops->ops[ops->n - 1].kind != VX_GW_OP_VRF_DEL) {
        return;
    }
    ops->n--;
    if (!vrf->ending) {
        vrf->ending = event_new(vrf->kernel->base, -1, 0, end_now, vrf);
        vrf->is_let_go = ask_let_go(vrf, true);
        end_later(vrf);
    }
}

/* --- Looking and changing. */

/* One look and what it asks for.  *ret_done: there was nothing to do. */
static bool
round_of(struct vx_gw_vrf *vrf, const struct vx_gw_vrf_want *want,
         bool *ret_done, struct vx_error *err)
{
    struct vx_gw_kernel *kernel = vrf->kernel;
    struct vx_gw_place place;
    struct vx_gw_seen seen;
    struct vx_gw_ops ops;
    size_t n = 0;
    bool ok;

    if (!vx_gw_place_open(&place, kernel, vrf->vni, err)) {
        return false;
    }
    kernel->counts.looks++;
    ok = vx_gw_look(&place, want, &seen, err);
    if (!ok) {
        vx_gw_place_close(&place);
        return false;
    }
    ok = vx_gw_kernel_plan(kernel->backend, vrf->vni, want, &seen, &ops,
                           err);
    if (ok) {
        if (want) {
            note(vrf, &ops);
            vrf->has_held = ops.holds;
        } else {
            put_off_end(vrf, &ops);
        }
        ok = vx_gw_do(&place, &ops, &n, err);
        kernel->counts.operations += n;
        *ret_done = ok && !ops.n;
        vx_gw_ops_fini(&ops);
    }
    if (n && want) {
        changed(vrf);
    }
    if (ok && *ret_done && want && vrf->is_nudged) {
        vrf->is_nudged = false;
        vx_gw_tell_again(&place, want);
    }
    vx_gw_place_close(&place);
    if (ok && *ret_done && want) {
        tell_devices(vrf, &seen);
    }
    vx_gw_seen_fini(&seen);
    return ok;
}

static void
failed(struct vx_gw_vrf *vrf, const char *why)
{
    struct vx_gw_kernel *kernel = vrf->kernel;
    struct timeval tv = { RETRY_MS / 1000, RETRY_MS % 1000 * 1000 };

    kernel->counts.failures++;
    vrf->is_failed = true;
    if (!event_pending(kernel->retry, EV_TIMEOUT, NULL)) {
        event_add(kernel->retry, &tv);
    }
    tell(vrf, false, why);
}

static void
retry(evutil_socket_t fd, short events, void *aux)
{
    struct vx_gw_kernel *kernel = aux;

    (void) fd, (void) events;
    VX_TREE_FOR_EACH(node, &kernel->vrfs) {
        struct vx_gw_vrf *vrf = VX_CONTAINER(node, struct vx_gw_vrf, by_vni);

        if (vrf->is_failed) {
            vx_gw_kernel_dirty(vrf, false, 0);
        }
    }
}

static void
remove_now(struct vx_gw_vrf *vrf)
{
    struct vx_error err = { .code = VX_OK };
    bool done = false;

    vx_gw_unwatch_vrf(vrf);
    for (int i = 0; i < ROUNDS && !done; i++) {
        if (!round_of(vrf, NULL, &done, &err)) {
            break;
        }
        if (vrf->ending && !vrf->may_end) {
            return;
        }
    }
    if (vrf->want) {
        return;                 /* wanted again, and dirty */
    }
    if (done) {
        tell(vrf, false, "gone");
        if (!vrf->want) {
            vrf_free(vrf);
        }
    } else {
        failed(vrf, err.code ? err.message : "does not go away");
    }
}

static void
set_now(struct vx_gw_vrf *vrf)
{
    struct vx_error err = { .code = VX_OK };
    struct vx_gw_vrf_want *want;
    bool ok = true, done = false;

    index_devices(vrf);
    want = effective(vrf);
    for (int i = 0; i < ROUNDS && ok && !done; i++) {
        ok = round_of(vrf, want, &done, &err)
             && vx_gw_watch_vrf(vrf, &err);
    }
    vx_gw_want_free(want);
    vrf->is_stirred = false;
    if (ok && done) {
        tell(vrf, true, "");
    } else {
        failed(vrf, err.code ? err.message
               : "does not stay as it is wanted");
    }
}

/* One VRF per turn of the loop. */
static void
work(evutil_socket_t fd, short events, void *aux)
{
    struct vx_gw_kernel *kernel = aux;
    struct vx_gw_vrf *vrf = kernel->dirty;
    struct timeval now = { 0, 0 };

    (void) fd, (void) events;
    if (!vrf) {
        return;
    }
    kernel->dirty = vrf->next_dirty;
    if (!kernel->dirty) {
        kernel->dirty_tail = &kernel->dirty;
    }
    kernel->n_dirty--;
    vrf->is_dirty = vrf->is_failed = false;
    if (vrf->want) {
        set_now(vrf);
    } else {
        remove_now(vrf);
    }
    if (kernel->dirty) {
        event_add(kernel->work, &now);
    }
}

/* --- Public. */

/* Each VRF costs a descriptor here, and zebra beside us six. */
static void
raise_limit(void)
{
    struct rlimit limit;

    if (!getrlimit(RLIMIT_NOFILE, &limit)
        && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

struct vx_gw_kernel *
vx_gw_kernel_new(struct event_base *base, enum vx_gw_backend backend,
                 const char *netns_dir,
                 const struct vx_gw_kernel_callbacks *callbacks, void *aux,
                 struct vx_error *err)
{
    struct vx_gw_kernel *kernel = vx_xcalloc(1, sizeof *kernel);

    kernel->base = base;
    kernel->backend = backend;
    kernel->cb = *callbacks;
    kernel->aux = aux;
    kernel->inotify = -1;
    kernel->dir.home = -1;
    kernel->dirty_tail = &kernel->dirty;
    vx_tree_init(&kernel->vrfs, compare_vni);
    vx_tree_init(&kernel->devices, compare_name);
    kernel->work = event_new(base, -1, 0, work, kernel);
    kernel->retry = event_new(base, -1, 0, retry, kernel);
    kernel->tick = event_new(base, -1, 0, tick, kernel);
    raise_limit();
    kernel->sock = vx_gw_nl_open(err);
    if (!kernel->sock || !vx_gw_netns_dir_open(&kernel->dir, netns_dir, err)
        || !vx_gw_watch_start(kernel, err)) {
        vx_gw_kernel_free(kernel);
        return NULL;
    }
    return kernel;
}

void
vx_gw_kernel_free(struct vx_gw_kernel *kernel)
{
    if (!kernel) {
        return;
    }
    VX_TREE_FOR_EACH(node, &kernel->vrfs) {
        struct vx_gw_vrf *vrf = VX_CONTAINER(node, struct vx_gw_vrf, by_vni);

        for (size_t i = 0; vrf->want && i < vrf->want->n_devices; i++) {
            vrf->devices[i].is_indexed = false;     /* nobody takes over */
        }
    }
    while (kernel->vrfs.root) {
        vrf_free(VX_CONTAINER(vx_tree_first(&kernel->vrfs), struct vx_gw_vrf,
                              by_vni));
    }
    vx_gw_watch_stop(kernel);
    if (kernel->sock) {
        nl_socket_free(kernel->sock);
    }
    if (kernel->dir.home >= 0) {
        vx_gw_netns_dir_close(&kernel->dir);
    }
    event_free(kernel->work);
    event_free(kernel->retry);
    event_free(kernel->tick);
    free(kernel);
}

static struct vx_gw_vrf *
vrf_new(struct vx_gw_kernel *kernel, uint32_t vni)
{
    struct vx_gw_vrf *vrf = vx_xcalloc(1, sizeof *vrf);

    vrf->kernel = kernel;
    vrf->vni = vni;
    vx_tree_insert(&kernel->vrfs, &vni, &vrf->by_vni);
    return vrf;
}

static const struct vx_gw_device *
find_device(const struct vx_gw_vrf *vrf, const char *name)
{
    for (size_t i = 0; vrf && vrf->want && i < vrf->want->n_devices; i++) {
        if (!strcmp(vrf->devices[i].name, name)) {
            return &vrf->devices[i];
        }
    }
    return NULL;
}

void
vx_gw_kernel_set_vrf(struct vx_gw_kernel *kernel,
                     const struct vx_gw_vrf_want *want)
{
    struct vx_gw_vrf *vrf = vx_gw_kernel_find(kernel, want->vni);
    struct vx_gw_device *devices;

    if (!vrf) {
        vrf = vrf_new(kernel, want->vni);
    } else if (vrf->want && vx_gw_want_same(vrf->want, want)) {
        vrf->want->holds = want->holds;
        if (!want->holds && vrf->has_held) {
            vrf->is_stirred = false;
            vx_gw_kernel_dirty(vrf, false, 0);
        }
        return;
    }
    devices = vx_xcalloc(want->n_devices + 1, sizeof *devices);
    for (size_t i = 0; i < want->n_devices; i++) {
        const struct vx_gw_device *had = find_device(vrf,
                                                     want->devices[i].name);

        devices[i].vrf = vrf;
        snprintf(devices[i].name, sizeof devices[i].name, "%s",
                 want->devices[i].name);
        devices[i].is_ready = had && had->is_ready;
        devices[i].is_told = had && had->is_told;
        devices[i].why = had ? had->why : NULL;
    }
    drop_devices(vrf);
    vx_gw_want_free(vrf->want);
    vrf->want = vx_gw_want_copy(want);
    stop_ending(vrf);
    vrf->devices = devices;
    index_devices(vrf);
    vrf->is_stirred = false;
    vx_gw_kernel_dirty(vrf, false, 0);
}

void
vx_gw_kernel_remove_vrf(struct vx_gw_kernel *kernel, uint32_t vni)
{
    struct vx_gw_vrf *vrf = vx_gw_kernel_find(kernel, vni);

    if (vrf && vrf->want) {
        drop_devices(vrf);
        vx_gw_want_free(vrf->want);
        vrf->want = NULL;
        vx_gw_kernel_dirty(vrf, false, 0);
    }
}

void
vx_gw_kernel_nudge(struct vx_gw_kernel *kernel, uint32_t vni)
{
    struct vx_gw_vrf *vrf = vx_gw_kernel_find(kernel, vni);

    if (vrf && vrf->want) {
        vrf->is_nudged = true;
        vx_gw_kernel_dirty(vrf, false, 0);
    }
}

static enum vx_gw_drift_what
what_of(enum vx_gw_op_kind kind)
{
    switch (kind) {
    case VX_GW_OP_VRF_ADD: case VX_GW_OP_LEG_ADD: case VX_GW_OP_DEVICE_IN:
    case VX_GW_OP_ADDR_ADD:
        return VX_GW_DRIFT_MISSING;
    case VX_GW_OP_VRF_DEL: case VX_GW_OP_LINK_DEL: case VX_GW_OP_DEVICE_OUT:
    case VX_GW_OP_DEVICE_OUT_TRY: case VX_GW_OP_ADDR_DEL:
        return VX_GW_DRIFT_FOREIGN;
    case VX_GW_OP_VRF_UP: case VX_GW_OP_MASTER: case VX_GW_OP_MAC:
    case VX_GW_OP_MTU: case VX_GW_OP_OFFLOAD: case VX_GW_OP_SETTING:
    case VX_GW_OP_UP:
        break;
    }
    return VX_GW_DRIFT_ALTERED;
}

/* VRF, both ends of the leg, devices, addresses, settings. */
static size_t
count_rows(const struct vx_gw_kernel *kernel,
           const struct vx_gw_vrf_want *want)
{
    size_t n = 0;

    free(vx_gw_settings(kernel->backend, want, &n));
    n += 3 + want->n_leg_addrs + want->n_devices;
    for (size_t i = 0; i < want->n_devices; i++) {
        n += want->devices[i].n_addrs;
    }
    return n;
}

static bool
compare_vrf(struct vx_gw_kernel *kernel, uint32_t vni,
            const struct vx_gw_vrf_want *want, struct vx_gw_ops *ops,
            struct vx_error *err)
{
    struct vx_gw_place place;
    struct vx_gw_seen seen;
    bool ok;

    if (!vx_gw_place_open(&place, kernel, vni, err)) {
        return false;
    }
    kernel->counts.looks++;
    ok = vx_gw_look(&place, want, &seen, err);
    vx_gw_place_close(&place);
    if (ok) {
        ok = vx_gw_kernel_plan(kernel->backend, vni, want, &seen, ops, err);
        vx_gw_seen_fini(&seen);
    }
    return ok;
}

void
vx_gw_kernel_compare(struct vx_gw_kernel *kernel, uint32_t vni,
                     const char *object, struct vx_gw_drifts *drifts)
{
    struct vx_gw_vrf *vrf = vx_gw_kernel_find(kernel, vni);
    struct vx_gw_vrf_want *want;
    struct vx_gw_ops ops = { NULL, 0, 0, false };
    struct vx_error err;
    char name[VX_GW_IFNAME_SIZE], row[160], op[120];

    if (!vrf || !vrf->want || (vrf->is_dirty && !vrf->is_stirred)) {
        return;
    }
    want = effective(vrf);
    vx_gw_vrf_name(vni, name);
    drifts->n_rows += count_rows(kernel, want);
    if (!compare_vrf(kernel, vni, want, &ops, &err)) {
        vx_gw_drift_add(drifts, VX_GW_DRIFT_ALTERED, object, name,
                        err.message);
    }
    for (size_t i = 0; i < ops.n; i++) {
        snprintf(row, sizeof row, "%s: %s", name,
                 vx_gw_op_format(&ops.ops[i], op, sizeof op));
        vx_gw_drift_add(drifts, what_of(ops.ops[i].kind), object, row, "");
    }
    vx_gw_ops_fini(&ops);
    vx_gw_want_free(want);
}

void
vx_gw_kernel_check(struct vx_gw_kernel *kernel, uint32_t vni)
{
    struct vx_gw_vrf *vrf = vx_gw_kernel_find(kernel, vni);

    if (vrf && vrf->want) {
        vx_gw_kernel_dirty(vrf, true, 0);
    }
}

/* If it is ours, which the plan decides, and not wanted, it is to go. */
static void
remove_unknown(struct vx_gw_kernel *kernel, uint32_t vni)
{
    if (vni && !vx_gw_kernel_find(kernel, vni)) {
        vx_gw_kernel_dirty(vrf_new(kernel, vni), false, 0);
    }
}

void
vx_gw_kernel_sync(struct vx_gw_kernel *kernel)
{
    DIR *dir = kernel->backend == VX_GW_VRF_NETNS
               ? opendir(kernel->dir.path) : NULL;
    struct vx_gw_seen_link *links = NULL;
    struct dirent *entry;
    size_t n = 0;

    while (dir && (entry = readdir(dir))) {
        remove_unknown(kernel, vx_gw_vrf_parse(entry->d_name));
    }
    if (dir) {
        closedir(dir);
    }
    vx_gw_nl_links(kernel->sock, &links, &n, NULL);
    for (size_t i = 0; i < n; i++) {
        char name[VX_GW_IFNAME_SIZE] = "vx";
        bool is_vrf = !strncmp(links[i].name, "vx", 2)
                      && kernel->backend == VX_GW_VRF_DEVICE;

        if (links[i].is_ours
            && (is_vrf || !strncmp(links[i].name, "vl", 2))) {
            strncat(name, links[i].name + 2, sizeof name - 3);
            remove_unknown(kernel, vx_gw_vrf_parse(name));
        }
    }
    free(links);
}

bool
vx_gw_kernel_is_ready(const struct vx_gw_kernel *kernel, uint32_t vni)
{
    const struct vx_gw_vrf *vrf = vx_gw_kernel_find(kernel, vni);

    return vrf && vrf->is_ready;
}

bool
vx_gw_kernel_device_is_ready(const struct vx_gw_kernel *kernel, uint32_t vni,
                             const char *device)
{
    const struct vx_gw_device *found = find_device(
        vx_gw_kernel_find(kernel, vni), device);

    return found && found->is_ready;
}

const char *
vx_gw_kernel_device_why(const struct vx_gw_kernel *kernel, uint32_t vni,
                        const char *device)
{
    const struct vx_gw_device *found = find_device(
        vx_gw_kernel_find(kernel, vni), device);

    return found && found->why ? found->why : "";
}

void
vx_gw_kernel_counts(const struct vx_gw_kernel *kernel,
                    struct vx_gw_kernel_counts *ret_counts)
{
    struct vx_gw_kernel_counts counts = kernel->counts;

    VX_TREE_FOR_EACH(node, &kernel->vrfs) {
        const struct vx_gw_vrf *vrf = VX_CONTAINER(node, struct vx_gw_vrf,
                                                   by_vni);

        counts.n_vrfs += vrf->want != NULL;
        counts.n_ready += vrf->is_ready;
        for (size_t i = 0; vrf->want && i < vrf->want->n_devices; i++) {
            counts.n_devices++;
            counts.n_devices_ready += vrf->devices[i].is_ready;
        }
    }
    counts.n_dirty = kernel->n_dirty;
    *ret_counts = counts;
}
