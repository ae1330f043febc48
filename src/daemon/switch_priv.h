/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of a switch; nobody else includes it.
 *
 *   switch.c         life, states, what is sent and owed
 *   switch_epoch.c   the row that says that nothing was touched
 *   switch_pair.c    what waits for the host's other bridge
 *   switch_resync.c  all rows compared after a connect, and put in order
 *   switch_audit.c   the same beside the work, without leaving SYNCED
 *   switch_count.c   counters, beside the work as well */
#ifndef VX_DAEMON_SWITCH_PRIV_H
#define VX_DAEMON_SWITCH_PRIV_H

#include "daemon/switch.h"

struct event;
struct resync;
struct run;
struct vx_crow;

/* What the dump under way is for. */
enum dump_for { DUMP_NOTHING, DUMP_EPOCH, DUMP_RESYNC, DUMP_AUDIT };

/* Something sent and not yet confirmed. */
struct owed {
    struct owed *next;
    uint64_t tag;
    uint64_t revision;          /* committed when it was sent; one more if
                                 * no intent depends on it */
    struct vx_receipt *receipt; /* NULL: nobody waits */
    uint64_t opens;             /* a fence of the peer, 0 = none */
    enum owed_for {
        OWED_CHANGE,
        OWED_RESYNC,            /* the last of a resync */
        /* No intent depends on these. */
        OWED_REPAIR,            /* a piece of a repair */
        OWED_EPOCH,
        OWED_FENCE,             /* nothing; the peer waits */
        OWED_GIVEN,             /* nothing; of a resync, all is before it
                                 * but what is held back */
    } what;
};

struct vx_switch {
    struct vx_switch_env env;
    char *name;
    struct og_of_session *session;
    bool allowed;
    enum dump_for dump_for;     /* NOTHING: who asked for the dump under way
                                 * has given up */
    bool is_dumping;
    bool is_fresh;              /* just connected: an epoch may be believed */
    bool refresh;               /* once it is synced, vx_switch_refresh */
    struct owed *first, **last;
    uint64_t last_tag;
    struct vx_switch *peer;     /* the other bridge of the host */
    uint64_t last_fence;        /* of what is sent to this one */
    uint64_t waits;             /* the last that is closed, 0 = none */
    uint64_t waits_since;       /* newest comparison when that was set */
    struct event *patience;     /* how long it stays closed at most */
    uint64_t compiled;          /* number of the last comparison, common to
                                 * both bridges */
    bool gave;                  /* all that it gives is confirmed */
    int64_t expected_ms;        /* when it was last seen, or was to follow
                                 * the other one */
    struct event *pause;
    unsigned pause_ms;
    uint64_t n_sent_before;     /* messages of sessions that are gone */
    struct vx_switch_facts facts;

    struct resync *resync;      /* comparison under way */
    struct event *slice;        /* its next slice */

    vx_switch_counted_cb *counting;     /* counters are asked for, else
                                         * NULL */
    void *counting_ctx;

    struct run *run;            /* audit under way */
    struct event *step;         /* its next step */

    uint64_t epoch;             /* cookie of the epoch row that is there or
                                 * on its way, 0 = none */
    struct event *quiet;        /* when it is to be written */
    struct og_msgs *epoch_del;
};

/* switch.c */
void vx_switch_set_state(struct vx_switch *sw, enum vx_switch_state state);
struct owed *vx_switch_send_owed(struct vx_switch *sw, struct og_msgs *msgs,
                                 struct vx_receipt *receipt,
                                 enum owed_for what);
struct owed *vx_switch_send_nothing(struct vx_switch *sw,
                                    enum owed_for what);
/* A change of rows, or an empty one for its receipt. */
struct owed *vx_switch_send_change(struct vx_switch *sw,
                                   struct og_msgs *msgs,
                                   struct vx_receipt *receipt);

/* switch_pair.c */
void vx_pair_init(struct vx_switch *sw);
void vx_pair_fini(struct vx_switch *sw);
/* Its fences are gone, or all open. */
void vx_pair_reset(struct vx_switch *sw);
/* Its fences up to this one open. */
void vx_pair_open(struct vx_switch *sw, uint64_t fence);
/* It is about to be put in order, and the other one too if that is away. */
void vx_pair_expect(struct vx_switch *sw);
/* What it ought to hold is compiled now. */
void vx_pair_compiled(struct vx_switch *sw);
/* What is sent from now on waits for the other one, as far as it knows of
 * comparison `since` and what was sent to it later. */
void vx_pair_wait(struct vx_switch *sw, uint64_t since);
/* It has got further: does the other one wait? */
void vx_pair_look(struct vx_switch *sw);

/* switch_epoch.c */
void vx_epoch_init(struct vx_switch *sw);
void vx_epoch_fini(struct vx_switch *sw);
/* Nothing is known about what the switch holds. */
void vx_epoch_forget(struct vx_switch *sw);
/* Rows are about to change: the row goes first. */
void vx_epoch_spoil(struct vx_switch *sw);
/* Nothing is owed (any more): it will be written after a quiet time. */
void vx_epoch_quiet(struct vx_switch *sw);
/* Flows of table 253: is it the row that is wanted now? */
bool vx_epoch_believe(struct vx_switch *sw, const struct og_crows *have);
/* Whether the row has the key of the epoch. */
bool vx_epoch_is(const struct vx_switch *sw, const struct vx_crow *row);
/* A dump of everything has shown an epoch row with this cookie: if it is
 * wrong it goes, before anything changes. */
void vx_epoch_seen(struct vx_switch *sw, const struct vx_crow *row);
/* The epoch row that ought to be there, if one does. */
void vx_epoch_rows(const struct vx_switch *sw, struct vx_rows *rows);

/* switch_resync.c */
void vx_resync_begin(struct vx_switch *sw, struct og_crows *take_have);
void vx_resync_end(struct vx_switch *sw, bool send);
void vx_resync_later(struct vx_switch *sw, struct og_msgs *msgs,
                     struct vx_receipt *receipt);
/* What comes later next waits for the other bridge, as vx_pair_wait. */
void vx_resync_fence(struct vx_switch *sw, uint64_t since);
/* The last piece of the difference is.  False: what changed meanwhile has yet
 * to be sent, so the switch holds no revision so far. */
bool vx_resync_confirmed(struct vx_switch *sw);
void vx_resync_slice(int fd, short what, void *sw);

/* switch_audit.c */
void vx_run_step(int fd, short what, void *sw);
void vx_run_dumped(struct vx_switch *sw, struct og_crows *take_have);
/* These rows change now: what the audit thinks of them is out of date. */
void vx_run_touch(struct vx_switch *sw, const struct vx_delta *delta);
void vx_run_repaired(struct vx_switch *sw);
/* The switch is not SYNCED any more. */
void vx_run_stop(struct vx_switch *sw, const char *why);

#endif
