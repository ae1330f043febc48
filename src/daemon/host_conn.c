/* SPDX-License-Identifier: Apache-2.0 */
/* OpenFlow connections: which bridge of which host; see hosts.h. */
#include "daemon/hosts_priv.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/xalloc.h"
#include "ovs-glue/bootstrap.h"
#include "ovs-glue/of_codec.h"
#include "ovs-glue/of_session.h"

bool
vx_conn_is_of(const struct conn *conn, const struct link *link)
{
    return !link || !strcmp(conn->ip, link->ip);
}

static struct vx_switch *
switch_of(const struct conn *conn)
{
    return conn->host ? conn->host->sw[conn->tier - 1] : NULL;
}

void
vx_conn_close(struct conn *conn, const char *why)
{
    struct vx_hosts *hosts = conn->owner;

    if (conn->prev) {
        conn->prev->next = conn->next;
    } else {
        hosts->conns = conn->next;
    }
    if (conn->next) {
        conn->next->prev = conn->prev;
    }
    hosts->n_conns--;
    if (conn->host) {
        conn->host->conns[conn->tier - 1] = NULL;
        vx_switch_disconnect(switch_of(conn), why);    /* frees session */
    } else {
        og_of_session_free(conn->session);
    }
    free(conn);
}

static void
on_ready(void *conn_, uint64_t dpid)
{
    struct conn *conn = conn_, *old;
    struct vx_hosts *hosts = conn->owner;
    const struct vx_host *obj = NULL;
    struct host *host;
    enum vx_tier tier;
    uint32_t num;

    if (og_datapath_id_parse(dpid, &tier, &num)) {
        obj = vx_model_host_by_num(hosts->env.model, num);
    }
    /* Only of what is committed: a host that is staged may come to nothing. */
    host = obj ? vx_hosts_find(hosts, obj->o.oid) : NULL;
    if (!host) {
        vx_log_warn("openflow", "a bridge with datapath id %016"PRIx64
                    " connected, no host has it", dpid);
        vx_conn_close(conn, "unknown datapath id");
        return;
    }
    if (!vx_conn_is_of(conn, host->link)) {
        vx_log_warn(obj->o.name, "a bridge with its datapath id connected "
                    "from %s, its OVSDB is at %s: a clone?", conn->ip,
                    host->link->peer);
        vx_conn_close(conn, "datapath id of another host");
        return;
    }
    conn->host = host;
    conn->tier = tier;
    old = conn->host->conns[tier - 1];
    if (old) {
        vx_conn_close(old, "replaced by a newer connection");
    }
    conn->host->conns[tier - 1] = conn;
    vx_switch_connect(switch_of(conn), conn->session);
}

static void
on_dumped(void *conn, struct og_crows *take_crows)
{
    vx_switch_dumped(switch_of(conn), take_crows);
}

static void
on_counted(void *conn, struct vx_count *rows, size_t n, const char *why)
{
    vx_switch_counted(switch_of(conn), rows, n, why);
}

static void
on_committed(void *conn, uint64_t tag)
{
    vx_switch_committed(switch_of(conn), tag);
}

static void
on_failed(void *conn, const struct vx_error *err)
{
    vx_switch_failed(switch_of(conn), err);
}

static void
on_packet_in(void *conn_, const struct vx_packet_in *in)
{
    struct conn *conn = conn_;
    struct vx_hosts *hosts = conn->owner;

    if (conn->host && !conn->host->doomed && !hosts->stopping) {
        hosts->env.packet_in(hosts->env.ctx, conn->host->oid, conn->tier,
                             in);
    }
}

static void
on_closed(void *conn_, const char *why)
{
    struct conn *conn = conn_;

    if (!conn->host) {
        vx_log_info("openflow", "connection closed before it said whose it "
                    "is: %s", why);
    }
    vx_conn_close(conn, why);
}

void
vx_hosts_accept_openflow(struct vx_hosts *hosts, int take_fd,
                         const struct sockaddr *peer)
{
    static const struct og_of_callbacks callbacks = {
        .ready = on_ready, .dumped = on_dumped, .committed = on_committed,
        .failed = on_failed, .counted = on_counted,
        .packet_in = on_packet_in, .closed = on_closed,
    };
    struct bufferevent *bev;
    struct conn *conn;

    if (hosts->n_conns >= HOSTS_MAX_CONNECTIONS) {
        vx_log_warn("openflow", "too many connections, one is closed");
        close(take_fd);
        return;
    }
    bev = bufferevent_socket_new(hosts->env.base, take_fd,
                                 BEV_OPT_CLOSE_ON_FREE);
    if (!bev) {
        close(take_fd);
        return;
    }
    setsockopt(take_fd, IPPROTO_TCP, TCP_NODELAY, &(int) { 1 }, sizeof(int));
    conn = vx_xcalloc(1, sizeof *conn);
    conn->owner = hosts;
    vx_peer_format(peer, false, conn->ip, sizeof conn->ip);
    conn->next = hosts->conns;
    if (conn->next) {
        conn->next->prev = conn;
    }
    hosts->conns = conn;
    hosts->n_conns++;
    conn->session = og_of_session_new(bev, &callbacks, conn);
    og_of_session_set_keepalive(conn->session,
                                hosts->env.options->probe_ms,
                                hosts->env.options->probe_ms * 2);
}
