/* SPDX-License-Identifier: Apache-2.0 */
/* Sources and items; see learned.h.  What paths mean is in hear.c. */
#include "gateway/learned.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/codec.h"
#include "lib/tree.h"
#include "lib/xalloc.h"

enum state {
    CLEAN,                      /* the controller knows it as it is */
    DIRTY,                      /* it does not */
    FLYING,                     /* it is being told */
};

struct source {
    struct vx_tree_node by_key;
    uint8_t *key;               /* size bytes, then the type and index */
    size_t size;
    struct item *item;
    struct source *next, *prev;     /* of the item */
    struct vx_ip ip, vtep;
    uint32_t seq;
    char *rule, *from;
};

struct item {
    struct vx_tree_node by_id;
    enum vx_gw_learned_type type;
    char *id;                   /* the identifying members as JSON */
    struct vx_mac mac;
    uint32_t vni;
    struct source *sources;
    char *json;                 /* as it is to be told; NULL = gone */
    bool told;                  /* the controller may have it */
    enum state state;
    bool again;                 /* changed while FLYING */
    struct item *next, *prev;   /* dirty or flying */
};

struct list {
    struct item *first, *last;
};

struct vx_gw_learned {
    struct vx_tree sources, items;
    struct list dirty, flying;
    size_t counts[VX_GW_LEARNED_N_TYPES];
    void (*changed)(void *aux);
    void *aux;
};

static const char *const type_names[] = {
    [VX_GW_LEARNED_ROUTE] = "route", [VX_GW_LEARNED_ROUTE5] = "route5",
    [VX_GW_LEARNED_ENDPOINT] = "endpoint", [VX_GW_LEARNED_VTEP] = "vtep",
    [VX_GW_LEARNED_FLOWSPEC] = "flowspec",
};

const char *
vx_gw_learned_type_name(enum vx_gw_learned_type type)
{
    return (unsigned) type < VX_GW_LEARNED_N_TYPES ? type_names[type] : "?";
}

struct bytes {
    const void *data;
    size_t size;
};

static int
compare_source(const void *key_, const struct vx_tree_node *node)
{
    const struct bytes *key = key_;
    const struct source *source = VX_CONTAINER(node, struct source, by_key);
    size_t n = key->size < source->size ? key->size : source->size;
    int c = memcmp(key->data, source->key, n);

    return c ? c : (key->size > source->size) - (key->size < source->size);
}

static int
compare_item(const void *id, const struct vx_tree_node *node)
{
    return strcmp(id, VX_CONTAINER(node, struct item, by_id)->id);
}

/* --- Lists. */

static void
append(struct list *list, struct item *item)
{
    item->next = NULL;
    item->prev = list->last;
    *(list->last ? &list->last->next : &list->first) = item;
    list->last = item;
}

static void
take_out(struct list *list, struct item *item)
{
    *(item->prev ? &item->prev->next : &list->first) = item->next;
    *(item->next ? &item->next->prev : &list->last) = item->prev;
}

static void
touch(struct vx_gw_learned *learned, struct item *item)
{
    if (item->state == FLYING) {
        item->again = true;
    } else if (item->state == CLEAN) {
        item->state = DIRTY;
        append(&learned->dirty, item);
    }
    learned->changed(learned->aux);
}

/* --- Items as JSON. */

static void
put_id(const struct vx_gw_heard *heard, struct vx_buf *out)
{
    char mac[VX_MAC_STRLEN], ip[VX_IP_STRLEN], prefix[VX_PREFIX_STRLEN];

    vx_buf_printf(out, "\"type\":\"%s\"", type_names[heard->type]);
    switch (heard->type) {
    case VX_GW_LEARNED_ROUTE:
    case VX_GW_LEARNED_ROUTE5:
        vx_buf_puts(out, ",\"tenant\":");
        vx_json_string(out, heard->tenant);
        vx_buf_printf(out, ",\"prefix\":\"%s\"",
                      vx_prefix_format(&heard->prefix, prefix));
        if (heard->type == VX_GW_LEARNED_ROUTE5) {
            vx_buf_printf(out, ",\"vtep\":\"%s\",\"mac\":\"%s\"",
                          vx_ip_format(&heard->vtep, ip),
                          vx_mac_format(&heard->mac, mac));
        }
        break;
    case VX_GW_LEARNED_ENDPOINT:
        vx_buf_printf(out, ",\"vni\":%u,\"mac\":\"%s\"",
                      (unsigned) heard->vni,
                      vx_mac_format(&heard->mac, mac));
        break;
    case VX_GW_LEARNED_VTEP:
        vx_buf_printf(out, ",\"vni\":%u,\"vtep\":\"%s\"",
                      (unsigned) heard->vni,
                      vx_ip_format(&heard->vtep, ip));
        break;
    case VX_GW_LEARNED_FLOWSPEC:
        vx_buf_puts(out, ",\"tenant\":");
        vx_json_string(out, heard->tenant);
        vx_buf_printf(out, ",\"rule\":%s", heard->rule);
        break;
    case VX_GW_LEARNED_N_TYPES:
        break;
    }
}

