/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical rows, of what is wanted and of what a switch says it holds.
 *
 * Both sides end in the same encoder, so equal rows are equal bytes however a
 * switch orders fields.  Replies are hostile: every length is checked here,
 * and of a match or action list only the kinds that we send ourselves reach
 * libopenvswitch's decoders.  All else (nested actions, experimenter fields,
 * tunnel options) keeps its raw bytes behind a mark: a row that equals
 * nothing wanted, and a key that can be sent back to delete it.
 *
 * Body of a flow: idle timeout, hard timeout, importance, flags (all zero in
 * what we send), instructions.  Body of a group: type, and properties if there
 * are any.  Body of a bucket: action list.  Body of a meter: flags and
 * bands, which have only one form. */
#include <config.h>

#include "ovs-glue/of_codec.h"

#include <string.h>

#include "byte-order.h"
#include "nx-match.h"
#include "openflow/openflow.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

#include "lib/xalloc.h"
#include "ovs-glue/of_encode.h"

struct og_chunk {
    struct og_chunk *next;
    size_t size, cap;
    uint8_t bytes[];
};

enum {
    CHUNK_SIZE = 1 << 16,
    MATCH_MAX = 4096,           /* bytes; ours are below 400 */
    BODY_MAX = 4096,            /* likewise */
    RAW_MARK = 0xfe,            /* no instruction or action starts with it */
};

/* A cursor over bytes of a switch. */
struct slice {
    const uint8_t *p;
    size_t size;
};

struct og_crows *
og_crows_new(void)
{
    og_codec_init();
    return vx_xcalloc(1, sizeof(struct og_crows));
}

void
og_crows_free(struct og_crows *crows)
{
    if (crows) {
        struct og_chunk *next;
        for (struct og_chunk *c = crows->chunks; c; c = next) {
            next = c->next;
            free(c);
        }
        free(crows->rows);
        free(crows);
    }
}

static const uint8_t *
keep(struct og_crows *crows, const void *data, size_t size)
{
    struct og_chunk *c = crows->chunks;

    if (!c || c->cap - c->size < size) {
        size_t cap = MAX((size_t) CHUNK_SIZE, size);
        c = vx_xmalloc(sizeof *c + cap);
        c->next = crows->chunks;
        c->size = 0;
        c->cap = cap;
        crows->chunks = c;
    }
    uint8_t *p = c->bytes + c->size;
    if (size) {
        memcpy(p, data, size);
        c->size += size;
    }
    return p;
}

static struct vx_crow *
add_crow(struct og_crows *crows, enum vx_row_type type)
{
    crows->rows = vx_grow(crows->rows, &crows->cap, crows->n + 1,
                          sizeof *crows->rows);
    struct vx_crow *crow = &crows->rows[crows->n++];
    memset(crow, 0, sizeof *crow);
    crow->type = type;
    return crow;
}

static void
set_key(struct og_crows *crows, struct vx_crow *crow, const void *key,
        size_t size)
{
    crow->key = keep(crows, key, size);
    crow->key_size = size;
}

static void
set_body(struct og_crows *crows, struct vx_crow *crow, const void *body,
         size_t size)
{
    crow->body = keep(crows, body, size);
    crow->body_size = size;
}

static void
set_group_key(struct og_crows *crows, struct vx_crow *crow, uint32_t group,
              const uint32_t *bucket)
{
    ovs_be32 key[2] = { htonl(group), bucket ? htonl(*bucket) : 0 };

    set_key(crows, crow, key, bucket ? 8 : 4);
}

/* --- Wanted. */

static void
put_meter(struct ofpbuf *out, const struct vx_row *row)
{
    ovs_be16 flags = htons(og_meter_flags(row));

    ofpbuf_put(out, &flags, sizeof flags);
    og_put_band(out, row);
}

static void
add_row(struct og_crows *crows, const struct vx_row *row,
        struct ofpbuf *scratch)
{
    struct vx_crow *crow = add_crow(crows, row->type);
    uint8_t group_type;

