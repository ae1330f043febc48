/* SPDX-License-Identifier: Apache-2.0 */
/* Rows -> bundled OpenFlow messages, one buffer for all of them.
 *
 * Messages lie one behind the other, so a bundle of them is one range of
 * bytes that any number of sessions can send by reference.  The fixed parts
 * (headers, flow mod, group mod) are filled in here; matches and actions come
 * from of_encode.c. */
#include <config.h>

#include "ovs-glue/of_codec.h"

#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "openflow/openflow.h"
#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "util.h"

#include "core/fabric.h"
#include "lib/buf.h"
#include "lib/xalloc.h"
#include "ovs-glue/of_encode.h"

struct og_msgs {
    unsigned n_refs;
    struct ofpbuf bytes;
    size_t *offsets;            /* of each message in bytes */
    size_t n, cap;
    size_t start;               /* of the last message */
    bool is_insert;             /* the last message inserts buckets ... */
    uint32_t group;             /* ... into this group */
    size_t *runs;               /* where messages that are bundled begin, where
                                 * others do, and so on; the first may be
                                 * empty */
    size_t n_runs, cap_runs;
};

/* Sizes in front of a message's own body. */
enum {
    WRAP_SIZE = sizeof(struct ofp_header)
                + sizeof(struct ofp14_bundle_ctrl_msg),
    INNER_SIZE = WRAP_SIZE + sizeof(struct ofp_header),
    ROOM = 1024,                /* a long row, with room to spare */
    INSERT_MAX = 60000,         /* bytes of a message that inserts buckets */
};

void
og_codec_init(void)
{
    static bool done;

    if (!done) {
        done = true;
        vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    }
}

struct og_msgs *
og_msgs_new(void)
{
    struct og_msgs *msgs = vx_xcalloc(1, sizeof *msgs);

    og_codec_init();
    msgs->n_refs = 1;
    ofpbuf_init(&msgs->bytes, 0);
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
        ofpbuf_uninit(&msgs->bytes);
        free(msgs->offsets);
        free(msgs->runs);
        free(msgs);
    }
}

/* The number that names a message in whatever switch reports it. */
static uint32_t
next_xid(void)
{
    static uint32_t xid;

    xid = (xid + 1) & INT32_MAX;
    return xid;
}

static void
put_header(void *p, uint8_t type, uint32_t xid)
{
    struct ofp_header *oh = p;

    oh->version = OFP15_VERSION;
    oh->type = type;
    oh->xid = htonl(xid);       /* length: end_msg() */
}

enum {                          /* OFPT_*, 7.1.1 of the specification */
    TYPE_FLOW_MOD = 14,
    TYPE_GROUP_MOD = 15,
    TYPE_METER_MOD = 29,
    TYPE_BUNDLE_ADD = 34,
};

/* An ofpbuf grows by no more than it must, which is slow in the end. */
static void
make_room(struct og_msgs *msgs)
{
    if (ofpbuf_tailroom(&msgs->bytes) < ROOM) {
        ofpbuf_prealloc_tailroom(&msgs->bytes,
                                 MAX(msgs->bytes.size, (uint32_t) ROOM));
    }
}

static void
note_start(struct og_msgs *msgs, bool bundled)
{
    while (!msgs->n_runs || msgs->n_runs % 2 != bundled) {
        msgs->runs = vx_grow(msgs->runs, &msgs->cap_runs, msgs->n_runs + 1,
                             sizeof *msgs->runs);
        msgs->runs[msgs->n_runs++] = msgs->n;
    }
    make_room(msgs);
    msgs->is_insert = false;
    msgs->start = msgs->bytes.size;
    msgs->offsets = vx_grow(msgs->offsets, &msgs->cap, msgs->n + 1,
                            sizeof *msgs->offsets);
    msgs->offsets[msgs->n++] = msgs->start;
}

/* Starts a message and returns body_size zeroed bytes of its body, valid
 * until the next put. */
