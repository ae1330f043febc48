/* SPDX-License-Identifier: Apache-2.0 */
/* Table of hosts and their readiness; see hosts.h. */
#include "daemon/hosts.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/hosts_priv.h"
#include "lib/log.h"
#include "lib/xalloc.h"
#include "core/pipeline.h"
#include "ovs-glue/of_codec.h"
#include "ovs-glue/ovsdb_session.h"

static int
cmp_host(const void *key, const struct vx_tree_node *node)
{
    uint64_t a = *(const uint64_t *) key;
    uint64_t b = VX_CONTAINER(node, struct host, by_oid)->oid;

    return a < b ? -1 : a > b;
}

static int
cmp_iface(const void *key, const struct vx_tree_node *node)
{
    return strcmp(key, VX_CONTAINER(node, struct known_iface,
                                    by_id)->iface_id);
}

static void
again(evutil_socket_t fd, short what, void *hosts_)
{
    struct vx_hosts *hosts = hosts_;

    (void) fd;
    (void) what;
    vx_links_reconsider(hosts);
    VX_TREE_FOR_EACH(node, &hosts->hosts) {
        struct host *host = VX_CONTAINER(node, struct host, by_oid);

        if (host->link) {
            vx_link_plan(host->link);
        }
        vx_host_review(host);
    }
}

void
vx_hosts_again(struct vx_hosts *hosts)
{
    static const struct timeval second = { 1, 0 };

    if (!hosts->stopping) {
        evtimer_add(hosts->again, &second);
    }
}

void
vx_hosts_undone(struct vx_hosts *hosts)
{
    vx_hosts_again(hosts);
}

struct vx_hosts *
vx_hosts_new(const struct vx_hosts_env *env)
{
    struct vx_hosts *hosts = vx_xcalloc(1, sizeof *hosts);

    hosts->env = *env;
    vx_tree_init(&hosts->hosts, cmp_host);
    hosts->again = evtimer_new(env->base, again, hosts);
    return hosts;
}

static void
compile(void *hosts_, uint64_t oid, enum vx_tier tier, struct vx_rows *rows)
{
    struct vx_hosts *hosts = hosts_;

    vx_fabric_compile(hosts->env.fabric, oid, tier, rows);
}

static void
compile_past(void *hosts_, uint64_t oid, enum vx_tier tier,
             struct vx_rows *rows)
{
    struct vx_hosts *hosts = hosts_;

    vx_fabric_compile_past(hosts->env.fabric, oid, tier, rows);
}

static bool
compile_part(void *hosts_, uint64_t oid, enum vx_tier tier,
             struct vx_fabric_cursor *cursor, struct vx_rows *rows)
{
    struct vx_hosts *hosts = hosts_;

    return vx_fabric_compile_part(hosts->env.fabric, oid, tier, cursor,
                                  rows);
}

static uint64_t
hash(void *hosts_, uint64_t oid, enum vx_tier tier)
{
    struct vx_hosts *hosts = hosts_;

    return vx_fabric_hash(hosts->env.fabric, oid, tier);
}

static uint64_t
revision(void *hosts_)
{
    struct vx_hosts *hosts = hosts_;

    return hosts->env.revision(hosts->env.ctx);
}

struct host *
vx_hosts_find(const struct vx_hosts *hosts, uint64_t oid)
{
    struct vx_tree_node *node = vx_tree_find(&hosts->hosts, &oid);

    return node ? VX_CONTAINER(node, struct host, by_oid) : NULL;
}

static void
switch_changed(void *hosts_, uint64_t oid, enum vx_tier tier)
{
    struct host *host = vx_hosts_find(hosts_, oid);

    (void) tier;
    if (host) {
        vx_host_review(host);
    }
}

static bool
is_stranger(void *hosts, uint64_t oid)
{
    const struct host *host = vx_hosts_find(hosts, oid);

    return host && host->stranger;
}

static struct vx_switch *
new_switch(struct host *host, enum vx_tier tier)
{
    char *name = vx_xasprintf("%s/%s", host->name,
                              tier == VX_TENANT_TIER ? VX_BRIDGE_TENANT
                              : VX_BRIDGE_FABRIC);
    struct vx_hosts *hosts = host->owner;
    struct vx_switch_env env = {
        .ctx = hosts, .base = hosts->env.base,
        .receipts = hosts->env.receipts, .name = name, .host = host->oid,
        .tier = tier, .epoch = hosts->env.options->epoch,
        .compile = compile, .compile_past = compile_past,
        .compile_part = compile_part,
        .hash = hash, .revision = revision,
        .changed = switch_changed, .is_stranger = is_stranger,
    };
    struct vx_switch *sw = vx_switch_new(&env);

    free(name);
    return sw;
}