    ofpbuf_clear(scratch);
    switch ((enum vx_row_type) row->type) {
    case VX_ROW_GROUP:
        set_group_key(crows, crow, row->group, NULL);
        group_type = og_group_type(row->group);
        ovs_assert(row->select == (group_type == OFPGT11_SELECT));
        set_body(crows, crow, &group_type, 1);
        break;
    case VX_ROW_BUCKET:
        set_group_key(crows, crow, row->group, &row->bucket);
        og_put_actions(scratch, row);
        set_body(crows, crow, scratch->data, scratch->size);
        break;
    case VX_ROW_FLOW:
        crow->table = row->table;
        crow->priority = row->priority;
        crow->cookie = row->cookie;
        og_put_match(scratch, row);
        set_key(crows, crow, scratch->data, scratch->size);
        ofpbuf_clear(scratch);
        ofpbuf_put_zeros(scratch, 8);
        og_put_instructions(scratch, row);
        set_body(crows, crow, scratch->data, scratch->size);
        break;
    case VX_ROW_METER:
        set_group_key(crows, crow, row->group, NULL);
        put_meter(scratch, row);
        set_body(crows, crow, scratch->data, scratch->size);
        break;
    }
}

void
og_crows_add_rows(struct og_crows *crows, const struct vx_row *rows, size_t n)
{
    uint64_t stub[1024 / 8];
    struct ofpbuf scratch = OFPBUF_STUB_INITIALIZER(stub);

    for (size_t i = 0; i < n; i++) {
        add_row(crows, &rows[i], &scratch);
    }
    ofpbuf_uninit(&scratch);
}

/* --- Installed. */

static uint16_t
get_u16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

static uint32_t
get_u32(const uint8_t *p)
{
    return (uint32_t) get_u16(p) << 16 | get_u16(p + 2);
}

/* The first size bytes of *s, which shrinks; NULL if there are fewer. */
static const uint8_t *
take(struct slice *s, size_t size)
{
    const uint8_t *p = s->p;

    if (s->size < size) {
        return NULL;
    }
    s->p += size;
    s->size -= size;
    return p;
}

/* Takes an element that starts with its own length at len_offset. */
static bool
take_element(struct slice *s, size_t min, size_t len_offset,
             struct slice *ret_element)
{
    if (s->size < min) {
        return false;
    }
    size_t size = get_u16(s->p + len_offset);
    if (size < min || size > s->size || size % 8) {
        return false;
    }
    ret_element->size = size;
    ret_element->p = take(s, size);
    return true;
}

static bool
match_is_ours(struct slice oxm)
{
    while (oxm.size) {
        const uint8_t *header = take(&oxm, 4);

        if (!header || !og_oxm_is_ours(get_u32(header))
            || !take(&oxm, header[3])) {
            return false;
        }
    }
    return true;
}

static bool
actions_are_ours(struct slice actions)
{
    struct slice action;

    while (actions.size) {
        if (!take_element(&actions, 8, 2, &action)
            || !og_action_is_ours(action.p, action.size)) {
            return false;
        }
    }
    return true;
}

static bool
instructions_are_ours(struct slice insts)
{
    struct slice inst;

    while (insts.size) {
        if (!take_element(&insts, 8, 2, &inst)) {
            return false;
        }
        unsigned type = get_u16(inst.p);
        if (type == OFPIT11_APPLY_ACTIONS) {
            take(&inst, 8);
            if (!actions_are_ours(inst)) {
                return false;
            }
        } else if (type != OFPIT11_GOTO_TABLE) {
            return false;
        }
    }
    return true;
}

/* Decodes and encodes again.  False: keep it raw. */
static bool
canonical_match(struct slice match, struct slice oxm, struct ofpbuf *out)
{
    struct match m;

    if (!match_is_ours(oxm)) {
        return false;
    }
    struct ofpbuf b = ofpbuf_const_initializer(match.p, match.size);
    if (oxm_pull_match(&b, false, NULL, NULL, &m)) {
        return false;
    }
    oxm_put_match(out, &m, OFP15_VERSION);
    return true;
}

static bool
canonical_acts(struct slice s, bool instructions, struct ofpbuf *out)
{
    uint64_t stub[1024 / 8];
    struct ofpbuf ofpacts = OFPBUF_STUB_INITIALIZER(stub);
    struct ofpbuf b = ofpbuf_const_initializer(s.p, s.size);
    bool ok;

    if (instructions) {
        ok = instructions_are_ours(s)
             && !ofpacts_pull_openflow_instructions(
                     &b, s.size, OFP15_VERSION, NULL, NULL, &ofpacts);
        if (ok) {
            ofpacts_put_openflow_instructions(ofpacts.data, ofpacts.size, out,
                                              OFP15_VERSION);
        }
    } else {
        ok = actions_are_ours(s)
             && !ofpacts_pull_openflow_actions(&b, s.size, OFP15_VERSION,
                                               NULL, NULL, &ofpacts);
        if (ok) {
            ofpacts_put_openflow_actions(ofpacts.data, ofpacts.size, out,
                                         OFP15_VERSION);
        }
    }
    ofpbuf_uninit(&ofpacts);
    return ok;
}