static void *
begin_msg(struct og_msgs *msgs, uint8_t type, size_t body_size)
{
    uint32_t xid = next_xid();

    note_start(msgs, true);
    uint8_t *p = ofpbuf_put_zeros(&msgs->bytes, INNER_SIZE + body_size);
    struct ofp14_bundle_ctrl_msg *wrap
        = (void *) (p + sizeof(struct ofp_header));

    put_header(p, TYPE_BUNDLE_ADD, xid);
    wrap->bundle_id = htonl(OG_BUNDLE_ID);
    wrap->flags = htons(OFPBF_ATOMIC | OFPBF_ORDERED);
    put_header(p + WRAP_SIZE, type, xid);
    return p + INNER_SIZE;
}

static void *
body_of(struct og_msgs *msgs)
{
    return (uint8_t *) msgs->bytes.data + msgs->start + INNER_SIZE;
}

static void
end_msg(struct og_msgs *msgs)
{
    uint8_t *p = (uint8_t *) msgs->bytes.data + msgs->start;
    size_t size = msgs->bytes.size - msgs->start;

    ovs_assert(size <= UINT16_MAX);     /* rows and of_crows.c are bounded */
    ((struct ofp_header *) (void *) p)->length = htons(size);
    ((struct ofp_header *) (void *) (p + WRAP_SIZE))->length
        = htons(size - WRAP_SIZE);
}

/* What all flow mods have in common. */
static void
begin_flow(struct og_msgs *msgs, uint8_t command, uint8_t table,
           uint16_t priority)
{
    struct ofp11_flow_mod *fm = begin_msg(msgs, TYPE_FLOW_MOD, sizeof *fm);

    fm->table_id = table;
    fm->command = command;
    fm->priority = htons(priority);
    fm->buffer_id = htonl(UINT32_MAX);
    fm->out_port = htonl(UINT32_MAX);  /* any */
    fm->out_group = htonl(OFPG_ANY);
}

static void
group_msg(struct og_msgs *msgs, uint16_t command, uint32_t group,
          uint32_t bucket)
{
    struct ofp15_group_mod *gm = begin_msg(msgs, TYPE_GROUP_MOD, sizeof *gm);

    gm->command = htons(command);
    gm->type = og_group_type(group);
    gm->group_id = htonl(group);
    gm->command_bucket_id = htonl(bucket);
    end_msg(msgs);
}

/* Every insertion makes the switch copy the whole group: a thousand of them
 * one by one stall it for seconds.  So a bucket joins the message before it if
 * that is an insertion into the same group. */
static size_t
begin_bucket(struct og_msgs *msgs, uint32_t group)
{
    if (!msgs->is_insert || msgs->group != group
        || msgs->bytes.size - msgs->start > INSERT_MAX) {
        group_msg(msgs, OFPGC15_INSERT_BUCKET, group, OFPG15_BUCKET_LAST);
        msgs->is_insert = true;
        msgs->group = group;
    }
    make_room(msgs);
    size_t start = msgs->bytes.size;
    ofpbuf_put_zeros(&msgs->bytes, sizeof(struct ofp15_bucket));
    return start;
}

/* After its actions. */
static void
end_bucket(struct og_msgs *msgs, size_t start, uint32_t bucket)
{
    struct ofp15_group_mod *gm = body_of(msgs);
    struct ofp15_bucket *b
        = (void *) ((uint8_t *) msgs->bytes.data + start);
    size_t size = msgs->bytes.size - start;

    b->len = htons(size);
    b->action_array_len = htons(size - sizeof *b);
    b->bucket_id = htonl(bucket);
    gm->bucket_array_len = htons(ntohs(gm->bucket_array_len) + size);
    end_msg(msgs);
}

static void
insert_bucket(struct og_msgs *msgs, const struct vx_row *row)
{
    size_t start = begin_bucket(msgs, row->group);

    og_put_actions(&msgs->bytes, row);
    end_bucket(msgs, start, row->bucket);
}

/* What it does is flags and bands, as in the body of a canonical row; of none
 * it is deleted. */