/* RFC 7432 7.7: the highest sequence number, then the lowest VTEP. */
static const struct source *
best_of(const struct item *item)
{
    const struct source *best = item->sources;

    for (const struct source *s = best; s; s = s->next) {
        if (s->seq > best->seq
            || (s->seq == best->seq
                && vx_ip_compare(&s->vtep, &best->vtep) < 0)) {
            best = s;
        }
    }
    return best;
}

static int
compare_ips(const void *a, const void *b)
{
    return vx_ip_compare(a, b);
}

static void
put_ips(const struct item *item, const struct source *best,
        struct vx_buf *out)
{
    struct vx_ip ips[VX_PORT_MAX_IPS];
    char text[VX_IP_STRLEN];
    size_t n = 0;

    for (const struct source *s = item->sources;
         s && n < VX_PORT_MAX_IPS; s = s->next) {
        if (s->ip.family && !vx_ip_compare(&s->vtep, &best->vtep)) {
            ips[n++] = s->ip;
        }
    }
    qsort(ips, n, sizeof *ips, compare_ips);
    vx_buf_puts(out, ",\"ips\":[");
    for (size_t i = 0; i < n; i++) {
        if (!i || vx_ip_compare(&ips[i], &ips[i - 1])) {
            vx_buf_printf(out, "%s\"%s\"", i ? "," : "",
                          vx_ip_format(&ips[i], text));
        }
    }
    vx_buf_puts(out, "]");
}

static char *
format(const struct item *item)
{
    const struct source *best = best_of(item);
    struct vx_buf out = VX_BUF_INIT;
    char ip[VX_IP_STRLEN];

    if (!best) {
        return NULL;
    }
    vx_buf_printf(&out, "{%s", item->id);
    if (item->type == VX_GW_LEARNED_ENDPOINT) {
        put_ips(item, best, &out);
        vx_buf_printf(&out, ",\"vtep\":\"%s\",\"seq\":%u",
                      vx_ip_format(&best->vtep, ip), (unsigned) best->seq);
    }
    if (best->from) {
        vx_buf_printf(&out, ",\"%s\":",
                      item->type == VX_GW_LEARNED_FLOWSPEC ? "from"
                                                           : "peering");
        vx_json_string(&out, best->from);
    }
    vx_buf_puts(&out, "}");
    return vx_buf_steal(&out);
}

static void
item_free(struct vx_gw_learned *learned, struct item *item)
{
    if (item->state != CLEAN) {
        take_out(item->state == DIRTY ? &learned->dirty : &learned->flying,
                 item);
    }
    vx_tree_remove(&learned->items, &item->by_id);
    free(item->id);
    free(item->json);
    free(item);
}

/* A source of it has come, changed or gone. */
static void
refresh(struct vx_gw_learned *learned, struct item *item)
{
    char *json = format(item);
    bool was = item->json != NULL;

    if (json && was && !strcmp(json, item->json)) {
        free(json);
        return;
    }
    learned->counts[item->type] += (json != NULL) - (size_t) was;
    free(item->json);
    item->json = json;
    if (!json && !item->told && item->state != FLYING) {
        item_free(learned, item);       /* nobody ever knew */
        learned->changed(learned->aux);
        return;
    }
    touch(learned, item);
}

/* --- Sources. */