static void
put_raw(struct ofpbuf *out, struct slice s)
{
    ofpbuf_put_zeros(out, 1);
    *((uint8_t *) ofpbuf_tail(out) - 1) = RAW_MARK;
    ofpbuf_put(out, s.p, s.size);
}

/* An 8-byte aligned run of a match or OXS list in front of *s: type (2),
 * length without padding (2), elements, padding. */
static bool
take_padded(struct slice *s, struct slice *ret_whole,
            struct slice *ret_elements)
{
    if (s->size < 4) {
        return false;
    }
    size_t size = get_u16(s->p + 2);
    if (size < 4 || ROUND_UP(size, 8) > s->size) {
        return false;
    }
    ret_elements->p = s->p + 4;
    ret_elements->size = size - 4;
    ret_whole->size = ROUND_UP(size, 8);
    ret_whole->p = take(s, ret_whole->size);
    return true;
}

/* What is longer than any row of ours is somebody else's: its beginning is
 * enough to tell that, and a dump of such rows costs no memory. */
static bool
shorten(struct ofpbuf *body)
{
    bool is_long = body->size > BODY_MAX;

    if (is_long) {
        body->size = BODY_MAX;
    }
    return is_long;
}

/* struct ofp15_flow_desc, match, statistics, instructions. */
static bool
add_flow(struct og_crows *crows, struct slice e, struct ofpbuf *scratch)
{
    const uint8_t *fixed = take(&e, 24);
    struct slice match, oxm, stats, oxs;

    if (!take_padded(&e, &match, &oxm) || match.size > MATCH_MAX
        || !take_padded(&e, &stats, &oxs)) {
        return false;
    }
    struct vx_crow *crow = add_crow(crows, VX_ROW_FLOW);
    crow->table = fixed[4];
    crow->priority = get_u16(fixed + 6);
    crow->cookie = (uint64_t) get_u32(fixed + 16) << 32 | get_u32(fixed + 20);

    bool bad = false;
    ofpbuf_clear(scratch);
    if (!canonical_match(match, oxm, scratch)) {
        ofpbuf_clear(scratch);
        ofpbuf_put(scratch, match.p, match.size);
        bad = true;
    }
    set_key(crows, crow, scratch->data, scratch->size);

    ofpbuf_clear(scratch);
    ofpbuf_put(scratch, fixed + 8, 4);      /* timeouts */
    ofpbuf_put(scratch, fixed + 14, 2);     /* importance */
    ofpbuf_put(scratch, fixed + 12, 2);     /* flags */
    if (!canonical_acts(e, true, scratch)) {
        scratch->size = 8;
        put_raw(scratch, e);
        bad = true;
    }
    bad |= shorten(scratch);
    set_body(crows, crow, scratch->data, scratch->size);
    crows->n_bad += bad;
    return true;
}

/* Nothing, or in a select group, which always says it, the usual weight. */
static bool
properties_are_ours(uint32_t group, struct slice properties)
{
    static const uint8_t weight[] = { 0, 0, 0, 8, 0, 1, 0, 0 };

    return og_group_type(group) == OFPGT11_ALL
           ? !properties.size
           : properties.size == sizeof weight
             && !memcmp(properties.p, weight, sizeof weight);
}

static bool
add_bucket(struct og_crows *crows, uint32_t group, struct slice e,
           struct ofpbuf *scratch)
{
    const uint8_t *fixed = take(&e, 8);
    size_t actions_size = get_u16(fixed + 2);
    uint32_t bucket = get_u32(fixed + 4);
    struct slice actions = { e.p, actions_size }, properties;