struct host *
vx_hosts_get(struct vx_hosts *hosts, const struct vx_host *obj)
{
    struct host *host = vx_hosts_find(hosts, obj->o.oid);

    if (!host) {
        host = vx_xcalloc(1, sizeof *host);
        host->owner = hosts;
        host->oid = obj->o.oid;
        host->name = vx_xstrdup(obj->o.name);
        host->stranger = obj->stranger;
        vx_tree_init(&host->ifaces, cmp_iface);
        vx_tree_insert(&hosts->hosts, &host->oid, &host->by_oid);
        host->sw[0] = new_switch(host, VX_TENANT_TIER);
        host->sw[1] = new_switch(host, VX_FABRIC_TIER);
        vx_switch_pair(host->sw[0], host->sw[1]);
    }
    return host;
}

static void
host_free(struct host *host)
{
    for (int i = 0; i < 2; i++) {
        if (host->conns[i]) {
            vx_conn_close(host->conns[i], "host is gone");
        }
    }
    if (host->end) {
        event_free(host->end);
    }
    vx_switch_free(host->sw[0]);
    vx_switch_free(host->sw[1]);
    VX_TREE_FOR_EACH_SAFE(node, next, &host->ifaces) {
        struct known_iface *iface = VX_CONTAINER(node, struct known_iface,
                                                 by_id);

        vx_tree_remove(&host->ifaces, node);
        free(iface->iface_id);
        free(iface);
    }
    free(host->settled);
    free(host->name);
    free(host);
}

void
vx_hosts_free(struct vx_hosts *hosts)
{
    if (!hosts) {
        return;
    }
    hosts->stopping = true;
    while (hosts->links) {
        hosts->links->joining = false;
        vx_link_close(hosts->links, "the controller stops");
    }
    VX_TREE_FOR_EACH_SAFE(node, next, &hosts->hosts) {
        struct host *host = VX_CONTAINER(node, struct host, by_oid);

        vx_tree_remove(&hosts->hosts, node);
        host_free(host);
    }
    while (hosts->conns) {
        vx_conn_close(hosts->conns, "the controller stops");
    }
    event_free(hosts->again);
    free(hosts);
}

void
vx_host_reason(const struct host *host, char *buf, size_t size)
{
    static const char *const bridges[] = { VX_BRIDGE_TENANT,
                                           VX_BRIDGE_FABRIC };

    if (!host->link) {
        snprintf(buf, size, "no OVSDB connection%s%s",
                 host->link_error[0] ? ": " : "", host->link_error);
        return;
    }
    if (!host->bootstrapped) {
        snprintf(buf, size, "%s", host->link_error[0] ? host->link_error
                 : "bridges are being set up");
        return;
    }
    for (int i = 0; i < 2; i++) {
        struct vx_switch_facts facts;

        vx_switch_get_facts(host->sw[i], &facts);
        if (facts.state != VX_SWITCH_SYNCED) {
            snprintf(buf, size, "%s is %s%s%.200s", bridges[i],
                     vx_switch_state_name(facts.state),
                     facts.error[0] ? ": " : "", facts.error);
            return;
        }
    }
    snprintf(buf, size, "%s", host->stranger
             ? "the other hosts are being told of it" : "");
}

struct admission {
    struct vx_hosts *hosts;
    uint64_t host;
};

static void
admitted(void *admission_, const struct vx_error *err,
         const struct vx_obj *obj)
{
    struct admission *admission = admission_;
    struct host *host = vx_hosts_find(admission->hosts, admission->host);

    (void) obj;
    if (host) {
        host->admitting = false;
        if (err) {
            vx_log_error(host->name, "cannot be admitted: %s", err->message);
            vx_hosts_again(admission->hosts);   /* it may be a staged delete
                                                 * that came to nothing */
        } else {
            vx_host_review(host);
        }
    }
    free(admission);
}

/* Its switches hold what they ought to and nothing else: from now on the
 * others accept its tunnels. */
static void
admit(struct host *host)
{
    struct vx_hosts *hosts = host->owner;
    struct vx_op op = { .type = VX_OP_ADMIT, .kind = VX_HOST };
    struct admission *admission;

    if (host->admitting || hosts->stopping) {
        return;
    }
    host->admitting = true;
    admission = vx_xcalloc(1, sizeof *admission);
    admission->hosts = hosts;
    admission->host = host->oid;
    op.key.name = host->name;
    hosts->env.submit(hosts->env.ctx, &op, 1, admitted, admission);
}

