/* SPDX-License-Identifier: Apache-2.0 */
/* See gw_world.h. */
#include "tests/lib/gw_world.h"

#include <stdio.h>

enum { STEP = 3 };              /* entries at a time: more than one step */

static void
on_hello(void *world_, const char *epoch, bool full)
{
    struct gw_world *world = world_;

    (void) epoch;
    if (full) {
        vx_gw_entries_begin(world->entries);
    }
}

static void
on_entry(void *world_, struct vx_gw_line *line, const char *text, size_t size)
{
    struct gw_world *world = world_;

    vx_gw_entries_set(world->entries, line->type, line->key, line->seq,
                      line->value, text, size);
    line->value = NULL;
}

static void
on_sync(void *world_, uint64_t seq)
{
    struct gw_world *world = world_;

    vx_gw_entries_sweep(world->entries);
    world->seq = seq;
    world->token++;
    while (!vx_gw_apply_some(world->apply, world->token, STEP)) {
    }
}

static void
on_refused(void *world_, const struct vx_gw_line *line,
           const struct vx_error *err)
{
    struct gw_world *world = world_;

    snprintf(world->refused, sizeof world->refused, "%s", err->message);
    if (line) {
        vx_gw_entries_keep(world->entries, line->type, line->key,
                           err->message);
    } else {
        vx_gw_entries_spare(world->entries);
    }
}

static void
on_state(void *world, bool connected, const char *why)
{
    (void) world;
    (void) connected;
    (void) why;
}

void
gw_world_init(struct gw_world *world, const struct vx_gw_apply_ops *ops,
              void *aux)
{
    static const struct vx_gw_feed_callbacks callbacks = {
        on_hello, on_entry, on_sync, on_refused, NULL, on_state,
    };
    const struct vx_gw_feed_config config = { .gateway = "g1" };

    *world = (struct gw_world) { .entries = vx_gw_entries_new() };
    world->apply = vx_gw_apply_new(world->entries, ops, aux);
    world->feed = vx_gw_feed_new(&config, &callbacks, world);
}

void
gw_world_fini(struct gw_world *world)
{
    vx_gw_feed_free(world->feed);
    vx_gw_apply_free(world->apply);
    vx_gw_entries_free(world->entries);
}

void
gw_world_told(void *aux, const struct vx_gw_entry *entry, bool announced)
{
    (void) aux;
    (void) entry;
    (void) announced;
}

const char *
gw_world_leg(void *aux, uint32_t vni)
{
    (void) aux;
    (void) vni;
    return "leg";
}
