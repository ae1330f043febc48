/* SPDX-License-Identifier: Apache-2.0 */
/* OVSDB connections: identify, join, bootstrap, interfaces; see hosts.h.
 *
 * A refused connection stays open: its reason is written into the host's own
 * OVSDB, where `netctl host join` reads it, and it is looked at again when
 * another host goes. */
#include "daemon/hosts_priv.h"

#include <arpa/inet.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "lib/xalloc.h"
#include "ovs-glue/bootstrap.h"
#include "ovs-glue/ovsdb_session.h"

#define JOINS_ANEW "the host joins anew"

/* --- Interfaces of an attached host. */

static void
known_iface_set(struct host *host, const char *iface_id, uint32_t ofport)
{
    struct vx_hosts *hosts = host->owner;
    struct vx_tree_node *node = vx_tree_find(&host->ifaces, iface_id);
    struct known_iface *iface = node ? VX_CONTAINER(node, struct known_iface,
                                                    by_id) : NULL;

    if (!ofport) {
        if (iface) {
            vx_tree_remove(&host->ifaces, node);
            hosts->env.iface(hosts->env.ctx, host->oid, iface_id, 0);
            free(iface->iface_id);
            free(iface);
        }
        return;
    }
    if (!iface) {
        iface = vx_xcalloc(1, sizeof *iface);
        iface->iface_id = vx_xstrdup(iface_id);
        vx_tree_insert(&host->ifaces, iface_id, &iface->by_id);
    }
    iface->seen = true;
    if (iface->ofport != ofport) {
        iface->ofport = ofport;
        hosts->env.iface(hosts->env.ctx, host->oid, iface_id, ofport);
    }
}

static void
mark_seen(void *host_, const char *iface_id, uint32_t ofport)
{
    struct host *host = host_;
    struct vx_tree_node *node = vx_tree_find(&host->ifaces, iface_id);

    if (node && VX_CONTAINER(node, struct known_iface, by_id)->ofport
                == ofport) {
        VX_CONTAINER(node, struct known_iface, by_id)->seen = true;
    }
}

static void
set_each(void *host, const char *iface_id, uint32_t ofport)
{
    known_iface_set(host, iface_id, ofport);
}

/* What went or changed while nobody looked goes before anything comes, so
 * that no port number is owned twice. */
static void
sweep_ifaces(struct host *host)
{
    VX_TREE_FOR_EACH(node, &host->ifaces) {
        VX_CONTAINER(node, struct known_iface, by_id)->seen = false;
    }
    og_ovsdb_session_each_iface(host->link->session, mark_seen, host);
    VX_TREE_FOR_EACH_SAFE(node, next, &host->ifaces) {
        struct known_iface *iface = VX_CONTAINER(node, struct known_iface,
                                                 by_id);

        if (!iface->seen) {
            char *iface_id = vx_xstrdup(iface->iface_id);

            known_iface_set(host, iface_id, 0);
            free(iface_id);
        }
    }
    og_ovsdb_session_each_iface(host->link->session, set_each, host);
}

/* --- Status, as the host can read it. */

static void
status_written(void *link_, bool ok, const char *error)
{
    struct link *link = link_;

    link->writing = false;
    if (ok) {
        vx_link_write_status(link);     /* it may be another one by now */
    } else {
        vx_log_warn(link->peer, "its status cannot be written: %s", error);
    }
}

/* One write at a time: what is compared with is what the host really has,
 * not what is on its way. */
void
vx_link_write_status(struct link *link)
{
    char text[352], reason[320];
    char *plan;

    if (link->refused[0]) {
        snprintf(text, sizeof text, "refused: %s", link->refused);
    } else if (link->host && link->host->ready) {
        snprintf(text, sizeof text, "active");
    } else if (link->host) {
        vx_host_reason(link->host, reason, sizeof reason);
        snprintf(text, sizeof text, "joining: %s", reason);
    } else {
        return;
    }
    plan = link->writing ? NULL
           : og_status_plan(og_ovsdb_session_view(link->session), text);
    if (plan) {
        link->writing = true;
        og_ovsdb_session_transact(link->session, plan, status_written, link);
        free(plan);
    }
}

void
vx_link_refuse(struct link *link, const char *reason)
{
    if (strcmp(link->refused, reason)) {
        vx_log_warn(link->peer, "host refused: %s", reason);
    }
    snprintf(link->refused, sizeof link->refused, "%s", reason);
    vx_link_write_status(link);
}

void
vx_link_detach(struct link *link, const char *reason)
{
    struct host *host = link->host;

    link->host = NULL;
    link->deleted = true;
    if (host) {
        host->link = NULL;
        host->bootstrapped = false;
        snprintf(host->link_error, sizeof host->link_error, "%s", reason);
    }
    vx_link_refuse(link, reason);
}

