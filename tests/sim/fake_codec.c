/* SPDX-License-Identifier: Apache-2.0 */
/* of_codec.h without OpenFlow: a message is a row and what to do with it; a
 * canonical row has its match fields sorted.  What goes into a set of
 * messages, and in which order, is as in ovs-glue/of_codec.c. */
#include "ovs-glue/of_codec.h"

#include <stdlib.h>
#include <string.h>

#include "core/explain.h"
#include "core/fabric.h"
#include "lib/tree.h"
#include "lib/xalloc.h"
#include "tests/sim/sim.h"

/* --- Rows. */

enum { MAX_BYTES = VX_MAX_MATCH * 40 + VX_MAX_ACTS * 32 + 16 };

static uint8_t *
put_key(uint8_t *p, const struct vx_row *row)
{
    const struct vx_match_field *sorted[VX_MAX_MATCH];

    if (row->type != VX_ROW_FLOW) {
        memcpy(p, &row->group, 4);
        if (row->type == VX_ROW_BUCKET) {
            memcpy(p + 4, &row->bucket, 4);
        }
        return p + (row->type == VX_ROW_BUCKET ? 8 : 4);
    }
    for (size_t i = 0; i < row->n_match; i++) {
        size_t k = i;

        for (; k && sorted[k - 1]->field > row->match[i].field; k--) {
            sorted[k] = sorted[k - 1];
        }
        sorted[k] = &row->match[i];
    }
    for (size_t i = 0; i < row->n_match; i++) {
        const struct vx_match_field *m = sorted[i];
        size_t size = vx_field_size(m->field);

        *p++ = m->field;
        *p++ = m->masked;
        memcpy(p, m->value, size);
        p += size;
        if (m->masked) {
            memcpy(p, m->mask, size);
            p += size;
        }
    }
    return p;
}

static uint8_t *
put_acts(uint8_t *p, const struct vx_row *row)
{
    for (size_t i = 0; i < row->n_acts; i++) {
        const struct vx_act *a = &row->acts[i];

        *p++ = a->type;
        *p++ = a->type <= VX_ACT_MOVE ? a->field : 0;
        *p++ = a->type == VX_ACT_MOVE ? a->src : 0;
        *p++ = a->type == VX_ACT_MOVE ? a->n_bits : 0;
        *p++ = a->type == VX_ACT_MOVE ? a->dst_ofs : 0;
        *p++ = a->type == VX_ACT_MOVE ? a->src_ofs : 0;
        if (a->type == VX_ACT_SET) {
            memcpy(p, a->value, vx_field_size(a->field));
            p += vx_field_size(a->field);
        } else if (a->type != VX_ACT_MOVE) {
            memcpy(p, &a->arg, 4);
            p += 4;
        }
    }
    return p;
}

static uint8_t *
put_rate(uint8_t *p, const struct vx_row *row)
{
    memcpy(p, &row->rate, 4);
    memcpy(p + 4, &row->burst, 4);
    p[8] = row->in_packets;
    return p + 9;
}

static uint8_t *
put_select(uint8_t *p, const struct vx_row *row)
{
    *p = row->select;
    return p + 1;
}

struct srow *
srow_new(const struct vx_row *row)
{
    uint8_t bytes[MAX_BYTES];
    uint8_t *body = put_key(bytes, row);
    uint8_t *end = row->type == VX_ROW_GROUP ? put_select(body, row)
                   : row->type == VX_ROW_METER ? put_rate(body, row)
                   : put_acts(body, row);
    struct srow *s = vx_xmalloc(sizeof *s + (size_t) (end - bytes));

    memcpy(s->bytes, bytes, (size_t) (end - bytes));
    vx_row_copy(&s->row, row);
    s->n_refs = 1;
    s->crow = (struct vx_crow) {
        .type = row->type,
        .table = row->type == VX_ROW_FLOW ? row->table : 0,
        .priority = row->type == VX_ROW_FLOW ? row->priority : 0,
        .cookie = row->type == VX_ROW_FLOW ? row->cookie : 0,
        .key_size = (uint16_t) (body - bytes),
        .body_size = (uint32_t) (end - body),
        .key = s->bytes, .body = s->bytes + (body - bytes),
    };
    return s;
}

