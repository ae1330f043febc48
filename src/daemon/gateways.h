/* SPDX-License-Identifier: Apache-2.0 */
/* Gateways as the controller sees them: what each is told, what it reports.
 *
 *   changes --> dirty keys --core/export--> feedlog --> stream
 *   hosts: realized ----------------------->   \--> events, journal
 *   report --> acked, sessions
 *          \-> learned items --core/learned--> operations --> commit
 *   request that takes away what is announced --> held until acked
 *
 *   gateways.c        life, changes, dirty keys
 *   gateways_feed.c   streams
 *   gateways_report.c reports, sessions, who is connected
 *   gateways_learn.c  learned items and their objects
 *   gateways_hold.c   requests that wait until gateways have withdrawn
 *   gateways_legs.c   router networks and legs
 *   gateways_api.c    what the API asks
 *
 * Nothing is stored but the objects: a controller that starts makes all of it
 * anew, under another epoch, and gateways compare.  Until the hosts are back,
 * what was active before counts as active, and a gateway's own host that is
 * not there yet keeps the gateway from being told that that was all. */
#ifndef VX_DAEMON_GATEWAYS_H
#define VX_DAEMON_GATEWAYS_H

#include "api/backend.h"
#include "core/model.h"

struct vx_app;
struct vx_buf;
struct vx_gws;

struct vx_gws *vx_gws_new(struct vx_app *app);
void vx_gws_free(struct vx_gws *gws);
/* The model is loaded and the fabric knows it. */
void vx_gws_start(struct vx_gws *gws);
/* Before the API goes: requests that are held are refused. */
void vx_gws_stop(struct vx_gws *gws);
const struct vx_api_gateways *vx_gws_api(struct vx_gws *gws);

/* Committed, and the fabric knows them. */
void vx_gws_changed(struct vx_gws *gws, const struct vx_change *changes,
                    size_t n);
/* Staged, and taken back since the store has refused it. */
void vx_gws_undone(struct vx_gws *gws, const struct vx_change *change);
/* The port's status may be another. */
void vx_gws_port(struct vx_gws *gws, uint64_t port);
/* Hosts may have realized more. */
void vx_gws_realized(struct vx_gws *gws);
/* Once a second. */
void vx_gws_tick(struct vx_gws *gws);

/* True if the request takes away what gateways announce: it is submitted when
 * they have withdrawn it, or after two seconds.  submit->ops have to stay
 * where they are until submit->done. */
bool vx_gws_hold(struct vx_gws *gws, const struct vx_api_submit *submit,
                 void (*go)(void *app, const struct vx_api_submit *submit));

/* Asks the gateway to look at itself; the answer goes to vx_audits.  NULL, or
 * why it cannot be asked. */
const char *vx_gws_ask_audit(struct vx_gws *gws, uint64_t gateway,
                             bool repair, uint64_t *ret_nonce);

/* False if there is no such gateway or peering. */
bool vx_gws_status(struct vx_gws *gws, uint64_t gateway,
                   struct vx_api_gateway_status *ret_status);
bool vx_gws_peering_status(struct vx_gws *gws, uint64_t peering,
                           struct vx_api_peering_status *ret_status);
/* True if all gateways that have peers for it have told them of the policy.
 * O(gateways). */
bool vx_gws_policy_told(struct vx_gws *gws, uint64_t policy);
void vx_gws_metrics(const struct vx_gws *gws, struct vx_buf *out);

#endif
