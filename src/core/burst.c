/* SPDX-License-Identifier: Apache-2.0 */
/* When a burst begins and is over; see burst.h. */
#include "core/burst.h"

#include <stdlib.h>

#include "lib/tree.h"
#include "lib/xalloc.h"

struct key {
    uint64_t host;
    uint32_t meter;
};

struct active {
    struct vx_tree_node by_key;
    struct vx_burst burst;
};

struct vx_bursts {
    struct vx_tree active;
    struct vx_burst over[VX_BURSTS_KEPT];       /* a ring */
    size_t n_over;              /* ever */
    struct vx_burst_counters counters;
};

const char *
vx_meter_kind_name(enum vx_meter_kind kind)
{
    static const char *const names[VX_N_METER_KINDS] = {
        [VX_METER_NONE] = "none",
        [VX_METER_PUNT] = "punt",
        [VX_METER_OUT_KBPS] = "out_kbps",
        [VX_METER_OUT_PPS] = "out_pps",
        [VX_METER_IN_KBPS] = "in_kbps",
        [VX_METER_IN_PPS] = "in_pps",
        [VX_METER_PORT_BUM] = "port_bum",
        [VX_METER_POLICY] = "policy",
        [VX_METER_NETWORK_BUM] = "network_bum",
        [VX_METER_TENANT] = "tenant",
        [VX_METER_HOST] = "host",
        [VX_METER_NO_HOST] = "no_host",
    };

    return names[kind];
}

enum vx_tier
vx_meter_tier(enum vx_meter_kind kind)
{
    return kind >= VX_METER_NETWORK_BUM ? VX_FABRIC_TIER : VX_TENANT_TIER;
}

static struct active *
active_of(const struct vx_tree_node *node)
{
    return node ? VX_CONTAINER(node, struct active, by_key) : NULL;
}

static int
cmp_key(const void *key_, const struct vx_tree_node *node)
{
    const struct key *key = key_;
    const struct vx_burst *b = &active_of(node)->burst;

    return key->host != b->host ? (key->host < b->host ? -1 : 1)
           : key->meter < b->meter ? -1 : key->meter > b->meter;
}

struct vx_bursts *
vx_bursts_new(void)
{
    struct vx_bursts *bursts = vx_xcalloc(1, sizeof *bursts);

    vx_tree_init(&bursts->active, cmp_key);
    return bursts;
}

void
vx_bursts_free(struct vx_bursts *bursts)
{
    if (!bursts) {
        return;
    }
    VX_TREE_FOR_EACH_SAFE(node, next, &bursts->active) {
        vx_tree_remove(&bursts->active, node);
        free(active_of(node));
    }
    free(bursts);
}

static void
end(struct vx_bursts *bursts, struct active *a,
    const struct vx_burst_told *told)
{
    struct vx_burst *over = &bursts->over[bursts->n_over++ % VX_BURSTS_KEPT];

    vx_tree_remove(&bursts->active, &a->by_key);
    *over = a->burst;
    over->over = true;
    free(a);
    told->over(told->aux, over);
}

static void
add(struct vx_burst *b, const struct vx_count *count, int64_t now_ms)
{
    b->dropped += count->dropped;
    b->packets += count->packets;
    b->bytes += count->bytes;
    b->last_ms = now_ms;
    b->n_quiet = 0;
}

static void
drops(struct vx_bursts *bursts, const struct vx_burst_sample *sample,
      const struct vx_count *count, const struct vx_burst_told *told)
{
    struct key key = { sample->host, (uint32_t) count->key };
    struct active *a = active_of(vx_tree_find(&bursts->active, &key));

    bursts->counters.dropped[vx_meter_kind_of(key.meter)] += count->dropped;
    if (a) {
        add(&a->burst, count, sample->now_ms);
        return;
    }
    if (bursts->active.count >= VX_BURSTS_MAX) {
        bursts->counters.n_left_out++;
        return;
    }
    a = vx_xcalloc(1, sizeof *a);
    a->burst.id = ++bursts->counters.n_begun;
    a->burst.host = key.host;
    a->burst.meter = key.meter;
    a->burst.since_ms = sample->from_ms;
    add(&a->burst, count, sample->now_ms);
    vx_tree_insert(&bursts->active, &key, &a->by_key);
    told->begun(told->aux, &a->burst);
}

/* A meter that is no more drops nothing, either. */
static const struct vx_count *
find(const struct vx_burst_sample *sample, uint32_t meter)
{
    size_t low = 0, high = sample->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (sample->counts[middle].key < meter) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < sample->n && sample->counts[low].key == meter
           ? &sample->counts[low] : NULL;
}

static struct vx_tree_node *
first_of(const struct vx_bursts *bursts, uint64_t host)
{
    struct vx_tree_node *node = vx_tree_ceil(&bursts->active,
                                             &(struct key) { host, 0 });

    return node && active_of(node)->burst.host == host ? node : NULL;
}

static struct vx_tree_node *
next_of(const struct vx_tree_node *node)
{
    struct vx_tree_node *next = vx_tree_next(node);

    return next && active_of(next)->burst.host == active_of(node)->burst.host
           ? next : NULL;
}

void
vx_bursts_take(struct vx_bursts *bursts, const struct vx_burst_sample *sample,
               const struct vx_burst_told *told)
{
    for (struct vx_tree_node *node = first_of(bursts, sample->host), *next;
         node; node = next) {
        struct active *a = active_of(node);
        uint32_t meter = a->burst.meter;
        const struct vx_count *count = find(sample, meter);

        next = next_of(node);
        if (vx_meter_tier(vx_meter_kind_of(meter)) == sample->tier
            && (!count || !count->dropped)
            && ++a->burst.n_quiet >= VX_BURST_QUIET) {
            end(bursts, a, told);
        }
    }
    for (size_t i = 0; i < sample->n; i++) {
        const struct vx_count *count = &sample->counts[i];
        enum vx_meter_kind kind = count->key > UINT32_MAX ? VX_METER_NONE
                                  : vx_meter_kind_of((uint32_t) count->key);

        if (count->dropped && kind
            && vx_meter_tier(kind) == sample->tier) {
            drops(bursts, sample, count, told);
        }
    }
}

void
vx_bursts_away(struct vx_bursts *bursts, uint64_t host,
               const struct vx_burst_told *told)
{
    for (struct vx_tree_node *node = first_of(bursts, host), *next; node;
         node = next) {
        next = next_of(node);
        end(bursts, active_of(node), told);
    }
}

void
vx_bursts_each(const struct vx_bursts *bursts,
               void (*f)(void *aux, const struct vx_burst *burst), void *aux)
{
    size_t kept = bursts->n_over < VX_BURSTS_KEPT ? bursts->n_over
                                                  : VX_BURSTS_KEPT;

    VX_TREE_FOR_EACH(node, &bursts->active) {
        f(aux, &active_of(node)->burst);
    }
    for (size_t i = 1; i <= kept; i++) {
        f(aux, &bursts->over[(bursts->n_over - i) % VX_BURSTS_KEPT]);
    }
}

void
vx_bursts_counters(const struct vx_bursts *bursts,
                   struct vx_burst_counters *ret_counters)
{
    *ret_counters = bursts->counters;
    ret_counters->n_active = bursts->active.count;
}
