/* SPDX-License-Identifier: Apache-2.0 */
/* A scripted switch and an OpenFlow session at the two ends of a pair of
 * bufferevents, in one event loop, and an owner that notes what it hears. */
#ifndef TESTS_SESSION_OF_PAIR_H
#define TESTS_SESSION_OF_PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <event2/bufferevent.h>
#include <event2/event.h>

#include "core/counts.h"
#include "ovs-glue/of_codec.h"
#include "ovs-glue/of_session.h"

enum {
    HELLO = 0, ERROR = 1, ECHO_REQUEST = 2, ECHO_REPLY = 3,
    FEATURES_REQUEST = 5, FEATURES_REPLY = 6, PACKET_IN = 10,
    PACKET_OUT = 13,
    MULTIPART_REQUEST = 18, MULTIPART_REPLY = 19, BARRIER_REQUEST = 20,
    BARRIER_REPLY = 21, METER_MOD = 29, BUNDLE_CONTROL = 33, BUNDLE_ADD = 34,
    BUNDLE_OPEN = 0, BUNDLE_COMMIT = 4,
};

enum { MAX_EVENTS = 64 };

struct pair {
    struct event_base *base;
    struct bufferevent *peer;       /* the switch's end */
    struct og_of_session *session;

    /* The script. */
    bool mute;                      /* keeps barrier replies back */
    bool answers_echo;
    bool skips_commit_reply;
    size_t refuse;                  /* number of the message, from 1 */
    size_t n_flow_replies;          /* parts of a dump */
    bool bad_dump;
    bool endless_dump;              /* the test says the parts of flows */
    /* Instead of the answer to a multipart request. */
    void (*when_asked)(struct pair *p, uint32_t xid, const uint8_t *msg);

    /* What the switch saw. */
    size_t bundle_sizes[MAX_EVENTS];
    size_t n_bundles, n_adds, in_bundle, n_echo, n_echo_replies, n_dumps;
    size_t n_packets, packet_size, n_meters;
    bool refuses_packets;
    uint32_t refused_xid;
    uint32_t dump_xid;              /* of the last request for flows */
    uint32_t held[MAX_EVENTS];      /* barriers */
    size_t n_held;
    bool peer_closed;

    /* What the owner heard. */
    uint64_t dpid;
    char frame[64];
    struct vx_packet_in in;     /* the last one, without its frame */
    size_t n_frames;
    uint64_t tags[MAX_EVENTS];
    size_t n_tags, n_failed, n_dumped, n_closed, n_ready;
    size_t n_counted, n_counts;
    struct vx_count counts[4];
    char uncounted[512];            /* why */
    struct og_crows *crows;
    char why[512], error[512];
    void (*when_committed)(struct pair *p);
    void (*when_failed)(struct pair *p);
};

/* Says a message as the switch. */
void of_say(struct pair *p, unsigned type, uint32_t xid, const void *body,
            size_t size);
void of_say_hello(struct pair *p);

/* Runs the loop until the condition holds; fails after ten seconds. */
#define RUN_UNTIL(P, CONDITION)                                         \
    do {                                                                \
        struct timeval limit_ = { 10, 0 };                              \
        bool late_ = false;                                             \
        struct event *timer_ = evtimer_new((P)->base, of_set_true, &late_); \
        event_add(timer_, &limit_);                                     \
        while (!(CONDITION) && !late_) {                                \
            event_base_loop((P)->base, EVLOOP_ONCE);                    \
        }                                                               \
        event_free(timer_);                                             \
        assert_true(CONDITION);                                         \
    } while (0)

void of_set_true(evutil_socket_t fd, short what, void *flag);

/* All that can happen without waiting has happened. */
void of_settle(struct pair *p);
struct pair *of_begin(void);
struct pair *of_begin_ready(void);    /* handshake done */
void of_end(struct pair *p);
/* n flow modifications. */
void of_queue(struct pair *p, size_t n, uint64_t tag);
void of_release_barriers(struct pair *p);
size_t of_n_queued(const struct pair *p);

#endif
