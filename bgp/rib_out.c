/* SPDX-License-Identifier: Apache-2.0 */
/* See rib_out.h.
 *
 * Each wanted route is an entry in the tree of its family.  What the peer has
 * not been told yet is dirty, and is then in two lists: all dirty entries in
 * the order of their tokens (the head says how far everything is done), and
 * the entries of one group (same family, same attributes, or withdrawn), which
 * is what goes into one UPDATE.  Groups wait in two queues, withdrawals before
 * announcements.
 *
 * Entries of a replay (the session has come up, or the peer asked) are
 * counted, since their tokens are old: while there are any, nothing more
 * becomes done. */
#include "bgp/rib_out.h"

#include <stdlib.h>
#include <string.h>

#include "bgp/attr_pool.h"
#include "bgp/bgp_codec.h"
#include "bgp/bgp_wire.h"
#include "lib/xalloc.h"

struct link {
    struct link *prev, *next;       /* circular, with the head */
};

struct group {
    struct vx_tree_node node;
    struct link queue;              /* rib->withdrawals, announcements */
    struct link entries;            /* head */
    enum bg_family family;
    struct bg_attr_set *attrs;      /* NULL: to be withdrawn; one reference
                                     * is held by each entry */
};

struct entry {
    struct vx_tree_node node;
    struct link dirty, grouped;
    struct group *group;            /* not NULL: dirty */
    struct bg_attr_set *attrs;      /* wanted; NULL = to go */
    struct bg_attr_set *told;       /* what the peer has; NULL = nothing */
    uint64_t token;                 /* of the change that made it dirty */
    uint8_t *nlri;
    uint16_t nlri_size, key_size;
    uint8_t family;
    bool is_nlri_told;              /* no other label since told */
    bool is_replay;
    uint8_t key[];
};

struct record {                     /* of what is on its way */
    uint64_t offset, done;
};

struct bg_rib_out {
    void (*progress)(void *aux);
    void *progress_aux;
    void (*changed)(void *aux);
    void *changed_aux;

    struct bg_attr_pool pool;
    struct vx_tree families[BG_N_FAMILIES];     /* entry.node, by key */
    size_t n_wanted[BG_N_FAMILIES];
    struct vx_tree groups;          /* group.node */
    struct link withdrawals, announcements;     /* group.queue */
    struct link dirty;              /* entry.dirty, by token */
    size_t n_dirty, n_replay;

    bool is_up, as4, is_complete;
    unsigned up_families, eor_families;     /* those still to be ended */
    uint64_t last;                  /* highest token heard of */
    uint64_t done, promised;        /* promised: once all records are sent */
    uint64_t end_offset, sent_offset;
    struct record *records;
    size_t first_record, n_records, cap_records;
};

/* --- Lists. */

static void
list_init(struct link *head)
{
    head->prev = head->next = head;
}

static bool
list_is_empty(const struct link *head)
{
    return head->next == head;
}

