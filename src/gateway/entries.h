/* SPDX-License-Identifier: Apache-2.0 */
/* What the controller has told, entry by entry: the desired state.  Pure.
 *
 * An entry that changes becomes dirty, and with it those that are derived
 * from it: of a tenant its prefixes and policies, of a network its VTEPs and
 * endpoints, of the gateway and of a fabric-wide peering all.  The owner takes
 * the dirty ones in order of type and carries them out (apply.h).
 *
 * Cost: O(log n) a change, and the number of its dependents. */
#ifndef VX_GATEWAY_ENTRIES_H
#define VX_GATEWAY_ENTRIES_H

#include "gateway/entry.h"
#include "lib/tree.h"

struct vx_gw_ctx;

struct vx_gw_entry {
    struct vx_tree_node by_key;
    struct vx_tree_node by_vni;     /* NETWORK with a value */
    enum vx_gw_type type;
    char *key;
    uint64_t seq;
    struct vx_gw_value *value;      /* NULL = gone, or to go */
    char *text;                     /* the line, for the file; NULL if gone */
    size_t size;
    bool named;                     /* since a full stream began */
    bool dirty;
    struct vx_gw_entry *next_dirty, *prev_dirty;
    /* Of a TENANT or NETWORK: what its dependents are derived with; made
     * when asked for. */
    struct vx_gw_ctx *ctx;
    uint32_t slot;                  /* TENANT: lowest free when it came */
    /* The owner's. */
    struct vx_gw_value *applied;    /* what has been carried out, NULL =
                                     * nothing */
    struct vx_gw_ctx *applied_ctx;
    char *why;                      /* it is not in force; NULL = it is */
    struct vx_gw_entry *next_failed, *prev_failed;
    /* PEERING, of peers.c: its prefix limit as configured; and that it has
     * been raised since its session was looked at. */
    unsigned limit;
    bool limit_raised;
    int64_t down_ms;                /* found without a session since; 0 = it
                                     * has one, or not looked at yet */
    /* Likewise, of bfd.c: looks in a row that found BGP up and BFD not. */
    unsigned n_without_bfd;
};

struct vx_gw_entries;

struct vx_gw_entries *vx_gw_entries_new(void);
void vx_gw_entries_free(struct vx_gw_entries *entries);

/* Everything is told again from now on, until vx_gw_entries_swept(). */
void vx_gw_entries_begin(struct vx_gw_entries *entries);
/* Those not told since begin are gone.  No-op without begin. */
void vx_gw_entries_sweep(struct vx_gw_entries *entries);
/* Something could not be read since begin: nothing is swept, for what was not
 * read may have been named. */
void vx_gw_entries_spare(struct vx_gw_entries *entries);

/* value NULL = gone.  text: the line of the feed, copied. */
void vx_gw_entries_set(struct vx_gw_entries *entries, enum vx_gw_type type,
                       const char *key, uint64_t seq,
                       struct vx_gw_value *take_value, const char *text,
                       size_t size);
/* Why it is not in force; NULL or "" = it is.  O(1). */
void vx_gw_entries_set_why(struct vx_gw_entries *entries,
                           struct vx_gw_entry *entry, const char *why);
/* The first that is not in force, next by next_failed; and how many. */
struct vx_gw_entry *vx_gw_entries_failed(const struct vx_gw_entries *entries);
size_t vx_gw_entries_n_failed(const struct vx_gw_entries *entries);
/* It was named but could not be read: it stays as it is. */
void vx_gw_entries_keep(struct vx_gw_entries *entries, enum vx_gw_type type,
                        const char *key, const char *why);

struct vx_gw_entry *vx_gw_entries_find(const struct vx_gw_entries *entries,
                                       enum vx_gw_type type,
                                       const char *key);
/* By type and key; also those that are gone and not yet carried out. */
struct vx_gw_entry *vx_gw_entries_first(const struct vx_gw_entries *entries);
struct vx_gw_entry *vx_gw_entries_next(const struct vx_gw_entry *entry);
/* The first of a type whose key begins so; next ones by _next. */
struct vx_gw_entry *vx_gw_entries_from(const struct vx_gw_entries *entries,
                                       enum vx_gw_type type,
                                       const char *prefix);
bool vx_gw_entry_begins(const struct vx_gw_entry *entry, enum vx_gw_type type,
                        const char *prefix);
/* The same without those that are gone; NULL: none (more). */
struct vx_gw_entry *vx_gw_entries_first_of(const struct vx_gw_entries *entries,
                                           enum vx_gw_type type,
                                           const char *prefix);
struct vx_gw_entry *vx_gw_entries_next_of(const struct vx_gw_entry *entry,
                                          const char *prefix);
/* All of a type that are there, "" or those whose key begins so. */
#define VX_GW_FOR_EACH(ENTRY, ENTRIES, TYPE, PREFIX)                         \
    for (struct vx_gw_entry *ENTRY =                                         \
             vx_gw_entries_first_of(ENTRIES, TYPE, PREFIX);                  \
         ENTRY; ENTRY = vx_gw_entries_next_of(ENTRY, PREFIX))
struct vx_gw_entry *
vx_gw_entries_network(const struct vx_gw_entries *entries, uint32_t vni);
/* The first tenant with this L3VNI: O(tenants). */
struct vx_gw_entry *
vx_gw_entries_tenant_of(const struct vx_gw_entries *entries, uint32_t vni);

/* This gateway; NULL if it is not known yet. */
const struct vx_gw_gateway *
vx_gw_entries_gateway(const struct vx_gw_entries *entries);
/* VX_AF_* that fabric-wide peerings here speak. */
unsigned vx_gw_entries_families(const struct vx_gw_entries *entries);
size_t vx_gw_entries_count(const struct vx_gw_entries *entries,
                           enum vx_gw_type type);

/* The next dirty one, which is then dirty no more; those that are gone come
 * first, by type from the last to the first, then those that are there from
 * the first type to the last.  NULL if there is none. */
struct vx_gw_entry *vx_gw_entries_pop(struct vx_gw_entries *entries);
bool vx_gw_entries_is_dirty(const struct vx_gw_entries *entries);
void vx_gw_entries_mark(struct vx_gw_entries *entries,
                        struct vx_gw_entry *entry);
/* Everything is derived anew. */
void vx_gw_entries_mark_all(struct vx_gw_entries *entries);
/* Carried out and gone: forgotten.  Frees entry. */
void vx_gw_entries_drop(struct vx_gw_entries *entries,
                        struct vx_gw_entry *entry);

/* --- What a value is derived with: snapshots, so that what was derived can
 * be derived again to be taken back. */

struct vx_gw_ctx {
    unsigned n_refs;
    struct vx_gw_value *gateway;    /* may be NULL */
    struct vx_gw_value *tenant;     /* of the tenant's entries, or NULL */
    struct vx_gw_value *network;    /* of the network's entries, or NULL */
    unsigned families;              /* VX_AF_* of fabric-wide peerings */
    uint32_t slot;
};
/* Of this entry, now; NULL if what it belongs to is not there. */
struct vx_gw_ctx *vx_gw_entries_ctx(struct vx_gw_entries *entries,
                                    const struct vx_gw_entry *entry);
struct vx_gw_ctx *vx_gw_ctx_ref(struct vx_gw_ctx *ctx);
void vx_gw_ctx_unref(struct vx_gw_ctx *ctx);            /* NULL is fine */

#endif
