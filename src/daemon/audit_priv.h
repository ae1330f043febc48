/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by audit.c (when, whom, what with it), audit_api.c (who asked),
 * audit_gateways.c (gateways) and audit_lacks.c (whose rows are not there);
 * nobody else includes it. */
#ifndef VX_DAEMON_AUDIT_PRIV_H
#define VX_DAEMON_AUDIT_PRIV_H

#include "core/explain.h"
#include "core/repair.h"
#include "daemon/audit.h"

struct event;

/* Somebody who waits for audits. */
struct vx_api_audit_waiter {
    struct vx_audits *owner;
    struct vx_api_audit_waiter *prev, *next;
    struct want *wants;         /* what it still waits for */
    struct event *timer;
    void (*woken)(void *aux, bool complete);
    void *aux;
};

struct want {
    struct want *next;          /* of the same run of a host */
    uint64_t nonce;             /* of a gateway: what it was asked with */
    int64_t since_ms;           /* and when, mono */
    struct vx_api_audit_waiter *waiter;     /* NULL: has left */
    struct want *before, *after;            /* of the same waiter, if any */
};

/* What a bridge lacks, by port and network. */
enum { VX_LACKS_MAX = 1000 };   /* beyond: of all */
struct vx_lacks {
    struct vx_tree old, new;    /* of the last comparison, the one under way */
    uint64_t n_resyncs;         /* of the bridge, then */
};

/* A host as it is audited. */
struct subject {
    struct vx_tree_node by_oid;
    struct vx_audits *owner;
    uint64_t oid;
    struct vx_findings book;
    struct vx_repair repair;
    struct vx_lacks lacks[2];   /* br-tenant, br-fabric */
    int64_t due_ms;             /* mono; INT64_MAX = never */
    bool urgent;                /* due, whatever the interval */
    bool forgotten;             /* deleted; freed when its run ends */

    bool demanded, repair_demanded;     /* for the next run */
    struct want *wants;         /* of the next run */

    bool running;
    enum vx_finding_part part;
    bool on_demand, may_repair; /* of this run */
    struct want *run_wants;
    int64_t begun_ms;           /* mono */
    uint64_t first_audit;       /* of the book */
    size_t n_rows, n_found, n_repaired, n_new;      /* of this run */
    size_t n_part[3];           /* of this part, by what */
    bool repairs;               /* this part */
    bool has_begun;             /* to repair, in this run */
    int64_t wait_ms;            /* is left alone, 0 = is not */
    bool is_lost;               /* most of this part's rows are gone */
    char *example;              /* the first that is new */

    int64_t audited_ms, took_ms;        /* the last that ended */
    uint64_t last_first_audit;
    size_t last_n_rows, last_n_found, last_n_repaired;
    char result[200];
};

/* "open", "repaired", "gone". */
const char *vx_finding_state(const struct vx_finding *finding);

/* A part of a gateway, as it last told. */
struct gw_part {
    bool is_known;
    char result[VX_REPORT_TEXT + 1];
    uint64_t n_rows, n_found, n_repaired;
};

/* A gateway as it is audited. */
struct gw_subject {
    struct vx_tree_node by_oid;
    struct vx_audits *owner;
    uint64_t oid;
    struct vx_findings book;
    uint64_t asked;             /* nonce that is not answered; 0 = none */
    struct want *wants;
    struct gw_part parts[VX_N_GATEWAY_PARTS];
    int64_t audited_ms, took_ms;        /* the last that was answered */
    uint64_t last_first_audit;
    uint64_t n_rows, n_found, n_repaired;
    char result[400];
};

struct vx_audits {
    struct vx_audits_env env;
    struct vx_api_audits api;
    struct vx_tree subjects;    /* by oid */
    struct vx_tree gateways;    /* struct gw_subject, by oid */
    uint64_t last_id;           /* of findings */
    size_t n_running;
    struct event *tick;
    struct vx_api_audit_waiter *waiters;
    struct vx_audits_counters counters;
};

struct subject *vx_subject_get(struct vx_audits *audits, uint64_t oid);
/* Audits what is asked for or due, as far as there is room. */
void vx_audits_kick(struct vx_audits *audits);

/* audit_lacks.c */
void vx_lacks_init(struct vx_lacks *lacks);
void vx_lacks_fini(struct vx_lacks *lacks);
/* A comparison begins. */
void vx_lacks_begin(struct vx_lacks *lacks);
/* A row of ours is missing or altered. */
void vx_lacks_note(struct vx_lacks *lacks, const struct vx_model *model,
                   const struct vx_row_hint *hint);
/* That was all; touch is called for whose number may be another now: a port
 * or a network, 0 = all ports of the host. */
void vx_lacks_end(struct vx_lacks *lacks, uint64_t n_resyncs,
                  void (*touch)(void *aux, uint64_t oid), void *aux);
/* Rows of the object; O(log n). */
size_t vx_lacks_get(const struct vx_lacks *lacks, uint64_t n_resyncs,
                    uint64_t oid);

/* audit_gateways.c */
void vx_gw_subjects_init(struct vx_audits *audits);
void vx_gw_subjects_fini(struct vx_audits *audits);
/* Gives up those that do not answer. */
void vx_gw_subjects_tick(struct vx_audits *audits);
void vx_gw_subject_demand(struct vx_audits *audits,
                          const struct vx_obj *gateway, bool repair,
                          struct vx_api_audit_waiter *waiter);
void vx_gw_subject_tell(struct vx_audits *audits,
                        const struct vx_obj *gateway,
                        const struct vx_api_audit_query *query);
/* ret_first: number of the first audit of the last look. */
const struct vx_findings *vx_gw_subject_book(struct vx_audits *audits,
                                             uint64_t gateway,
                                             uint64_t *ret_first);
size_t vx_gw_subjects_n_open(const struct vx_audits *audits);

/* audit_api.c */
void vx_audits_api_init(struct vx_audits *audits);
/* Something the waiter waits for; the caller puts it into a list. */
struct want *vx_want_new(struct vx_api_audit_waiter *waiter);
/* The run these waited for is over; frees them. */
void vx_wants_done(struct want *wants);
void vx_audits_cancel_all(struct vx_audits *audits);

#endif
