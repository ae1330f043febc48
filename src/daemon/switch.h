/* SPDX-License-Identifier: Apache-2.0 */
/* One bridge of one host: what it holds is made what it ought to hold.
 *
 *   AWAY --connect--> WAITING --allow--> DUMPING --dump, compile, diff-->
 *   LOADING --all confirmed--> SYNCED
 *                                DUMPING --the epoch is right--> SYNCED
 *
 * Rows that change while it is LOADING or SYNCED are queued behind what is
 * under way; in all other states they are not needed, since the coming dump
 * is compared with a compile of that moment.  The comparison is made in
 * slices.  A refused bundle leads back to WAITING, and to a new dump after a
 * pause that doubles up to a minute.
 * A bridge that is right gets no message beyond the dump.
 * While SYNCED it can be audited (switch_audit.c). */
#ifndef VX_DAEMON_SWITCH_H
#define VX_DAEMON_SWITCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/flow.h"

struct event_base;
struct og_crows;
struct og_msgs;
struct og_of_counters;
struct og_of_part;
struct og_of_session;
struct vx_count;
struct vx_crow;
struct vx_delta;
struct vx_error;
struct vx_fabric_cursor;
struct vx_receipt;
struct vx_receipts;
struct vx_switch;

enum vx_switch_state {
    VX_SWITCH_AWAY, VX_SWITCH_WAITING, VX_SWITCH_DUMPING, VX_SWITCH_LOADING,
    VX_SWITCH_SYNCED
};

struct vx_switch_env {
    void *ctx;
    struct event_base *base;
    struct vx_receipts *receipts;
    const char *name;           /* "h1/br-tenant", for the log */
    uint64_t host;              /* oid */
    enum vx_tier tier;
    bool epoch;                 /* an epoch is believed */
    /* All rows it ought to hold, now. */
    void (*compile)(void *ctx, uint64_t host, enum vx_tier tier,
                    struct vx_rows *ret_rows);
    /* What it may keep until the other bridge has what replaces it; see
     * vx_fabric_compile_past. */
    void (*compile_past)(void *ctx, uint64_t host, enum vx_tier tier,
                         struct vx_rows *ret_rows);
    /* The same, a part at a time; see vx_fabric_compile_part. */
    bool (*compile_part)(void *ctx, uint64_t host, enum vx_tier tier,
                         struct vx_fabric_cursor *cursor,
                         struct vx_rows *rows);
    /* Of all of them. */
    uint64_t (*hash)(void *ctx, uint64_t host, enum vx_tier tier);
    uint64_t (*revision)(void *ctx);    /* committed, and applied so far */
    /* It may hold rows of networks that are no more (struct vx_host). */
    bool (*is_stranger)(void *ctx, uint64_t host);
    /* The state has changed. */
    void (*changed)(void *ctx, uint64_t host, enum vx_tier tier);
};

struct vx_switch_facts {
    enum vx_switch_state state;
    size_t n_rows;              /* at the last resync: wanted */
    size_t n_repaired;          /* at the last resync: differences */
    uint64_t n_resyncs;
    uint64_t n_failures;
    uint64_t n_epochs;          /* connects that needed no comparison */
    bool is_unproven;           /* the last one was; not audited since */
    uint64_t n_sent;            /* flow and group modifications */
    uint64_t realized;          /* revision all of whose rows are confirmed;
                                 * 0 while not synced */
    char error[256];            /* why it is not synced, "" if unknown */
};

/* env->name is copied. */
struct vx_switch *vx_switch_new(const struct vx_switch_env *env);
/* These are the two bridges of one host. */
void vx_switch_pair(struct vx_switch *a, struct vx_switch *b);
void vx_switch_free(struct vx_switch *sw);

