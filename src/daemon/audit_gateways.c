/* SPDX-License-Identifier: Apache-2.0 */
/* Audits of gateways: vxgatewayd looks at itself (zebra, bgpd, the reflector,
 * its speaker, the kernel) when it is asked, and once a minute of its own
 * accord; what it reports is written into the gateway's book.
 *
 *   demand --> feed (nonce) --> vxgatewayd looks --> report (nonce) --> book
 *         \--> it is away, or older, or does not answer: why is told
 *
 * Nothing waits for a gateway longer than WAIT_MS. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/diff.h"
#include "daemon/audit_priv.h"
#include "lib/log.h"
#include "lib/xalloc.h"

enum {
    WAIT_MS = 10000,
    DRIFTS_MAX = VX_REPORT_MAX_DRIFTS,  /* told with a part; all are in the
                                         * book */
};

static struct gw_subject *
subject_of(const struct vx_tree_node *node)
{
    return node ? VX_CONTAINER(node, struct gw_subject, by_oid) : NULL;
}

static int
cmp_oid(const void *key, const struct vx_tree_node *node)
{
    uint64_t a = *(const uint64_t *) key, b = subject_of(node)->oid;

    return a < b ? -1 : a > b;
}

void
vx_gw_subjects_init(struct vx_audits *audits)
{
    vx_tree_init(&audits->gateways, cmp_oid);
}

static struct gw_subject *
get(struct vx_audits *audits, uint64_t oid)
{
    struct gw_subject *s = subject_of(vx_tree_find(&audits->gateways, &oid));

    if (!s) {
        s = vx_xcalloc(1, sizeof *s);
        s->owner = audits;
        s->oid = oid;
        vx_findings_init(&s->book, &audits->last_id);
        vx_tree_insert(&audits->gateways, &s->oid, &s->by_oid);
    }
    return s;
}

static void
subject_free(struct vx_audits *audits, struct gw_subject *s)
{
    vx_tree_remove(&audits->gateways, &s->by_oid);
    vx_wants_done(s->wants);
    vx_findings_fini(&s->book);
    free(s);
}

void
vx_audits_forget_gateway(struct vx_audits *audits, uint64_t gateway)
{
    struct gw_subject *s = subject_of(vx_tree_find(&audits->gateways,
                                                   &gateway));

    if (s) {
        subject_free(audits, s);
    }
}

void
vx_gw_subjects_fini(struct vx_audits *audits)
{
    VX_TREE_FOR_EACH_SAFE(node, next, &audits->gateways) {
        subject_free(audits, subject_of(node));
    }
}

static const char *
name_of(const struct gw_subject *s)
{
    const struct vx_obj *gateway = vx_model_by_oid(s->owner->env.model,
                                                   s->oid);

    return gateway ? gateway->name : "a gateway that was deleted";
}

/* --- Who waits. */

/* All that were asked for up to this nonce. */
static void
settle(struct gw_subject *s, uint64_t nonce)
{
    struct want *done = NULL, **at = &s->wants;

    while (*at) {
        struct want *w = *at;

        if (w->nonce <= nonce) {
            *at = w->next;
            w->next = done;
            done = w;
        } else {
            at = &w->next;
        }
    }
    if (nonce >= s->asked) {
        s->asked = 0;
    }
    vx_wants_done(done);
}

/* It was not looked at: the last audit has found nothing. */
static void
give_up(struct gw_subject *s, const char *why)
{
    snprintf(s->result, sizeof s->result, "%s", why);
    s->last_first_audit = s->book.audit + 1;
    s->n_rows = s->n_found = s->n_repaired = 0;
    for (int i = 0; i < VX_N_GATEWAY_PARTS; i++) {
        s->parts[i].is_known = false;
    }
}

void
vx_audits_gateway_away(struct vx_audits *audits, uint64_t gateway)
{
    struct gw_subject *s = subject_of(vx_tree_find(&audits->gateways,
                                                   &gateway));

    if (s && s->asked) {
        give_up(s, "not answered: vxgatewayd is not connected any more");
        settle(s, s->asked);
    }
}

void
vx_gw_subjects_tick(struct vx_audits *audits)
{
    int64_t now = audits->env.mono_ms();
    char why[80];

    VX_TREE_FOR_EACH(node, &audits->gateways) {
        struct gw_subject *s = subject_of(node);
        uint64_t late = 0;

        for (const struct want *w = s->wants; w; w = w->next) {
            if (now - w->since_ms >= WAIT_MS && w->nonce > late) {
                late = w->nonce;
            }
        }
        if (late) {
            snprintf(why, sizeof why, "not answered within %d s",
                     WAIT_MS / 1000);
            give_up(s, why);
            settle(s, late);
        }
    }
}

