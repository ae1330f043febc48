/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: a gateway's log as lines, to whoever reads it; see gateways.h.
 *
 * A stream is at a number of the log and writes what comes after it, as long
 * as little is pending; a reader that is slow gets of each key the last value
 * only. */
#include <stdlib.h>
#include <string.h>

#include "api/feed_write.h"
#include "daemon/app.h"
#include "daemon/commit.h"
#include "daemon/gateways_priv.h"
#include "daemon/hosts.h"
#include "lib/clock.h"
#include "lib/xalloc.h"

enum { PENDING_BYTES = 256 * 1024 };

struct vx_api_feed {
    struct vx_gw *gw;
    struct vx_api_feed_demand demand;   /* its texts are not kept */
    bool full;
    bool greeted, synced;
    uint64_t at;                /* written up to here */
    uint64_t fresh;             /* tombstones up to here are nobody's */
    uint64_t synced_at;
    int64_t synced_ms;
    uint64_t audit_told;        /* nonce */
};

/* Whether all there is to be told is in the log.  After a start the gateway's
 * own host has some time to come back: what it has not confirmed yet would
 * seem to be gone. */
static bool
is_complete(const struct vx_gw *gw)
{
    const struct vx_gws *gws = gw->gws;
    const struct vx_model *model = gws->app->model;
    int64_t age = vx_clock_ms() - gws->started_ms;
    const struct vx_gateway *gateway = (const void *)
        vx_model_by_oid(model, gw->oid);
    const struct vx_host *host = (const void *)
        (gateway ? vx_model_by_oid(model, gateway->host) : NULL);

    if (!vx_gws_is_settled(gws) || !gateway) {
        return false;
    }
    return age >= VX_GW_SYNC_MS || !host || !host->system_id[0]
           || (vx_hosts_is_ready(gws->app->hosts, gateway->host)
               && !vx_feedlog_n_waiting(gw->log));
}

static void
write_text(struct vx_api_feed *feed, struct vx_buf *text)
{
    feed->demand.write(feed->demand.aux, text->data, text->size);
    vx_buf_clear(text);
}

static void
greet(struct vx_api_feed *feed, struct vx_buf *text)
{
    const struct vx_gws *gws = feed->gw->gws;

    vx_buf_printf(text, "{\"hello\":{\"epoch\":\"%s\",\"full\":%s,"
                  "\"revision\":%llu}}\n", gws->epoch,
                  feed->full ? "true" : "false",
                  (unsigned long long) vx_commit_revision(gws->app->commit));
    write_text(feed, text);
    feed->greeted = true;
}

static void
sync_now(struct vx_api_feed *feed, struct vx_buf *text)
{
    vx_buf_printf(text, "{\"sync\":%llu}\n", (unsigned long long) feed->at);
    write_text(feed, text);
    feed->synced = true;
    feed->synced_at = feed->at;
    feed->synced_ms = vx_clock_ms();
}

static void
ask_audit(struct vx_api_feed *feed, struct vx_buf *text)
{
    const struct vx_gw *gw = feed->gw;

    if (gw->audit_nonce > feed->audit_told
        && feed->demand.pending(feed->demand.aux) < PENDING_BYTES) {
        feed->audit_told = gw->audit_nonce;
        vx_feed_write_line_audit(feed->at, gw->name, gw->audit_nonce,
                                 gw->audit_repair, text);
        write_text(feed, text);
    }
}

const char *
vx_gws_ask_audit(struct vx_gws *gws, uint64_t gateway, bool repair,
                 uint64_t *ret_nonce)
{
    struct vx_gw *gw = vx_gws_find(gws, gateway);

    if (!gw || !gw->connected || !gw->stream) {
        return "vxgatewayd is not connected";
    }
    if (!gw->knows_audits) {
        return "its vxgatewayd is older and knows no audits: update it";
    }
    gw->audit_repair = repair
                       || (gw->audit_nonce > gw->stream->audit_told
                           && gw->audit_repair);
    gw->audit_nonce = *ret_nonce = ++gws->last_nonce;
    vx_gws_pump(gw->stream);
    return NULL;
}

void
vx_gws_pump(struct vx_api_feed *feed)
{
    struct vx_buf text = VX_BUF_INIT;
    struct vx_feed_item item;

    if (!feed->greeted) {
        greet(feed, &text);
    }
    ask_audit(feed, &text);
    while (feed->demand.pending(feed->demand.aux) < PENDING_BYTES) {
        if (vx_feedlog_next(feed->gw->log, feed->at, true, &item)) {
            feed->at = item.seq;
            if (item.value || item.seq > feed->fresh) {
                vx_feed_write_line(item.seq, item.type, item.key, item.value,
                                   &text);
                write_text(feed, &text);
            }
            continue;
        }
        if (is_complete(feed->gw)
            && (!feed->synced || feed->synced_at != feed->at)) {
            sync_now(feed, &text);
        }
        break;
    }
    vx_buf_fini(&text);
}

void
vx_gws_pump_all(struct vx_gws *gws)
{
    struct vx_gw *gw;

    VX_GWS_FOR_EACH(gw, gws) {
        if (gw->stream) {
            vx_gws_pump(gw->stream);
        }
    }
}

void
vx_gws_keep_alive(struct vx_gws *gws)
{
    struct vx_buf text = VX_BUF_INIT;
    struct vx_gw *gw;

    VX_GWS_FOR_EACH(gw, gws) {
        struct vx_api_feed *feed = gw->stream;

        if (!feed) {
            continue;
        }
        vx_gws_pump(feed);
        if (feed->demand.pending(feed->demand.aux)) {
            continue;
        }
        if (!is_complete(gw)) {
            vx_feed_write_line_wait(feed->at, gw->name, &text);
            write_text(feed, &text);
        } else if (feed->synced && feed->at == feed->synced_at
                   && vx_clock_ms() - feed->synced_ms >= 900) {
            sync_now(feed, &text);
        }
    }
    vx_buf_fini(&text);
}

void
vx_gws_cut(struct vx_gw *gw, const char *why)
{
    struct vx_api_feed *feed = gw->stream;
    struct vx_error err;

    if (feed) {
        gw->stream = NULL;
        vx_fail(&err, VX_GONE, "", "%s", why);
        feed->demand.end(feed->demand.aux, &err);
        free(feed);
    }
}

struct vx_api_feed *
vx_gws_open(void *gws_, const struct vx_api_feed_demand *demand,
            struct vx_error *err)
{
    struct vx_gws *gws = gws_;
    struct vx_gw *gw = vx_gws_by_name(gws, demand->gateway);
    struct vx_api_feed *feed;

    if (!gw) {
        vx_fail(err, VX_NOT_FOUND, "gateway", "no gateway \"%.80s\"",
                demand->gateway);
        return NULL;
    }
    vx_gws_cut(gw, "the gateway has connected again");
    feed = vx_xcalloc(1, sizeof *feed);
    feed->gw = gw;
    feed->demand = *demand;
    feed->full = !demand->epoch || strcmp(demand->epoch, gws->epoch)
                 || !vx_feedlog_knows(gw->log, demand->since);
    feed->at = feed->full ? 0 : demand->since;
    feed->fresh = feed->full ? vx_feedlog_seq(gw->log) : 0;
    feed->demand.epoch = NULL;
    feed->demand.gateway = NULL;
    gw->stream = feed;
    vx_gws_look_connected(gw);
    return feed;
}

void
vx_gws_close(struct vx_api_feed *feed)
{
    struct vx_gw *gw = feed->gw;

    gw->stream = NULL;
    free(feed);
    vx_gws_look_connected(gw);
}
