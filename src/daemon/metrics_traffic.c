/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus text of what hosts count.  The number of series is bounded: by
 * zones and hosts, and for tenants by counters_tenants; the rest of them is
 * summed up under tenant="". */
#include "daemon/app.h"

#include <inttypes.h>

#include "daemon/counters.h"
#include "lib/buf.h"

struct series {
    const struct vx_app *app;
    struct vx_buf *out;
    const char *label;          /* "zone" */
    const char *name;           /* "bytes_total" */
    size_t n_left;              /* objects that may still be told of */
    uint64_t rest[VX_N_CLASSES];
};

static const char *const classes[VX_N_CLASSES] = {
    [VX_CLASS_LOCAL] = "local", [VX_CLASS_ZONE] = "zone",
    [VX_CLASS_CROSS] = "cross",
};

static void
put(const struct series *s, const char *name,
    const uint64_t bytes[VX_N_CLASSES])
{
    for (int c = 0; c < VX_N_CLASSES; c++) {
        vx_buf_printf(s->out, "vxfabric_%s{%s=\"%s\",class=\"%s\"} %"PRIu64
                      "\n", s->name, s->label, name, classes[c], bytes[c]);
    }
}

static void
one(void *series, uint64_t oid, uint64_t zone,
    const struct vx_traffic *traffic)
{
    struct series *s = series;
    const struct vx_obj *obj = vx_model_by_oid(s->app->model, oid);

    (void) zone;
    if (obj && s->n_left) {
        s->n_left--;
        put(s, obj->name, traffic->bytes);
    } else if (obj) {
        for (int c = 0; c < VX_N_CLASSES; c++) {
            s->rest[c] += traffic->bytes[c];
        }
    }
}

static void
traffic(const struct vx_app *app, struct vx_buf *out, enum vx_sum_of of,
        struct series s, const char *help)
{
    uint64_t any = 0;

    s.app = app;
    s.out = out;
    vx_buf_printf(out, "# HELP vxfabric_%s %s\n# TYPE vxfabric_%s counter\n",
                  s.name, help, s.name);
    vx_locality_each(vx_counters_locality(app->counters), of, one, &s);
    for (int c = 0; c < VX_N_CLASSES; c++) {
        any += s.rest[c];
    }
    if (any) {
        put(&s, "", s.rest);
    }
}

static void
single(struct vx_buf *out, const char *name, const char *type,
       const char *help, uint64_t value)
{
    vx_buf_printf(out, "# HELP vxfabric_%s %s\n# TYPE vxfabric_%s %s\n"
                  "vxfabric_%s %"PRIu64"\n", name, help, name, type, name,
                  value);
}

static void
bursts(const struct vx_app *app, struct vx_buf *out)
{
    struct vx_counters_facts facts;

    vx_counters_facts(app->counters, &facts);
    single(out, "counts_total", "counter",
           "Times a host was asked for all of its counters.", facts.n_turns);
    single(out, "counts_broken_total", "counter",
           "Times it did not tell all of them.", facts.n_broken);
    single(out, "bursts_active", "gauge",
           "Budgets that drop packets, or did so a moment ago.",
           facts.bursts.n_active);
    single(out, "bursts_total", "counter", "Bursts that have begun.",
           facts.bursts.n_begun);
    vx_buf_puts(out, "# HELP vxfabric_burst_drops_total Packets over "
                "budgets, by kind of budget.\n"
                "# TYPE vxfabric_burst_drops_total counter\n");
    for (int i = VX_METER_PUNT; i < VX_N_METER_KINDS; i++) {
        vx_buf_printf(out, "vxfabric_burst_drops_total{kind=\"%s\"} %"PRIu64
                      "\n", vx_meter_kind_name((enum vx_meter_kind) i),
                      facts.bursts.dropped[i]);
    }
}

void
vx_app_metrics_traffic(const struct vx_app *app, struct vx_buf *out)
{
    traffic(app, out, VX_SUM_ZONE, (struct series) {
        .name = "bytes_total", .label = "zone", .n_left = SIZE_MAX },
        "Bytes of tenants that hosts of a zone sent, by how far.");
    traffic(app, out, VX_SUM_HOST, (struct series) {
        .name = "host_bytes_total", .label = "host", .n_left = SIZE_MAX },
        "Bytes of tenants that a host sent, by how far.");
    traffic(app, out, VX_SUM_TENANT, (struct series) {
        .name = "tenant_bytes_total", .label = "tenant",
        .n_left = app->options.counters_tenants },
        "Bytes of a tenant by how far they went; tenant=\"\": those beyond "
        "counters_tenants.");
    bursts(app, out);
}
