/* SPDX-License-Identifier: Apache-2.0 */
/* The audit of a gateway: each part is looked at, dry; what differs is
 * reported; and put right if who asked says so.
 *
 *   asked (nonce) --> look at all parts --> nothing, or only looks --> told
 *                                      \--> repair --> look again --> told
 *
 * One at a time; of those asked for meanwhile one more follows, in the name
 * of the last.  A part that does not answer within VX_GW_AUDIT_LOOK_MS is
 * told as such, so an audit always ends.  What carries out a look, and the
 * repair, are ops: nothing here knows zebra or bgpd. */
#ifndef VX_GATEWAY_AUDIT_H
#define VX_GATEWAY_AUDIT_H

#include <stdint.h>

#include "gateway/drift.h"
#include "lib/buf.h"

struct event_base;
struct vx_gw_audit;

enum {
    VX_GW_AUDIT_LOOK_MS = 6000,     /* for all parts to answer */
    VX_GW_AUDIT_REPAIR_MS = 3000,   /* for what was repaired to be seen */
    VX_GW_AUDIT_AGAIN_MS = 250,     /* between two looks */
};

enum vx_gw_part {
    VX_GW_PART_ZEBRA,           /* our routes in zebra */
    VX_GW_PART_BGPD,            /* our lines in bgpd's configuration */
    VX_GW_PART_REFLECTOR,       /* likewise */
    VX_GW_PART_SPEAKER,         /* what the reflector has heard from us */
    VX_GW_PART_KERNEL,          /* VRFs, legs, devices */
    VX_GW_N_PARTS
};
const char *vx_gw_part_name(enum vx_gw_part part);

struct vx_gw_audit_ops {
    /* Begins to look; vx_gw_audit_looked follows, maybe from within. */
    void (*look)(void *aux, enum vx_gw_part part);
    void (*repair)(void *aux, enum vx_gw_part part);
    /* There is something to report. */
    void (*done)(void *aux);
    int64_t (*mono_ms)(void);
};

struct vx_gw_audit *vx_gw_audit_new(struct event_base *base,
                                    const struct vx_gw_audit_ops *ops,
                                    void *aux);
void vx_gw_audit_free(struct vx_gw_audit *audit);       /* NULL is fine */

/* nonce: of who asks; 0 = nobody, of its own accord: left out if an audit is
 * under way.  A nonce that was answered, or is being, is no new question. */
void vx_gw_audit_ask(struct vx_gw_audit *audit, uint64_t nonce, bool repair);
/* is_busy: it cannot be compared just now, and is tried again.  drifts are
 * taken over (empty afterwards).  Of a part that is not waited for (any more)
 * nothing happens. */
void vx_gw_audit_looked(struct vx_gw_audit *audit, enum vx_gw_part part,
                        bool is_busy, struct vx_gw_drifts *drifts);

/* Member "audit" of a report: the last nonce, and the result that was not
 * told yet.  serial: of the result, for _told. */
void vx_gw_audit_put(const struct vx_gw_audit *audit, struct vx_buf *out,
                     uint64_t *ret_serial);
/* The controller has taken the result of this serial. */
void vx_gw_audit_told(struct vx_gw_audit *audit, uint64_t serial);

struct vx_gw_audit_counts {
    uint64_t n_audits, n_found, n_repaired;     /* differences, ever */
};
void vx_gw_audit_get_counts(const struct vx_gw_audit *audit,
                            struct vx_gw_audit_counts *ret_counts);

#endif