static struct item *
find_item(struct vx_gw_learned *learned, const struct vx_gw_heard *heard)
{
    struct vx_buf id = VX_BUF_INIT;
    struct vx_tree_node *node;
    struct item *item;

    put_id(heard, &id);
    node = vx_tree_find(&learned->items, vx_buf_str(&id));
    if (node) {
        vx_buf_fini(&id);
        return VX_CONTAINER(node, struct item, by_id);
    }
    item = vx_xcalloc(1, sizeof *item);
    item->type = heard->type;
    item->id = vx_buf_steal(&id);
    item->mac = heard->mac;
    item->vni = heard->vni;
    vx_tree_insert(&learned->items, item->id, &item->by_id);
    return item;
}

static void
detach(struct vx_gw_learned *learned, struct source *source)
{
    struct item *item = source->item;

    *(source->prev ? &source->prev->next : &item->sources) = source->next;
    if (source->next) {
        source->next->prev = source->prev;
    }
    free(source->rule);
    free(source->from);
    source->rule = source->from = NULL;
    refresh(learned, item);
}

static void
attach(struct vx_gw_learned *learned, struct source *source,
       const struct vx_gw_heard *heard)
{
    struct item *item = find_item(learned, heard);

    source->item = item;
    source->ip = heard->ip;
    source->vtep = heard->vtep;
    source->seq = heard->seq;
    source->from = heard->from[0] ? vx_xstrdup(heard->from) : NULL;
    source->prev = NULL;
    source->next = item->sources;
    if (source->next) {
        source->next->prev = source;
    }
    item->sources = source;
    refresh(learned, item);
}

static void
source_free(struct vx_gw_learned *learned, struct source *source)
{
    vx_tree_remove(&learned->sources, &source->by_key);
    detach(learned, source);
    free(source->key);
    free(source);
}

/* The key of the n-th thing a path says. */
static void
numbered(struct vx_buf *buf, const void *source, size_t size, uint8_t n)
{
    vx_buf_clear(buf);
    vx_buf_put(buf, source, size);
    vx_buf_put(buf, &n, 1);
}

static struct source *
find_source(const struct vx_gw_learned *learned, const struct vx_buf *key)
{
    struct vx_tree_node *node =
        vx_tree_find(&learned->sources,
                     &(struct bytes) { key->data, key->size });

    return node ? VX_CONTAINER(node, struct source, by_key) : NULL;
}

static bool
says_the_same(const struct source *source, const struct vx_gw_heard *heard)
{
    struct vx_buf id = VX_BUF_INIT;
    bool same;

    put_id(heard, &id);
    same = !strcmp(vx_buf_str(&id), source->item->id)
           && !vx_ip_compare(&source->ip, &heard->ip)
           && !vx_ip_compare(&source->vtep, &heard->vtep)
           && source->seq == heard->seq
           && !strcmp(source->from ? source->from : "", heard->from);
    vx_buf_fini(&id);
    return same;
}

/* The new is put in before the old is taken out, so that an item that stays
 * is not told as gone. */
static void
set_one(struct vx_gw_learned *learned, const struct vx_buf *key,
        const struct vx_gw_heard *heard)
{
    struct source *old = find_source(learned, key), *source;

    if (old && says_the_same(old, heard)) {
        return;
    }
    if (old) {
        vx_tree_remove(&learned->sources, &old->by_key);
    }
    source = vx_xcalloc(1, sizeof *source);
    source->key = vx_xmemdup(key->data, key->size);
    source->size = key->size;
    vx_tree_insert(&learned->sources,
                   &(struct bytes) { source->key, source->size },
                   &source->by_key);
    attach(learned, source, heard);
    if (old) {
        detach(learned, old);
        free(old->key);
        free(old);
    }
}

void
vx_gw_learned_set(struct vx_gw_learned *learned, const void *source,
                  size_t size, const struct vx_gw_heard *heard,
                  size_t n_heard)
{
    struct vx_buf key = VX_BUF_INIT;
    struct source *old;

    for (size_t i = 0; i < n_heard; i++) {
        numbered(&key, source, size, (uint8_t) i);
        set_one(learned, &key, &heard[i]);
    }
    for (size_t i = n_heard; i < UINT8_MAX; i++) {
        numbered(&key, source, size, (uint8_t) i);
        old = find_source(learned, &key);
        if (!old) {
            break;
        }
        source_free(learned, old);
    }
    vx_buf_fini(&key);
}

