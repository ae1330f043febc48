/* SPDX-License-Identifier: Apache-2.0 */
/* The state machine of one session (RFC 4271 8.2.2, the side that connects):
 * an event and the time go in, what to do comes out.  Pure: no socket, no
 * clock.
 *
 *   idle --time--> connect --connected--> open-sent --OPEN--> open-confirm
 *     ^                                                   --KEEPALIVE--> up
 *     '---- anything that fails, after a pause that grows ------------'
 *
 * The shell does what `todo` says, in the order of the bits. */
#ifndef BG_BGP_FSM_H
#define BG_BGP_FSM_H

#include "bgp/bgp_codec.h"
#include "bgp/bgp_session.h"

enum bg_event_type {
    BG_EV_TIME,                 /* next_ms is reached, or just a look */
    BG_EV_CONNECTED,
    BG_EV_LOST,                 /* not connected (any more); text: why */
    BG_EV_MESSAGE,              /* well-formed; type, and open or notify */
    BG_EV_MALFORMED,            /* notify is what to answer */
    BG_EV_STOP,                 /* notify is what to say */
};

struct bg_event {
    enum bg_event_type type;
    enum bg_msg_type message;
    const struct bg_open *open;
    const struct bg_notify *notify;
    const char *text;
};

enum {                          /* to do */
    BG_DO_CONNECT = 1 << 0,
    BG_DO_SEND_OPEN = 1 << 1,   /* bg_fsm_open() */
    BG_DO_SEND_KEEPALIVE = 1 << 2,
    BG_DO_UP = 1 << 3,          /* families, peer are set */
    BG_DO_SEND_NOTIFY = 1 << 4, /* fsm->notify */
    BG_DO_CLOSE = 1 << 5,       /* the connection, once all is sent */
    BG_DO_DOWN = 1 << 6,        /* fsm->why; was_up says if it was up */
};

struct bg_fsm {
    struct bg_session_config config;    /* with the defaults put in */
    enum bg_state state;
    int64_t since_ms;
    int64_t next_ms;            /* when to give BG_EV_TIME; -1: never */
    int64_t retry_ms;           /* absolute times; -1: not set */
    int64_t hold_ms, keepalive_ms;
    unsigned pause_ms;          /* the next one */
    uint32_t seed;              /* of the jitter of pauses */
    bool has_been_up;           /* then the R bit is not set any more */
    uint16_t hold_s;            /* negotiated */
    unsigned families;
    struct bg_open peer;        /* of the last OPEN */
    struct bg_notify notify;
    bool was_up;                /* of BG_DO_DOWN */
    char why[256];
};

/* seed: any number that differs between sessions. */
void bg_fsm_init(struct bg_fsm *fsm, const struct bg_session_config *config,
                 uint32_t seed, int64_t now_ms);
/* Returns a set of BG_DO_*. */
unsigned bg_fsm_step(struct bg_fsm *fsm, const struct bg_event *event,
                     int64_t now_ms);
/* The OPEN to send. */
void bg_fsm_open(const struct bg_fsm *fsm, struct bg_open *ret_open);

#endif