/* --- Bootstrap. */

static const char *
openflow_port(const struct vx_options *options)
{
    return strrchr(options->openflow, ':') + 1;
}

/* Where the host's bridges are to connect: the address the host has reached
 * us at, unless the operator says another. */
static void
controller_target(const struct link *link, char *buf, size_t size)
{
    const struct vx_options *options = link->owner->env.options;
    const char *ip = options->advertise ? options->advertise : link->local;
    bool bracket = strchr(ip, ':') && ip[0] != '[';

    snprintf(buf, size, "tcp:%s%s%s:%s", bracket ? "[" : "", ip,
             bracket ? "]" : "", openflow_port(options));
}

static void
planned(void *link_, bool ok, const char *error)
{
    struct link *link = link_;

    char *notes = link->notes;

    link->planning = false;
    link->notes = NULL;
    if (link->host) {
        if (ok && link->refresh) {
            vx_switch_refresh(link->host->sw[0]);
            vx_switch_refresh(link->host->sw[1]);
        }
        if (ok && notes) {
            link->owner->env.differed(link->owner->env.ctx,
                                      link->host->oid, notes);
        }
        if (!ok) {
            snprintf(link->host->link_error, sizeof link->host->link_error,
                     "OVSDB refused the set-up: %.200s", error);
            vx_log_error(link->host->name, "%s", link->host->link_error);
            vx_host_review(link->host);
        } else {
            vx_link_plan(link);
        }
    }
    free(notes);
}

/* What decides how an OVSDB ought to be: as long as it stays and the OVSDB
 * was right before, a difference is somebody else's doing. */
static char *
settlement(const struct og_bootstrap_wanted *wanted)
{
    char ip[VX_IP_STRLEN];

    return vx_xasprintf("%u %s %s %s %u", wanted->host_num,
                        wanted->datapath_type,
                        vx_ip_format(&wanted->vtep, ip), wanted->controller,
                        wanted->probe_ms);
}

static void
carry_out(struct link *link, const char *plan,
          const struct og_bootstrap_wanted *wanted)
{
    char *now = settlement(wanted);

    link->refresh = wanted->notes->size > 0;
    if (wanted->notes->size && link->host->settled
        && !strcmp(link->host->settled, now)) {
        link->notes = vx_buf_steal(wanted->notes);
    }
    free(now);
    link->planning = true;
    og_ovsdb_session_transact(link->session, plan, planned, link);
}

static void
settle(struct host *host, const struct og_bootstrap_wanted *wanted)
{
    free(host->settled);
    host->settled = settlement(wanted);
}

void
vx_link_plan(struct link *link)
{
    const struct og_ovsdb_view *view = og_ovsdb_session_view(link->session);
    struct host *host = link->host;
    const struct vx_host *obj = (const struct vx_host *)
        vx_model_by_oid(link->owner->env.model, host->oid);
    char target[128];
    struct og_bootstrap_wanted wanted = {
        .datapath_type = vx_link_datapath(link), .controller = target,
        .probe_ms = link->owner->env.options->probe_ms,
        .openflow_up = host->ready,
    };
    struct vx_buf notes = VX_BUF_INIT;
    struct vx_error err;
    char *plan;

    if (!obj || !obj->vtep.family) {
        vx_hosts_again(link->owner);    /* a staged delete or reset, that may
                                         * come to nothing */
        return;
    }
    if (link->planning) {
        return;
    }
    controller_target(link, target, sizeof target);
    wanted.host_num = obj->num;
    wanted.vtep = obj->vtep;
    wanted.notes = &notes;
    plan = og_bootstrap_plan(view, &wanted);
    if (plan) {
        carry_out(link, plan, &wanted);
        free(plan);
        vx_buf_fini(&notes);
        return;
    }
    vx_buf_fini(&notes);
    host->bootstrapped = og_bootstrap_is_done(view, &wanted, &err);
    if (host->bootstrapped) {
        settle(host, &wanted);
    }
    snprintf(host->link_error, sizeof host->link_error, "%.250s",
             host->bootstrapped ? "" : err.message);
    vx_switch_allow(host->sw[0], host->bootstrapped);
    vx_switch_allow(host->sw[1], host->bootstrapped);
    vx_host_review(host);
}

/* --- Join. */

/* One live connection per host: a second one from the same address replaces
 * it (the first is half-open), from another address it is a second host that
 * claims the same identity. */
