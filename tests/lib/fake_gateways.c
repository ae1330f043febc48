/* SPDX-License-Identifier: Apache-2.0 */
/* Gateways of the API's fixture: there is none, so every feed and report is
 * refused, and what they do is nothing. */
#include "tests/lib/fake_backend.h"

static struct vx_api_feed *
open_feed(void *ctx, const struct vx_api_feed_demand *demand,
          struct vx_error *err)
{
    (void) ctx;
    vx_fail(err, VX_NOT_FOUND, "gateway", "no gateway \"%.63s\"",
            demand->gateway);
    return NULL;
}

static void
on_feed(struct vx_api_feed *feed)
{
    (void) feed;
}

static bool
report(void *ctx, const struct vx_api_report *what,
       void (*done)(void *aux, uint64_t revision), void *aux,
       struct vx_api_report_waiter **ret_waiter, struct vx_error *err)
{
    (void) ctx;
    (void) done;
    (void) aux;
    (void) ret_waiter;
    return vx_fail(err, VX_NOT_FOUND, "gateway", "no gateway \"%.63s\"",
                   what->gateway);
}

static void
cancel(void *ctx, struct vx_api_report_waiter *waiter)
{
    (void) ctx;
    (void) waiter;
}

static bool
bgp(void *ctx, const struct vx_api_bgp_query *query, char next[512],
    struct vx_error *err)
{
    (void) ctx;
    (void) query;
    (void) err;
    next[0] = '\0';
    return true;
}

void
fake_gateways(struct fake *fake)
{
    fake->gateways = (struct vx_api_gateways) {
        .ctx = fake, .open = open_feed, .pump = on_feed, .close = on_feed,
        .report = report, .cancel = cancel, .bgp = bgp,
    };
    fake->backend.gateways = &fake->gateways;
}