void
vx_host_review(struct host *host)
{
    struct vx_hosts *hosts = host->owner;
    bool in_order = host->link && !host->doomed && host->bootstrapped
                    && vx_switch_state(host->sw[0]) == VX_SWITCH_SYNCED
                    && vx_switch_state(host->sw[1]) == VX_SWITCH_SYNCED;
    bool ready = in_order && !host->stranger;
    bool is_new = ready && !host->ready;

    if (in_order && !ready) {
        admit(host);
    }
    if (ready != host->ready && !hosts->stopping) {
        char reason[320];

        host->ready = ready;
        hosts->n_ready += ready ? 1 : -(size_t) 1;
        vx_host_reason(host, reason, sizeof reason);
        if (ready) {
            vx_log_info(host->name, "host is active");
        } else {
            vx_log_warn(host->name, "host is not active: %s", reason);
        }
        hosts->env.changed(hosts->env.ctx, host->oid, ready);
    }
    if (host->link) {
        vx_link_write_status(host->link);
        if (is_new && !hosts->stopping) {
            vx_link_plan(host->link);   /* openflow_up is true now */
        }
    }
}

static void
doomed_ends(evutil_socket_t fd, short what, void *host_)
{
    struct host *host = host_;

    (void) fd;
    (void) what;
    vx_tree_remove(&host->owner->hosts, &host->by_oid);
    host_free(host);
}

/* Its rows are being deleted from it: its connections stay for a moment, so
 * that it does not go on sending into a fabric that has forgotten it. */
static void
doom(struct host *host)
{
    static const struct timeval tv = { 2, 0 };
    struct vx_hosts *hosts = host->owner;
    struct link *link = host->link;

    hosts->n_ready -= host->ready;
    host->ready = false;
    host->doomed = true;
    host->link = NULL;
    host->end = evtimer_new(hosts->env.base, doomed_ends, host);
    evtimer_add(host->end, &tv);
    if (link) {
        link->host = NULL;
        vx_link_detach(link, HOST_DELETED);
    }
}

/* Its connections are those of a machine that is not it any more. */
static void
reset(struct host *host)
{
    vx_link_detach(host->link, HOST_RESET);
    for (int i = 0; i < 2; i++) {
        vx_switch_allow(host->sw[i], false);
        if (host->conns[i]) {
            vx_conn_close(host->conns[i], "host was reset");
        }
    }
    vx_host_review(host);
}

void
vx_hosts_update(struct vx_hosts *hosts, const struct vx_host *old,
                const struct vx_host *new)
{
    if (new) {
        struct host *host = vx_hosts_get(hosts, new);

        host->stranger = new->stranger;
        if (host->link && strcmp(new->system_id,
                                 vx_link_system_id(host->link))) {
            reset(host);
        } else if (host->link) {
            vx_link_plan(host->link);
        }
    } else {
        struct host *host = vx_hosts_find(hosts, old->o.oid);

        if (host) {
            doom(host);
        }
    }
    vx_links_reconsider(hosts);
}

/* A port is where its rows on one bridge say only when the other bridge has
 * forgotten who had its addresses before. */
static void
wait_for_other(const struct host *host, enum vx_tier tier,
               struct vx_receipt *receipt)
{
    struct vx_switch *other = host->sw[tier == VX_TENANT_TIER];

    if (receipt && vx_switch_is_behind(other)) {
        struct og_msgs *nothing = og_msgs_new();

        vx_switch_send(other, nothing, NULL, receipt);
        og_msgs_unref(nothing);
    }
}

void
vx_hosts_send(struct vx_hosts *hosts, const uint64_t *oids, size_t n,
              const struct vx_delta *delta, struct vx_receipt *receipt)
{
    struct og_msgs *msgs = NULL;

    for (size_t i = 0; i < n; i++) {
        struct host *host = vx_hosts_find(hosts, oids[i]);
        struct vx_switch *sw = host ? host->sw[delta->tier - 1] : NULL;

        if (sw && vx_switch_takes_rows(sw)) {
            if (!msgs) {
                msgs = og_msgs_new();
                og_msgs_delta(msgs, delta);
            }
            if (delta->after_other) {
                vx_switch_fence(sw);
            }
            vx_switch_send(sw, msgs, delta, receipt);
            wait_for_other(host, delta->tier, receipt);
        }
    }
    og_msgs_unref(msgs);
}

static void
warm_one(const struct vx_hosts *hosts, const struct host *from,
         const struct host *to)
{
    static const uint8_t frame[60] = {
        0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1,
        VX_ETH_PROBE >> 8, VX_ETH_PROBE & 0xff,
    };
    const struct vx_model *model = hosts->env.model;
    const struct vx_host *src = (const void *) vx_model_by_oid(model,
                                                               from->oid);
    const struct vx_host *dst = (const void *) vx_model_by_oid(model,
                                                               to->oid);
    struct vx_rows rows = { NULL, 0, 0 };
    struct vx_row *row;

    if (!src || !dst || !dst->vtep.family
        || strcmp(src->datapath, "netdev")) {
        return;
    }
    row = vx_rows_flow(&rows, VX_FABRIC_TIER, 0, 0, 0);
    vx_act_set_u(row, VX_F_TUN_ID, VX_VNI_WARM);
    vx_act_set_ip(row, dst->vtep.family == 6 ? VX_F_TUN_IPV6_DST
                  : VX_F_TUN_DST, &dst->vtep);
    vx_act_output(row, VX_OFPORT_VXLAN);
    vx_switch_packet_out(from->sw[VX_FABRIC_TIER - 1], frame, sizeof frame,
                         row);
    vx_rows_fini(&rows);
}