static struct srow *
srow_of_key(const struct vx_crow *crow)
{
    struct srow *s = vx_xmalloc(sizeof *s + crow->key_size);

    memcpy(s->bytes, crow->key, crow->key_size);
    s->n_refs = 1;
    s->crow = *crow;
    s->crow.key = s->bytes;
    s->crow.body = NULL;
    s->crow.body_size = 0;
    memset(&s->row, 0, sizeof s->row);
    s->row.type = crow->type;
    if (crow->type != VX_ROW_FLOW) {
        memcpy(&s->row.group, crow->key, 4);
    }
    return s;
}

struct srow *
srow_ref(struct srow *row)
{
    row->n_refs++;
    return row;
}

void
srow_unref(struct srow *row)
{
    if (!--row->n_refs) {
        free(row);
    }
}

int
srow_compare_key(const struct vx_crow *a, const struct vx_crow *b)
{
    if (a->type != b->type) {
        return a->type - b->type;
    } else if (a->table != b->table) {
        return a->table - b->table;
    } else if (a->priority != b->priority) {
        return b->priority - a->priority;
    } else if (a->key_size != b->key_size) {
        return a->key_size - b->key_size;
    }
    return memcmp(a->key, b->key, a->key_size);
}

/* --- Messages. */

struct og_msgs {
    unsigned n_refs;
    struct sop *ops;
    size_t n, cap;
};

struct og_msgs *
og_msgs_new(void)
{
    struct og_msgs *msgs = vx_xcalloc(1, sizeof *msgs);

    msgs->n_refs = 1;
    return msgs;
}

struct og_msgs *
og_msgs_ref(struct og_msgs *msgs)
{
    msgs->n_refs++;
    return msgs;
}

void
og_msgs_unref(struct og_msgs *msgs)
{
    if (msgs && !--msgs->n_refs) {
        for (size_t i = 0; i < msgs->n; i++) {
            srow_unref(msgs->ops[i].row);
        }
        free(msgs->ops);
        free(msgs);
    }
}

size_t
og_msgs_length(const struct og_msgs *msgs)
{
    return msgs->n;
}

const struct sop *
smsgs_get(const struct og_msgs *msgs, size_t i)
{
    return &msgs->ops[i];
}

size_t
og_msgs_find_xid(const struct og_msgs *msgs, uint32_t xid)
{
    (void) msgs;
    (void) xid;
    return SIZE_MAX;
}

static void
push(struct og_msgs *msgs, bool add, struct srow *take_row)
{
    msgs->ops = vx_grow(msgs->ops, &msgs->cap, msgs->n + 1,
                        sizeof *msgs->ops);
    msgs->ops[msgs->n++] = (struct sop) { .add = add, .row = take_row };
}

void
og_msgs_delete_alone(struct og_msgs *msgs, const struct vx_row *row)
{
    push(msgs, false, srow_new(row));
    msgs->ops[msgs->n - 1].alone = true;
}

static bool
is_bundled(const struct sop *op)
{
    return op->row->crow.type != VX_ROW_METER && !op->alone;
}

bool
og_msgs_takes_flows(const struct og_msgs *msgs, size_t index)
{
    return msgs->ops[index].row->crow.type == VX_ROW_METER
           && !msgs->ops[index].add;
}

size_t
og_msgs_run(const struct og_msgs *msgs, size_t first, bool *ret_bundled)
{
    size_t i = first;

    *ret_bundled = is_bundled(&msgs->ops[first]);
    while (i < msgs->n && *ret_bundled == is_bundled(&msgs->ops[i])) {
        i++;
    }
    return i - first;
}

static bool
has_meter(const struct vx_row *rows, size_t n, const struct vx_row *meter)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].type == VX_ROW_METER && rows[i].group == meter->group) {
            return true;
        }
    }
    return false;
}

static bool
group_goes(const struct vx_delta *delta, uint32_t group)
{
    for (size_t i = 0; i < delta->n_del; i++) {
        if (delta->del[i].type == VX_ROW_GROUP
            && delta->del[i].group == group) {
            return true;
        }
    }
    return false;
}

void
og_msgs_delta(struct og_msgs *msgs, const struct vx_delta *delta)
{
    for (size_t i = 0; i < delta->n_add; i++) {
        const struct vx_row *row = &delta->add[i];

        if (row->type == VX_ROW_METER) {
            push(msgs, true, srow_new(row));
            msgs->ops[msgs->n - 1].modify
                = has_meter(delta->del, delta->n_del, row);
        }
    }
    for (size_t i = 0; i < delta->n_del; i++) {
        const struct vx_row *row = &delta->del[i];

        if (row->type != VX_ROW_METER
            && (row->type != VX_ROW_BUCKET
                || !group_goes(delta, row->group))) {
            push(msgs, false, srow_new(row));
        }
    }
    for (size_t i = 0; i < delta->n_add; i++) {
        if (delta->add[i].type != VX_ROW_METER) {
            push(msgs, true, srow_new(&delta->add[i]));
        }
    }
    for (size_t i = 0; i < delta->n_del; i++) {
        const struct vx_row *row = &delta->del[i];

        if (row->type == VX_ROW_METER
            && !has_meter(delta->add, delta->n_add, row)) {
            push(msgs, false, srow_new(row));
        }
    }
}

