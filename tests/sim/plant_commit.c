/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/commit.c; planted: a client of the API gets the reply when the
 * change is staged, not when it is durable. */
#include "daemon/commit.h"

#define vx_commit_submit vx_commit_submit_right
void vx_commit_submit(struct vx_commit *commit, const struct vx_op *ops,
                      size_t n, vx_commit_done *done, void *aux);
#include "daemon/commit.c"
#undef vx_commit_submit

#include "tests/sim/sim.h"

static void
ignore(void *aux, const struct vx_commit_outcome *outcome)
{
    (void) aux;
    (void) outcome;
}

void
vx_commit_submit(struct vx_commit *commit, const struct vx_op *ops,
                 size_t n, vx_commit_done *done, void *aux)
{
    vx_commit_submit_right(commit, ops, n, done, aux);
    for (struct pending *p = commit->first;
         p && sim->asking && plant == PLANT_EARLY_REPLY; p = p->next) {
        struct vx_commit_outcome outcome = {
            .failed = SIZE_MAX, .results = p->results, .n = p->n,
            .revision = p->revision,
        };
        vx_commit_done *early = p->done;

        if (early == done && p->aux == aux) {
            p->done = ignore;
            early(p->aux, &outcome);
        }
    }
}
