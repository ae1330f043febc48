/* SPDX-License-Identifier: Apache-2.0 */
/* One host's ovsdb-server, as seen by the controller.
 *
 * ovsdb-server dials out (Manager row); the daemon accepts and hands the
 * connected bufferevent to a session.  The session asks for the monitor,
 * keeps a struct og_ovsdb_view true, reports interfaces that carry an
 * iface-id on br-tenant, runs transactions, and keeps the connection alive
 * with echoes.
 *
 *   bytes -> ovsdb_codec (bounded JSON) -> update rows -> view -> deltas
 *
 * It decides nothing: what to write is bootstrap.h's business, what an
 * interface means is the core's.  What the host sends is hostile: size,
 * nesting and number of values are bounded, anything unexpected closes the
 * session with a reason.  Cost of an update: O(its rows * log(all rows)).
 *
 * One libevent loop; no callback runs inside og_ovsdb_session_new,
 * _transact or _free.  Any callback may call _transact, _free or the
 * readers. */
#ifndef OG_OVSDB_SESSION_H
#define OG_OVSDB_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "ovs-glue/ovsdb_view.h"

struct bufferevent;
struct og_ovsdb_session;

struct og_ovsdb_callbacks {
    /* Once: the view is complete.  The first `iface` calls follow it at
     * once. */
    void (*ready)(void *aux);
    /* After ready: something a bootstrap plan looks at has changed (bridges
     * and interfaces of ours, controllers, managers, vxfabric-* ids).  At
     * most once per update message, never for a tap being plugged. */
    void (*changed)(void *aux);
    /* After ready: the interface with this iface-id on br-tenant has this
     * OpenFlow port; 0 = it is gone (or lost its ofport).  Within one update
     * all that go are told before all that come, so a port number is never
     * owned twice; a changed number is told as gone and new.  Two interfaces
     * with one iface-id: the first keeps it, `note` says so, the second
     * takes over when the first goes. */
    void (*iface)(void *aux, const char *iface_id, uint32_t ofport);
    /* Something an operator should read in the log; text is one line and
     * may hold bytes from the host (the log escapes). */
    void (*note)(void *aux, const char *text);
    /* Once, last: the connection is of no more use, by whichever side.
     * Transactions without an answer have been called back with false
     * before.  The view stays readable until _free. */
    void (*closed)(void *aux, const char *why);
};

/* Takes ownership of a connected bufferevent (any transport) and sends the
 * first request.  callbacks must outlive the session; `note` may be NULL. */
struct og_ovsdb_session *og_ovsdb_session_new(
    struct bufferevent *take_bev, const struct og_ovsdb_callbacks *callbacks,
    void *aux);
/* Silent: no callback, not even `done`.  NULL is fine. */
void og_ovsdb_session_free(struct og_ovsdb_session *session);

/* An echo request is sent after interval_ms without a byte from the host, the
 * session closed after timeout_ms more without one; the initial view has
 * interval_ms + timeout_ms in all.  Default 5,000 and 10,000. */
void og_ovsdb_session_set_keepalive(struct og_ovsdb_session *session,
                                    unsigned interval_ms,
                                    unsigned timeout_ms);

const struct og_ovsdb_view *og_ovsdb_session_view(
    const struct og_ovsdb_session *session);
bool og_ovsdb_session_is_ready(const struct og_ovsdb_session *session);
/* external_ids:system-id, "" if not set or not ready. */
const char *og_ovsdb_session_system_id(
    const struct og_ovsdb_session *session);
/* What `iface` would report for all interfaces now, in order of iface-id. */
void og_ovsdb_session_each_iface(
    const struct og_ovsdb_session *session,
    void (*f)(void *aux, const char *iface_id, uint32_t ofport), void *aux);
/* ofport of one iface-id, 0 = none. */
uint32_t og_ovsdb_session_ofport(const struct og_ovsdb_session *session,
                                 const char *iface_id);

/* ok: all operations are committed (RFC 7047 4.1.3); the updates they cause
 * have been applied to the view before.  error: what ovsdb-server said, or
 * why the session closed; "" if ok. */
typedef void og_ovsdb_done(void *aux, bool ok, const char *error);
/* operations: a JSON array of RFC 7047 operations without the database name,
 * as og_bootstrap_plan and og_status_plan make it.  One transaction: all or
 * nothing.  done (may be NULL) is called exactly once, unless the session is
 * freed before.  Transactions are answered in order. */
void og_ovsdb_session_transact(struct og_ovsdb_session *session,
                               const char *operations, og_ovsdb_done *done,
                               void *aux);

#endif
