/* SPDX-License-Identifier: Apache-2.0 */
/* One OpenFlow 1.5 connection of one bridge, seen from the controller.
 *
 *   bridge --connects--> bufferevent --> HELLO, FEATURES --> ready(dpid)
 *   dump()  --> flows, groups and meters, streamed --------> dumped(crows)
 *   count() --> counters of flows or meters ---------------> counted(rows)
 *   queue() --> bundles of at most 1,000 messages, window -> committed(tag)
 *                                  any error of a bundle --> failed(err)
 *   a frame that a row sends to the controller ------------> packet_in()
 *   the end, whatever its reason --------------------------> closed(why)
 *
 * The session never decides what a switch ought to hold; its owner does.  It
 * blocks nowhere and works in slices, so a switch that sends or reads slowly,
 * or sends rubbish, costs its own connection only.
 *
 * Callbacks come from the event loop, never from inside a call of a function
 * of this header.  og_of_session_free() may be called inside any of them. */
#ifndef OG_OF_SESSION_H
#define OG_OF_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/flow.h"
#include "core/punt.h"
#include "lib/err.h"

struct bufferevent;
struct og_crows;
struct og_msgs;
struct vx_count;
struct og_of_session;

enum {
    OG_OF_BUNDLE_MAX = 1000,    /* messages in a bundle */
    OG_OF_WINDOW = 4,           /* bundles not yet confirmed */
    OG_OF_OUTPUT_MAX = 1 << 20, /* bytes: no further bundle is built above */
    OG_OF_ALL_TABLES = 0xff,
    OG_OF_NO_TABLE = 0xfe,      /* no flows; not a table of ours */
};

/* A part of what a switch holds: flows of a table with
 * (cookie & cookie_mask) == cookie that output to out_port; or, of no table,
 * what is not a flow. */
struct og_of_part {
    uint8_t table;
    uint16_t out_port;          /* 0 = anything */
    uint64_t cookie, cookie_mask;
};

struct og_of_callbacks {
    /* Handshake done; nothing may be queued or dumped before. */
    void (*ready)(void *aux, uint64_t dpid);
    /* Takes the rows (og_crows_free).  A dump that the switch refuses closes
     * the session. */
    void (*dumped)(void *aux, struct og_crows *take_crows);
    /* The switch has confirmed (bundle commit and barrier; a barrier alone
     * where messages cannot be bundled) everything queued with this tag and
     * before it.  Once per og_of_session_queue(), in order,
     * also for an empty og_msgs. */
    void (*committed)(void *aux, uint64_t tag);
    /* A bundle was refused; err names the message.  The queue has been
     * dropped: no committed() will come for what was queued until now.  The
     * bundle was rolled back, or (a message that the switch could not even
     * decode) applied without that message; bundles behind it that were on
     * their way are applied too: dump and queue the difference. */
    void (*failed)(void *aux, const struct vx_error *err);
    /* The counters asked for; the rows, which may be changed, are valid for
     * the time of the call.  why: NULL, or why there are none.  Once per
     * og_of_session_count(), unless the session closes before.  NULL: they
     * are never asked for. */
    void (*counted)(void *aux, struct vx_count *rows, size_t n,
                    const char *why);
    /* A frame that a row of the switch has sent here, as much of it as the row
     * says: the bytes are whatever came from the network, and valid for the
     * time of the call.  NULL: they are of no interest. */
    void (*packet_in)(void *aux, const struct vx_packet_in *in);
    /* Exactly once unless freed before.  Free the session, here or later;
     * nothing else will be called and calls do nothing. */
    void (*closed)(void *aux, const char *why);
};

struct og_of_counters {
    uint64_t n_msgs_sent;       /* flow, group and meter modifications */
    uint64_t n_bundles;         /* confirmed */
    uint64_t bytes_in, bytes_out;
    uint64_t n_errors;          /* OFPT_ERROR received */
    uint64_t n_dumps;           /* complete */
    size_t n_queued;            /* messages not yet confirmed */
    size_t n_in_flight;         /* bundles */
};

/* take_bev must be connected; it is freed with the session.  callbacks must
 * outlive the session. */
struct og_of_session *og_of_session_new(struct bufferevent *take_bev,
                                        const struct og_of_callbacks *cb,
                                        void *aux);
/* Silent: no callback.  NULL is fine. */
void og_of_session_free(struct og_of_session *session);

/* An echo request is sent after interval_ms without a byte from the switch,
 * the session closes after timeout_ms more without one; the handshake has
 * timeout_ms in all.  Default 5,000 and 10,000. */
void og_of_session_set_keepalive(struct og_of_session *session,
                                 unsigned interval_ms, unsigned timeout_ms);

bool og_of_session_is_ready(const struct og_of_session *session);
uint64_t og_of_session_dpid(const struct og_of_session *session);

/* Takes a reference to msgs, which must not change any more.  What is queued
 * in one turn of the loop goes out together. */
void og_of_session_queue(struct og_of_session *session, struct og_msgs *msgs,
                         uint64_t tag);
/* A fence: what is queued after it waits until og_of_session_pass() of this
 * number, or of a higher one, has been called.  Numbers are from 1, each
 * higher than the one before. */
void og_of_session_fence(struct og_of_session *session, uint64_t number);
void og_of_session_pass(struct og_of_session *session, uint64_t number);
/* Forgets what has not been sent, without any committed().  What is in flight
 * stays and is confirmed only where it completes a tag. */
void og_of_session_drop(struct og_of_session *session);

/* Asks for the flows of all tables, the groups and the meters
 * (OG_OF_ALL_TABLES), or for the flows of one table only (the epoch).  The
 * request is sent after everything queued before it is confirmed, and what is
 * queued after it is held until dumped() returns, so the rows are the state in
 * between.  False if a dump is under way already. */
bool og_of_session_dump(struct og_of_session *session, uint8_t table);
/* The same for a part: a switch is kept from its work for as long as one dump
 * takes, so that of a big one had better be several. */
bool og_of_session_dump_part(struct og_of_session *session,
                             const struct og_of_part *part);

/* Asks for the counters of the flows of a part, or, of OG_OF_NO_TABLE, of all
 * meters.  Not part of the queue: neither waits for the other.  One request
 * at a time, and none while a dump is wanted or under way: false then. */
bool og_of_session_count(struct og_of_session *session,
                         const struct og_of_part *part);

/* Sends a frame through the actions of a row, as if it came from the port
 * that the row matches, or from the controller port if it matches none; the
 * rest of its match is not used.  Not part of the queue. */
void og_of_session_packet_out(struct og_of_session *session,
                              const void *frame, size_t size,
                              const struct vx_row *acts);

/* Asks the switch for an echo, unless it owes an answer to the last such
 * question: when bytes_in has grown it has done what was sent before. */
void og_of_session_ping(struct og_of_session *session);

void og_of_session_get_counters(const struct og_of_session *session,
                                struct og_of_counters *ret_counters);

#endif
