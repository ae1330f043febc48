/* SPDX-License-Identifier: Apache-2.0 */
/* When a host is audited, and what becomes of what is found; see audit.h. */
#include "daemon/audit.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/diff.h"
#include "core/explain.h"
#include "core/pipeline.h"
#include "daemon/audit_priv.h"
#include "daemon/hosts.h"
#include "lib/buf.h"
#include "lib/log.h"
#include "lib/xalloc.h"
#include "ovs-glue/of_codec.h"

enum {
    TICK_MS = 1000,
    MAX_RUNNING = 4,            /* audits at once */
    SOON_MS = 2000,             /* after a switch was believed */
};

static void next_part(struct subject *s);

/* --- Subjects. */

static struct subject *
subject_of(const struct vx_tree_node *node)
{
    return node ? VX_CONTAINER(node, struct subject, by_oid) : NULL;
}

static int
cmp_oid(const void *key, const struct vx_tree_node *node)
{
    uint64_t a = *(const uint64_t *) key, b = subject_of(node)->oid;

    return a < b ? -1 : a > b;
}

static struct subject *
find(const struct vx_audits *audits, uint64_t oid)
{
    return subject_of(vx_tree_find(&audits->subjects, &oid));
}

/* Any number of hosts that connect together are spread over the interval. */
struct subject *
vx_subject_get(struct vx_audits *audits, uint64_t oid)
{
    struct subject *s = find(audits, oid);
    int64_t now = audits->env.mono_ms();

    if (!s) {
        s = vx_xcalloc(1, sizeof *s);
        s->owner = audits;
        s->oid = oid;
        vx_findings_init(&s->book, &audits->last_id);
        vx_repair_init(&s->repair, now);
        vx_lacks_init(&s->lacks[0]);
        vx_lacks_init(&s->lacks[1]);
        s->due_ms = INT64_MAX;
        if (audits->env.interval_ms) {
            s->due_ms = now + audits->env.interval_ms / 2;
            s->due_ms += (int64_t) (oid * UINT64_C(2654435761)
                                    % audits->env.interval_ms);
        }
        vx_tree_insert(&audits->subjects, &s->oid, &s->by_oid);
    }
    return s;
}

static void
subject_free(struct subject *s)
{
    vx_wants_done(s->wants);
    vx_wants_done(s->run_wants);
    vx_findings_fini(&s->book);
    vx_lacks_fini(&s->lacks[0]);
    vx_lacks_fini(&s->lacks[1]);
    free(s->example);
    free(s);
}

void
vx_audits_forget(struct vx_audits *audits, uint64_t host)
{
    struct subject *s = find(audits, host);

    if (s) {
        vx_tree_remove(&audits->subjects, &s->by_oid);
        s->forgotten = true;
        if (!s->running) {
            subject_free(s);
        }
    }
}

static const struct vx_obj *
host_of(const struct subject *s)
{
    return vx_model_by_oid(s->owner->env.model, s->oid);
}

static const char *
name_of(const struct subject *s)
{
    const struct vx_obj *host = host_of(s);

    return host ? host->name : "a host that was deleted";
}

/* --- A run. */

/* Who only looks does not put off the audit that may repair; one that has
 * left something alone is not the last. */
static void
set_due(struct subject *s, int64_t now)
{
    uint32_t interval_ms = s->owner->env.interval_ms;

    if (!s->on_demand || s->may_repair) {
        s->due_ms = interval_ms ? now + interval_ms : INT64_MAX;
        if (s->wait_ms && s->due_ms > now + s->wait_ms) {
            s->due_ms = now + s->wait_ms;
        }
    }
}

static void
finish(struct subject *s, const char *why)
{
    struct vx_audits *audits = s->owner;
    const struct vx_audits_env *env = &audits->env;
    int64_t now = env->mono_ms();
    struct want *wants = s->run_wants;

    s->running = false;
    s->run_wants = NULL;
    audits->n_running--;
    s->last_first_audit = s->first_audit;
    s->last_n_rows = s->n_rows;
    s->last_n_found = s->n_found;
    s->last_n_repaired = s->n_repaired;
    s->took_ms = now - s->begun_ms;
    snprintf(s->result, sizeof s->result, "%s", why ? why : "ok");
    if (!why) {
        s->audited_ms = env->wall_ms();
        audits->counters.n_audits++;
    }
    set_due(s, now);
    if (s->forgotten) {
        subject_free(s);
    }
    vx_wants_done(wants);
    event_active(audits->tick, EV_TIMEOUT, 0);
}

