/* SPDX-License-Identifier: Apache-2.0 */
/* ovsdb_session.h and bootstrap.h over a simulated connection: a view is a
 * copy of the machine's struct db, a transaction is a line of text. */
#include "ovs-glue/ovsdb_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"
#include "ovs-glue/bootstrap.h"
#include "tests/sim/sim.h"

struct txn {
    struct txn *next;
    og_ovsdb_done *done;
    void *aux;
};

struct og_ovsdb_session {
    struct conn *conn;
    const struct og_ovsdb_callbacks *cb;
    void *aux;
    struct db view;
    bool is_ready;
    struct txn *first, **last;
    char name[32], system_id[32], vtep[VX_IP_STRLEN];
};

struct og_ovsdb_session *
og_ovsdb_session_new(struct bufferevent *take_bev,
                     const struct og_ovsdb_callbacks *cb, void *aux)
{
    struct og_ovsdb_session *s = vx_xcalloc(1, sizeof *s);

    s->conn = (struct conn *) take_bev;
    s->conn->ovsdb = s;
    s->cb = cb;
    s->aux = aux;
    s->last = &s->first;
    return s;
}

void
og_ovsdb_session_free(struct og_ovsdb_session *s)
{
    if (s) {
        while (s->first) {
            struct txn *txn = s->first;

            s->first = txn->next;
            free(txn);
        }
        s->conn->ovsdb = NULL;
        conn_controller_gone(s->conn);
        free(s);
    }
}

void
og_ovsdb_session_set_keepalive(struct og_ovsdb_session *s,
                               unsigned interval_ms, unsigned timeout_ms)
{
    (void) s;
    (void) interval_ms;
    (void) timeout_ms;
}

const struct og_ovsdb_view *
og_ovsdb_session_view(const struct og_ovsdb_session *s)
{
    return (const struct og_ovsdb_view *) s;
}

void
og_ovsdb_session_each_iface(
    const struct og_ovsdb_session *s,
    void (*f)(void *aux, const char *iface_id, uint32_t ofport), void *aux)
{
    for (int id = 0; id < N_IFACES; id++) {
        char name[32];

        if (s->view.ofports[id]) {
            id_name(id, name, sizeof name);
            f(aux, name, s->view.ofports[id]);
        }
    }
}

void
og_ovsdb_session_transact(struct og_ovsdb_session *s, const char *operations,
                          og_ovsdb_done *done, void *aux)
{
    struct item *item;
    struct txn *txn = vx_xcalloc(1, sizeof *txn);

    txn->done = done;
    txn->aux = aux;
    *s->last = txn;
    s->last = &txn->next;
    if (outside()) {
        item = conn_push(&s->conn->to_machine, ITEM_TRANSACT);
        item->text = vx_xstrdup(operations);
    }
}

/* --- What comes. */

static bool
ids_differ(const struct db *a, const struct db *b)
{
    return a->joined != b->joined || a->name != b->name
           || a->incarnation != b->incarnation || a->address != b->address
           || strcmp(a->status, b->status) || a->host_num != b->host_num
           || a->host_address != b->host_address
           || a->done_num != b->done_num || a->zone != b->zone;
}

/* All that go before all that come. */
static void
tell_ifaces(struct conn *conn, const struct db *old)
{
    for (int pass = 0; pass < 2; pass++) {
        for (int id = 0; id < N_IFACES && conn->ovsdb; id++) {
            struct og_ovsdb_session *s = conn->ovsdb;
            uint32_t now = s->view.ofports[id];
            char name[32];

            if (now != old->ofports[id]
                && (pass ? now : old->ofports[id])) {
                id_name(id, name, sizeof name);
                s->cb->iface(s->aux, name, pass ? now : 0);
            }
        }
    }
}

static void
update(struct og_ovsdb_session *s, const struct db *db)
{
    struct conn *conn = s->conn;
    struct db old = s->view;
    bool was_ready = s->is_ready;

    s->view = *db;
    s->is_ready = true;
    if (!was_ready) {
        memset(&old, 0, sizeof old);
        conn->told_ready = true;
        s->cb->ready(s->aux);
    }
    tell_ifaces(conn, &old);
    if (was_ready && conn->ovsdb && ids_differ(&old, db)) {
        s->cb->changed(s->aux);
    }
}

