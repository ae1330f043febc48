/* SPDX-License-Identifier: Apache-2.0 */
/* Audits: every host is compared with intent again and again, and when
 * somebody asks.
 *
 *   due, or asked for --> br-tenant --> br-fabric --> OVSDB --> report
 *
 * Few at a time, spread over the interval; soon after a switch was believed
 * without a comparison.  What differs is written into the host's book
 * (core/findings.h) in words of intent, and repaired if the options, or who
 * asked, say so, at a limited rate (core/repair.h).  What the OVSDB lacks of
 * ours is put right by hosts.h at once; it is only told here. */
#ifndef VX_DAEMON_AUDIT_H
#define VX_DAEMON_AUDIT_H

#include "api/audits.h"
#include "api/gateways.h"
#include "core/findings.h"
#include "core/model.h"

struct event_base;
struct vx_audits;
struct vx_host_facts;
struct vx_hosts;
struct vx_place;

struct vx_audits_env {
    void *ctx;
    struct event_base *base;
    const struct vx_model *model;
    struct vx_hosts *hosts;
    /* The port at an OpenFlow port of a host, 0 = none; may be NULL. */
    uint64_t (*port_at)(void *ctx, uint64_t host, uint32_t ofport);
    uint32_t interval_ms;       /* 0 = only on demand, and after a switch
                                 * was believed */
    bool repair;                /* also when nobody asked */
    int64_t (*mono_ms)(void);
    int64_t (*wall_ms)(void);
    /* Something new differs on the host, or gateway. */
    void (*drift)(void *ctx, const char *name, const char *text);
    /* Asks the gateway to look at itself: NULL, or why it cannot be asked.
     * May be NULL: there are none. */
    const char *(*ask_gateway)(void *ctx, uint64_t gateway, bool repair,
                               uint64_t *ret_nonce);
    /* Ports whose rows the host lacks, or does not lack any more: a port, all
     * of a network, or (0) all of the host. */
    void (*touch)(void *ctx, uint64_t host, uint64_t oid);
};

struct vx_audits *vx_audits_new(const struct vx_audits_env *env);
/* After the hosts. */
void vx_audits_free(struct vx_audits *audits);
/* The host is deleted. */
void vx_audits_forget(struct vx_audits *audits, uint64_t host);
/* Its OVSDB lacked this of ours, a line each; it was put right. */
void vx_audits_ovsdb(struct vx_audits *audits, uint64_t host,
                     const char *lines);

/* A gateway has told what it found of itself; is not there any more; is
 * deleted. */
void vx_audits_gateway_answered(struct vx_audits *audits, uint64_t gateway,
                                const struct vx_api_gateway_audit *audit);
void vx_audits_gateway_away(struct vx_audits *audits, uint64_t gateway);
void vx_audits_forget_gateway(struct vx_audits *audits, uint64_t gateway);
/* Wall clock, ms; 0 = never. */
int64_t vx_audits_gateway_last_ms(const struct vx_audits *audits,
                                  uint64_t gateway);

const struct vx_api_audits *vx_audits_api(struct vx_audits *audits);

struct vx_audits_counters {
    uint64_t n_audits;          /* that came to their end */
    uint64_t n_found[VX_N_FOUND], n_repaired;
    size_t n_open;
};
void vx_audits_counters(const struct vx_audits *audits,
                        struct vx_audits_counters *ret_counters);
/* Rows the port lives by that the last audit has found missing or altered on
 * its own host, and nobody has repaired.  facts: of that host. */
size_t vx_audits_n_lacking(const struct vx_audits *audits,
                           const struct vx_host_facts *facts,
                           const struct vx_place *place, uint64_t port);
/* Wall clock, ms; 0 = never. */
int64_t vx_audits_last_ms(const struct vx_audits *audits, uint64_t host);

#endif