/* One line of the log and one event for what is new, whatever the number. */
static void
tell(struct subject *s, const char *bridge, const char *then)
{
    const struct vx_audits_env *env = &s->owner->env;
    char *text;

    if (!s->example) {
        return;
    }
    text = vx_xasprintf("%s: %zu missing, %zu altered, %zu foreign, %s; "
                        "first: %s", bridge, s->n_part[VX_DIFF_MISSING],
                        s->n_part[VX_DIFF_ALTERED],
                        s->n_part[VX_DIFF_FOREIGN], then, s->example);
    vx_log_warn(name_of(s), "drift: %s", text);
    env->drift(env->ctx, name_of(s), text);
    free(text);
    free(s->example);
    s->example = NULL;
}

static void
note(struct subject *s, const struct vx_found *f)
{
    int64_t now = s->owner->env.wall_ms();
    const struct vx_finding *kept = vx_findings_note(&s->book, f, now);

    if (kept && kept->seen_ms == kept->since_ms && !s->example) {
        s->example = vx_xasprintf("%s: %s %s%s%s", f->object,
                                  vx_finding_what_name(f->what), f->row,
                                  f->found[0] ? ", found " : "", f->found);
    }
}

static void
count(struct subject *s, enum vx_finding_kind kind, unsigned what)
{
    s->n_found++;
    s->n_part[what]++;
    s->owner->counters.n_found[kind]++;
}

static enum vx_finding_kind
kind_of(const struct vx_crow *row)
{
    return row->type == VX_ROW_FLOW ? VX_FOUND_FLOW
           : row->type == VX_ROW_GROUP ? VX_FOUND_GROUP
           : row->type == VX_ROW_BUCKET ? VX_FOUND_BUCKET : VX_FOUND_METER;
}

static enum vx_tier
tier_of(const struct subject *s)
{
    return s->part == VX_PART_TENANT ? VX_TENANT_TIER : VX_FABRIC_TIER;
}

/* A row that is wanted says best whose it is. */
static void
on_drift(void *subject, unsigned what, const struct vx_crow *have,
         const struct vx_crow *want)
{
    struct subject *s = subject;
    const struct vx_crow *row = want ? want : have;
    struct vx_found f = { .part = s->part, .kind = kind_of(row),
                          .what = what };
    struct vx_buf text = VX_BUF_INIT, found = VX_BUF_INIT;
    struct vx_row_hint hint;
    char object[400];

    og_crow_hint(row, &hint);
    if (f.kind == VX_FOUND_METER && tier_of(s) == VX_TENANT_TIER
        && s->owner->env.port_at) {
        hint.port = s->owner->env.port_at(s->owner->env.ctx, s->oid,
                                          hint.vni & 0xffffff);
    }
    if (what != VX_DIFF_FOREIGN) {
        vx_lacks_note(&s->lacks[s->part], s->owner->env.model, &hint);
    }
    count(s, f.kind, what);
    if (s->n_part[0] + s->n_part[1] + s->n_part[2] > VX_FINDINGS_MAX) {
        vx_findings_beyond(&s->book, s->part, 1);
        return;
    }
    vx_explain_row(s->owner->env.model, tier_of(s), &hint, object,
                   sizeof object);
    og_crow_format(row, &text);
    if (want && have) {
        og_crow_format(have, &found);
    }
    f.object = object;
    f.row = vx_buf_str(&text);
    f.found = vx_buf_str(&found);
    note(s, &f);
    vx_buf_fini(&text);
    vx_buf_fini(&found);
}

