/* SPDX-License-Identifier: Apache-2.0 */
/* How fast rows become OpenFlow bytes, and how fast two sets of rows are made
 * comparable and compared; CPU time of one thread, without a socket. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/diff.h"
#include "ovs-glue/of_codec.h"
#include "tests/lib/sample.h"

static double
now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static void
measure(const char *what, enum vx_tier tier, const struct sample *sample)
{
    struct vx_rows rows = { 0 };
    struct og_msgs *msgs = og_msgs_new();
    struct og_crows *have = og_crows_new(), *want = og_crows_new();
    struct vx_diff *diffs;

    sample_rows(sample, tier, &rows);
    double t0 = now_ns();
    for (size_t i = 0; i < rows.n; i++) {
        og_msgs_add_row(msgs, &rows.rows[i]);
    }
    double t1 = now_ns();
    og_crows_add_rows(want, rows.rows, rows.n);
    double t2 = now_ns();
    og_crows_add_rows(have, rows.rows, rows.n);
    double t3 = now_ns();
    vx_diff_rows(have->rows, have->n, want->rows, want->n, &diffs);
    double t4 = now_ns();
    printf("%s: %zu rows: encode %.0f ns and %zu bytes per row, canonical "
           "%.0f ns, diff %.0f ns\n", what, rows.n, (t1 - t0) / rows.n,
           og_msgs_size(msgs) / rows.n, (t2 - t1) / rows.n,
           (t4 - t3) / rows.n);
    free(diffs);
    og_msgs_unref(msgs);
    og_crows_free(have);
    og_crows_free(want);
    vx_rows_fini(&rows);
}

int
main(void)
{
    static const struct sample sample = {
        .n_networks = 50, .n_hosts = 20, .n_ports = 25, .first_ofport = 1,
    };

    measure("tier 1", VX_TENANT_TIER, &sample);
    measure("tier 2", VX_FABRIC_TIER, &sample);
    return 0;
}