static void
meter_msg(struct og_msgs *msgs, uint16_t command, uint32_t meter,
          const struct vx_crow *body)
{
    note_start(msgs, false);
    struct ofp_header *oh = ofpbuf_put_zeros(
        &msgs->bytes, sizeof *oh + sizeof(struct ofp13_meter_mod));
    struct ofp13_meter_mod *mm = (void *) (oh + 1);

    put_header(oh, TYPE_METER_MOD, next_xid());
    mm->command = htons(command);
    mm->meter_id = htonl(meter);
    if (body) {
        memcpy(&mm->flags, body->body, sizeof mm->flags);
        ofpbuf_put(&msgs->bytes, body->body + sizeof mm->flags,
                   body->body_size - sizeof mm->flags);
    }
    oh = (void *) ((uint8_t *) msgs->bytes.data + msgs->start);
    oh->length = htons(msgs->bytes.size - msgs->start);
}

static void
meter_row_msg(struct og_msgs *msgs, uint16_t command,
              const struct vx_row *row)
{
    uint64_t stub[64 / 8];
    struct ofpbuf b = OFPBUF_STUB_INITIALIZER(stub);
    ovs_be16 flags = htons(og_meter_flags(row));
    struct vx_crow body;

    ofpbuf_put(&b, &flags, sizeof flags);
    og_put_band(&b, row);
    body = (struct vx_crow) { .body = b.data, .body_size = b.size };
    meter_msg(msgs, command, row->group, &body);
    ofpbuf_uninit(&b);
}

void
og_msgs_add_row(struct og_msgs *msgs, const struct vx_row *row)
{
    switch ((enum vx_row_type) row->type) {
    case VX_ROW_GROUP:
        group_msg(msgs, OFPGC15_ADD, row->group, OFPG15_BUCKET_ALL);
        break;
    case VX_ROW_BUCKET:
        insert_bucket(msgs, row);
        break;
    case VX_ROW_FLOW:
        begin_flow(msgs, OFPFC_ADD, row->table, row->priority);
        ((struct ofp11_flow_mod *) body_of(msgs))->cookie
            = htonll(row->cookie);
        og_put_match(&msgs->bytes, row);
        og_put_instructions(&msgs->bytes, row);
        end_msg(msgs);
        break;
    case VX_ROW_METER:
        meter_row_msg(msgs, OFPMC13_ADD, row);
        break;
    }
}

void
og_msgs_delete_row(struct og_msgs *msgs, const struct vx_row *row)
{
    switch ((enum vx_row_type) row->type) {
    case VX_ROW_GROUP:
        group_msg(msgs, OFPGC15_DELETE, row->group, OFPG15_BUCKET_ALL);
        break;
    case VX_ROW_BUCKET:
        group_msg(msgs, OFPGC15_REMOVE_BUCKET, row->group, row->bucket);
        break;
    case VX_ROW_FLOW:
        begin_flow(msgs, OFPFC_DELETE_STRICT, row->table, row->priority);
        og_put_match(&msgs->bytes, row);
        end_msg(msgs);
        break;
    case VX_ROW_METER:
        meter_msg(msgs, OFPMC13_DELETE, row->group, NULL);
        break;
    }
}

static uint32_t
key_u32(const struct vx_crow *crow, size_t offset)
{
    ovs_be32 be;

    memcpy(&be, crow->key + offset, sizeof be);
    return ntohl(be);
}

/* The canonical bytes are those of the messages. */
void
og_msgs_add_crow(struct og_msgs *msgs, const struct vx_crow *crow)
{
    size_t start;

    switch ((enum vx_row_type) crow->type) {
    case VX_ROW_GROUP:
        group_msg(msgs, OFPGC15_ADD, key_u32(crow, 0), OFPG15_BUCKET_ALL);
        break;
    case VX_ROW_BUCKET:
        start = begin_bucket(msgs, key_u32(crow, 0));
        ofpbuf_put(&msgs->bytes, crow->body, crow->body_size);
        end_bucket(msgs, start, key_u32(crow, 4));
        break;
    case VX_ROW_FLOW:
        begin_flow(msgs, OFPFC_ADD, crow->table, crow->priority);
        ((struct ofp11_flow_mod *) body_of(msgs))->cookie
            = htonll(crow->cookie);
        ofpbuf_put(&msgs->bytes, crow->key, crow->key_size);
        ofpbuf_put(&msgs->bytes, crow->body + 8, crow->body_size - 8);
        end_msg(msgs);
        break;
    case VX_ROW_METER:
        meter_msg(msgs, OFPMC13_ADD, key_u32(crow, 0), crow);
        break;
    }
}