static bool
take_over(struct link *link, struct host *host)
{
    struct link *old = host->link;

    if (old && old != link) {
        if (strcmp(link->ip, old->ip)) {
            char *reason = vx_xasprintf(
                "host \"%s\" with this name and system-id is already "
                "connected from %s; give this host its own with \"netctl "
                "host join --name\" after \"ovs-vsctl remove open . "
                "external_ids system-id\"", host->name, old->peer);

            vx_link_refuse(link, reason);
            free(reason);
            return false;
        }
        vx_link_close(old, "replaced by a newer connection");
    }
    return true;
}

static void
attach(struct link *link, const struct vx_host *obj)
{
    struct host *host = vx_hosts_get(link->owner, obj);

    if (!take_over(link, host)) {
        return;
    }
    vx_log_info(host->name, "OVSDB connection from %s is up", link->peer);
    link->refused[0] = '\0';
    link->host = host;
    host->link = link;
    host->bootstrapped = false;
    host->link_error[0] = '\0';
    for (int i = 0; i < 2; i++) {
        if (host->conns[i] && !vx_conn_is_of(host->conns[i], link)) {
            vx_conn_close(host->conns[i], "its OVSDB comes from elsewhere");
        }
    }
    sweep_ifaces(host);
    link->owner->env.joined(link->owner->env.ctx, host->oid);
    vx_link_plan(link);
    vx_host_review(host);
}

static void
link_free(struct link *link)
{
    free(link->identity);
    free(link->notes);
    free(link);
}

/* In the very turn of its joining: what it joined is already no more. */
static bool
is_deleted(const struct vx_hosts *hosts, const struct vx_obj *obj)
{
    const struct host *host = vx_hosts_find(hosts, obj->oid);

    return !host || host->doomed;
}

/* Or is not it any more. */
static bool
is_reset(const struct link *link, const struct vx_obj *obj)
{
    const struct vx_host *now = (const struct vx_host *)
        vx_model_by_oid(link->owner->env.model, obj->oid);

    return now && strcmp(now->system_id, vx_link_system_id(link));
}

static void join(struct link *link);

static void
joined(void *link_, const struct vx_error *err, const struct vx_obj *obj)
{
    struct link *link = link_;

    link->joining = false;
    if (link->dead) {
        link_free(link);
    } else if (!vx_link_has_identity(link)) {
        vx_link_close(link, JOINS_ANEW);    /* while it was made durable */
    } else if (err && err->code == VX_PRECONDITION) {
        join(link);             /* who had its address has got another */
    } else if (err) {
        vx_link_refuse(link, err->message);
        if (err->code == VX_UNAVAILABLE) {
            vx_hosts_again(link->owner);
        }
    } else if (is_deleted(link->owner, obj)) {
        vx_link_detach(link, HOST_DELETED);
    } else if (is_reset(link, obj)) {
        vx_link_detach(link, HOST_RESET);
    } else {
        attach(link, (const struct vx_host *) obj);
    }
}

static void
join(struct link *link)
{
    const struct vx_hosts_env *env = &link->owner->env;
    struct vx_op ops[3] = { { .type = VX_OP_PUT, .kind = VX_ZONE } }, host;
    struct vx_error err;
    size_t n = 0;

    if (link->joining || link->host || link->deleted) {
        return;
    }
    vx_link_note_identity(link);
    if (!vx_link_read_identity(link, &host, &err)) {
        vx_link_refuse(link, err.message);
        return;
    }
    ops[0].key.name = host.spec.host.zone;
    n += env->options->auto_zones
         && !vx_model_find(env->model, VX_ZONE, &ops[0].key, NULL);
    n += vx_link_free_vtep(link, &host.spec.host.vtep, &ops[n]);
    ops[n++] = host;
    link->joining = true;
    env->submit(env->ctx, ops, n, joined, link);
}

void
vx_links_reconsider(struct vx_hosts *hosts)
{
    for (struct link *link = hosts->links, *next; link; link = next) {
        next = link->next;
        if (link->refused[0] && !link->dead && !link->deleted) {
            join(link);
        }
    }
}

/* --- Callbacks of the session. */

/* The host says something else about itself, or `netctl host join` has taken
 * its status away (it was refused before): its ids are read again on a new
 * connection. */
static bool
wants_anew(struct link *link)
{
    bool was_seen = link->status_seen;

    link->status_seen = og_view_external_id(
        og_ovsdb_session_view(link->session), OG_ID_STATUS)[0] != '\0';
    return (was_seen && !link->status_seen)
           || (link->host && !vx_link_has_identity(link));
}

