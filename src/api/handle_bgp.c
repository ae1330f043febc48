/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/bgp?tenant=&limit=&after=: what gateways announce, withhold and
 * learn, and their sessions.  A page ends within a gateway, too: the next one
 * begins with it again. */
#include "api/handlers.h"

#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "lib/xalloc.h"

enum { LIMIT = 10000 };

struct page {
    struct vx_buf out;
    struct vx_buf announced, learned;   /* of the gateway at hand */
    struct vx_buf sessions;
    struct vx_buf head;         /* members of the gateway but these lists */
    size_t n_gateways;
    bool open;                  /* there is a gateway at hand */
    bool session_open;
    size_t n_families;
    char peering[2 * VX_NAME_MAX + 2];
    struct vx_buf rest;         /* of the session at hand */
};

static void
put_time(struct vx_jw *jw, const char *key, int64_t time_ms)
{
    vx_jw_key(jw, key);
    if (time_ms) {
        vx_json_time(jw->out, time_ms);
    } else {
        vx_buf_puts(jw->out, "null");
    }
}

/* --- Sessions: one report line per family becomes one object. */

static void
end_session(struct page *page)
{
    if (page->session_open) {
        vx_buf_puts(&page->sessions, "}");
        vx_buf_put(&page->sessions, page->rest.data, page->rest.size);
        vx_buf_puts(&page->sessions, "}");
        vx_buf_clear(&page->rest);
        page->session_open = false;
    }
}

/* One that is told of alone is told as the gateway calls it; of a session that
 * is told of as a whole the first one has its figures. */
static void
put_family(struct page *page, const char *name,
           const struct vx_api_session *session)
{
    vx_buf_puts(&page->sessions, page->n_families++ ? "," : "");
    vx_json_string(&page->sessions, name);
    vx_buf_printf(&page->sessions, ":{\"received\":%llu,\"sent\":%llu}",
                  (unsigned long long) (session ? session->n_in : 0),
                  (unsigned long long) (session ? session->n_out : 0));
}

static void
put_families(struct page *page, const struct vx_api_session *session,
             uint8_t families)
{
    static const char *const names[] = { "ipv4", "ipv6", "vpnv4", "vpnv6",
                                         "evpn", "flowspec" };

    if (session->family[0]) {
        put_family(page, session->family, session);
        return;
    }
    for (size_t i = 0; i < 6; i++) {
        if (families & 1u << i) {
            put_family(page, names[i], page->n_families ? NULL : session);
        }
    }
}

static void
put_session(void *page_, const struct vx_api_session *session,
            const struct vx_peering *peering)
{
    uint8_t families = peering ? peering->families : 0;
    struct page *page = page_;
    char ip[VX_IP_STRLEN];
    struct vx_jw jw;

    if (page->session_open && !strcmp(page->peering, session->peering)) {
        put_families(page, session, families);
        return;
    }
    end_session(page);
    vx_buf_puts(&page->sessions, page->sessions.size ? ",{" : "{");
    vx_buf_puts(&page->sessions, "\"peering\":");
    vx_json_string(&page->sessions, session->peering);
    vx_buf_printf(&page->sessions, ",\"peer\":\"%s\",\"families\":{",
                  peering ? vx_ip_format(&peering->peer, ip) : "");
    page->n_families = 0;
    put_families(page, session, families);
    page->session_open = true;
    strcpy(page->peering, session->peering);
    jw = (struct vx_jw) { .out = &page->rest, .comma = true };
    vx_jw_str(&jw, "state", session->state);
    put_time(&jw, "since", session->since_ms);
    vx_jw_str(&jw, "error", session->error);
}

/* --- Gateways and their items. */

static void
end_gateway(struct page *page)
{
    if (!page->open) {
        return;
    }
    end_session(page);
    vx_buf_puts(&page->out, page->n_gateways++ ? "," : "");
    vx_buf_put(&page->out, page->head.data, page->head.size);
    vx_buf_printf(&page->out, ",\"sessions\":[%s],\"announced\":[%s],"
                  "\"learned\":[%s]}", vx_buf_str(&page->sessions),
                  vx_buf_str(&page->announced), vx_buf_str(&page->learned));
    vx_buf_clear(&page->head);
    vx_buf_clear(&page->sessions);
    vx_buf_clear(&page->announced);
    vx_buf_clear(&page->learned);
    page->open = false;
}