void
og_msgs_delete_crow(struct og_msgs *msgs, const struct vx_crow *crow)
{
    switch ((enum vx_row_type) crow->type) {
    case VX_ROW_GROUP:
        group_msg(msgs, OFPGC15_DELETE, key_u32(crow, 0), OFPG15_BUCKET_ALL);
        break;
    case VX_ROW_BUCKET:
        group_msg(msgs, OFPGC15_REMOVE_BUCKET, key_u32(crow, 0),
                  key_u32(crow, 4));
        break;
    case VX_ROW_FLOW:
        begin_flow(msgs, OFPFC_DELETE_STRICT, crow->table, crow->priority);
        ofpbuf_put(&msgs->bytes, crow->key, crow->key_size);
        end_msg(msgs);
        break;
    case VX_ROW_METER:
        meter_msg(msgs, OFPMC13_DELETE, key_u32(crow, 0), NULL);
        break;
    }
}

/* Groups that go, sorted: their buckets need no message of their own.  Or
 * meters. */
struct gone {
    uint32_t *groups;
    size_t n, cap;
};

static void
gone_add(struct gone *gone, uint32_t group)
{
    gone->groups = vx_grow(gone->groups, &gone->cap, gone->n + 1,
                           sizeof *gone->groups);
    gone->groups[gone->n++] = group;
}

static int
compare_u32(const void *a_, const void *b_)
{
    uint32_t a = *(const uint32_t *) a_, b = *(const uint32_t *) b_;

    return a < b ? -1 : a > b;
}

static void
gone_sort(struct gone *gone)
{
    if (gone->n) {
        qsort(gone->groups, gone->n, sizeof *gone->groups, compare_u32);
    }
}

static bool
gone_has(const struct gone *gone, uint32_t group)
{
    return gone->n && bsearch(&group, gone->groups, gone->n,
                              sizeof *gone->groups, compare_u32);
}

static void
gone_add_meters(struct gone *gone, const struct vx_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].type == VX_ROW_METER) {
            gone_add(gone, rows[i].group);
        }
    }
    gone_sort(gone);
}

/* The first of what is added, the last of what is deleted. */
static void
add_meters(struct og_msgs *msgs, const struct vx_delta *delta)
{
    struct gone gone = { 0 };

    gone_add_meters(&gone, delta->del, delta->n_del);
    for (size_t i = 0; i < delta->n_add; i++) {
        const struct vx_row *row = &delta->add[i];

        if (row->type == VX_ROW_METER) {
            meter_row_msg(msgs, gone_has(&gone, row->group)
                                ? OFPMC13_MODIFY : OFPMC13_ADD, row);
        }
    }
    free(gone.groups);
}

static void
delete_meters(struct og_msgs *msgs, const struct vx_delta *delta)
{
    struct gone kept = { 0 };

    gone_add_meters(&kept, delta->add, delta->n_add);
    for (size_t i = 0; i < delta->n_del; i++) {
        const struct vx_row *row = &delta->del[i];

        if (row->type == VX_ROW_METER && !gone_has(&kept, row->group)) {
            og_msgs_delete_row(msgs, row);
        }
    }
    free(kept.groups);
}

void
og_msgs_delta(struct og_msgs *msgs, const struct vx_delta *delta)
{
    struct gone gone = { 0 };

    add_meters(msgs, delta);

    for (size_t i = 0; i < delta->n_del; i++) {
        if (delta->del[i].type == VX_ROW_GROUP) {
            gone_add(&gone, delta->del[i].group);
        }
    }
    gone_sort(&gone);
    for (size_t i = 0; i < delta->n_del; i++) {
        if (delta->del[i].type != VX_ROW_METER
            && (delta->del[i].type != VX_ROW_BUCKET
                || !gone_has(&gone, delta->del[i].group))) {
            og_msgs_delete_row(msgs, &delta->del[i]);
        }
    }
    for (size_t i = 0; i < delta->n_add; i++) {
        if (delta->add[i].type != VX_ROW_METER) {
            og_msgs_add_row(msgs, &delta->add[i]);
        }
    }
    delete_meters(msgs, delta);
    free(gone.groups);
}