void
vx_gw_subject_demand(struct vx_audits *audits, const struct vx_obj *gateway,
                     bool repair, struct vx_api_audit_waiter *waiter)
{
    struct gw_subject *s = get(audits, gateway->oid);
    const struct vx_audits_env *env = &audits->env;
    uint64_t nonce = 0;
    const char *why = env->ask_gateway
        ? env->ask_gateway(env->ctx, gateway->oid, repair, &nonce)
        : "gateways cannot be asked";
    struct want *w;

    if (why) {
        give_up(s, why);
        return;
    }
    s->asked = nonce;
    w = vx_want_new(waiter);
    w->nonce = nonce;
    w->since_ms = env->mono_ms();
    w->next = s->wants;
    s->wants = w;
}

/* --- Answers. */

struct tally {
    size_t n[3], n_new;
    char example[400];
};

static void
note(struct gw_subject *s, const struct vx_api_part_audit *part,
     const struct vx_api_drift *drift, struct tally *tally)
{
    const struct vx_found f = {
        .part = part->part, .kind = vx_gateway_part_kind(part->part),
        .what = drift->what, .object = drift->object, .row = drift->row,
        .found = drift->found,
    };
    int64_t now = s->owner->env.wall_ms();
    struct vx_finding *kept = vx_findings_note(&s->book, &f, now);

    if (drift->what < 3) {
        tally->n[drift->what]++;
    }
    if (!kept) {
        return;
    }
    if (kept->seen_ms == kept->since_ms && !tally->n_new++) {
        snprintf(tally->example, sizeof tally->example, "%.60s: %s %.200s",
                 drift->object, vx_finding_what_name(drift->what),
                 drift->row);
    }
    if (drift->is_repaired) {
        vx_findings_over(&s->book, kept, now);
    }
}

/* One event for what is new.  Strays in zebra are told when they are taken
 * back (gateways_report.c). */
static void
tell(struct gw_subject *s, const struct vx_api_part_audit *part,
     const struct tally *tally)
{
    const struct vx_audits_env *env = &s->owner->env;
    char text[600];

    if (!tally->n_new
        || (part->part == VX_PART_ZEBRA && !tally->n[VX_DIFF_MISSING]
            && !tally->n[VX_DIFF_ALTERED])) {
        return;
    }
    snprintf(text, sizeof text, "%s of gateway %s: %zu missing, %zu altered, "
             "%zu foreign, %s; first: %s",
             vx_finding_kind_name(vx_gateway_part_kind(part->part)),
             name_of(s), tally->n[VX_DIFF_MISSING],
             tally->n[VX_DIFF_ALTERED], tally->n[VX_DIFF_FOREIGN],
             part->n_repaired == part->n_found ? "put right"
             : "not put right yet", tally->example);
    vx_log_warn(name_of(s), "drift: %s", text);
    env->drift(env->ctx, name_of(s), text);
}

/* What is not listed and not repaired is only counted. */
static size_t
n_beyond(const struct vx_api_part_audit *part)
{
    size_t listed = 0, left = (size_t) (part->n_found - part->n_repaired);

    for (size_t i = 0; i < part->n_items; i++) {
        listed += !part->items[i].is_repaired;
    }
    return left > listed ? left - listed : 0;
}

static void
take_part(struct gw_subject *s, const struct vx_api_part_audit *part)
{
    struct gw_part *kept = &s->parts[part->part - VX_PART_ZEBRA];
    struct vx_audits_counters *counters = &s->owner->counters;
    struct tally tally = { .n_new = 0 };

    snprintf(kept->result, sizeof kept->result, "%s", part->result);
    kept->is_known = true;
    kept->n_rows = part->n_rows;
    kept->n_found = part->n_found;
    kept->n_repaired = part->n_repaired;
    if (strcmp(part->result, "ok")) {
        kept->n_rows = kept->n_found = kept->n_repaired = 0;
        return;
    }
    vx_findings_begin(&s->book, part->part);
    for (size_t i = 0; i < part->n_items; i++) {
        note(s, part, &part->items[i], &tally);
    }
    vx_findings_beyond(&s->book, part->part, n_beyond(part));
    vx_findings_end(&s->book, part->part, s->owner->env.wall_ms());
    counters->n_found[vx_gateway_part_kind(part->part)] += part->n_found;
    counters->n_repaired += part->n_repaired;
    tell(s, part, &tally);
}

static void
sum_up(struct gw_subject *s)
{
    size_t used = 0;

    s->n_rows = s->n_found = s->n_repaired = 0;
    snprintf(s->result, sizeof s->result, "ok");
    for (int i = 0; i < VX_N_GATEWAY_PARTS; i++) {
        const struct gw_part *part = &s->parts[i];

        s->n_rows += part->n_rows;
        s->n_found += part->n_found;
        s->n_repaired += part->n_repaired;
        if (part->is_known && strcmp(part->result, "ok")
            && used < sizeof s->result) {
            used += (size_t) snprintf(
                s->result + used, sizeof s->result - used, "%s%s: %s",
                used ? "; " : "",
                vx_finding_kind_name((enum vx_finding_kind)
                                     (VX_FOUND_ZEBRA + i)), part->result);
        }
    }
}