static void
list_append(struct link *head, struct link *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

static void
list_remove(struct link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
}

/* --- Groups. */

struct group_key {
    enum bg_family family;
    const struct bg_attr_set *attrs;
};

static int
compare_group(const void *key_, const struct vx_tree_node *node)
{
    const struct group_key *key = key_;
    const struct group *group = VX_CONTAINER(node, struct group, node);

    if (key->family != group->family) {
        return key->family < group->family ? -1 : 1;
    }
    return (uintptr_t) key->attrs < (uintptr_t) group->attrs ? -1
           : (uintptr_t) key->attrs > (uintptr_t) group->attrs;
}

static struct group *
get_group(struct bg_rib_out *rib, const struct entry *entry)
{
    struct group_key key = { entry->family, entry->attrs };
    struct vx_tree_node *node = vx_tree_find(&rib->groups, &key);
    struct group *group;

    if (node) {
        return VX_CONTAINER(node, struct group, node);
    }
    group = vx_xcalloc(1, sizeof *group);
    group->family = entry->family;
    group->attrs = entry->attrs;
    list_init(&group->entries);
    vx_tree_insert(&rib->groups, &key, &group->node);
    list_append(entry->attrs ? &rib->announcements : &rib->withdrawals,
                &group->queue);
    return group;
}

static void
leave_group(struct bg_rib_out *rib, struct entry *entry)
{
    struct group *group = entry->group;

    list_remove(&entry->grouped);
    entry->group = NULL;
    if (list_is_empty(&group->entries)) {
        list_remove(&group->queue);
        vx_tree_remove(&rib->groups, &group->node);
        free(group);
    }
}

/* --- Dirty. */

static void
make_dirty(struct bg_rib_out *rib, struct entry *entry, uint64_t token,
           bool is_replay)
{
    if (entry->group) {
        leave_group(rib, entry);    /* keeps its place by token */
    } else {
        entry->token = token;
        list_append(&rib->dirty, &entry->dirty);
        rib->n_dirty++;
    }
    entry->group = get_group(rib, entry);
    list_append(&entry->group->entries, &entry->grouped);
    if (is_replay && !entry->is_replay) {
        entry->is_replay = true;
        rib->n_replay++;
    }
}

static void
make_clean(struct bg_rib_out *rib, struct entry *entry)
{
    if (!entry->group) {
        return;
    }
    leave_group(rib, entry);
    list_remove(&entry->dirty);
    rib->n_dirty--;
    rib->n_replay -= entry->is_replay;
    entry->is_replay = false;
}

/* --- Entries. */

static int
compare_entry(const void *key, const struct vx_tree_node *node)
{
    const struct entry *entry = VX_CONTAINER(node, struct entry, node);

    return bg_key_compare(key, &(struct bg_key) { entry->key,
                                                  entry->key_size });
}

static struct entry *
find(const struct bg_rib_out *rib, enum bg_family family,
     const struct bg_key *key)
{
    struct vx_tree_node *node = vx_tree_find(&rib->families[family], key);

    return node ? VX_CONTAINER(node, struct entry, node) : NULL;
}

static struct entry *
add_entry(struct bg_rib_out *rib, enum bg_family family,
          const struct bg_key *key)
{
    struct entry *entry = vx_xcalloc(1, sizeof *entry + key->size);

    entry->family = family;
    entry->key_size = key->size;
    memcpy(entry->key, key->bytes, key->size);
    vx_tree_insert(&rib->families[family], key, &entry->node);
    return entry;
}

static void
drop_entry(struct bg_rib_out *rib, struct entry *entry)
{
    make_clean(rib, entry);
    bg_attr_pool_put(&rib->pool, entry->attrs);
    bg_attr_pool_put(&rib->pool, entry->told);
    vx_tree_remove(&rib->families[entry->family], &entry->node);
    free(entry->nlri);
    free(entry);
}

/* --- How far it is. */

/* The highest token that is done once what has been built is sent. */
static uint64_t
reached(const struct bg_rib_out *rib)
{
    if (!rib->is_up || rib->n_replay) {
        return rib->promised;
    }
    if (list_is_empty(&rib->dirty)) {
        return rib->last;
    }
    uint64_t token = VX_CONTAINER(rib->dirty.next, struct entry,
                                  dirty)->token;
    return token ? token - 1 : 0;
}

static void
add_record(struct bg_rib_out *rib, uint64_t done)
{
    if (rib->first_record && rib->first_record + rib->n_records
                             == rib->cap_records) {
        memmove(rib->records, rib->records + rib->first_record,
                rib->n_records * sizeof *rib->records);
        rib->first_record = 0;
    }
    size_t at = rib->first_record + rib->n_records;
    rib->records = vx_grow(rib->records, &rib->cap_records, at + 1,
                           sizeof *rib->records);
    rib->records[at] = (struct record) { rib->end_offset, done };
    rib->n_records++;
}

static void
set_done(struct bg_rib_out *rib, uint64_t done)
{
    if (done > rib->done) {
        rib->done = done;
        if (rib->progress) {
            rib->progress(rib->progress_aux);
        }
    }
}

static void
settle(struct bg_rib_out *rib)
{
    uint64_t done = reached(rib);

    if (done <= rib->promised) {
        return;
    }
    rib->promised = done;
    if (rib->end_offset <= rib->sent_offset) {
        set_done(rib, done);
    } else {
        add_record(rib, done);
    }
}

static void
heard_of(struct bg_rib_out *rib, uint64_t token)
{
    if (token > rib->last) {
        rib->last = token;
    }
}

static void
tell_changed(struct bg_rib_out *rib)
{
    if (rib->changed && rib->is_up) {
        rib->changed(rib->changed_aux);
    }
}

/* --- The owner's side. */

struct bg_rib_out *
bg_rib_out_new(void (*progress)(void *aux), void *aux)
{
    struct bg_rib_out *rib = vx_xcalloc(1, sizeof *rib);

    rib->progress = progress;
    rib->progress_aux = aux;
    bg_attr_pool_init(&rib->pool);
    for (int i = 0; i < BG_N_FAMILIES; i++) {
        vx_tree_init(&rib->families[i], compare_entry);
    }
    vx_tree_init(&rib->groups, compare_group);
    list_init(&rib->withdrawals);
    list_init(&rib->announcements);
    list_init(&rib->dirty);
    return rib;
}

void
bg_rib_out_free(struct bg_rib_out *rib)
{
    if (!rib) {
        return;
    }
    for (int i = 0; i < BG_N_FAMILIES; i++) {
        VX_TREE_FOR_EACH_SAFE(node, next, &rib->families[i]) {
            drop_entry(rib, VX_CONTAINER(node, struct entry, node));
        }
    }
    bg_attr_pool_fini(&rib->pool);
    free(rib->records);
    free(rib);
}

/* True if label or ESI are others than before. */
static bool
take_nlri(struct entry *entry, const struct bg_nlri *nlri)
{
    uint8_t bytes[BG_NLRI_MAX];
    size_t size = bg_nlri_encode(nlri, false, bytes);

    if (entry->nlri && entry->nlri_size == size
        && !memcmp(entry->nlri, bytes, size)) {
        return false;
    }
    free(entry->nlri);
    entry->nlri = vx_xmemdup(bytes, size);
    entry->nlri_size = size;
    entry->is_nlri_told = false;
    return true;
}

/* The entry has changed: to be told, or not any more. */
static void
consider(struct bg_rib_out *rib, struct entry *entry, uint64_t token)
{
    bool is_as_told = entry->told == entry->attrs
                      && (!entry->told || entry->is_nlri_told);

    if (!rib->is_up || !(rib->up_families & BG_BIT(entry->family))
        || (is_as_told && !entry->is_replay)) {
        make_clean(rib, entry);
    } else {
        make_dirty(rib, entry, token, false);
    }
    if (!entry->attrs && !entry->told) {
        drop_entry(rib, entry);
    }
}

void
bg_rib_out_set(struct bg_rib_out *rib, const struct bg_nlri *nlri,
               const struct bg_attrs *attrs, uint64_t token)
{
    uint8_t bytes[BG_KEY_MAX];
    struct bg_key key = { bytes, bg_nlri_key(nlri, bytes) };
    struct bg_attr_set *set = bg_attr_pool_get(&rib->pool, attrs);
    struct entry *entry = find(rib, nlri->family, &key);

    heard_of(rib, token);
    if (!entry) {
        entry = add_entry(rib, nlri->family, &key);
    }
    bool is_same = !take_nlri(entry, nlri) && entry->attrs == set;
    rib->n_wanted[nlri->family] += !entry->attrs;
    bg_attr_pool_put(&rib->pool, entry->attrs);
    entry->attrs = set;
    if (!is_same) {
        consider(rib, entry, token);
        tell_changed(rib);
    }
    settle(rib);
}

void
bg_rib_out_unset(struct bg_rib_out *rib, const struct bg_nlri *nlri,
                 uint64_t token)
{
    uint8_t bytes[BG_KEY_MAX];
    struct bg_key key = { bytes, bg_nlri_key(nlri, bytes) };
    struct entry *entry = find(rib, nlri->family, &key);

    heard_of(rib, token);
    if (entry && entry->attrs) {
        rib->n_wanted[nlri->family]--;
        make_clean(rib, entry);     /* before its group loses its name */
        bg_attr_pool_put(&rib->pool, entry->attrs);
        entry->attrs = NULL;
        consider(rib, entry, token);
        tell_changed(rib);
    }
    settle(rib);
}

void
bg_rib_out_advance(struct bg_rib_out *rib, uint64_t token)
{
    heard_of(rib, token);
    settle(rib);
}

void
bg_rib_out_complete(struct bg_rib_out *rib)
{
    if (!rib->is_complete) {
        rib->is_complete = true;
        tell_changed(rib);
    }
}

uint64_t
bg_rib_out_done(const struct bg_rib_out *rib)
{
    return rib->done;
}

size_t
bg_rib_out_count(const struct bg_rib_out *rib, enum bg_family family)
{
    return rib->n_wanted[family];
}

size_t
bg_rib_out_unsent(const struct bg_rib_out *rib)
{
    return rib->n_dirty;
}

static void
see_entry(const struct entry *entry,
          void (*see)(void *aux, const struct bg_rib_out_view *view),
          void *aux)
{
    struct bg_rib_out_view view;
    size_t used;

    if (!entry->attrs
        || bg_nlri_decode(entry->family, entry->nlri, entry->nlri_size,
                          &view.nlri, &used) != BG_TAKEN) {
        return;
    }
    bg_attr_set_read(entry->attrs, &view.attrs);
    view.is_sent = entry->told == entry->attrs && entry->is_nlri_told;
    see(aux, &view);
}

void
bg_rib_out_each(const struct bg_rib_out *rib,
                void (*see)(void *aux, const struct bg_rib_out_view *view),
                void *aux)
{
    for (int i = 0; i < BG_N_FAMILIES; i++) {
        VX_TREE_FOR_EACH(node, &rib->families[i]) {
            see_entry(VX_CONTAINER(node, struct entry, node), see, aux);
        }
    }
}

/* --- The session's side. */

void
bg_rib_out_on_changed(struct bg_rib_out *rib, void (*changed)(void *aux),
                      void *aux)
{
    rib->changed = changed;
    rib->changed_aux = aux;
}

static void
replay(struct bg_rib_out *rib, enum bg_family family)
{
    VX_TREE_FOR_EACH(node, &rib->families[family]) {
        struct entry *entry = VX_CONTAINER(node, struct entry, node);

        if (entry->attrs) {
            make_dirty(rib, entry, rib->last, true);
        }
    }
}

void
bg_rib_out_up(struct bg_rib_out *rib, unsigned families, bool as4)
{
    bg_rib_out_down(rib);
    rib->is_up = true;
    rib->as4 = as4;
    rib->up_families = rib->eor_families = families;
    for (int i = 0; i < BG_N_FAMILIES; i++) {
        if (families & BG_BIT(i)) {
            replay(rib, i);
        }
    }
    settle(rib);
    tell_changed(rib);
}

void
bg_rib_out_down(struct bg_rib_out *rib)
{
    for (int i = 0; i < BG_N_FAMILIES; i++) {
        VX_TREE_FOR_EACH_SAFE(node, next, &rib->families[i]) {
            struct entry *entry = VX_CONTAINER(node, struct entry, node);

            make_clean(rib, entry);
            bg_attr_pool_put(&rib->pool, entry->told);
            entry->told = NULL;
            if (!entry->attrs) {
                drop_entry(rib, entry);
            }
        }
    }
    rib->is_up = false;
    rib->up_families = rib->eor_families = 0;
    rib->first_record = rib->n_records = 0;
    rib->end_offset = rib->sent_offset = 0;
    rib->promised = rib->done;
}

void
bg_rib_out_refresh(struct bg_rib_out *rib, enum bg_family family)
{
    if (rib->up_families & BG_BIT(family)) {
        replay(rib, family);
        tell_changed(rib);
    }
}

/* --- Messages. */

static bool
next_eor(struct bg_rib_out *rib, struct vx_buf *buf)
{
    if (!rib->eor_families || !rib->is_complete || rib->n_replay) {
        return false;
    }
    for (int i = 0; i < BG_N_FAMILIES; i++) {
        if (rib->eor_families & BG_BIT(i)) {
            rib->eor_families &= ~BG_BIT(i);
            bg_encode_eor(i, buf);
            return true;
        }
    }
    return false;
}

/* RFC 8277 2.4: the label of a withdrawal is said to be none. */
static bool
pack(struct bg_packer *packer, const struct entry *entry)
{
    bool is_vpn = entry->family == BG_VPNV4 || entry->family == BG_VPNV6;
    uint8_t bytes[64];

    if (!is_vpn || entry->attrs) {
        return bg_packer_add(packer, entry->nlri, entry->nlri_size);
    }
    memcpy(bytes, entry->nlri, entry->nlri_size);
    bg_put_be(bytes + 1, 0x800000, 3);
    return bg_packer_add(packer, bytes, entry->nlri_size);
}

static void
was_told(struct bg_rib_out *rib, struct entry *entry)
{
    struct bg_attr_set *told = entry->told;

    make_clean(rib, entry);
    if (entry->attrs) {
        entry->attrs->n_refs++;
    }
    entry->told = entry->attrs;
    entry->is_nlri_told = true;
    bg_attr_pool_put(&rib->pool, told);
    if (!entry->attrs) {
        drop_entry(rib, entry);
    }
}

/* The group dies with its last entry, so the count comes first. */
static void
fill(struct bg_rib_out *rib, struct group *group, struct bg_packer *packer)
{
    struct link *head = &group->entries;

    for (struct link *link = head->next; ; ) {
        struct entry *entry = VX_CONTAINER(link, struct entry, grouped);
        bool is_last = link->next == head;

        link = link->next;
        if (!pack(packer, entry)) {
            return;
        }
        was_told(rib, entry);
        if (is_last) {
            return;
        }
    }
}

bool
bg_rib_out_next(struct bg_rib_out *rib, struct vx_buf *buf)
{
    struct link *queue = list_is_empty(&rib->withdrawals)
                         ? &rib->announcements : &rib->withdrawals;
    struct vx_buf narrow = VX_BUF_INIT;
    struct bg_packer packer;

    if (!rib->is_up) {
        return false;
    }
    if (next_eor(rib, buf)) {
        return true;
    }
    if (list_is_empty(queue)) {
        return false;
    }
    struct group *group = VX_CONTAINER(queue->next, struct group, queue);
    if (!group->attrs) {
        bg_packer_unreach(&packer, group->family, buf);
    } else if (rib->as4) {
        bg_packer_reach(&packer, group->family, &group->attrs->next_hop,
                        &group->attrs->bytes, buf);
    } else {
        struct bg_attrs attrs;

        bg_attr_set_read(group->attrs, &attrs);
        bg_attrs_encode(&attrs, false, &narrow);
        bg_packer_reach(&packer, group->family, &attrs.next_hop, &narrow,
                        buf);
    }
    fill(rib, group, &packer);
    bg_packer_end(&packer);
    vx_buf_fini(&narrow);
    return true;
}

void
bg_rib_out_mark(struct bg_rib_out *rib, uint64_t offset)
{
    rib->end_offset = offset;
    settle(rib);
}

void
bg_rib_out_sent(struct bg_rib_out *rib, uint64_t offset)
{
    uint64_t done = 0;

    rib->sent_offset = offset;
    while (rib->n_records
           && rib->records[rib->first_record].offset <= offset) {
        done = rib->records[rib->first_record++].done;
        rib->n_records--;
    }
    if (!rib->n_records) {
        rib->first_record = 0;
    }
    set_done(rib, done);
}
