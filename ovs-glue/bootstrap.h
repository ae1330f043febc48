/* SPDX-License-Identifier: Apache-2.0 */
/* What a host's OVSDB ought to hold for us, as one transaction.
 *
 *   rows seen (ovsdb_view) + rows wanted -> JSON operations, or NULL
 *
 * Pure and level-triggered: run it whenever the session says `changed`; what
 * it returns, once applied, makes the next run return NULL.  It touches
 * what is ours only (the two bridges, our three interfaces, controllers of
 * our bridges, the vxfabric-status id); ports of others on br-tenant, that is
 * taps, are kept.  What would work past our rows goes: mirrors, flow_tables,
 * spanning trees, snooping and forward-bpdu of the two bridges, and VLANs of
 * ports.  sflow, netflow, ipfix and policing are the operator's, not looked
 * at.
 *
 * What it holds to (ovs-vswitchd 3.1): going from no controller of type
 * "primary" to one, or to none, flushes a bridge's flows, and that is what
 * happens when ovs-vswitchd starts with flow-restore-wait and the wait ends:
 * the flows that ovs-ctl has restored would be gone again.  So a Controller is
 * made with the type "service", which differs in nothing else that matters to
 * a bridge with fail_mode=secure; the type of a row that is there is left
 * alone, and one that takes the place of a primary one is primary, for a
 * change of that flushes too.  A target is replaced in one
 * transaction.  A Controller's max_backoff is ignored (8 s) until something
 * makes vswitchd reconfigure while it is connected, so it is set to a second
 * value then.  vxfabric-status does not do: vswitchd does not look at it. */
#ifndef OG_BOOTSTRAP_H
#define OG_BOOTSTRAP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/flow.h"
#include "lib/addr.h"
#include "lib/err.h"

struct og_ovsdb_view;
struct vx_buf;

/* Names of our interfaces (and their ports). */
#define OG_PATCH_TO_FABRIC "vx-patch-f"     /* on br-tenant */
#define OG_PATCH_TO_TENANT "vx-patch-t"     /* on br-fabric */
#define OG_VXLAN "vx0"                      /* on br-fabric */
enum { OG_VXLAN_UDP_PORT = 4789 };

/* Keys of Open_vSwitch.external_ids. All but the status are written on the
 * host by `netctl host join`; the status is the controller's word. */
#define OG_ID_SYSTEM "system-id"
#define OG_ID_NAME "vxfabric-name"
#define OG_ID_ZONE "vxfabric-zone"
#define OG_ID_VTEP "vxfabric-vtep"
#define OG_ID_MTU "vxfabric-mtu"
#define OG_ID_DATAPATH "vxfabric-datapath"
/* "joining: ...", "active", "refused: ..." */
#define OG_ID_STATUS "vxfabric-status"

struct og_bootstrap_wanted {
    uint32_t host_num;          /* 1..2^32-1, struct vx_host.num */
    const char *datapath_type;  /* "netdev" or "system" */
    struct vx_ip vtep;
    const char *controller;     /* OpenFlow target: "tcp:192.0.2.1:6653",
                                 * "tcp:[2001:db8::1]:6653" */
    uint32_t probe_ms;          /* inactivity_probe of the Controller rows,
                                 * 0 = off */
    bool openflow_up;           /* both bridges are connected to us: plan
                                 * again when this becomes true, or the
                                 * backoff waits for is_connected, which
                                 * vswitchd writes every 5 s only */
    struct vx_buf *notes;       /* NULL, or where a line goes for each thing
                                 * that differs and is not as it is for the
                                 * time of a connection only */
};

/* Datapath id of a bridge: 0x7678 ("vx"), tier (8 bits), 0 (8 bits), host
 * number (32 bits).  An OpenFlow connection says with it whose it is. */
uint64_t og_datapath_id(enum vx_tier tier, uint32_t host_num);
/* False if it is not one of ours. */
bool og_datapath_id_parse(uint64_t dpid, enum vx_tier *ret_tier,
                          uint32_t *ret_host_num);

/* The operations for og_ovsdb_session_transact, to be freed, or NULL if all
 * is as wanted (or only waits for ovs-vswitchd).  One at a time: while a plan
 * is under way, `changed` shows half of the story; plan again when it is
 * answered. */
char *og_bootstrap_plan(const struct og_ovsdb_view *view,
                        const struct og_bootstrap_wanted *wanted);

/* True once ovs-vswitchd has done its part too: bridges with their datapath
 * ids, our interfaces with their OpenFlow ports.  Else err says what is
 * missing, with ovs-vswitchd's own error where there is one: VX_UNAVAILABLE
 * = wait, VX_INVALID = will not go away by itself. */
bool og_bootstrap_is_done(const struct og_ovsdb_view *view,
                          const struct og_bootstrap_wanted *wanted,
                          struct vx_error *err);

/* Names of ports on br-fabric that are not ours. */
void og_bootstrap_strange_ports(const struct og_ovsdb_view *view,
                                void (*f)(void *aux, const char *port),
                                void *aux);
/* Removes them; NULL if there are none.  To be freed. */
char *og_bootstrap_evict_plan(const struct og_ovsdb_view *view);

/* Sets external_ids:vxfabric-status of the Open_vSwitch row; NULL if it is
 * so already. To be freed. */
char *og_status_plan(const struct og_ovsdb_view *view, const char *status);

#endif
