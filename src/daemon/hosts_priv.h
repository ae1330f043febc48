/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by hosts.c (table), host_link.c and host_identity.c (OVSDB) and
 * host_conn.c (OpenFlow); nobody else includes it. */
#ifndef VX_DAEMON_HOSTS_PRIV_H
#define VX_DAEMON_HOSTS_PRIV_H

#include "daemon/hosts.h"
#include "lib/tree.h"

struct event;
struct og_of_session;
struct og_ovsdb_session;

struct conn;
struct link;

/* An interface the fabric was told of. */
struct known_iface {
    struct vx_tree_node by_id;
    char *iface_id;
    uint32_t ofport;
    bool seen;                  /* sweep after a reconnect */
};

struct host {
    struct vx_tree_node by_oid;
    struct vx_hosts *owner;
    uint64_t oid;
    char *name;
    struct link *link;          /* attached OVSDB connection, or NULL */
    struct conn *conns[2];      /* OpenFlow, by tier - 1 */
    struct vx_switch *sw[2];
    struct vx_tree ifaces;      /* struct known_iface */
    bool bootstrapped;
    char *settled;              /* what its OVSDB was right by, last */
    bool stranger;              /* as committed, struct vx_host */
    bool admitting;             /* VX_OP_ADMIT is under way */
    bool doomed;                /* deleted; its last rows are on their way */
    struct event *end;          /* of a doomed host */
    bool ready;                 /* as last told */
    char link_error[256];
};

/* An OVSDB connection. */
struct link {
    struct vx_hosts *owner;
    struct link *prev, *next;
    struct og_ovsdb_session *session;
    struct host *host;          /* once attached */
    char peer[64];              /* with port */
    char ip[64];                /* without */
    char local[64];             /* our address it reached, "" if unknown */
    char *identity;             /* its ids as it joined; NULL: has not */
    char refused[320];          /* "" = not refused */
    bool writing;               /* its status, into its own OVSDB */
    bool status_seen;           /* it was there: its end is a wish to join
                                 * anew */
    bool deleted;               /* or reset: not to be asked to join again */
    bool joining;               /* its operations are being made durable */
    bool dead;                  /* closed while joining: free when done */
    bool planning;              /* a transaction is under way */
    struct eviction *eviction;  /* under way, host_audit.c */
    char *notes;                /* what differed from what was settled */
    bool refresh;               /* the plan under way puts something right */
};

/* An OpenFlow connection. */
struct conn {
    struct vx_hosts *owner;
    struct conn *prev, *next;
    struct og_of_session *session;
    char ip[64];                /* where it comes from */
    struct host *host;          /* once identified */
    enum vx_tier tier;
};

struct vx_hosts {
    struct vx_hosts_env env;
    struct vx_tree hosts;       /* struct host by oid */
    struct link *links;
    struct conn *conns;
    size_t n_links, n_conns, n_ready;
    struct event *again;        /* what the store could not take is tried
                                 * again */
    bool stopping;              /* no news any more */
};

enum { HOSTS_MAX_CONNECTIONS = 65536 };

/* Stays in the host's own OVSDB until it is asked to join again, so that a
 * host that was deleted does not come back by itself. */
#define HOST_DELETED "the host was deleted from the fabric; run " \
    "\"netctl host join\" again to bring it back"

/* The same of a host whose system-id was forgotten: whoever joins by its name
 * next is it. */
#define HOST_RESET "the host was reset in the fabric; run \"netctl host " \
    "join\" again if it is still this one"

struct host *vx_hosts_find(const struct vx_hosts *hosts, uint64_t oid);
struct host *vx_hosts_get(struct vx_hosts *hosts, const struct vx_host *obj);
/* Looks at everything ready depends on, tells who wants to know. */
void vx_host_review(struct host *host);
void vx_host_reason(const struct host *host, char *buf, size_t size);

/* A join or an admission failed: comes back to it if that may help. */
void vx_hosts_again(struct vx_hosts *hosts);

/* host_link.c */
void vx_link_close(struct link *link, const char *why);
/* Bootstraps as far as possible; called when anything it reads changes. */
void vx_link_plan(struct link *link);
void vx_link_write_status(struct link *link);
/* Looks again at everyone who was refused. */
void vx_links_reconsider(struct vx_hosts *hosts);
/* Tells who waits for an eviction, if anybody does. */
void vx_link_evicted(struct link *link, bool ok);
void vx_link_refuse(struct link *link, const char *reason);
/* Not its host any more, and not again before it is asked to join. */
void vx_link_detach(struct link *link, const char *reason);
/* Numeric address of a socket's peer; "local" for a unix socket. */
void vx_peer_format(const struct sockaddr *sa, bool with_port, char *buf,
                    size_t size);

/* host_identity.c */
/* The ids as they are now; whether they are still those that were noted. */
void vx_link_note_identity(struct link *link);
bool vx_link_has_identity(const struct link *link);
/* The operation by which it joins, or why it cannot. */
bool vx_link_read_identity(const struct link *link, struct vx_op *ret_op,
                           struct vx_error *err);
/* The address is on record for a host that has moved on: the operation that
 * takes it away from that one, if it is still so when it is staged (else
 * VX_PRECONDITION).  False: there is nothing to take. */
bool vx_link_free_vtep(const struct link *link, const struct vx_ip *vtep,
                       struct vx_op *ret_op);
const char *vx_link_datapath(const struct link *link);
const char *vx_link_system_id(const struct link *link);

/* host_conn.c */
void vx_conn_close(struct conn *conn, const char *why);
/* A host's OpenFlow comes from where its OVSDB comes from: a clone that has
 * the same datapath id is somebody else.  True if either is not known. */
bool vx_conn_is_of(const struct conn *conn, const struct link *link);

#endif
