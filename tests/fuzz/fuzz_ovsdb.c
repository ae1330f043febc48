/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever an ovsdb-server may send, against the codec, the view, the claims
 * and the plan: every message of the input is taken as table updates.  The
 * first byte says how large the pieces are that the stream gets. */
#include <config.h>

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "openvswitch/json.h"

#include "lib/err.h"
#include "ovs-glue/bootstrap.h"
#include "ovs-glue/ovsdb_claims.h"
#include "ovs-glue/ovsdb_codec.h"

struct state {
    struct og_ovsdb_view view;
    struct og_claims claims;
    unsigned n_told;
};

static void
on_row(void *aux, struct og_row *row, enum og_row_event event)
{
    struct state *s = aux;

    if (row->table == OG_T_INTERFACE) {
        ((struct og_iface *) row)->gone = event == OG_ROW_GONE;
        og_claims_touch(&s->claims, (struct og_iface *) row);
    } else if (event == OG_ROW_GONE) {
        og_row_free(row);
    }
}

static void
on_iface(void *aux, const char *iface_id, uint32_t ofport)
{
    struct state *s = aux;

    assert(iface_id[0]);
    assert(og_claims_ofport(&s->claims, iface_id) == ofport || !ofport);
    s->n_told++;
}

static void
on_conflict(void *aux, const struct og_iface *first,
            const struct og_iface *second)
{
    (void) aux;
    assert(first != second);
}

static bool
message(struct state *s, const struct json *msg)
{
    const struct og_update_sink rows = { s, on_row };
    const struct og_claims_sink sink = { s, on_iface, on_conflict };
    struct og_bootstrap_wanted wanted = {
        .host_num = 1, .datapath_type = "netdev",
        .controller = "tcp:192.0.2.1:6653",
    };
    struct vx_error err;

    og_ovsdb_check_result(msg, &err);
    og_ovsdb_fail(msg, &err);
    if (!og_ovsdb_apply(&s->view, msg, &rows, &err)) {
        return false;
    }
    og_claims_settle(&s->claims, &sink);
    og_claims_tell(&s->claims, &sink);
    vx_ip_parse("192.0.2.2", &wanted.vtep);
    free(og_bootstrap_plan(&s->view, &wanted));
    free(og_status_plan(&s->view, "active"));
    og_bootstrap_is_done(&s->view, &wanted, &err);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct og_json_stream *stream = og_json_stream_new();
    size_t piece = size ? data[0] + 1 : 1, at = 1;
    struct vx_error err;
    struct state s = { .n_told = 0 };
    bool ok = true;

    og_view_init(&s.view);
    og_claims_init(&s.claims);
    while (ok && at < size) {
        size_t n = size - at < piece ? size - at : piece, used = 0;
        struct json *msg = NULL;

        ok = og_json_stream_feed(stream, (const char *) data + at, n, &used,
                                 &msg, &err);
        assert(!ok || (used > 0 && used <= n));
        at += used;
        if (msg) {
            ok = message(&s, msg);
            json_destroy(msg);
        }
    }
    og_json_stream_free(stream);
    og_claims_fini(&s.claims);
    og_view_fini(&s.view);
    return 0;
}
