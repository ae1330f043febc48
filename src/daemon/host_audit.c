/* SPDX-License-Identifier: Apache-2.0 */
/* What audits (audit.h) see of a host and do to it; see hosts.h. */
#include "daemon/hosts_priv.h"

#include <stdlib.h>

#include "lib/log.h"
#include "lib/xalloc.h"
#include "ovs-glue/bootstrap.h"
#include "ovs-glue/ovsdb_session.h"

struct vx_switch *
vx_hosts_switch(const struct vx_hosts *hosts, uint64_t oid,
                enum vx_tier tier)
{
    const struct host *host = vx_hosts_find(hosts, oid);

    return host && !host->doomed ? host->sw[tier - 1] : NULL;
}

static struct link *
link_of(const struct vx_hosts *hosts, uint64_t oid)
{
    const struct host *host = vx_hosts_find(hosts, oid);

    return host && host->bootstrapped ? host->link : NULL;
}

void
vx_hosts_strange_ports(const struct vx_hosts *hosts, uint64_t oid,
                       void (*f)(void *aux, const char *port), void *aux)
{
    const struct link *link = link_of(hosts, oid);

    if (link) {
        og_bootstrap_strange_ports(og_ovsdb_session_view(link->session), f,
                                   aux);
    }
}

struct eviction {
    uint64_t host;
    void (*done)(void *aux, uint64_t host, bool ok);
    void *aux;
};

void
vx_link_evicted(struct link *link, bool ok)
{
    struct eviction *eviction = link->eviction;

    if (eviction) {
        link->eviction = NULL;
        eviction->done(eviction->aux, eviction->host, ok);
        free(eviction);
    }
}

static void
evicted(void *link, bool ok, const char *error)
{
    if (!ok) {
        vx_log_warn(((struct link *) link)->peer,
                    "strange ports cannot be removed: %s", error);
    }
    vx_link_evicted(link, ok);
}

bool
vx_hosts_evict(struct vx_hosts *hosts, uint64_t oid,
               void (*done)(void *aux, uint64_t host, bool ok), void *aux)
{
    struct link *link = link_of(hosts, oid);
    char *plan;

    if (!link || link->eviction) {
        return false;
    }
    plan = og_bootstrap_evict_plan(og_ovsdb_session_view(link->session));
    if (!plan) {
        return false;
    }
    link->eviction = vx_xcalloc(1, sizeof *link->eviction);
    *link->eviction = (struct eviction) { oid, done, aux };
    og_ovsdb_session_transact(link->session, plan, evicted, link);
    free(plan);
    return true;
}