void
og_msgs_delete_alone(struct og_msgs *msgs, const struct vx_row *row)
{
    struct og_msgs *one = og_msgs_new();

    og_msgs_delete_row(one, row);
    note_start(msgs, false);
    ofpbuf_put(&msgs->bytes, (uint8_t *) one->bytes.data + WRAP_SIZE,
               one->bytes.size - WRAP_SIZE);
    og_msgs_unref(one);
}

/* A flow is replaced by adding it.  A group of a wrong type is modified, not
 * deleted, which would take flows along; its buckets follow as missing ones,
 * because og_crows leaves those of such a group out. */
static void
replace(struct og_msgs *msgs, const struct vx_crow *have,
        const struct vx_crow *want)
{
    switch ((enum vx_row_type) want->type) {
    case VX_ROW_GROUP:
        group_msg(msgs, OFPGC15_MODIFY, key_u32(want, 0), OFPG15_BUCKET_ALL);
        break;
    case VX_ROW_BUCKET:
        og_msgs_delete_crow(msgs, have);
        og_msgs_add_crow(msgs, want);
        break;
    case VX_ROW_FLOW:
        og_msgs_add_crow(msgs, want);
        break;
    case VX_ROW_METER:
        meter_msg(msgs, OFPMC13_MODIFY, key_u32(want, 0), want);
        break;
    }
}

void
og_msgs_diff(struct og_msgs *msgs, const struct vx_diff *diffs,
             size_t n_diffs, const struct vx_crow *have,
             const struct vx_crow *want)
{
    struct gone gone = { 0 };

    for (size_t i = 0; i < n_diffs; i++) {
        if (diffs[i].type == VX_DIFF_FOREIGN
            && have[diffs[i].have].type == VX_ROW_GROUP) {
            gone_add(&gone, key_u32(&have[diffs[i].have], 0));
        }
    }
    gone_sort(&gone);
    for (size_t i = 0; i < n_diffs; i++) {
        const struct vx_diff *d = &diffs[i];

        switch (d->type) {
        case VX_DIFF_MISSING:
            og_msgs_add_crow(msgs, &want[d->want]);
            break;
        case VX_DIFF_ALTERED:
            replace(msgs, &have[d->have], &want[d->want]);
            break;
        case VX_DIFF_FOREIGN:
            if (have[d->have].type != VX_ROW_BUCKET
                || !gone_has(&gone, key_u32(&have[d->have], 0))) {
                og_msgs_delete_crow(msgs, &have[d->have]);
            }
            break;
        }
    }
    free(gone.groups);
}

size_t
og_msgs_length(const struct og_msgs *msgs)
{
    return msgs->n;
}

size_t
og_msgs_run(const struct og_msgs *msgs, size_t first, bool *ret_bundled)
{
    size_t i = 0;

    while (i + 1 < msgs->n_runs && msgs->runs[i + 1] <= first) {
        i++;
    }
    *ret_bundled = i % 2 == 0;
    return (i + 1 < msgs->n_runs ? msgs->runs[i + 1] : msgs->n) - first;
}

size_t
og_msgs_size(const struct og_msgs *msgs)
{
    return msgs->bytes.size;
}

static size_t
offset_of(const struct og_msgs *msgs, size_t index)
{
    return index < msgs->n ? msgs->offsets[index] : msgs->bytes.size;
}

const void *
og_msgs_bytes(const struct og_msgs *msgs, size_t first, size_t n,
              size_t *ret_size)
{
    size_t start = offset_of(msgs, first);

    *ret_size = offset_of(msgs, first + n) - start;
    return (const uint8_t *) msgs->bytes.data + start;
}

static uint32_t
xid_of(const struct og_msgs *msgs, size_t index)
{
    const struct ofp_header *oh
        = (const void *) ((const uint8_t *) msgs->bytes.data
                          + msgs->offsets[index]);
    return ntohl(oh->xid);
}