static void
put_gateway(void *page_, const struct vx_api_bgp_gateway *g)
{
    struct page *page = page_;
    struct vx_jw jw, counts;

    end_gateway(page);
    page->open = true;
    vx_jw_begin(&jw, &page->head);
    vx_jw_str(&jw, "gateway", g->name);
    vx_jw_bool(&jw, "connected", g->connected);
    vx_jw_str(&jw, "state", g->state);
    vx_jw_str(&jw, "reason", g->reason);
    put_time(&jw, "since", g->since_ms);
    put_time(&jw, "seen", g->seen_ms);
    vx_jw_u64(&jw, "seq", g->seq);
    vx_jw_u64(&jw, "acked", g->acked);
    vx_jw_u64(&jw, "behind", g->behind);
    vx_jw_key(&jw, "counts");
    vx_jw_begin(&counts, &page->head);
    vx_jw_u64(&counts, "announced", g->n_told);
    vx_jw_u64(&counts, "withheld", g->n_held);
    vx_jw_u64(&counts, "failed", g->n_failed);
    vx_jw_u64(&counts, "learned", g->n_learned);
    vx_jw_u64(&counts, "unused", g->n_unused);
    vx_jw_end(&counts);
    if (g->counters) {
        vx_jw_key(&jw, "counters");
        vx_buf_puts(&page->head, g->counters);
    }
}

static void
put_announced(void *page_, const struct vx_api_bgp_item *item)
{
    struct page *page = page_;
    struct vx_jw jw;

    vx_buf_puts(&page->announced, page->announced.size ? "," : "");
    vx_jw_begin(&jw, &page->announced);
    vx_jw_str(&jw, "type", item->type);
    vx_jw_str(&jw, "tenant", item->tenant);
    vx_jw_str(&jw, "prefix", item->prefix);
    vx_jw_str(&jw, "why", item->why);
    vx_jw_str(&jw, "object", item->object);
    vx_jw_str(&jw, "state", item->state);
    vx_jw_str(&jw, "reason", item->reason);
    vx_jw_u64(&jw, "revision", item->revision);
    vx_jw_key(&jw, "families");
    vx_buf_printf(&page->announced, "[%s]", item->families);
    vx_jw_key(&jw, "withheld");
    vx_buf_printf(&page->announced, "[%s]", item->withheld);
    vx_jw_end(&jw);
}

static void
put_learned(void *page_, const struct vx_api_bgp_item *item)
{
    struct page *page = page_;
    struct vx_jw jw;

    vx_buf_puts(&page->learned, page->learned.size ? "," : "");
    vx_jw_begin(&jw, &page->learned);
    vx_jw_str(&jw, "type", item->type);
    vx_jw_str(&jw, "tenant", item->tenant);
    vx_jw_str(&jw, "prefix", item->prefix);
    vx_jw_str(&jw, "peering", item->peering);
    vx_jw_bool(&jw, "used", !strcmp(item->state, "used"));
    vx_jw_str(&jw, "state", item->state);
    vx_jw_str(&jw, "reason", item->reason);
    vx_jw_end(&jw);
}

void
vx_handle_bgp(struct vx_call *call)
{
    const struct vx_api_gateways *api = call->server->backend->gateways;
    struct page page = { .n_gateways = 0 };
    struct vx_api_bgp_query query = {
        .aux = &page, .gateway = put_gateway, .session = put_session,
        .announced = put_announced, .learned = put_learned,
    };
    uint64_t limit = LIMIT;
    char next[512] = "";

    query.tenant = vx_query_get(&call->query, "tenant");
    query.after = vx_query_get(&call->query, "after");
    vx_buf_puts(&page.out, "{\"items\":[");
    if (vx_query_uint(&call->query, "limit", LIMIT, &limit, &call->err)
        && vx_query_done(&call->query, "tenant, limit, after", &call->err)
        && (query.limit = limit ? (size_t) limit : 1,
            api->bgp(api->ctx, &query, next, &call->err))) {
        end_gateway(&page);
        vx_buf_puts(&page.out, "],\"next\":");
        if (next[0]) {
            vx_json_string(&page.out, next);
        } else {
            vx_buf_puts(&page.out, "null");
        }
        vx_buf_puts(&page.out, "}");
        vx_call_reply_json(call, 200, NULL, &page.out);
    } else {
        vx_call_fail(call);
    }
    vx_buf_fini(&page.out);
    vx_buf_fini(&page.head);
    vx_buf_fini(&page.sessions);
    vx_buf_fini(&page.rest);
    vx_buf_fini(&page.announced);
    vx_buf_fini(&page.learned);
}
