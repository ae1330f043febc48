/* SPDX-License-Identifier: Apache-2.0 */
/* See audit.h. */
#include "gateway/audit.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/codec.h"
#include "lib/xalloc.h"

enum phase { IDLE, LOOKING, REPAIRING };

struct part {
    struct vx_gw_drifts first;      /* what is told */
    struct vx_gw_drifts again;      /* seen after the repair */
    bool is_due;                    /* an answer is */
    bool is_busy;                   /* to be asked again */
    bool is_repaired;               /* again says how far */
};

struct vx_gw_audit {
    struct vx_gw_audit_ops ops;
    void *aux;
    struct event *timer;
    enum phase phase;
    uint64_t nonce;                 /* of this run, or the last */
    bool repairs;
    int64_t begun_ms, until_ms;
    bool is_settled;                /* nothing is waited for */
    struct part parts[VX_GW_N_PARTS];

    bool is_asked;                  /* one more is */
    uint64_t next_nonce;
    bool next_repairs;

    /* The last result, until it was told. */
    uint64_t answered;              /* last nonce that is not 0 */
    uint64_t serial;
    bool is_told;
    bool result_repairs;
    int64_t result_ms, took_ms;
    struct vx_buf result;           /* elements of "parts" */
    struct vx_gw_audit_counts counts;
};

static void begin(struct vx_gw_audit *audit, uint64_t nonce, bool repair);

const char *
vx_gw_part_name(enum vx_gw_part part)
{
    static const char *const names[VX_GW_N_PARTS] = {
        [VX_GW_PART_ZEBRA] = "zebra", [VX_GW_PART_BGPD] = "bgpd",
        [VX_GW_PART_REFLECTOR] = "reflector",
        [VX_GW_PART_SPEAKER] = "speaker", [VX_GW_PART_KERNEL] = "kernel",
    };

    return names[part];
}

/* --- The result. */

static bool
is_over(const struct part *part, const struct vx_gw_drift *drift)
{
    return part->is_repaired && !*part->again.why
           && !vx_gw_drift_has(&part->again, drift);
}

/* What is left of more than can be listed counts as left. */
static size_t
n_repaired(const struct part *part)
{
    return part->is_repaired && !*part->again.why
           && part->again.n_found < part->first.n_found
           ? part->first.n_found - part->again.n_found : 0;
}

static void
put_drift(const struct part *part, const struct vx_gw_drift *drift,
          struct vx_buf *out)
{
    vx_buf_printf(out, "{\"what\":\"%s\",\"object\":",
                  vx_gw_drift_what_name(drift->what));
    vx_json_string(out, drift->object);
    vx_buf_puts(out, ",\"row\":");
    vx_json_string(out, drift->row);
    vx_buf_puts(out, ",\"found\":");
    vx_json_string(out, drift->found);
    vx_buf_printf(out, ",\"repaired\":%s}",
                  is_over(part, drift) ? "true" : "false");
}

static void
put_part(const struct vx_gw_audit *audit, enum vx_gw_part i,
         struct vx_buf *out)
{
    const struct part *part = &audit->parts[i];

    vx_buf_printf(out, "%s{\"part\":\"%s\",\"result\":", i ? "," : "",
                  vx_gw_part_name(i));
    vx_json_string(out, *part->first.why ? part->first.why : "ok");
    vx_buf_printf(out, ",\"rows\":%zu,\"found\":%zu,\"repaired\":%zu,"
                  "\"items\":[", part->first.n_rows, part->first.n_found,
                  n_repaired(part));
    for (size_t j = 0; j < part->first.n; j++) {
        vx_buf_puts(out, j ? "," : "");
        put_drift(part, &part->first.items[j], out);
    }
    vx_buf_puts(out, "]}");
}