static const char *
bridge_of(enum vx_finding_part part)
{
    return part == VX_PART_TENANT ? VX_BRIDGE_TENANT
           : part == VX_PART_FABRIC ? VX_BRIDGE_FABRIC : "OVSDB";
}

static void
touch(void *subject, uint64_t oid)
{
    const struct subject *s = subject;

    s->owner->env.touch(s->owner->env.ctx, s->oid, oid);
}

static void
note_lacks(struct subject *s)
{
    struct vx_host_facts facts;

    if (vx_hosts_facts(s->owner->env.hosts, s->oid, &facts)) {
        vx_lacks_end(&s->lacks[s->part], facts.sw[s->part].n_resyncs, touch,
                     s);
    }
}

static bool
on_compared(void *subject, size_t n_rows, size_t n_differences)
{
    struct subject *s = subject;
    int64_t now = s->owner->env.mono_ms();
    int64_t wait_ms = s->on_demand || s->has_begun ? 0
                      : vx_repair_wait_ms(&s->repair, now);
    bool repair = n_differences && s->may_repair && !wait_ms;
    char then[80] = "left as it is";

    s->n_rows += n_rows;
    vx_findings_end(&s->book, s->part, s->owner->env.wall_ms());
    if (repair) {
        snprintf(then, sizeof then, "being repaired");
    } else if (s->may_repair) {
        snprintf(then, sizeof then, "left alone for %lld s: it comes back "
                 "again and again", (long long) wait_ms / 1000 + 1);
        s->wait_ms = n_differences ? wait_ms : s->wait_ms;
    }
    tell(s, bridge_of(s->part), then);
    note_lacks(s);
    s->repairs = repair;
    s->is_lost = s->n_part[VX_DIFF_MISSING] > n_rows;
    if (repair && !s->on_demand && !s->has_begun) {
        vx_repair_begin(&s->repair, now);
        s->has_begun = true;
    }
    return repair;
}

static size_t
on_take(void *subject, size_t n, int64_t *ret_wait_ms)
{
    struct subject *s = subject;

    if (s->is_lost) {           /* nothing is left to be spared */
        return n < VX_REPAIR_BURST ? n : VX_REPAIR_BURST;
    }
    return vx_repair_take(&s->repair, n, s->owner->env.mono_ms(),
                          ret_wait_ms);
}

static void
on_done(void *subject, const char *why, size_t n_repaired)
{
    struct subject *s = subject;

    if (why || s->forgotten) {
        char text[120];

        snprintf(text, sizeof text, "%s: %.90s", bridge_of(s->part),
                 why ? why : "deleted");
        finish(s, text);
        return;
    }
    /* Fewer are sent if some changed meanwhile, which put them right too. */
    if (s->repairs) {
        s->n_repaired += n_repaired;
        s->owner->counters.n_repaired += n_repaired;
        vx_findings_repaired(&s->book, s->part, s->owner->env.wall_ms());
        vx_log_info(name_of(s), "%s: %zu rows repaired", bridge_of(s->part),
                    n_repaired);
        note_lacks(s);          /* nothing, any more */
    }
    s->part++;
    next_part(s);
}

/* --- OVSDB. */

static void
on_stranger(void *subject, const char *port)
{
    struct subject *s = subject;
    char *row = vx_xasprintf("port \"%s\" on " VX_BRIDGE_FABRIC, port);
    struct vx_found f = {
        .part = VX_PART_OVSDB, .kind = VX_FOUND_OVSDB,
        .what = VX_DIFF_FOREIGN, .object = "nobody", .row = row,
        .found = "",
    };

    count(s, f.kind, f.what);
    note(s, &f);
    free(row);
}

static void
on_evicted(void *audits_, uint64_t host, bool ok)
{
    struct vx_audits *audits = audits_;
    struct subject *s = find(audits, host);

    if (!s || !s->running || s->part != VX_PART_OVSDB) {
        return;
    }
    if (ok) {
        s->n_repaired += s->n_part[VX_DIFF_FOREIGN];
        audits->counters.n_repaired += s->n_part[VX_DIFF_FOREIGN];
        vx_findings_repaired(&s->book, s->part, audits->env.wall_ms());
    }
    finish(s, ok ? NULL : "the OVSDB refuses the repair");
}

