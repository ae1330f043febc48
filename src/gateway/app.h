/* SPDX-License-Identifier: Apache-2.0 */
/* vxgatewayd as one call, and the parts its files share.
 *
 *   controller --feed--> entries --apply--> zebra (routes), speaker (BGP)
 *                           \-----node----> kernel, OVS, FRR's configuration
 *   zebra, speaker --learned--> report --> controller
 *
 *   app.c      start, stop, signals
 *   wire.c     what follows from what; acknowledgements
 *   bfd.c      BFD sessions that have been lost by FRR
 *   doubts.c   whether bgpd means what it withdraws
 *   audit_parts.c  what an audit looks at, and how it is put right
 *   peers.c    sessions of bgpd and the reflector; zebra's restarts
 *   troubles.c what of the gateway does not work
 *   ghosts.c   what bgpd announces though it is withdrawn
 *   kept.c     whether peers go on with what is withdrawn
 *   strays.c   what zebra has though bgpd has it no more
 *   vrf_ids.c  a bgpd that takes one VRF for another
 *   metrics.c  Prometheus text, and the counters of reports */
#ifndef VX_GATEWAY_APP_H
#define VX_GATEWAY_APP_H

#include "bgp/zebra_session.h"
#include "gateway/apply.h"
#include "gateway/audit.h"
#include "gateway/entries.h"
#include "gateway/feed.h"
#include "gateway/http.h"
#include "gateway/keep.h"
#include "gateway/learned.h"
#include "gateway/node.h"
#include "gateway/options.h"
#include "gateway/readvertise.h"
#include "gateway/report.h"
#include "gateway/rules.h"
#include "gateway/sessions.h"
#include "gateway/spare.h"
#include "gateway/speaker.h"
#include "gateway/underlay.h"
#include "gateway/vty.h"

struct event;
struct event_base;
struct evhttp;
struct vx_gw_ghost;
struct vx_gw_missing;
struct vx_gw_strays;
struct vx_process;

enum { VX_GW_MAX_MARKS = 256 };

/* A flush: when everything with this token is confirmed, entries up to seq
 * are acknowledged. */
struct vx_gw_mark {
    uint64_t token, seq;
    bool takes_back;                /* prefixes, from tenants' peers */
};

struct vx_gw_app {
    struct vx_gw_options options;
    struct event_base *base;
    struct vx_gw_http *http;
    struct vx_gw_feed *feed;
    struct vx_gw_keep *keep;
    struct vx_gw_entries *entries;
    struct vx_gw_apply *apply;
    struct bg_zebra *zebra;         /* from the first sync on */
    struct vx_gw_rules *rules;      /* with VRF devices */
    struct vx_gw_node *node;
    struct vx_gw_speaker *speaker;
    struct vx_gw_learned *learned;
    struct vx_gw_readvertise *readvertise;
    struct vx_gw_spares *spares;    /* NULL: not wanted */
    struct vx_gw_report *report;
    struct vx_gw_audit *audit;
    struct event *audit_kernel;     /* one VRF per turn */
    uint32_t audit_vni;
    int64_t audit_since_ms;
    struct vx_gw_drifts audit_vrfs;
    bool audit_hears;               /* the reflector was asked */
    unsigned audit_families;        /* that the reflector has otherwise */
    struct vx_gw_underlay *underlay;
    struct evhttp *metrics;
    int alone;                  /* says that we run */
    struct vx_process *process;
    struct event *work;
    int64_t started_ms;             /* monotonic */

    /* Carrying out. */
    bool loading;                   /* the file of the last state */
    bool told;                      /* a sync of the controller has come */
    bool flushing;
    uint64_t token;                 /* of the flush under way, or the last */
    uint64_t flush_seq, sync_seq;   /* of that flush; of the last sync */
    bool sync_pending;              /* a sync came while flushing */
    struct vx_gw_mark marks[VX_GW_MAX_MARKS];   /* oldest first */
    size_t n_marks;
    bool takes_back;                /* the flush under way */
    uint64_t acked;
    bool spoken_touched;            /* the speaker is to be looked at */
    bool rules_touched;
    bool readvertise_touched;
    unsigned n_ticks;

    /* What is heard. */
    size_t n_whole;                 /* VRFs whose routes zebra has told */
    bool complete;                  /* all has been heard since the start */
    bool ready_told;

    /* peers.c */
    struct vx_gw_sessions tenant_sessions, fabric_sessions;
    bool asking_bgpd, asking_reflector, asking_zebra;
    bool ids_unknown;               /* zebra was restarted: bgpd may know
                                     * its VRFs by other numbers */
    bool asking_ids;
    char *zebra_vrfs;               /* what zebra said of that */
    int64_t ids_killed_ms;          /* when bgpd was ended for it; 0 = never */
    bool bgpd_deaf;                 /* zebra was restarted, bgpd has not
                                     * subscribed again */
    int64_t zebra_back_ms;          /* when; 0 = it was never away, or bgpd
                                     * was ended for not coming back to it */
    struct vx_gw_ghost *ghosts;     /* under way */
    size_t n_ghosts, cap_ghosts;
    uint64_t n_resubscribes;

    /* kept.c */
    int64_t bgpd_lost_ms;           /* peers may keep what it told; 0 = not */
    uint64_t bgpd_seen;             /* the connection that was lost */
    int64_t deaf_ms;                /* zebra was restarted under bgpd; 0 = it
                                     * was not, or is over */
    int64_t heard_ms;               /* when bgpd began to subscribe again, or
                                     * has done so */

