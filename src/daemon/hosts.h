/* SPDX-License-Identifier: Apache-2.0 */
/* The hosts' sessions: who is connected, who may, who is ready.
 *
 *   OVSDB connection --identify--> join (durable) --attach--> bootstrap
 *        \--refused: reason written into the host's own OVSDB
 *   OpenFlow connections --datapath id--> switch of a host
 *   ready = attached, bootstrapped, both switches synced
 *
 * A host's truth about itself (system-id, VTEP, MTU, zone) comes from its
 * OVSDB, where `netctl host join` wrote it; it becomes intent like any other
 * and survives the host.  A host that says what another host says (name with
 * another system-id, system-id, VTEP) is refused and looked at again
 * whenever a host goes.
 *
 * When the OVSDB connection is lost the interfaces stay as they were last
 * seen: the switch still forwards (fail static). */
#ifndef VX_DAEMON_HOSTS_H
#define VX_DAEMON_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fabric.h"
#include "core/model.h"
#include "core/op.h"
#include "core/punt.h"
#include "daemon/options.h"
#include "daemon/switch.h"
#include "lib/err.h"

struct event_base;
struct sockaddr;
struct vx_hosts;
struct vx_receipt;
struct vx_receipts;

struct vx_hosts_env {
    void *ctx;
    struct event_base *base;
    const struct vx_options *options;
    const struct vx_model *model;
    uint64_t (*revision)(void *ctx);    /* committed, and applied so far */
    struct vx_fabric *fabric;
    struct vx_receipts *receipts;
    /* Makes operations durable, then calls done; obj is the last result. */
    void (*submit)(void *ctx, const struct vx_op *ops, size_t n,
                   void (*done)(void *aux, const struct vx_error *err,
                                const struct vx_obj *obj), void *aux);
    /* The OVSDB of the host has connected and may join. */
    void (*joined)(void *ctx, uint64_t host);
    /* The host has become ready, or is not any more. */
    void (*changed)(void *ctx, uint64_t host, bool ready);
    /* Somebody had changed what its OVSDB holds for us, a line each; it is
     * put right. */
    void (*differed)(void *ctx, uint64_t host, const char *lines);
    /* An interface came or went: what follows belongs to one receipt. */
    void (*iface)(void *ctx, uint64_t host, const char *iface_id,
                  uint32_t ofport);
    /* A frame that a bridge has sent to the controller: any bytes. */
    void (*packet_in)(void *ctx, uint64_t host, enum vx_tier tier,
                      const struct vx_packet_in *in);
};

struct vx_hosts *vx_hosts_new(const struct vx_hosts_env *env);
void vx_hosts_free(struct vx_hosts *hosts);

/* A connection was accepted; takes the socket. */
void vx_hosts_accept_ovsdb(struct vx_hosts *hosts, int take_fd,
                           const struct sockaddr *peer);
void vx_hosts_accept_openflow(struct vx_hosts *hosts, int take_fd,
                              const struct sockaddr *peer);

/* A host object was committed (new: not NULL) or deleted. */
void vx_hosts_update(struct vx_hosts *hosts, const struct vx_host *old,
                     const struct vx_host *new);
/* Encodes once, sends to those of the hosts that take rows. */
void vx_hosts_send(struct vx_hosts *hosts, const uint64_t *oids, size_t n,
                   const struct vx_delta *delta, struct vx_receipt *receipt);

/* Sends an empty packet between the host and every other ready one, both ways:
 * with the userspace datapath the first packet to a VTEP whose MAC is not
 * resolved is lost, and it had better be ours.  O(hosts); nothing on kernel
 * datapaths. */
void vx_hosts_warm(struct vx_hosts *hosts, uint64_t host);

/* A frame through the actions of a row on one bridge of a host; lost if it is
 * not connected. */
void vx_hosts_packet_out(struct vx_hosts *hosts, uint64_t host,
                         enum vx_tier tier, const void *frame, size_t size,
                         const struct vx_row *acts);

/* A number that has grown when the host's br-tenant is heard again, which it
 * is asked for, behind what was sent to it; 0 if it is not connected.  So
 * silence of a machine is told from silence of its host. */
uint64_t vx_hosts_pulse(struct vx_hosts *hosts, uint64_t host);

bool vx_hosts_is_ready(const struct vx_hosts *hosts, uint64_t host);

struct vx_host_facts {
    bool ready;
    bool connected;             /* its OVSDB */
    const char *state;          /* "joining", "active", "down" */
    char reason[320];           /* why it is not active, "" if it is */
    char peer[64];              /* of its OVSDB connection */
    uint64_t realized;          /* revision, 0 = unknown */
    struct vx_switch_facts sw[2];   /* tier 1, tier 2 */
};
/* False if there is no such host. */
bool vx_hosts_facts(const struct vx_hosts *hosts, uint64_t host,
                    struct vx_host_facts *ret_facts);
/* The lowest realized revision of all hosts; 0 if one is not synced. */
uint64_t vx_hosts_min_realized(const struct vx_hosts *hosts);

/* Hosts that were refused and are still connected. */
struct vx_refused_host {
    const char *name, *system_id, *vtep, *zone, *peer, *reason;
};
void vx_hosts_refused(const struct vx_hosts *hosts,
                      void (*f)(void *aux, const struct vx_refused_host *),
                      void *aux);

/* --- For audits (host_audit.c). */

/* NULL if there is no such host. */
struct vx_switch *vx_hosts_switch(const struct vx_hosts *hosts,
                                  uint64_t host, enum vx_tier tier);
/* Names of ports on br-fabric that are not ours. */
void vx_hosts_strange_ports(const struct vx_hosts *hosts, uint64_t host,
                            void (*f)(void *aux, const char *port),
                            void *aux);
/* Removes them.  False: there are none, or no connection; else done is called
 * later, once. */
bool vx_hosts_evict(struct vx_hosts *hosts, uint64_t host,
                    void (*done)(void *aux, uint64_t host, bool ok),
                    void *aux);

/* The iface-id of the interface with this number, NULL if there is none
 * (host_iface.c).  O(interfaces). */
const char *vx_hosts_iface_at(const struct vx_hosts *hosts, uint64_t host,
                              uint32_t ofport);

/* A staged change of hosts has come to nothing: what was refused or put off
 * because of it is tried again. */
void vx_hosts_undone(struct vx_hosts *hosts);

/* For metrics: connections by kind. */
void vx_hosts_counts(const struct vx_hosts *hosts, size_t *ret_n_ready,
                     size_t *ret_n_ovsdb, size_t *ret_n_openflow,
                     size_t *ret_n_refused);

#endif