static void
finish(struct vx_gw_audit *audit)
{
    audit->phase = IDLE;
    audit->serial++;
    audit->is_told = false;
    audit->answered = audit->nonce ? audit->nonce : audit->answered;
    audit->result_repairs = audit->repairs;
    audit->result_ms = audit->ops.mono_ms();
    audit->took_ms = audit->result_ms - audit->begun_ms;
    audit->counts.n_audits++;
    vx_buf_clear(&audit->result);
    for (int i = 0; i < VX_GW_N_PARTS; i++) {
        struct part *part = &audit->parts[i];

        audit->counts.n_found += part->first.n_found;
        audit->counts.n_repaired += n_repaired(part);
        put_part(audit, (enum vx_gw_part) i, &audit->result);
        vx_gw_drifts_fini(&part->first);
        vx_gw_drifts_fini(&part->again);
        part->is_due = part->is_busy = false;
    }
    if (audit->is_asked) {
        begin(audit, audit->next_nonce, audit->next_repairs);
    } else {
        event_del(audit->timer);
    }
    audit->ops.done(audit->aux);
}

/* --- Steps. */

static void
wait_ms(struct vx_gw_audit *audit, int64_t ms)
{
    const struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

    event_add(audit->timer, &tv);
}

/* Whether something of the part is there still. */
static bool
is_left(const struct part *part)
{
    return part->is_repaired && (*part->again.why || part->again.n_found);
}

static bool
is_waiting(const struct vx_gw_audit *audit)
{
    for (int i = 0; i < VX_GW_N_PARTS; i++) {
        const struct part *part = &audit->parts[i];

        if (part->is_due || part->is_busy
            || (audit->phase == REPAIRING && is_left(part))) {
            return true;
        }
    }
    return false;
}

static void
look_at(struct vx_gw_audit *audit, enum vx_gw_part part)
{
    audit->parts[part].is_busy = false;
    audit->parts[part].is_due = true;
    audit->ops.look(audit->aux, part);
}

static void
repair(struct vx_gw_audit *audit)
{
    audit->phase = REPAIRING;
    audit->until_ms = audit->ops.mono_ms() + VX_GW_AUDIT_REPAIR_MS;
    for (int i = 0; i < VX_GW_N_PARTS; i++) {
        struct part *part = &audit->parts[i];

        if (part->first.n_found && !*part->first.why) {
            part->is_repaired = true;
            vx_gw_drift_fail(&part->again, "not looked at again");
            audit->ops.repair(audit->aux, (enum vx_gw_part) i);
        }
    }
    wait_ms(audit, VX_GW_AUDIT_AGAIN_MS);
}

static bool
is_to_repair(const struct vx_gw_audit *audit)
{
    for (int i = 0; audit->repairs && i < VX_GW_N_PARTS; i++) {
        if (audit->parts[i].first.n_found && !*audit->parts[i].first.why) {
            return true;
        }
    }
    return false;
}

/* The looks are through, or their time is over. */
static void
next(struct vx_gw_audit *audit)
{
    audit->is_settled = false;
    for (int i = 0; i < VX_GW_N_PARTS; i++) {
        struct part *part = &audit->parts[i];

        if (part->is_due && audit->phase == LOOKING) {
            vx_gw_drift_fail(&part->first, "does not answer");
        }
        part->is_due = part->is_busy = false;
    }
    if (audit->phase == LOOKING && is_to_repair(audit)) {
        repair(audit);
    } else {
        finish(audit);
    }
}

/* Parts that are to be looked at (again). */
static void
look_again(struct vx_gw_audit *audit)
{
    for (int i = 0; i < VX_GW_N_PARTS; i++) {
        struct part *part = &audit->parts[i];

        if (part->is_busy || (audit->phase == REPAIRING && !part->is_due
                              && is_left(part))) {
            look_at(audit, (enum vx_gw_part) i);
        }
    }
}

static void
on_timer(evutil_socket_t fd, short what, void *audit_)
{
    struct vx_gw_audit *audit = audit_;

    (void) fd;
    (void) what;
    if (audit->phase == IDLE) {
        return;
    }
    if (audit->is_settled || audit->ops.mono_ms() >= audit->until_ms) {
        next(audit);
        return;
    }
    wait_ms(audit, VX_GW_AUDIT_AGAIN_MS);
    look_again(audit);
}

