/* SPDX-License-Identifier: Apache-2.0 */
/* The store in memory: what vx_store_commit() has acknowledged survives a
 * crash of the controller, nothing else does. */
#include <stdlib.h>
#include <string.h>

#include "lib/tree.h"
#include "lib/xalloc.h"
#include "core/object.h"
#include "store/store.h"
#include "tests/sim/sim.h"

struct record {
    uint64_t location, host;    /* of a port; now, and by intent */
    bool draining;              /* a host */
    struct vx_tree_node by_key;
    uint64_t key[2];            /* kind, oid */
    uint64_t revision;
    char *body;
    size_t size;
};

struct disk {
    struct vx_tree records;
    struct vx_store_counters counters;
};

struct vx_store {
    struct disk *disk;
};

static int
cmp(const void *key, const struct vx_tree_node *node)
{
    const uint64_t *a = key;
    const uint64_t *b = VX_CONTAINER(node, struct record, by_key)->key;

    return a[0] != b[0] ? (a[0] < b[0] ? -1 : 1)
           : a[1] < b[1] ? -1 : a[1] > b[1];
}

struct disk *
disk_new(void)
{
    struct disk *disk = vx_xcalloc(1, sizeof *disk);

    vx_tree_init(&disk->records, cmp);
    return disk;
}

static void
drop(struct disk *disk, struct record *record)
{
    vx_tree_remove(&disk->records, &record->by_key);
    free(record->body);
    free(record);
}

void
disk_free(struct disk *disk)
{
    VX_TREE_FOR_EACH_SAFE(node, next, &disk->records) {
        drop(disk, VX_CONTAINER(node, struct record, by_key));
    }
    free(disk);
}

bool
disk_has_host(const struct disk *disk, uint64_t oid)
{
    uint64_t key[2] = { VX_HOST, oid };

    return vx_tree_find(&disk->records, key);
}

bool
disk_has_member(const struct disk *disk, const char *system_id)
{
    char *id = vx_xasprintf("\"system_id\":\"%s\"", system_id);
    bool has = false;

    VX_TREE_FOR_EACH(node, &disk->records) {
        const struct record *r = VX_CONTAINER(node, struct record, by_key);

        if (r->key[0] == VX_HOST) {
            has |= strstr(r->body, id)
                   && strstr(r->body, "\"stranger\":false");
        }
    }
    free(id);
    return has;
}

bool
vx_store_open(const struct vx_store_config *config,
              struct vx_store **ret_store, struct vx_error *err)
{
    (void) config;
    (void) err;
    *ret_store = vx_xcalloc(1, sizeof **ret_store);
    (*ret_store)->disk = sim->disk;
    return true;
}

void
vx_store_close(struct vx_store *store)
{
    free(store);
}

bool
vx_store_load(struct vx_store *store, vx_store_record_cb *cb, void *aux,
              struct vx_store_counters *ret_counters, struct vx_error *err)
{
    VX_TREE_FOR_EACH(node, &store->disk->records) {
        const struct record *r = VX_CONTAINER(node, struct record, by_key);
        struct vx_store_record record = {
            .kind = r->key[0], .oid = r->key[1], .revision = r->revision,
            .body = r->body, .size = r->size,
        };

        if (!cb(aux, &record, err)) {
            return false;
        }
    }
    *ret_counters = store->disk->counters;
    return true;
}

static uint64_t
number(const char *body, const char *member)
{
    const char *at = strstr(body, member);

    return at ? strtoull(at + strlen(member), NULL, 10) : 0;
}

/* Records come in the order of the changes. */
static void
look_at(const struct disk *disk, const struct record *old,
        struct record *record)
{
    uint64_t key[2] = { VX_HOST, 0 };
    struct vx_tree_node *host;

    if (record->key[0] == VX_HOST) {
        record->draining = strstr(record->body, "\"draining\":true") != NULL;
        say("store: %s", record->body);
    }
    /* A leg is where its gateway is. */
    if (record->key[0] != VX_PORT || number(record->body, "\"gateway\":")) {
        return;
    }
    record->host = number(record->body, "\"host\":");
    record->location = number(record->body, "\"migrate_from\":");
    if (!record->location) {
        record->location = record->host
            ? record->host : number(record->body, "\"located\":");
    }
    for (int i = 0; i < 2; i++) {
        key[1] = i ? record->host : record->location;
        host = vx_tree_find(&disk->records, key);
        if (host && VX_CONTAINER(host, struct record, by_key)->draining
            && (!old || (old->location != key[1] && old->host != key[1]))) {
            violated("a port comes to a host that is draining: %s",
                     record->body);
        }
    }
}

static void
put(struct disk *disk, const struct vx_store_record *in)
{
    uint64_t key[2] = { in->kind, in->oid };
    struct vx_tree_node *node = vx_tree_find(&disk->records, key);
    struct record *record = NULL;

    if (in->body) {
        record = vx_xcalloc(1, sizeof *record);
        memcpy(record->key, key, sizeof key);
        record->body = vx_xasprintf("%.*s", (int) in->size,
                                    (const char *) in->body);
        look_at(disk, node ? VX_CONTAINER(node, struct record, by_key)
                           : NULL, record);
    }
    if (node) {
        drop(disk, VX_CONTAINER(node, struct record, by_key));
    }
    if (record) {
        record->revision = in->revision;
        record->size = in->size;
        vx_tree_insert(&disk->records, record->key, &record->by_key);
    }
}

bool
vx_store_commit(struct vx_store *store, const struct vx_store_batch *batch,
                struct vx_error *err)
{
    if (!outside()) {
        return vx_fail(err, VX_UNAVAILABLE, "", "crashed");
    }
    if (!sim->calm && chance(40)) {
        say("store: disk full");
        return vx_fail(err, VX_UNAVAILABLE, "", "disk full");
    }
    if (batch->counters.revision < store->disk->counters.revision) {
        violated("revision goes back");
    }
    for (size_t i = 0; i < batch->n_records; i++) {
        put(store->disk, &batch->records[i]);
    }
    store->disk->counters = batch->counters;
    for (size_t i = 0; i < batch->n_records; i++) {
        const struct vx_store_record *r = &batch->records[i];

        say("store: kind %d oid %llu: %.*s", (int) r->kind,
            (unsigned long long) r->oid, (int) r->size,
            (const char *) r->body);
    }
    say("store: revision %llu is durable",
        (unsigned long long) batch->counters.revision);
    outside();          /* a crash between the fsync and its return */
    return true;
}

bool
vx_store_journal(struct vx_store *store, uint64_t since, size_t max_lines,
                 vx_store_line_cb *cb, void *aux, struct vx_error *err)
{
    (void) store;
    (void) since;
    (void) max_lines;
    (void) cb;
    (void) aux;
    (void) err;
    return true;
}
