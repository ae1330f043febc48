/* SPDX-License-Identifier: Apache-2.0 */
/* One BGP session over libevent: connects, keeps itself alive, sends what
 * rib_out wants told and puts what it hears into rib_in; connects again when
 * it is lost, with growing pauses.  It only connects, it never listens.
 *
 *   feed --> bg_rib_out_set() --> UPDATE ------> peer (reflector)
 *   owner <-- rib_in callbacks <-- UPDATE <----- peer
 *
 * What happens is decided by bgp_fsm.h, which is pure.  The RIBs belong to
 * the owner and outlive the session, so a new configuration is a new session
 * on the same RIBs.  Nothing here knows tenants or policies.
 *
 * Callbacks come from the event loop, never from inside a call of this
 * header.  bg_session_free() may be called inside up and down. */
#ifndef BG_BGP_SESSION_H
#define BG_BGP_SESSION_H

#include "bgp/bgp_codec.h"
#include "bgp/bgp_types.h"

struct bg_rib_in;
struct bg_rib_out;
struct bg_session;
struct bufferevent;
struct event_base;

enum { BG_PASSWORD_MAX = 80 };      /* bytes, TCP MD5 (RFC 2385) */

struct bg_session_config {
    struct vx_ip local;         /* connects from here; family 0 = any */
    struct vx_ip peer;
    uint16_t port;              /* 179; of a reflector 1179 */
    uint32_t as;                /* ours */
    uint32_t peer_as;           /* the same = iBGP; another AS is refused */
    struct vx_ip router_id;     /* IPv4 form */
    unsigned families;          /* set of BG_BIT() */
    uint16_t hold_s;            /* 0 = BG_HOLD_DEFAULT_S, else 3.. */
    uint16_t restart_s;         /* the peer keeps our routes so long when we
                                 * go without a word; 0 = no graceful
                                 * restart.  At most 4095. */
    uint16_t stale_s;           /* we keep the peer's so long after a loss,
                                 * and so long for its End-of-RIB after it is
                                 * back; 0 = 120 */
    uint16_t settle_s;          /* after a loss End-of-RIB is believed no
                                 * sooner than this, unless nothing is stale
                                 * any more: a reflector that was restarted
                                 * ends its RIB before its own peers are back;
                                 * 0 = at once */
    unsigned retry_min_ms;      /* first pause; 0 = 100 */
    unsigned retry_max_ms;      /* 0 = 5,000 */
    char password[BG_PASSWORD_MAX + 1];     /* "" = none */
};

enum bg_state {
    BG_IDLE,                    /* waits until it tries again */
    BG_CONNECT, BG_OPEN_SENT, BG_OPEN_CONFIRM, BG_ESTABLISHED,
    BG_STOPPED,
};
const char *bg_state_name(enum bg_state state);     /* "established" */

struct bg_session_callbacks {   /* each may be NULL */
    void (*up)(void *aux, unsigned families);       /* negotiated */
    /* Only after up(), or for each attempt that failed; why is one line. */
    void (*down)(void *aux, const char *why);
    /* A route was malformed and treated as withdrawn. */
    void (*malformed)(void *aux, const char *why);
};

struct bg_session_status {
    enum bg_state state;
    int64_t since_ms;           /* monotonic: when it came into the state */
    unsigned families;          /* negotiated, 0 unless established */
    struct vx_ip peer_router_id;
    uint16_t hold_s;            /* negotiated */
    bool graceful;              /* the peer keeps our routes over a restart */
    uint64_t n_up;              /* times established */
    uint64_t n_updates_in, n_updates_out;
    uint64_t bytes_in, bytes_out;
    uint64_t n_malformed;
    char error[256];            /* the last reason, "" if none */
};

/* Starts to connect at the next turn of the loop.  The RIBs are borrowed; each
 * is of one session at a time.  Fails with VX_INVALID on a configuration that
 * cannot be, VX_UNAVAILABLE if a password is wanted and the kernel has no TCP
 * MD5. */
struct bg_session *bg_session_new(struct event_base *base,
                                  const struct bg_session_config *config,
                                  struct bg_rib_out *out, struct bg_rib_in *in,
                                  struct vx_error *err);
void bg_session_set_callbacks(struct bg_session *session,
                              const struct bg_session_callbacks *callbacks,
                              void *aux);
/* For tests: instead of connecting, uses this connected bufferevent; a lost
 * session does not come back until the next take. */
void bg_session_take(struct bg_session *session,
                     struct bufferevent *take_bev);

/* Silent: no callback, no NOTIFICATION, so that a peer that knows graceful
 * restart keeps what we told it.  rib_in goes stale.  NULL is fine. */
void bg_session_free(struct bg_session *session);
/* Says goodbye (Cease, RFC 9003 text up to 128 bytes): the peer withdraws
 * all.  Then the session is BG_STOPPED and does nothing until it is freed. */
void bg_session_stop(struct bg_session *session, const char *text);

void bg_session_get_status(const struct bg_session *session,
                           struct bg_session_status *ret_status);
/* Asks the peer to tell all of the family again. */
void bg_session_refresh(struct bg_session *session, enum bg_family family);

#endif
