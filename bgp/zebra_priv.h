/* SPDX-License-Identifier: Apache-2.0 */
/* Inside bgp only: what the files of the zebra session share.
 *   zebra_session.c   life, connection, the owner's calls
 *   zebra_input.c     handshake and messages
 *   zebra_output.c    what goes out, timers, what the owner is told */
#ifndef BG_ZEBRA_PRIV_H
#define BG_ZEBRA_PRIV_H

#include "bgp/learned.h"
#include "bgp/zebra_session.h"
#include "lib/buf.h"
#include "lib/tree.h"

struct event;

enum bg_zebra_phase {
    BG_PHASE_IDLE,              /* no connection */
    BG_PHASE_PROBE,             /* the answer's number says the row, mostly */
    BG_PHASE_GUESS,             /* 118: HELLO of 8.2 is sent */
    BG_PHASE_HELLO,             /* the row is known: CAPABILITIES to come */
    BG_PHASE_UP,
};

/* Zebra answers in order, so that an answer says that it has read all before
 * the question, and has sent all that those told it to send at once. */
enum bg_question_kind {
    BG_ASK_PROBE,
    BG_ASK_DELETES,             /* bg_route_sync_heard(number) */
    BG_ASK_LEARNED,             /* the VRF's routes of BGP have all come */
    BG_ASK_AUDIT,               /* the VRF's own routes have all come */
    BG_ASK_LOOK,                /* likewise */
};

struct bg_question {
    struct bg_question *next;
    enum bg_question_kind kind;
    uint32_t cookie;
    uint32_t vrf_id;
    uint64_t number;
};

struct bg_zvrf {
    struct vx_tree_node by_id;
    uint32_t id;
    bool is_complete;           /* COMPLETE is sent */
    bool is_audited;            /* once since */
    bool is_auditing, is_looking;   /* at most one */
    char name[BG_VRF_NAME_SIZE];
};

struct bg_purge {
    char vrf[BG_VRF_NAME_SIZE];
    struct vx_prefix prefix;
    bool is_sure;               /* though bgpd has said it */
};

struct bg_zebra {
    struct bg_zebra_config config;
    char *path;
    const struct bg_zebra_callbacks *cb;
    void *aux;

    struct bufferevent *bev;
    struct event *retry;        /* connects, or gives up the handshake */
    struct event *timer;        /* ticks */
    struct event *later;        /* this turn of the loop */
    unsigned wait_ms;           /* before the next try */
    unsigned depth;             /* callbacks of libevent that are on */
    bool is_dead;               /* free when depth is 0 */

    enum bg_zebra_phase phase;
    const struct bg_zapi_row *row;
    struct bg_zebra_status status;
    struct vx_tree vrfs;        /* struct bg_zvrf */
    struct bg_question *questions, **questions_tail;
    uint32_t n_questions;       /* ever */
    uint64_t asked;             /* about DELETEs, up to this number */

    struct bg_route_sync *routes;
    struct bg_pbr_sync *pbr;
    struct bg_learned_set *learned;
    uint64_t confirmed;         /* told to the owner */
    bool is_whole;
    int64_t hold_until_ms;      /* 0 = no hold */
    uint64_t believed;          /* doubts up to this number */
    struct bg_purge *purges;    /* to be told, zebra and the owner */
    size_t n_purges, cap_purges;
    bool bgp_is_back;           /* since it went, which began the hold: what
                                 * it has said since then it can withdraw */
    size_t n_auditing;
    bool is_audit_told;
    struct bg_route_audit audit;
    size_t n_looking;
    bool is_look_due;           /* looked() is, when n_looking is 0 */
    struct bg_route_audit look;

    struct vx_buf out;          /* built in this turn */
    uint64_t bytes_in, bytes_out, n_messages_in, n_messages_out;
    uint64_t n_undecoded;
};

/* Calls the owner, unless it has freed us. */
#define BG_TELL(Z, MEMBER, ...)                                 \
    do {                                                        \
        if (!(Z)->is_dead && (Z)->cb->MEMBER) {                 \
            (Z)->cb->MEMBER((Z)->aux, __VA_ARGS__);             \
        }                                                       \
    } while (0)

/* zebra_session.c */
void bg_zebra_enter(struct bg_zebra *z);
void bg_zebra_leave(struct bg_zebra *z);        /* z may be gone */
void bg_zebra_drop(struct bg_zebra *z, enum bg_zebra_state state,
                   const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void bg_zebra_set_state(struct bg_zebra *z, enum bg_zebra_state state);

/* zebra_input.c */
void bg_zebra_input(struct bg_zebra *z);
struct bg_zvrf *bg_zvrf_find(const struct bg_zebra *z, uint32_t vrf_id);
void bg_zvrf_free_all(struct bg_zebra *z);

/* zebra_output.c */
void bg_zebra_ask(struct bg_zebra *z, enum bg_question_kind kind,
                  uint32_t vrf_id, uint64_t number);
void bg_zebra_sent(struct bg_zebra *z);         /* one message in z->out */
void bg_zebra_flush(struct bg_zebra *z);
/* Later in this turn: say what is to be said, tell what is to be told. */
void bg_zebra_later(struct bg_zebra *z);
void bg_zebra_pump(struct bg_zebra *z);
void bg_zebra_tick(struct bg_zebra *z);
void bg_zebra_sweep(struct bg_zebra *z, const char *vrf);
void bg_zebra_begin_audit(struct bg_zebra *z, struct bg_zvrf *vrf);
void bg_zebra_end_audit(struct bg_zebra *z, struct bg_zvrf *vrf);
void bg_zebra_begin_look(struct bg_zebra *z, struct bg_zvrf *vrf);
void bg_zebra_end_look(struct bg_zebra *z, struct bg_zvrf *vrf);

#endif
