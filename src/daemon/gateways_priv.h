/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of gateways.h. */
#ifndef VX_DAEMON_GATEWAYS_PRIV_H
#define VX_DAEMON_GATEWAYS_PRIV_H

#include "api/gateways.h"
#include "core/export.h"
#include "core/feedlog.h"
#include "core/learned.h"
#include "daemon/gateways.h"
#include "lib/tree.h"

struct event;

enum {
    VX_GW_SEEN_MS = 5000,       /* a report counts for so long */
    VX_GW_SILENT_MS = 120000,   /* after a start: so long gateways have to say
                                 * what they know */
    VX_GW_GRACE_MS = 20000,     /* after a start: so long hosts have to come
                                 * back */
    VX_GW_SYNC_MS = 60000,      /* after a start: so long a gateway's own host
                                 * has to */
};

/* --- A gateway. */

/* An entry that the gateway could not carry out. */
struct vx_gw_failed {
    struct vx_tree_node by_key;
    struct vx_feed_key key;
    char *why;
};

struct vx_gw_session {
    char *peering, *family, *state, *error;
    int64_t since_ms;
    uint64_t n_in, n_out;
};

/* A path that the gateway does not use. */
struct vx_gw_unused {
    const char *type;           /* static */
    char *tenants;              /* "a b" */
    char *path, *why;
};

struct vx_gw {
    struct vx_tree_node by_oid;
    struct vx_gws *gws;
    uint64_t oid;
    char *name;
    uint32_t as;                /* as the entries were made with */
    bool evpn;
    struct vx_feedlog *log;
    struct vx_api_feed *stream; /* NULL = none is open */

    /* Reports. */
    char boot[VX_REPORT_WORD + 1];
    int64_t seen_ms, seen_wall_ms;      /* monotonic; 0 = never */
    uint64_t acked;
    int64_t acked_ms;           /* when acked last grew, or all was acked */
    bool connected;
    int64_t since_wall_ms;      /* of connected */
    bool knows_audits;          /* else it is an older vxgatewayd */
    uint64_t audit_nonce;       /* to be told in the stream; 0 = none */
    bool audit_repair;
    bool has_reported;          /* in full, in this life of the controller */
    bool expired;               /* its FlowSpec rules, since it is silent; it
                                 * has to report in full */
    bool in_full;
    uint64_t generation;
    int64_t window_ms;          /* of the rate limit */
    unsigned n_in_window;
    struct vx_gw_session *sessions;     /* by peering */
    size_t n_sessions;
    struct vx_gw_unused *unused;
    size_t n_unused;
    char *trouble;              /* what of it does not work; "" = nothing */
    struct vx_tree failed;      /* struct vx_gw_failed */
    char *counters;
    uint64_t n_strays;          /* in this life of the gateway */
    struct vx_tree items;       /* struct vx_gw_item */
    struct vx_tree counts;      /* struct vx_gw_count */
    size_t n_refused;           /* of items */
    bool has_room;              /* something has gone since they were refused
                                 * */
};

/* A key that some change has touched. */
struct vx_gw_dirty {
    struct vx_tree_node by_key;
    struct vx_gw_dirty *next;
    struct vx_feed_key key;
};

/* Objects that are to be looked at, a slice at a time. */
struct vx_gw_scan {
    struct vx_gw_scan *next;
    unsigned step;              /* which kind */
    char tenant[VX_NAME_MAX + 1];       /* "" = all */
    char after[3][VX_NAME_MAX + 1];     /* tenant, network, name */
};

/* A port that is away: for a while it counts as active. */
struct vx_gw_damp {
    struct vx_tree_node by_port;
    uint64_t port;
    int64_t due_ms;
};

/* A leg that was found not to be ready: when it is, its tenant's prefixes are
 * looked at again. */
struct vx_gw_unready {
    struct vx_tree_node by_leg;
    uint64_t leg;
};

