/* SPDX-License-Identifier: Apache-2.0 */
/* hooks.h without executables and journal: only what was told of which
 * object is kept, so that events are born as in the real controller. */
#include "daemon/hooks.h"

#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"
#include "tests/sim/sim.h"

struct told {
    uint64_t oid;
    unsigned told;
};

struct vx_hooks {
    struct told *told;          /* by oid */
    size_t n, cap;
};

bool
vx_hooks_new(const struct vx_hooks_env *env, struct vx_hooks **ret_hooks,
             struct vx_error *err)
{
    (void) env;
    (void) err;
    *ret_hooks = vx_xcalloc(1, sizeof **ret_hooks);
    return true;
}

void
vx_hooks_free(struct vx_hooks *hooks)
{
    if (hooks) {
        free(hooks->told);
        free(hooks);
    }
}

static size_t
place(const struct vx_hooks *hooks, uint64_t oid)
{
    size_t i = 0;

    while (i < hooks->n && hooks->told[i].oid < oid) {
        i++;
    }
    return i;
}

unsigned
vx_hooks_told(const struct vx_hooks *hooks, uint64_t oid)
{
    size_t i = place(hooks, oid);

    return i < hooks->n && hooks->told[i].oid == oid ? hooks->told[i].told
                                                     : 0;
}

void
vx_hooks_tell(struct vx_hooks *hooks, uint64_t oid, unsigned told)
{
    size_t i = place(hooks, oid);
    bool has = i < hooks->n && hooks->told[i].oid == oid;

    if (has && told) {
        hooks->told[i].told = told;
    } else if (has) {
        memmove(&hooks->told[i], &hooks->told[i + 1],
                (--hooks->n - i) * sizeof *hooks->told);
    } else if (told) {
        hooks->told = vx_grow(hooks->told, &hooks->cap, hooks->n + 1,
                              sizeof *hooks->told);
        memmove(&hooks->told[i + 1], &hooks->told[i],
                (hooks->n++ - i) * sizeof *hooks->told);
        hooks->told[i] = (struct told) { oid, told };
    }
}

uint64_t
vx_hooks_told_after(const struct vx_hooks *hooks, uint64_t oid)
{
    size_t i = place(hooks, oid + 1);

    return i < hooks->n ? hooks->told[i].oid : 0;
}

bool
vx_hooks_event(struct vx_hooks *hooks, const struct vx_hooks_event *event)
{
    if (event->told_oid) {
        vx_hooks_tell(hooks, event->told_oid, event->told);
    }
    return true;
}

void
vx_hooks_counters(struct vx_hooks *hooks,
                  struct vx_hooks_counters *ret_counters)
{
    (void) hooks;
    memset(ret_counters, 0, sizeof *ret_counters);
}

const struct vx_api_hooks *
vx_hooks_api(struct vx_hooks *hooks)
{
    (void) hooks;
    return NULL;
}
