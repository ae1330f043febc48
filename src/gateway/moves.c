/* SPDX-License-Identifier: Apache-2.0 */
/* See moves.h. */
#include "gateway/moves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/kernel.h"
#include "lib/xalloc.h"

struct peering {
    struct vx_tree_node by_key;
    char *key;
    char device[VX_GW_IFNAME_SIZE];
    bool has_ipv6;
    bool is_gone, is_moving;
    struct vx_gw_hold hold;     /* if gone or moving */
};

static int
compare(const void *key, const struct vx_tree_node *node)
{
    return strcmp(key, VX_CONTAINER(node, struct peering, by_key)->key);
}

void
vx_gw_hold(struct vx_gw_hold *hold, int64_t now_ms, uint64_t number)
{
    hold->since_ms = hold->on ? hold->since_ms : now_ms;
    hold->on = true;
    hold->number = number;
}

void
vx_gw_moves_init(struct vx_gw_moves *moves)
{
    vx_tree_init(&moves->peerings, compare);
}

static void
forget(struct vx_gw_moves *moves, struct peering *p)
{
    vx_tree_remove(&moves->peerings, &p->by_key);
    free(p->key);
    free(p);
}

void
vx_gw_moves_fini(struct vx_gw_moves *moves)
{
    while (moves->peerings.root) {
        forget(moves, VX_CONTAINER(vx_tree_first(&moves->peerings),
                                   struct peering, by_key));
    }
}

static struct peering *
find(const struct vx_gw_moves *moves, const char *key)
{
    struct vx_tree_node *node = vx_tree_find(&moves->peerings, key);

    return node ? VX_CONTAINER(node, struct peering, by_key) : NULL;
}

static bool
is_elsewhere(const struct peering *p, const struct vx_gw_moves_place *place)
{
    return p->device[0] && (strcmp(p->device, place->device)
                            || (place->has_ipv6 && !p->has_ipv6));
}

void
vx_gw_moves_set(struct vx_gw_moves *moves, const char *key,
                const struct vx_gw_moves_place *place,
                const struct vx_gw_hold *now)
{
    struct peering *p = find(moves, key);

    if (!p && !place) {
        return;
    }
    if (!p) {
        p = vx_xcalloc(1, sizeof *p);
        p->key = vx_xstrdup(key);
        vx_tree_insert(&moves->peerings, p->key, &p->by_key);
    } else if (!place || is_elsewhere(p, place)) {
        p->is_moving |= place != NULL;
        vx_gw_hold(&p->hold, now->since_ms, now->number);
    }
    p->is_gone = !place;
    p->hold.on = p->is_gone || p->is_moving;
    if (place) {
        snprintf(p->device, sizeof p->device, "%s", place->device);
        p->has_ipv6 = place->has_ipv6;
    }
}

bool
vx_gw_moves_is_moving(const struct vx_gw_moves *moves, const char *key)
{
    const struct peering *p = find(moves, key);

    return p && p->is_moving;
}

bool
vx_gw_moves_let_go(struct vx_gw_moves *moves, vx_gw_is_let_go *is_let_go,
                   const void *aux, bool *any)
{
    bool moved = false;

    VX_TREE_FOR_EACH_SAFE(node, next, &moves->peerings) {
        struct peering *p = VX_CONTAINER(node, struct peering, by_key);

        if (!p->hold.on) {
            continue;
        }
        if (!is_let_go(aux, &p->hold)) {
            *any = true;
        } else if (p->is_gone) {
            forget(moves, p);
        } else {
            p->is_moving = p->hold.on = false;
            moved = true;
        }
    }
    return moved;
}