/* --- Learned items. */

struct vx_gw_target;
struct vx_gw_count;

struct vx_gw_link {
    struct vx_tree_node by_item;        /* vx_gw_target.members */
    struct vx_gw_item *item;
    struct vx_gw_target *target;
};

struct vx_gw_item {
    struct vx_tree_node by_key;
    struct vx_gw *gw;
    struct vx_learned *item;
    uint64_t generation;
    struct vx_gw_count *count;  /* NULL = it is refused */
    char *refused;              /* why; then it has no links */
    struct vx_gw_link links[VX_LEARNED_MAX_TARGETS];
    size_t n_links;
    char key[VX_LEARNED_KEY_SIZE];
};

struct vx_gw_target {
    struct vx_tree_node by_target;
    struct vx_target target;
    struct vx_tree members;     /* struct vx_gw_link */
    struct vx_gw_target *next;  /* in the queue */
    bool queued, stale;
    struct vx_tree_node by_refused;     /* gws->refused, if reason */
    int64_t tried_ms;
    bool is_refused;
    char reason[200];
};

struct vx_api_report_waiter {
    struct vx_api_report_waiter *prev, *next;
    struct vx_gws *gws;
    uint64_t ticket;
    void (*done)(void *aux, uint64_t revision);
    void *aux;
};

struct vx_gw_held;

/* --- All of it. */

struct vx_gws {
    struct vx_app *app;
    struct vx_api_gateways api;
    struct vx_export_env env;
    struct vx_tree gateways;    /* struct vx_gw, by oid */
    char epoch[33];
    int64_t started_ms;
    uint64_t started_at;        /* revision */
    bool started;
    bool grace_over;            /* VX_GW_GRACE_MS, and it was acted upon */

    struct vx_tree dirty;
    struct vx_gw_dirty *first, **last;
    struct vx_gw_scan *scans;
    struct vx_tree damps;
    struct vx_tree unready;     /* struct vx_gw_unready */
    struct event *work;         /* a slice of what is to be done */
    bool told_now;              /* of the key that is being evaluated */
    const struct vx_change *changes;    /* that are being told */
    size_t n_changes;
    int64_t events_window_ms;   /* of the limit of events */
    unsigned n_events;

    struct vx_tree targets, refused;
    struct vx_gw_target *queue, **queue_last;
    uint64_t n_queued, n_worked;
    bool learned_settled;
    struct vx_api_report_waiter *waiters;

    struct vx_gw_held *held;
    size_t n_held;

    struct vx_tree legs;        /* tenants whose legs are to be looked at */
    uint64_t last_seq;          /* of the logs of gateways that are gone */
    bool legs_refused;          /* some were: at the next tick they are */
    bool legs_again;            /* tried again */
    uint64_t last_nonce;        /* of audits; grows, over restarts too */
    uint64_t n_withdrawn_late;  /* held requests whose time was over */
    uint64_t n_reports, n_reports_refused;
};

/* gateways.c */
void vx_gws_work_later(struct vx_gws *gws);
/* The key is looked at again. */
void vx_gws_touch(void *gws, const struct vx_feed_key *key);
/* At once: the model is committed. */
void vx_gws_look_now(struct vx_gws *gws, const struct vx_feed_key *key);
struct vx_gw *vx_gws_find(const struct vx_gws *gws, uint64_t oid);
struct vx_gw *vx_gws_by_name(const struct vx_gws *gws, const char *name);
uint64_t vx_gws_realized_by(const struct vx_gws *gws, const struct vx_gw *gw);
/* What there is to be told to gateways now is in their logs. */
bool vx_gws_is_settled(const struct vx_gws *gws);
/* The entry as it is now; told: whether the gateway knows it. */
enum vx_export_verdict vx_gws_evaluate(struct vx_gws *gws,
                                       const struct vx_gw *gw,
                                       const struct vx_feed_key *key,
                                       bool told, struct vx_export *ret);