static void
audit_ovsdb(struct subject *s)
{
    const struct vx_audits_env *env = &s->owner->env;
    bool repair;

    vx_findings_begin(&s->book, s->part);
    vx_hosts_strange_ports(env->hosts, s->oid, on_stranger, s);
    vx_findings_end(&s->book, s->part, env->wall_ms());
    repair = s->n_part[VX_DIFF_FOREIGN] && s->on_demand && s->may_repair;
    tell(s, bridge_of(s->part), repair ? "being repaired" : "left as it is");
    if (!repair || !vx_hosts_evict(env->hosts, s->oid, on_evicted,
                                   s->owner)) {
        finish(s, NULL);
    }
}

void
vx_audits_ovsdb(struct vx_audits *audits, uint64_t host, const char *lines)
{
    struct subject *s = vx_subject_get(audits, host);
    const struct vx_audits_env *env = &audits->env;
    int64_t now = env->wall_ms();
    size_t n;

    for (const char *p = lines; *p; p += n + (p[n] == '\n')) {
        struct vx_found f = {
            .part = VX_PART_OVSDB, .kind = VX_FOUND_OVSDB,
            .what = VX_DIFF_ALTERED, .object = "base", .found = "",
        };
        struct vx_finding *kept;
        char *line;

        n = strcspn(p, "\n");
        line = vx_xstrndup(p, n);
        f.row = line;
        kept = vx_findings_note(&s->book, &f, now);
        if (kept) {
            vx_findings_over(&s->book, kept, now);
        }
        audits->counters.n_found[VX_FOUND_OVSDB]++;
        audits->counters.n_repaired++;
        vx_log_warn(name_of(s), "drift: OVSDB: %s; put right", line);
        env->drift(env->ctx, name_of(s), line);
        free(line);
    }
    /* Another fail_mode, for one, has cost the bridge its flows. */
    s->urgent = true;
    event_active(audits->tick, EV_TIMEOUT, 0);
}

/* --- From part to part. */

static void
next_part(struct subject *s)
{
    const struct vx_switch_audit audit = {
        .ctx = s, .hurry = s->on_demand,
        .only_looks = s->on_demand && !s->may_repair, .drift = on_drift,
        .compared = on_compared, .take = on_take, .done = on_done,
    };
    struct vx_switch *sw;

    memset(s->n_part, 0, sizeof s->n_part);
    s->repairs = false;
    if (s->part == VX_PART_OVSDB) {
        audit_ovsdb(s);
        return;
    }
    sw = vx_hosts_switch(s->owner->env.hosts, s->oid, tier_of(s));
    vx_findings_begin(&s->book, s->part);
    vx_lacks_begin(&s->lacks[s->part]);
    if (!sw || !vx_switch_audit(sw, &audit)) {
        char why[120];

        snprintf(why, sizeof why, "%s is %s", bridge_of(s->part),
                 !sw ? "gone" : vx_switch_state(sw) == VX_SWITCH_SYNCED
                 ? "being audited" : vx_switch_state_name(
                     vx_switch_state(sw)));
        finish(s, why);
    }
}

static void
begin(struct subject *s)
{
    struct vx_audits *audits = s->owner;

    s->running = true;
    s->part = VX_PART_TENANT;
    s->on_demand = s->demanded;
    s->may_repair = s->demanded ? s->repair_demanded : audits->env.repair;
    s->run_wants = s->wants;
    s->wants = NULL;
    s->demanded = s->repair_demanded = false;
    s->urgent &= s->on_demand && !s->may_repair;
    s->begun_ms = audits->env.mono_ms();
    s->first_audit = s->book.audit + 1;
    s->n_rows = s->n_found = s->n_repaired = 0;
    s->has_begun = false;
    s->wait_ms = 0;
    audits->n_running++;
    next_part(s);
}

/* --- When. */

static bool
is_auditable(const struct subject *s, struct vx_host_facts *facts)
{
    return vx_hosts_facts(s->owner->env.hosts, s->oid, facts)
           && facts->sw[0].state == VX_SWITCH_SYNCED
           && facts->sw[1].state == VX_SWITCH_SYNCED;
}