    /* bfd.c */
    struct vx_gw_vty *bfdd_vty;     /* NULL: nobody wants BFD */
    char bfdd_why[80];              /* it is not there; "" = it is, or is not
                                     * known yet */
    int64_t bfdd_killed_ms;         /* 0 = not yet */
    int64_t bfdd_mixes_ms;          /* at all looks since; 0 = not */
    int64_t bfd_hurry_until_ms;
    bool asking_bfdd;
    struct vx_gw_missing *missing;
    size_t n_missing;

    /* doubts.c */
    struct vx_gw_vty *doubts_vty;
    bool asking_doubt;
    uint64_t doubt, doubt_asked, believed;
    int64_t doubted_ms;             /* the oldest not believed, or older */
    pid_t bgpd_pid;                 /* that was connected last; 0 = not
                                     * known */

    struct vx_gw_strays *strays;    /* strays.c */

    uint64_t n_announced, n_withdrawn;
};

/* Runs vxgatewayd in the foreground with the command line given, until a
 * signal or a fatal error ends it. Returns the exit status. */
int vx_gw_main(int argc, char **argv);

/* wire.c */
bool vx_gw_app_wire(struct vx_gw_app *app, struct vx_error *err);
void vx_gw_app_unwire(struct vx_gw_app *app);
/* Something may have been confirmed. */
void vx_gw_app_progress(void *app);
void vx_gw_app_tick(void *app);

/* peers.c */
void vx_gw_app_ask_peers(struct vx_gw_app *app);
/* zebra is there again after it was away. */
void vx_gw_app_zebra_is_back(struct vx_gw_app *app);
/* bgpd tells zebra all routes of a VRF again. */
void vx_gw_app_have_vrf_said(struct vx_gw_app *app, const char *vrf);
/* Made anew; vrf NULL: of the reflector. */
void vx_gw_app_clear_session(struct vx_gw_app *app, const char *vrf,
                             const struct vx_ip *peer);
/* Established for so long, as it was when bgpd or the reflector was asked. */
bool vx_gw_app_peer_is_up(const struct vx_gw_app *app,
                          const struct vx_gw_peering *peering,
                          uint64_t since_ms);
bool vx_gw_app_peers_are_up(const struct vx_gw_app *app);
/* Elements of "sessions" of a report. */
void vx_gw_app_put_sessions(void *app, struct vx_buf *out);

/* kept.c: often, so that it is known when bgpd went. */
void vx_gw_app_note_bgpd(struct vx_gw_app *app);
/* Tenants' peers may go on with what has been withdrawn. */
bool vx_gw_app_peers_keep(struct vx_gw_app *app);

/* troubles.c */
/* Elements of "troubles" of a report. */
void vx_gw_app_put_troubles(void *app, struct vx_buf *out);

/* bfd.c */
void vx_gw_app_bfd_tick(struct vx_gw_app *app);
/* zebra or bfdd is there again: it may know no sessions. */
void vx_gw_app_bfd_hurry(struct vx_gw_app *app);
/* Of a peering with BFD: why it has none; "" = it has. */
void vx_gw_app_bfd_remark(const struct vx_gw_app *app,
                          const struct vx_gw_entry *entry, char text[200]);
bool vx_gw_app_wants_bfd(struct vx_gw_app *app);

/* doubts.c */
void vx_gw_app_doubts_start(struct vx_gw_app *app);
void vx_gw_app_doubted(void *app, uint64_t number);
/* bgpd has left. */
void vx_gw_app_doubts_end(struct vx_gw_app *app);
void vx_gw_app_doubts_tick(struct vx_gw_app *app);

/* vrf_ids.c: after zebra has come back, until the numbers agree. */
void vx_gw_app_compare_vrf_ids(struct vx_gw_app *app);
/* bfdd takes VRFs for others; at most every 20 s, and only if it is needed. */
void vx_gw_app_end_bfdd(struct vx_gw_app *app);
/* zebra's answer to "show vrf" and bgpd's to "show bgp vrfs json": a VRF of
 * ours that has another number there, else NULL.  ret_vrf has room for
 * VX_GW_IFNAME_SIZE. */
const char *vx_gw_vrf_ids_differ(const char *zebra, const char *bgpd,
                                 char *ret_vrf);

/* nexthops.c: bgpd is zebra's client again. */
void vx_gw_app_find_lost_hops(struct vx_gw_app *app);

/* ghosts.c */
void vx_gw_app_find_ghosts(struct vx_gw_app *app);
/* True if the route is a ghost. */
bool vx_gw_app_ghost_event(struct vx_gw_app *app,
                           const struct bg_route_event *event);

/* strays.c: bgpd (is_new: another one than before) and zebra are together
 * again. */
void vx_gw_app_find_strays(struct vx_gw_app *app, bool is_new);
void vx_gw_app_strays_tick(struct vx_gw_app *app);
void vx_gw_app_free_strays(struct vx_gw_app *app);

/* audit_parts.c */
void vx_gw_app_wire_audit(struct vx_gw_app *app);
void vx_gw_app_unwire_audit(struct vx_gw_app *app);
void vx_gw_app_audit_zebra(void *app, const struct bg_route_audit *audit,
                           const struct bg_route_difference *differences,
                           size_t n);

/* metrics.c */
bool vx_gw_app_serve_metrics(struct vx_gw_app *app, struct vx_error *err);
void vx_gw_app_put_counters(void *app, struct vx_buf *out);
void vx_gw_app_metrics(struct vx_gw_app *app, struct vx_buf *out);

#endif