#define VX_GWS_FOR_EACH(GW, GWS)                                        \
    for (struct vx_tree_node *node_ = vx_tree_first(&(GWS)->gateways);  \
         node_ && ((GW) = VX_CONTAINER(node_, struct vx_gw, by_oid));   \
         node_ = vx_tree_next(node_))

/* gateways_feed.c */
struct vx_api_feed *vx_gws_open(void *gws,
                                const struct vx_api_feed_demand *demand,
                                struct vx_error *err);
void vx_gws_pump(struct vx_api_feed *feed);
void vx_gws_close(struct vx_api_feed *feed);
void vx_gws_cut(struct vx_gw *gw, const char *why);
void vx_gws_pump_all(struct vx_gws *gws);
void vx_gws_keep_alive(struct vx_gws *gws);

/* gateways_report.c */
bool vx_gws_report(void *gws, const struct vx_api_report *report,
                   void (*done)(void *aux, uint64_t revision), void *aux,
                   struct vx_api_report_waiter **ret_waiter,
                   struct vx_error *err);
void vx_gws_report_cancel(void *gws, struct vx_api_report_waiter *waiter);
void vx_gws_report_done(struct vx_gws *gws);
/* Of a peering, "acme/ce1", one per family; NULL: none (more). */
const struct vx_gw_session *vx_gws_sessions_of(const struct vx_gw *gw,
                                               const char *peering);
const struct vx_gw_session *vx_gws_next_session(
    const struct vx_gw *gw, const struct vx_gw_session *session);
void vx_gws_look_connected(struct vx_gw *gw);
void vx_gws_forget_report(struct vx_gw *gw);

/* gateways_learn.c */
void vx_gws_learn_start(struct vx_gws *gws);
void vx_gws_learn_free(struct vx_gws *gws);
void vx_gws_learn(struct vx_gw *gw, const struct vx_api_report *report);
/* The gateway is no more. */
void vx_gws_unlearn(struct vx_gw *gw);
void vx_gws_learn_changed(struct vx_gws *gws, const struct vx_change *change);
void vx_gws_learn_undone(struct vx_gws *gws, const struct vx_change *change);
/* A slice of the queue; true: there is more. */
bool vx_gws_learn_work(struct vx_gws *gws);
void vx_gws_learn_tick(struct vx_gws *gws);
/* Why it is not used, "" if it is. */
const char *vx_gws_item_reason(const struct vx_gw_item *item);

/* gateways_limit.c */
/* Counts it; false: item->refused says why not. */
bool vx_gws_admit(struct vx_gw_item *item);
/* Takes it out of its count. */
void vx_gws_leave(struct vx_gw_item *item);
int vx_gws_count_compare(const void *key, const struct vx_tree_node *node);

/* gateways_hold.c */
/* The gateway has acknowledged more, or is gone. */
void vx_gws_held_look(struct vx_gws *gws);
void vx_gws_held_free(struct vx_gws *gws);
/* It is new: what others have withdrawn is not announced by it either. */
void vx_gws_held_withdraw(struct vx_gw *gw);

/* gateways_vtep.c */
void vx_gws_touch_gateways(struct vx_gws *gws);
/* While gws->changes are the commit's. */
void vx_gws_host_changed(struct vx_gws *gws, const struct vx_change *change);

/* gateways_legs.c */
void vx_gws_legs_start(struct vx_gws *gws);
void vx_gws_legs_changed(struct vx_gws *gws, const struct vx_change *change);
void vx_gws_legs_work(struct vx_gws *gws);
void vx_gws_legs_free(struct vx_gws *gws);

/* gateways_api.c */
/* "acme/ce1", "up1"; NULL if there is none. */
const struct vx_peering *vx_gws_find_peering(const struct vx_model *model,
                                             const char *name);
void vx_gws_api_init(struct vx_gws *gws);

#endif