/* A session whose handshake is done; replaces the one before. */
void vx_switch_connect(struct vx_switch *sw, struct og_of_session *take);
void vx_switch_disconnect(struct vx_switch *sw, const char *why);
/* What the compile needs is known (or not any more): sync may start. */
void vx_switch_allow(struct vx_switch *sw, bool allowed);
/* Rows to send, if the state asks for it; the receipt may be NULL.  delta:
 * what msgs were made of; NULL if they are empty. */
void vx_switch_send(struct vx_switch *sw, struct og_msgs *msgs,
                    const struct vx_delta *delta,
                    struct vx_receipt *receipt);
/* What is sent from now on waits until the host's other bridge has confirmed
 * what was sent to it until now, or would have been if it took rows; for
 * seconds at most (switch_pair.c). */
void vx_switch_fence(struct vx_switch *sw);
bool vx_switch_takes_rows(const struct vx_switch *sw);
/* Its OVSDB was not right and is now.  ovs-vswitchd (3.1) does not look at
 * its datapath flows again when a mirror goes, but does for any flow
 * modification: the epoch row is written anew, for that is one, and another
 * some seconds later. */
void vx_switch_refresh(struct vx_switch *sw);
/* Something that was sent is not confirmed yet. */
bool vx_switch_is_behind(const struct vx_switch *sw);
void vx_switch_packet_out(struct vx_switch *sw, const void *frame,
                          size_t size, const struct vx_row *acts);

/* An audit, and whose it is.  done comes once, never from within
 * vx_switch_audit; nothing is called after it. */
struct vx_switch_audit {
    void *ctx;
    bool hurry;                 /* somebody waits for it */
    bool only_looks;            /* what differs stays: a switch that was
                                 * believed is not proven by it */
    /* A difference; what is enum vx_diff_type.  have: NULL if it is missing,
     * want: NULL if it is foreign. */
    void (*drift)(void *ctx, unsigned what, const struct vx_crow *have,
                  const struct vx_crow *want);
    /* That was all; true: repair it. */
    bool (*compared)(void *ctx, size_t n_rows, size_t n_differences);
    /* How many of n rows may be repaired now; if 0, ask again after that. */
    size_t (*take)(void *ctx, size_t n, int64_t *ret_wait_ms);
    /* why: NULL, or what kept it from its end.  n_repaired: of the
     * differences; those that are not have changed meanwhile. */
    void (*done)(void *ctx, const char *why, size_t n_repaired);
};
/* False: not synced, or being audited already. */
bool vx_switch_audit(struct vx_switch *sw,
                     const struct vx_switch_audit *audit);

/* Counters of a part of the flows, or of the meters (og_of_session_count).
 * done comes once, never from within vx_switch_count; the rows are borrowed
 * for the time of the call.  why: NULL, or why there are none.  False: not
 * synced, or busy with another such request or a dump. */
typedef void vx_switch_counted_cb(void *ctx, struct vx_count *rows, size_t n,
                                  const char *why);
bool vx_switch_count(struct vx_switch *sw, const struct og_of_part *part,
                     vx_switch_counted_cb *done, void *ctx);

/* Events of the session, from whoever owns its callbacks. */
void vx_switch_counted(struct vx_switch *sw, struct vx_count *rows, size_t n,
                       const char *why);
void vx_switch_dumped(struct vx_switch *sw, struct og_crows *take_have);
void vx_switch_committed(struct vx_switch *sw, uint64_t tag);
void vx_switch_failed(struct vx_switch *sw, const struct vx_error *err);

enum vx_switch_state vx_switch_state(const struct vx_switch *sw);
void vx_switch_get_facts(const struct vx_switch *sw,
                         struct vx_switch_facts *ret_facts);
/* Asks it for a sign of life; bytes heard of it so far, 0 if away. */
uint64_t vx_switch_ping(struct vx_switch *sw);
bool vx_switch_counters(const struct vx_switch *sw,
                        struct og_of_counters *ret_counters);
const char *vx_switch_state_name(enum vx_switch_state state);

#endif