size_t
og_msgs_find_xid(const struct og_msgs *msgs, uint32_t xid)
{
    size_t low = 0, high = msgs->n;

    if (!high || xid > INT32_MAX) {
        return SIZE_MAX;
    }
    /* Distances from the first survive the counter's wrapping. */
    uint32_t first = xid_of(msgs, 0), want = (xid - first) & INT32_MAX;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        uint32_t at = (xid_of(msgs, mid) - first) & INT32_MAX;

        if (at == want) {
            return mid;
        } else if (at < want) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return SIZE_MAX;
}

static void
describe_group(const struct ofp15_group_mod *gm, struct vx_buf *buf)
{
    static const char *const names[] = {
        "group add", "group modify", "group delete", "bucket insert", "?",
        "bucket remove",
    };
    unsigned command = ntohs(gm->command);

    vx_buf_printf(buf, "%s group=%u",
                  command < ARRAY_SIZE(names) ? names[command] : "?",
                  ntohl(gm->group_id));
    if (command == OFPGC15_REMOVE_BUCKET) {
        vx_buf_printf(buf, " bucket=%u", ntohl(gm->command_bucket_id));
    }
    if (command == OFPGC15_INSERT_BUCKET) {
        const struct ofp15_bucket *b = (const void *) (gm + 1);
        vx_buf_printf(buf, " bucket=%u", ntohl(b->bucket_id));
        if (ntohs(b->len) < ntohs(gm->bucket_array_len)) {
            vx_buf_puts(buf, " and more");
        }
    }
}

static void
describe_meter(const struct ofp13_meter_mod *mm, struct vx_buf *buf)
{
    unsigned command = ntohs(mm->command);

    vx_buf_printf(buf, "meter %s meter=%u",
                  command == OFPMC13_ADD ? "add"
                  : command == OFPMC13_MODIFY ? "modify" : "delete",
                  ntohl(mm->meter_id));
}

bool
og_msgs_takes_flows(const struct og_msgs *msgs, size_t index)
{
    size_t size;
    const struct ofp_header *oh = og_msgs_bytes(msgs, index, 1, &size);
    const struct ofp13_meter_mod *mm = (const void *) (oh + 1);

    return oh->type == TYPE_METER_MOD
           && mm->command == htons(OFPMC13_DELETE);
}

void
og_msgs_describe(const struct og_msgs *msgs, size_t index, struct vx_buf *buf)
{
    size_t size;
    const uint8_t *p = og_msgs_bytes(msgs, index, 1, &size);
    const struct ofp_header *oh = (const void *) p;

    if (oh->type == TYPE_METER_MOD) {
        describe_meter((const void *) (oh + 1), buf);
        return;
    }
    if (oh->type == TYPE_BUNDLE_ADD) {
        oh = (const void *) (p + WRAP_SIZE);
    }

    if (oh->type == TYPE_GROUP_MOD) {
        describe_group((const void *) (oh + 1), buf);
        return;
    }
    const struct ofp11_flow_mod *fm = (const void *) (oh + 1);
    vx_buf_printf(buf, "flow %s table=%u priority=%u",
                  fm->command == OFPFC_ADD ? "add" : "delete", fm->table_id,
                  ntohs(fm->priority));
    if (fm->command == OFPFC_ADD) {
        vx_buf_printf(buf, " cookie=0x%016llx",
                      (unsigned long long) ntohll(fm->cookie));
    }
}

void
og_error_from_reply(const void *msg, size_t size, struct vx_error *ret_err)
{
    enum ofperr error = 0;
    void *aligned = size >= sizeof(struct ofp_header) + 4
                    && size <= UINT16_MAX ? vx_xmemdup(msg, size) : NULL;

    if (aligned && ntohs(((struct ofp_header *) aligned)->length) == size) {
        error = ofperr_decode_msg(aligned, NULL);
    }
    if (error) {
        vx_fail(ret_err, VX_INTERNAL, "", "the switch answered %s",
                ofperr_get_name(error));
    } else {
        vx_fail(ret_err, VX_INTERNAL, "",
                "the switch answered an error of a kind not known here");
    }
    free(aligned);
}