void
vx_hosts_warm(struct vx_hosts *hosts, uint64_t oid)
{
    struct host *host = vx_hosts_find(hosts, oid);

    VX_TREE_FOR_EACH(node, &hosts->hosts) {
        struct host *other = VX_CONTAINER(node, struct host, by_oid);

        if (host && other != host && other->ready) {
            warm_one(hosts, host, other);
            warm_one(hosts, other, host);
        }
    }
}

void
vx_hosts_packet_out(struct vx_hosts *hosts, uint64_t oid, enum vx_tier tier,
                    const void *frame, size_t size,
                    const struct vx_row *acts)
{
    struct host *host = vx_hosts_find(hosts, oid);

    if (host) {
        vx_switch_packet_out(host->sw[tier - 1], frame, size, acts);
    }
}

uint64_t
vx_hosts_pulse(struct vx_hosts *hosts, uint64_t oid)
{
    struct host *host = vx_hosts_find(hosts, oid);

    return host ? vx_switch_ping(host->sw[VX_TENANT_TIER - 1]) : 0;
}

bool
vx_hosts_is_ready(const struct vx_hosts *hosts, uint64_t oid)
{
    const struct host *host = vx_hosts_find(hosts, oid);

    return host && host->ready;
}

bool
vx_hosts_facts(const struct vx_hosts *hosts, uint64_t oid,
               struct vx_host_facts *ret_facts)
{
    const struct host *host = vx_hosts_find(hosts, oid);
    struct vx_host_facts facts = { .ready = false };

    if (!host || host->doomed) {
        return false;
    }
    facts.ready = host->ready;
    facts.connected = host->link != NULL;
    facts.state = host->ready ? "active" : host->link ? "joining" : "down";
    vx_host_reason(host, facts.reason, sizeof facts.reason);
    if (host->link) {
        snprintf(facts.peer, sizeof facts.peer, "%s", host->link->peer);
    }
    for (int i = 0; i < 2; i++) {
        vx_switch_get_facts(host->sw[i], &facts.sw[i]);
    }
    facts.realized = facts.sw[0].realized < facts.sw[1].realized
                     ? facts.sw[0].realized : facts.sw[1].realized;
    *ret_facts = facts;
    return true;
}

/* A host that never joined has no rows to be rid of. */
static bool
has_state(const struct host *host)
{
    const struct vx_host *obj = (const void *)
        vx_model_by_oid(host->owner->env.model, host->oid);

    return obj && obj->system_id[0];
}

uint64_t
vx_hosts_min_realized(const struct vx_hosts *hosts)
{
    uint64_t min = hosts->env.revision(hosts->env.ctx);

    VX_TREE_FOR_EACH(node, &hosts->hosts) {
        const struct host *host = VX_CONTAINER(node, struct host, by_oid);

        for (int i = 0; i < 2 && has_state(host); i++) {
            struct vx_switch_facts facts;

            vx_switch_get_facts(host->sw[i], &facts);
            min = facts.realized < min ? facts.realized : min;
        }
    }
    return min;
}

void
vx_hosts_refused(const struct vx_hosts *hosts,
                 void (*f)(void *aux, const struct vx_refused_host *),
                 void *aux)
{
    for (const struct link *link = hosts->links; link; link = link->next) {
        if (link->refused[0] && link->session) {
            const struct og_ovsdb_view *view =
                og_ovsdb_session_view(link->session);
            struct vx_refused_host refused = {
                .name = og_view_external_id(view, "vxfabric-name"),
                .system_id = og_view_external_id(view, "system-id"),
                .vtep = og_view_external_id(view, "vxfabric-vtep"),
                .zone = og_view_external_id(view, "vxfabric-zone"),
                .peer = link->peer,
                .reason = link->refused,
            };

            f(aux, &refused);
        }
    }
}

void
vx_hosts_counts(const struct vx_hosts *hosts, size_t *ret_n_ready,
                size_t *ret_n_ovsdb, size_t *ret_n_openflow,
                size_t *ret_n_refused)
{
    size_t n_refused = 0;

    for (const struct link *link = hosts->links; link; link = link->next) {
        n_refused += link->refused[0] != '\0';
    }
    *ret_n_ready = hosts->n_ready;
    *ret_n_ovsdb = hosts->n_links;
    *ret_n_openflow = hosts->n_conns;
    *ret_n_refused = n_refused;
}