void
ovsdb_receive(struct og_ovsdb_session *s, struct item *item)
{
    struct txn *txn;

    switch (item->type) {
    case ITEM_UPDATE:
        update(s, item->db);
        break;
    case ITEM_ANSWER:
        txn = s->first;
        s->first = txn->next;
        if (!s->first) {
            s->last = &s->first;
        }
        if (txn->done) {
            txn->done(txn->aux, true, "");
        }
        free(txn);
        break;
    case ITEM_CLOSED:
        while (s->first) {
            txn = s->first;
            s->first = txn->next;
            if (txn->done) {
                txn->done(txn->aux, false, "connection lost");
            }
            free(txn);
        }
        s->last = &s->first;
        s->cb->closed(s->aux, "connection lost");
        break;
    default:
        violated("item %d at an OVSDB session", item->type);
    }
}

/* --- The view, and plans. */

const char *
og_view_external_id(const struct og_ovsdb_view *view, const char *key)
{
    struct og_ovsdb_session *s = (struct og_ovsdb_session *) view;
    const struct db *db = &s->view;
    struct vx_ip ip;

    if (!strcmp(key, OG_ID_STATUS)) {
        return db->status;
    } else if (!db->joined) {
        return "";
    } else if (!strcmp(key, OG_ID_NAME)) {
        snprintf(s->name, sizeof s->name, "h%d", db->name);
        return s->name;
    } else if (!strcmp(key, OG_ID_SYSTEM)) {
        snprintf(s->system_id, sizeof s->system_id, "machine-%d-%u",
                 s->conn->machine->index, db->incarnation);
        return s->system_id;
    } else if (!strcmp(key, OG_ID_ZONE)) {
        return zone_names[db->zone];
    } else if (!strcmp(key, OG_ID_VTEP)) {
        ip = address_of(db->address);
        return vx_ip_format(&ip, s->vtep);
    }
    return !strcmp(key, OG_ID_MTU) ? "1500" : "";
}

uint64_t
og_datapath_id(enum vx_tier tier, uint32_t host_num)
{
    return (uint64_t) tier << 40 | host_num;
}

bool
og_datapath_id_parse(uint64_t dpid, enum vx_tier *ret_tier,
                     uint32_t *ret_host_num)
{
    *ret_tier = (enum vx_tier) (dpid >> 40);
    *ret_host_num = (uint32_t) dpid;
    return true;
}

static int
index_of(const struct vx_ip *ip)
{
    for (int i = 0; i < N_ADDRESSES; i++) {
        struct vx_ip other = address_of(i);

        if (!vx_ip_compare(ip, &other)) {
            return i;
        }
    }
    return -1;
}

char *
og_bootstrap_plan(const struct og_ovsdb_view *view,
                  const struct og_bootstrap_wanted *wanted)
{
    const struct db *db = &((const struct og_ovsdb_session *) view)->view;
    int address = index_of(&wanted->vtep);

    if (db->host_num == wanted->host_num && db->host_address == address) {
        return NULL;
    }
    return vx_xasprintf("bridges %u %d", wanted->host_num, address);
}

bool
og_bootstrap_is_done(const struct og_ovsdb_view *view,
                     const struct og_bootstrap_wanted *wanted,
                     struct vx_error *err)
{
    const struct db *db = &((const struct og_ovsdb_session *) view)->view;

    return db->done_num == wanted->host_num
           || vx_fail(err, VX_UNAVAILABLE, "", "ovs-vswitchd is busy");
}

void
og_bootstrap_strange_ports(const struct og_ovsdb_view *view,
                           void (*f)(void *aux, const char *port), void *aux)
{
    (void) view;
    (void) f;
    (void) aux;
}

char *
og_bootstrap_evict_plan(const struct og_ovsdb_view *view)
{
    (void) view;
    return NULL;
}

char *
og_status_plan(const struct og_ovsdb_view *view, const char *status)
{
    const struct db *db = &((const struct og_ovsdb_session *) view)->view;

    return strcmp(db->status, status) ? vx_xasprintf("status %s", status)
                                      : NULL;
}
