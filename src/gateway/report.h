/* SPDX-License-Identifier: Apache-2.0 */
/* What the controller is told: POST /v1/gateways/G/report.
 *
 *   changes, at most every 100 ms; nothing new: a heartbeat each second;
 *   after a start, or when the controller has another epoch: all again,
 *   "begin", "part"..., "end" (and not "end" before we have heard all there
 *   is, else what a restart has not heard yet would be dropped)
 *
 * One POST at a time.  One that fails is made again from what is the case
 * then; nothing counts as told until it is answered. */
#ifndef VX_GATEWAY_REPORT_H
#define VX_GATEWAY_REPORT_H

#include "gateway/entries.h"
#include "gateway/learned.h"
#include "lib/buf.h"

struct event_base;
struct vx_gw_http;
struct vx_gw_report;

enum {
    VX_GW_REPORT_MAX = 900 * 1024, VX_GW_FAILED_MAX = 500,
    VX_GW_TROUBLE_MAX = 250,            /* bytes of one */
};

/* What a report is made from beside learned items. */
struct vx_gw_report_view {
    const char *epoch;              /* "" = not known yet: nothing is told */
    uint64_t acked;
    const struct vx_gw_entries *entries;
    /* Appends the elements of "sessions" and the members of "counters",
     * without brackets. */
    void (*sessions)(void *aux, struct vx_buf *out);
    void (*counters)(void *aux, struct vx_buf *out);
    /* Likewise the elements of "unused"; NULL = nothing is said of it. */
    void (*unused)(void *aux, struct vx_buf *out);
    /* Likewise of "troubles": what does not work, strings; may be NULL. */
    void (*troubles)(void *aux, struct vx_buf *out);
    /* Appends the value of "audit"; the serial is given back in audit_told
     * when the report was taken.  May be NULL. */
    void (*audit)(void *aux, struct vx_buf *out, uint64_t *ret_serial);
    void *aux;
};

/* Pure: the body; returns the serial of the audit in it.  full: "begin",
 * "part", "end", or NULL.  items: what vx_gw_learned_next appended. */
uint64_t vx_gw_report_format(const struct vx_gw_report_view *view,
                             const char *boot, const char *full,
                             const char *items, struct vx_buf *out);

struct vx_gw_report_config {
    struct event_base *base;
    struct vx_gw_http *http;
    const char *gateway;
    struct vx_gw_learned *learned;
    /* What is the case now. */
    void (*look)(void *aux, struct vx_gw_report_view *ret_view);
    bool (*is_complete)(void *aux);     /* all there is has been heard */
    void (*audit_told)(void *aux, uint64_t serial);     /* may be NULL */
    void *aux;
};

struct vx_gw_report *
vx_gw_report_new(const struct vx_gw_report_config *config);
void vx_gw_report_free(struct vx_gw_report *report);    /* NULL is fine */

void vx_gw_report_start(struct vx_gw_report *report);
/* Something has changed: soon, but not within 100 ms of the last. */
void vx_gw_report_touch(struct vx_gw_report *report);
/* Another epoch: all again. */
void vx_gw_report_restart(struct vx_gw_report *report);

struct vx_gw_report_counts {
    uint64_t n_posts, n_failures, n_fulls;
    bool full;                          /* under way */
    char why[256];                      /* of the last failure; "" = none */
};
void vx_gw_report_get_counts(const struct vx_gw_report *report,
                             struct vx_gw_report_counts *ret_counts);

#endif