void
vx_audits_gateway_answered(struct vx_audits *audits, uint64_t gateway,
                           const struct vx_api_gateway_audit *audit)
{
    struct gw_subject *s;

    if (!audit->n_parts) {
        return;
    }
    s = get(audits, gateway);
    s->last_first_audit = s->book.audit + 1;
    for (int i = 0; i < VX_N_GATEWAY_PARTS; i++) {
        s->parts[i].is_known = false;
        s->parts[i].n_rows = s->parts[i].n_found = 0;
        s->parts[i].n_repaired = 0;
    }
    for (size_t i = 0; i < audit->n_parts; i++) {
        take_part(s, &audit->parts[i]);
    }
    sum_up(s);
    s->took_ms = audit->took_ms;
    s->audited_ms = audits->env.wall_ms() - audit->age_ms;
    s->audited_ms = s->audited_ms > 0 ? s->audited_ms : 1;
    audits->counters.n_audits++;
    /* A number of another controller's is none of ours. */
    if (s->asked && audit->nonce <= s->asked) {
        settle(s, audit->nonce);
    }
}

/* --- What is known. */

/* What the last look found in this part, as far as there is room. */
static size_t
drifts_of(const struct gw_subject *s, enum vx_finding_part part,
          struct vx_api_audit_drift *drifts, size_t room)
{
    const struct vx_finding *f;
    size_t n = 0;

    for (f = vx_findings_after(&s->book, 0); f && n < room;
         f = vx_findings_after(&s->book, f->id)) {
        if (f->f.part == part && f->audit >= s->last_first_audit) {
            drifts[n++] = (struct vx_api_audit_drift) {
                .what = vx_finding_what_name(f->f.what),
                .object = f->f.object, .row = f->f.row, .found = f->f.found,
                .state = vx_finding_state(f),
            };
        }
    }
    return n;
}

void
vx_gw_subject_tell(struct vx_audits *audits, const struct vx_obj *gateway,
                   const struct vx_api_audit_query *query)
{
    const struct gw_subject *s = get(audits, gateway->oid);
    struct vx_api_audit_part parts[VX_N_GATEWAY_PARTS];
    struct vx_api_audit_drift drifts[VX_N_GATEWAY_PARTS][DRIFTS_MAX];
    const struct vx_obj *host = vx_model_by_oid(
        audits->env.model, ((const struct vx_gateway *) gateway)->host);
    size_t n_open = vx_findings_n_open(&s->book), n = 0;

    for (int i = 0; i < VX_N_GATEWAY_PARTS; i++) {
        enum vx_finding_part part = (enum vx_finding_part) (VX_PART_ZEBRA + i);

        if (s->parts[i].is_known) {
            parts[n++] = (struct vx_api_audit_part) {
                .part = vx_finding_kind_name((enum vx_finding_kind)
                                             (VX_FOUND_ZEBRA + i)),
                .result = s->parts[i].result, .n_rows = s->parts[i].n_rows,
                .n_found = s->parts[i].n_found,
                .n_repaired = s->parts[i].n_repaired,
                .drifts = drifts[i],
                .n_drifts = drifts_of(s, part, drifts[i], DRIFTS_MAX),
            };
        }
    }
    query->each_gateway(query->aux, &(struct vx_api_audit_gateway) {
        .gateway = gateway->name, .host = host ? host->name : "",
        .sum = {
            .state = s->asked ? "waiting" : "idle", .result = s->result,
            .audited_ms = s->audited_ms, .took_ms = s->took_ms,
            .n_rows = s->n_rows, .n_found = s->n_found,
            .n_repaired = s->n_repaired, .n_open = n_open,
            .n_left_out = n_open - s->book.n_open,
        },
        .parts = parts, .n_parts = n,
    });
}

const struct vx_findings *
vx_gw_subject_book(struct vx_audits *audits, uint64_t gateway,
                   uint64_t *ret_first)
{
    const struct gw_subject *s = get(audits, gateway);

    *ret_first = s->last_first_audit;
    return &s->book;
}

size_t
vx_gw_subjects_n_open(const struct vx_audits *audits)
{
    size_t n = 0;

    VX_TREE_FOR_EACH(node, &audits->gateways) {
        n += vx_findings_n_open(&subject_of(node)->book);
    }
    return n;
}

int64_t
vx_audits_gateway_last_ms(const struct vx_audits *audits, uint64_t gateway)
{
    const struct gw_subject *s = subject_of(
        vx_tree_find(&audits->gateways, &gateway));

    return s ? s->audited_ms : 0;
}