/* A switch that was only believed is looked at soon, also if nothing else is
 * audited unless somebody asks. */
static bool
is_due(struct subject *s, int64_t now)
{
    struct vx_host_facts facts;

    if (s->running || !is_auditable(s, &facts)) {
        return false;
    }
    if ((facts.sw[0].is_unproven || facts.sw[1].is_unproven)
        && s->due_ms > now + SOON_MS) {
        s->due_ms = now + SOON_MS;
    }
    return s->due_ms <= now || s->urgent;
}

void
vx_audits_kick(struct vx_audits *audits)
{
    int64_t now = audits->env.mono_ms();

    VX_TREE_FOR_EACH(node, &audits->subjects) {
        struct subject *s = subject_of(node);

        if (s->demanded && !s->running && audits->n_running < MAX_RUNNING) {
            begin(s);
        }
    }
    VX_TREE_FOR_EACH(node, &audits->subjects) {
        struct subject *s = subject_of(node);

        if (is_due(s, now) && audits->n_running < MAX_RUNNING) {
            begin(s);
        }
    }
}

static void
learn_hosts(struct vx_audits *audits)
{
    const struct vx_obj *host;
    struct vx_iter iter;

    vx_iter_init(&iter, audits->env.model, VX_HOST, NULL, NULL);
    while ((host = vx_iter_next(&iter))) {
        if (!vx_obj_is_external(host)) {
            vx_subject_get(audits, host->oid);
        }
    }
}

static void
on_tick(evutil_socket_t fd, short what, void *audits_)
{
    static const struct timeval tv = { TICK_MS / 1000, 0 };
    struct vx_audits *audits = audits_;

    (void) fd;
    (void) what;
    learn_hosts(audits);
    vx_audits_kick(audits);
    vx_gw_subjects_tick(audits);
    event_add(audits->tick, &tv);
}

struct vx_audits *
vx_audits_new(const struct vx_audits_env *env)
{
    static const struct timeval tv = { TICK_MS / 1000, 0 };
    struct vx_audits *audits = vx_xcalloc(1, sizeof *audits);

    audits->env = *env;
    vx_tree_init(&audits->subjects, cmp_oid);
    vx_gw_subjects_init(audits);
    vx_audits_api_init(audits);
    audits->tick = evtimer_new(env->base, on_tick, audits);
    event_add(audits->tick, &tv);
    return audits;
}

void
vx_audits_free(struct vx_audits *audits)
{
    if (!audits) {
        return;
    }
    vx_audits_cancel_all(audits);
    VX_TREE_FOR_EACH_SAFE(node, next, &audits->subjects) {
        struct subject *s = subject_of(node);

        vx_tree_remove(&audits->subjects, node);
        subject_free(s);
    }
    vx_gw_subjects_fini(audits);
    event_free(audits->tick);
    free(audits);
}

void
vx_audits_counters(const struct vx_audits *audits,
                   struct vx_audits_counters *ret_counters)
{
    *ret_counters = audits->counters;
    ret_counters->n_open = vx_gw_subjects_n_open(audits);
    VX_TREE_FOR_EACH(node, &audits->subjects) {
        ret_counters->n_open += vx_findings_n_open(&subject_of(node)->book);
    }
}

size_t
vx_audits_n_lacking(const struct vx_audits *audits,
                    const struct vx_host_facts *facts,
                    const struct vx_place *place, uint64_t port)
{
    const struct subject *s = find(audits, place->host);
    const uint64_t oids[] = { port, place->network, 0 };
    size_t n = 0;

    for (int i = 0; s && i < 6; i++) {
        n += vx_lacks_get(&s->lacks[i / 3], facts->sw[i / 3].n_resyncs,
                          oids[i % 3]);
    }
    return n;
}

int64_t
vx_audits_last_ms(const struct vx_audits *audits, uint64_t host)
{
    const struct subject *s = find(audits, host);

    return s ? s->audited_ms : 0;
}