static void
begin(struct vx_gw_audit *audit, uint64_t nonce, bool repairs)
{
    audit->is_asked = false;
    audit->nonce = nonce;
    audit->repairs = repairs;
    audit->phase = LOOKING;
    audit->is_settled = false;
    audit->begun_ms = audit->ops.mono_ms();
    audit->until_ms = audit->begun_ms + VX_GW_AUDIT_LOOK_MS;
    for (int i = 0; i < VX_GW_N_PARTS; i++) {
        audit->parts[i].is_repaired = false;
        audit->parts[i].is_busy = true;
    }
    wait_ms(audit, 0);
}

/* --- Public. */

void
vx_gw_audit_ask(struct vx_gw_audit *audit, uint64_t nonce, bool repairs)
{
    if (nonce && (nonce == audit->answered
                  || (audit->phase != IDLE && nonce == audit->nonce)
                  || (audit->is_asked && nonce == audit->next_nonce))) {
        return;
    }
    if (audit->phase == IDLE) {
        begin(audit, nonce, repairs);
    } else if (nonce) {
        audit->next_repairs = repairs
                              || (audit->is_asked && audit->next_repairs);
        audit->is_asked = true;
        audit->next_nonce = nonce;
    }
}

void
vx_gw_audit_looked(struct vx_gw_audit *audit, enum vx_gw_part i,
                   bool is_busy, struct vx_gw_drifts *drifts)
{
    struct part *part = &audit->parts[i];
    struct vx_gw_drifts *to = audit->phase == REPAIRING ? &part->again
                                                        : &part->first;

    if (audit->phase != IDLE && part->is_due) {
        part->is_due = false;
        part->is_busy = is_busy && audit->phase == LOOKING;
        vx_gw_drifts_fini(to);
        *to = *drifts;
        memset(drifts, 0, sizeof *drifts);
        if (!is_waiting(audit)) {
            /* Never from within: the timer goes on. */
            audit->is_settled = true;
            event_active(audit->timer, EV_TIMEOUT, 0);
        }
    }
    vx_gw_drifts_fini(drifts);
}

void
vx_gw_audit_put(const struct vx_gw_audit *audit, struct vx_buf *out,
                uint64_t *ret_serial)
{
    *ret_serial = audit->serial;
    vx_buf_printf(out, "{\"nonce\":%" PRIu64, audit->answered);
    if (audit->serial && !audit->is_told) {
        vx_buf_printf(out, ",\"took_ms\":%" PRId64 ",\"age_ms\":%" PRId64
                      ",\"repair\":%s,\"parts\":[%s]", audit->took_ms,
                      audit->ops.mono_ms() - audit->result_ms,
                      audit->result_repairs ? "true" : "false",
                      vx_buf_str(&audit->result));
    }
    vx_buf_puts(out, "}");
}

void
vx_gw_audit_told(struct vx_gw_audit *audit, uint64_t serial)
{
    audit->is_told |= serial == audit->serial;
}

void
vx_gw_audit_get_counts(const struct vx_gw_audit *audit,
                       struct vx_gw_audit_counts *ret_counts)
{
    *ret_counts = audit->counts;
}

struct vx_gw_audit *
vx_gw_audit_new(struct event_base *base, const struct vx_gw_audit_ops *ops,
                void *aux)
{
    struct vx_gw_audit *audit = vx_xcalloc(1, sizeof *audit);

    audit->ops = *ops;
    audit->aux = aux;
    audit->timer = event_new(base, -1, 0, on_timer, audit);
    return audit;
}

void
vx_gw_audit_free(struct vx_gw_audit *audit)
{
    if (!audit) {
        return;
    }
    for (int i = 0; i < VX_GW_N_PARTS; i++) {
        vx_gw_drifts_fini(&audit->parts[i].first);
        vx_gw_drifts_fini(&audit->parts[i].again);
    }
    event_free(audit->timer);
    vx_buf_fini(&audit->result);
    free(audit);
}