static void
on_ready(void *link_)
{
    static const char *const ends[] = { HOST_DELETED, HOST_RESET };
    struct link *link = link_;
    const char *status;

    wants_anew(link);
    status = og_view_external_id(og_ovsdb_session_view(link->session),
                                 OG_ID_STATUS);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (!strncmp(status, "refused: ", 9) && !strcmp(status + 9, ends[i])) {
            vx_link_detach(link, ends[i]);
            return;
        }
    }
    join(link);
}

static void
on_changed(void *link_)
{
    struct link *link = link_;

    if (wants_anew(link)) {
        vx_link_close(link, JOINS_ANEW);
    } else if (link->host) {
        vx_link_plan(link);
    } else {
        join(link);
    }
}

static void
on_iface(void *link_, const char *iface_id, uint32_t ofport)
{
    struct link *link = link_;

    if (link->host) {
        known_iface_set(link->host, iface_id, ofport);
    }
}

static void
on_note(void *link_, const char *text)
{
    struct link *link = link_;

    vx_log_warn(link->host ? link->host->name : link->peer, "%s", text);
}

static void
on_closed(void *link, const char *why)
{
    vx_link_close(link, why);
}

void
vx_link_close(struct link *link, const char *why)
{
    struct vx_hosts *hosts = link->owner;
    struct host *host = link->host;

    og_ovsdb_session_free(link->session);
    link->session = NULL;
    vx_link_evicted(link, false);
    if (link->prev) {
        link->prev->next = link->next;
    } else {
        hosts->links = link->next;
    }
    if (link->next) {
        link->next->prev = link->prev;
    }
    hosts->n_links--;
    if (!hosts->stopping) {
        vx_log_info(host ? host->name : link->peer,
                    "OVSDB connection is gone: %s", why);
    }
    if (host) {
        host->link = NULL;
        host->bootstrapped = false;
        snprintf(host->link_error, sizeof host->link_error, "%s", why);
        vx_host_review(host);
    }
    if (link->joining) {
        link->dead = true;              /* joined() frees it */
    } else {
        link_free(link);
    }
    if (host && !hosts->stopping) {
        vx_links_reconsider(hosts);
    }
}

void
vx_peer_format(const struct sockaddr *sa, bool with_port, char *buf,
            size_t size)
{
    char ip[INET6_ADDRSTRLEN] = "";

    if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *sin6 = (const void *) sa;

        if (IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr)) {
            inet_ntop(AF_INET, sin6->sin6_addr.s6_addr + 12, ip, sizeof ip);
        } else {
            inet_ntop(AF_INET6, &sin6->sin6_addr, ip, sizeof ip);
        }
        snprintf(buf, size, with_port ? "%s:%u" : "%s", ip,
                 ntohs(sin6->sin6_port));
    } else if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *sin = (const void *) sa;

        inet_ntop(AF_INET, &sin->sin_addr, ip, sizeof ip);
        snprintf(buf, size, with_port ? "%s:%u" : "%s", ip,
                 ntohs(sin->sin_port));
    } else {
        snprintf(buf, size, "local");
    }
}

void
vx_hosts_accept_ovsdb(struct vx_hosts *hosts, int take_fd,
                      const struct sockaddr *peer)
{
    static const struct og_ovsdb_callbacks callbacks = {
        .ready = on_ready, .changed = on_changed, .iface = on_iface,
        .note = on_note, .closed = on_closed,
    };
    struct sockaddr_storage local = { .ss_family = AF_UNSPEC };
    socklen_t size = sizeof local;
    struct bufferevent *bev;
    struct link *link;

    if (hosts->n_links >= HOSTS_MAX_CONNECTIONS) {
        vx_log_warn("ovsdb", "too many connections, one is closed");
        close(take_fd);
        return;
    }
    bev = bufferevent_socket_new(hosts->env.base, take_fd,
                                 BEV_OPT_CLOSE_ON_FREE);
    if (!bev) {
        close(take_fd);
        return;
    }
    link = vx_xcalloc(1, sizeof *link);
    link->owner = hosts;
    vx_peer_format(peer, true, link->peer, sizeof link->peer);
    vx_peer_format(peer, false, link->ip, sizeof link->ip);
    if (!getsockname(take_fd, (struct sockaddr *) &local, &size)) {
        vx_peer_format((struct sockaddr *) &local, false, link->local,
                    sizeof link->local);
    }
    setsockopt(take_fd, IPPROTO_TCP, TCP_NODELAY, &(int) { 1 }, sizeof(int));
    link->next = hosts->links;
    if (link->next) {
        link->next->prev = link;
    }
    hosts->links = link;
    hosts->n_links++;
    link->session = og_ovsdb_session_new(bev, &callbacks, link);
    og_ovsdb_session_set_keepalive(link->session,
                                   hosts->env.options->probe_ms,
                                   hosts->env.options->probe_ms * 2);
}