void
vx_gw_learned_unset(struct vx_gw_learned *learned, const void *source,
                    size_t size)
{
    vx_gw_learned_set(learned, source, size, NULL, 0);
}

size_t
vx_gw_learned_count(const struct vx_gw_learned *learned,
                    enum vx_gw_learned_type type)
{
    return learned->counts[type];
}

/* --- Telling. */

void
vx_gw_learned_restart(struct vx_gw_learned *learned)
{
    VX_TREE_FOR_EACH_SAFE (node, next, &learned->items) {
        struct item *item = VX_CONTAINER(node, struct item, by_id);

        item->told = false;
        if (!item->json) {
            item_free(learned, item);
        } else if (item->state == CLEAN) {
            item->state = DIRTY;
            append(&learned->dirty, item);
        } else if (item->state == FLYING) {
            item->again = true;
        }
    }
}

bool
vx_gw_learned_is_dirty(const struct vx_gw_learned *learned)
{
    return learned->dirty.first != NULL;
}

/* Moves what fits from dirty to flying: those that are there, or gone. */
static bool
put_some(struct vx_gw_learned *learned, bool there, size_t size,
         struct vx_buf *out)
{
    struct item *next;
    bool any = false;

    for (struct item *item = learned->dirty.first; item; item = next) {
        next = item->next;
        if ((item->json != NULL) != there) {
            continue;
        }
        if (out->size > size) {
            break;
        }
        vx_buf_puts(out, any ? "," : "");
        if (item->json) {
            vx_buf_puts(out, item->json);
        } else {
            vx_buf_printf(out, "{%s}", item->id);
        }
        any = true;
        take_out(&learned->dirty, item);
        append(&learned->flying, item);
        item->state = FLYING;
        item->again = false;
        item->told = item->told || item->json;
    }
    return any;
}

bool
vx_gw_learned_next(struct vx_gw_learned *learned, size_t size,
                   struct vx_buf *out)
{
    bool any;

    size += out->size;
    vx_buf_puts(out, "\"learned\":[");
    any = put_some(learned, true, size, out);
    vx_buf_puts(out, "],\"gone\":[");
    any |= put_some(learned, false, size, out);
    vx_buf_puts(out, "]");
    return any;
}

/* What was under way has come (or not: then it is dirty again). */
static void
landed(struct vx_gw_learned *learned, bool ok)
{
    struct item *item;

    while ((item = learned->flying.first)) {
        take_out(&learned->flying, item);
        item->state = CLEAN;
        if (ok && !item->again) {
            if (!item->json) {
                item_free(learned, item);
            }
            continue;
        }
        item->state = DIRTY;
        append(&learned->dirty, item);
    }
}

void
vx_gw_learned_taken(struct vx_gw_learned *learned)
{
    landed(learned, true);
}

void
vx_gw_learned_lost(struct vx_gw_learned *learned)
{
    landed(learned, false);
}

void
vx_gw_learned_each(const struct vx_gw_learned *learned,
                   void (*see)(void *aux, const char *json), void *aux)
{
    VX_TREE_FOR_EACH (node, &learned->items) {
        const struct item *item = VX_CONTAINER(node, struct item, by_id);

        if (item->json) {
            see(aux, item->json);
        }
    }
}

/* --- Life. */

static void
nobody(void *aux)
{
    (void) aux;
}

struct vx_gw_learned *
vx_gw_learned_new(void (*changed)(void *aux), void *aux)
{
    struct vx_gw_learned *learned = vx_xcalloc(1, sizeof *learned);

    learned->changed = changed ? changed : nobody;
    learned->aux = aux;
    vx_tree_init(&learned->sources, compare_source);
    vx_tree_init(&learned->items, compare_item);
    return learned;
}

void
vx_gw_learned_free(struct vx_gw_learned *learned)
{
    if (!learned) {
        return;
    }
    learned->changed = nobody;
    VX_TREE_FOR_EACH_SAFE (node, next, &learned->sources) {
        source_free(learned, VX_CONTAINER(node, struct source, by_key));
    }
    VX_TREE_FOR_EACH_SAFE (node, next, &learned->items) {
        item_free(learned, VX_CONTAINER(node, struct item, by_id));
    }
    free(learned);
}
