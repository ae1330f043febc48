/* SPDX-License-Identifier: Apache-2.0 */
/* One FRR daemon's configuration, kept as wanted: asks it for its running
 * configuration, has the difference computed (frr_config.h), carries it out,
 * looks again.  At each connection, after each change, and now and then. */
#ifndef VX_GATEWAY_FRR_H
#define VX_GATEWAY_FRR_H

#include "gateway/drift.h"
#include "gateway/frr_config.h"
#include "gateway/vty.h"

struct event_base;
struct vx_gw_frr;

struct vx_gw_frr_spec {
    struct event_base *base;
    enum vx_gw_frr_daemon daemon;
    const char *path;               /* of its VTY socket */
    unsigned look_ms;               /* between looks of its own accord; 0 =
                                     * none */
    bool saves;                     /* `write file` when it was configured */
    /* What is wanted now; false: not known yet, nothing is done.  What it
     * returns is used before anything else is called. */
    bool (*want)(void *aux, struct vx_gw_frr_want *ret_want);
    /* A peering cannot be configured; NULL first: all others can. */
    void (*conflict)(void *aux, enum vx_gw_frr_daemon daemon,
                     const struct vx_gw_frr_conflict *conflict);
    void (*progress)(void *aux);    /* configured, settled, up or down */
    void *aux;
};

struct vx_gw_frr *vx_gw_frr_new(const struct vx_gw_frr_spec *spec);
void vx_gw_frr_free(struct vx_gw_frr *frr);         /* NULL is fine */

/* What is wanted has changed. */
void vx_gw_frr_touch(struct vx_gw_frr *frr);
/* Its configuration is as wanted, or it is away, or refuses it. */
bool vx_gw_frr_is_settled(const struct vx_gw_frr *frr);
/* As wanted, with nothing said since the last touch. */
bool vx_gw_frr_is_done(const struct vx_gw_frr *frr);
/* A number for what is wanted from now on, to be asked with after the next
 * touch: whether commands for it, or for what came after, have been carried
 * out, or none was to be given.  So it is known that a neighbor is gone, and
 * has been told so, while other changes go on. */
uint64_t vx_gw_frr_next(const struct vx_gw_frr *frr);
bool vx_gw_frr_has_taken(const struct vx_gw_frr *frr, uint64_t number);
/* Has taken it, or has refused it, or is no more: it does not hang, with
 * something under way from before. */
bool vx_gw_frr_has_heard(const struct vx_gw_frr *frr, uint64_t number);
bool vx_gw_frr_is_up(const struct vx_gw_frr *frr);
/* Why it is not as wanted; "" if it is. */
const char *vx_gw_frr_why(const struct vx_gw_frr *frr);
/* For questions of others, between its own jobs. */
struct vx_gw_vty *vx_gw_frr_vty(struct vx_gw_frr *frr);
/* VNIs of VRFs that were made in it since the last call, and all was done
 * since; freed by the caller.  How many. */
size_t vx_gw_frr_take_made(struct vx_gw_frr *frr, uint32_t **ret_vnis);
const char *vx_gw_frr_name(enum vx_gw_frr_daemon daemon);  /* "bgpd" */

/* Compares what runs with what is wanted and changes nothing.  looked is
 * called once, maybe from within: with what differs, or why it could not be
 * compared; is_busy: it is being configured, try again soon. */
typedef void vx_gw_frr_looked(void *aux, enum vx_gw_frr_daemon daemon,
                              bool is_busy, struct vx_gw_drifts *drifts);
void vx_gw_frr_look(struct vx_gw_frr *frr, vx_gw_frr_looked *looked,
                    void *aux);

struct vx_gw_frr_counts {
    uint64_t n_looks, n_commands, n_failures, n_connects;
};
void vx_gw_frr_get_counts(const struct vx_gw_frr *frr,
                          struct vx_gw_frr_counts *ret_counts);

#endif