    if (actions_size > e.size || bucket > OFPG15_BUCKET_MAX) {
        return false;
    }
    properties = (struct slice) { e.p + actions_size, e.size - actions_size };
    struct vx_crow *crow = add_crow(crows, VX_ROW_BUCKET);
    set_group_key(crows, crow, group, &bucket);
    ofpbuf_clear(scratch);
    if (!properties_are_ours(group, properties)
        || !canonical_acts(actions, false, scratch)) {
        ofpbuf_clear(scratch);
        put_raw(scratch, e);
        crows->n_bad++;
    }
    shorten(scratch);
    set_body(crows, crow, scratch->data, scratch->size);
    return true;
}

/* struct ofp15_group_desc_stats, buckets, properties. */
static bool
add_group(struct og_crows *crows, struct slice e, struct ofpbuf *scratch)
{
    const uint8_t *fixed = take(&e, 16);
    uint8_t type = fixed[2];
    uint32_t group = get_u32(fixed + 4);
    struct slice buckets = { e.p, get_u16(fixed + 8) }, bucket;

    if (buckets.size > e.size) {
        return false;
    }
    struct vx_crow *crow = add_crow(crows, VX_ROW_GROUP);
    set_group_key(crows, crow, group, NULL);
    if (buckets.size == e.size) {
        set_body(crows, crow, &type, 1);
    } else {                    /* a selection method of somebody's */
        ofpbuf_clear(scratch);
        ofpbuf_put(scratch, &type, 1);
        ofpbuf_put(scratch, e.p + buckets.size, e.size - buckets.size);
        shorten(scratch);
        set_body(crows, crow, scratch->data, scratch->size);
        return true;
    }
    if (type != og_group_type(group)) {
        return true;
    }
    while (buckets.size) {
        if (!take_element(&buckets, 8, 0, &bucket)
            || !add_bucket(crows, group, bucket, scratch)) {
            return false;
        }
    }
    return true;
}

/* struct ofp13_meter_config, bands. */
static bool
add_meter(struct og_crows *crows, struct slice e, struct ofpbuf *scratch)
{
    const uint8_t *fixed = take(&e, 8);
    struct vx_crow *crow = add_crow(crows, VX_ROW_METER);

    set_group_key(crows, crow, get_u32(fixed + 4), NULL);
    ofpbuf_clear(scratch);
    ofpbuf_put(scratch, fixed + 2, 2);
    ofpbuf_put(scratch, e.p, e.size);
    set_body(crows, crow, scratch->data, scratch->size);
    return true;
}

/* Kinds of replies: OFPMP_*, 7.3.5 of the specification. */
static const struct kind {
    unsigned type;
    const char *name;           /* of what is listed */
    size_t min;                 /* bytes of an entry */
    bool (*add)(struct og_crows *, struct slice, struct ofpbuf *scratch);
} kinds[] = {
    { 1, "flows", 24, add_flow },
    { 7, "groups", 16, add_group },
    { 10, "meters", 8, add_meter },
};

static const struct kind *
kind_of(unsigned type)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (kinds[i].type == type) {
            return &kinds[i];
        }
    }
    return NULL;
}

static bool
add_entries(struct og_crows *crows, const struct kind *kind,
            struct slice entries)
{
    uint64_t stub[1024 / 8];
    struct ofpbuf scratch = OFPBUF_STUB_INITIALIZER(stub);
    struct slice e;
    bool ok = true;

    while (ok && entries.size) {
        ok = take_element(&entries, kind->min, 0, &e)
             && kind->add(crows, e, &scratch);
    }
    ofpbuf_uninit(&scratch);
    return ok;
}

bool
og_crows_add_reply(struct og_crows *crows, const void *msg, size_t size,
                   struct vx_error *err)
{
    const uint8_t *p = msg;
    const struct kind *kind = size < 16 ? NULL : kind_of(get_u16(p + 8));

    /* Header (8), multipart type (2), flags (2), padding (4), entries. */
    if (!kind || size > UINT16_MAX || p[0] != OFP15_VERSION || p[1] != 19
        || get_u16(p + 2) != size) {
        return vx_fail(err, VX_INVALID, "", "not a reply to a request for "
                       "flows, groups or meters");
    }
    /* libopenvswitch reads 64-bit words in place. */
    void *aligned = (uintptr_t) p % 8 ? vx_xmemdup(p, size) : NULL;
    struct slice entries = { (aligned ? (uint8_t *) aligned : p) + 16,
                             size - 16 };
    bool ok = add_entries(crows, kind, entries);

    free(aligned);
    return ok || vx_fail(err, VX_INVALID, "", "malformed list of %s",
                         kind->name);
}