/* The row that a canonical row of og_crows_add_rows is of. */
static struct srow *
srow_of(const struct vx_crow *crow)
{
    return VX_CONTAINER(crow->key, struct srow, bytes);
}

static bool
crow_group_goes(const struct vx_diff *diffs, size_t n,
                const struct vx_crow *have, const struct vx_crow *bucket)
{
    for (size_t i = 0; i < n; i++) {
        if (diffs[i].type == VX_DIFF_FOREIGN
            && have[diffs[i].have].type == VX_ROW_GROUP
            && !memcmp(have[diffs[i].have].key, bucket->key, 4)) {
            return true;
        }
    }
    return false;
}

void
og_msgs_diff(struct og_msgs *msgs, const struct vx_diff *diffs, size_t n,
             const struct vx_crow *have, const struct vx_crow *want)
{
    for (size_t i = 0; i < n; i++) {
        const struct vx_crow *old = diffs[i].type == VX_DIFF_MISSING ? NULL
                                    : &have[diffs[i].have];

        if (diffs[i].type == VX_DIFF_FOREIGN) {
            if (old->type != VX_ROW_BUCKET
                || !crow_group_goes(diffs, n, have, old)) {
                push(msgs, false, srow_of_key(old));
            }
            continue;
        }
        if (old && old->type != VX_ROW_FLOW && old->type != VX_ROW_METER) {
            push(msgs, false, srow_of_key(old));
        }
        push(msgs, true, srow_ref(srow_of(&want[diffs[i].want])));
        msgs->ops[msgs->n - 1].modify = old && old->type == VX_ROW_METER;
    }
}

/* --- Canonical rows. */

struct og_chunk {
    size_t n, cap;
    struct srow **rows;
};

struct og_crows *
og_crows_new(void)
{
    struct og_crows *crows = vx_xcalloc(1, sizeof *crows);

    crows->chunks = vx_xcalloc(1, sizeof *crows->chunks);
    return crows;
}

void
og_crows_free(struct og_crows *crows)
{
    if (crows) {
        for (size_t i = 0; i < crows->chunks->n; i++) {
            srow_unref(crows->chunks->rows[i]);
        }
        free(crows->chunks->rows);
        free(crows->chunks);
        free(crows->rows);
        free(crows);
    }
}

static void
add(struct og_crows *crows, struct srow *take_row)
{
    struct og_chunk *chunk = crows->chunks;

    chunk->rows = vx_grow(chunk->rows, &chunk->cap, chunk->n + 1,
                          sizeof *chunk->rows);
    chunk->rows[chunk->n++] = take_row;
    crows->rows = vx_grow(crows->rows, &crows->cap, crows->n + 1,
                          sizeof *crows->rows);
    crows->rows[crows->n++] = take_row->crow;
}

void
og_crows_add_rows(struct og_crows *crows, const struct vx_row *rows,
                  size_t n)
{
    for (size_t i = 0; i < n; i++) {
        add(crows, srow_new(&rows[i]));
    }
}

struct og_crows *
scrows_new(struct srow *const *rows, size_t n)
{
    struct og_crows *crows = og_crows_new();

    for (size_t i = 0; i < n; i++) {
        add(crows, srow_ref(rows[i]));
    }
    return crows;
}

void
og_crow_format(const struct vx_crow *crow, struct vx_buf *buf)
{
    vx_row_format(&srow_of(crow)->row, buf);
}

void
og_crow_hint(const struct vx_crow *crow, struct vx_row_hint *ret_hint)
{
    const struct vx_row *row = &srow_of(crow)->row;

    *ret_hint = (struct vx_row_hint) {
        .type = (enum vx_row_type) crow->type, .cookie = crow->cookie,
        .vni = crow->type == VX_ROW_FLOW ? 0 : row->group,
        .bucket = crow->type == VX_ROW_BUCKET ? row->bucket : 0,
    };
}
