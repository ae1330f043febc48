/* SPDX-License-Identifier: Apache-2.0 */
/* A host as it really is: ovs-vswitchd, ovsdb-server, interfaces, and what
 * an operator does to it.  As strict as ovs-vswitchd where that is strict. */
#include <stdlib.h>
#include <string.h>

#include "core/pipeline.h"
#include "lib/xalloc.h"
#include "tests/sim/sim.h"

/* --- Rows. */

static size_t
find(const struct table *table, const struct vx_crow *key, bool *ret_found)
{
    size_t low = 0, high = table->n;

    *ret_found = false;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int cmp = srow_compare_key(key, &table->rows[mid]->crow);

        if (!cmp) {
            *ret_found = true;
            return mid;
        }
        if (cmp < 0) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return low;
}

static void
insert_at(struct table *table, size_t i, struct srow *take_row)
{
    table->rows = vx_grow(table->rows, &table->cap, table->n + 1,
                          sizeof *table->rows);
    memmove(&table->rows[i + 1], &table->rows[i],
            (table->n++ - i) * sizeof *table->rows);
    table->rows[i] = take_row;
}

static void
remove_at(struct table *table, size_t i)
{
    srow_unref(table->rows[i]);
    memmove(&table->rows[i], &table->rows[i + 1],
            (--table->n - i) * sizeof *table->rows);
}

/* Whether a flow or bucket uses the group or meter. */
static bool
uses(const struct srow *row, enum vx_act_type type, uint32_t id)
{
    for (unsigned i = 0; i < row->row.n_acts; i++) {
        if (row->row.acts[i].type == type && row->row.acts[i].arg == id) {
            return true;
        }
    }
    return false;
}

static bool
has(const struct table *table, enum vx_row_type type, uint32_t id)
{
    struct vx_crow key = {
        .type = type, .key_size = 4, .key = (uint8_t *) &id,
    };
    bool found;

    find(table, &key, &found);
    return found;
}

/* NULL: all that it names is there. */
static const char *
lacks(const struct table *table, const struct srow *row)
{
    if (row->crow.type == VX_ROW_BUCKET
        && !has(table, VX_ROW_GROUP, row->row.group)) {
        return "no such group";
    }
    for (unsigned i = 0; i < row->row.n_acts; i++) {
        const struct vx_act *act = &row->row.acts[i];

        if (act->type == VX_ACT_GROUP
            && !has(table, VX_ROW_GROUP, act->arg)) {
            return "no such group";
        } else if (act->type == VX_ACT_METER
                   && !has(table, VX_ROW_METER, act->arg)) {
            return "no such meter";
        }
    }
    return NULL;
}

static const char *
add(struct table *table, const struct sop *op)
{
    struct srow *row = op->row;
    const char *why = row->crow.type == VX_ROW_FLOW
                      || row->crow.type == VX_ROW_BUCKET
                      ? lacks(table, row) : NULL;
    bool found;
    size_t i = find(table, &row->crow, &found);

    if (why) {
        return why;
    } else if (row->crow.type == VX_ROW_METER && found != op->modify) {
        return found ? "meter exists" : "no such meter";
    } else if (found && !op->modify && row->crow.type != VX_ROW_FLOW) {
        return row->crow.type == VX_ROW_GROUP ? "group exists"
                                              : "bucket exists";
    } else if (found) {
        srow_unref(table->rows[i]);
        table->rows[i] = srow_ref(row);
    } else {
        insert_at(table, i, srow_ref(row));
    }
    return NULL;
}

/* A group takes its buckets along, and the flows that lead to it; a meter the
 * flows that use it. */
static void
remove_with_users(struct table *table, const struct srow *gone)
{
    bool meter = gone->crow.type == VX_ROW_METER;
    uint32_t id = gone->row.group;

    for (size_t i = table->n; i-- > 0;) {
        const struct srow *row = table->rows[i];

        if (row->crow.type == VX_ROW_FLOW
            ? uses(row, meter ? VX_ACT_METER : VX_ACT_GROUP, id)
            : row->row.group == id
              && (row->crow.type == VX_ROW_METER) == meter) {
            remove_at(table, i);
        }
    }
}

static const char *
del(struct table *table, const struct srow *row)
{
    bool found;
    size_t i = find(table, &row->crow, &found);

    if (row->crow.type == VX_ROW_GROUP || row->crow.type == VX_ROW_METER) {
        remove_with_users(table, row);
    } else if (found) {
        remove_at(table, i);
    } else if (row->crow.type == VX_ROW_BUCKET) {
        return "no such bucket";
    }
    return NULL;
}

static void
copy(struct table *dst, const struct table *src)
{
    memset(dst, 0, sizeof *dst);
    dst->rows = vx_xcalloc(src->n + 1, sizeof *dst->rows);
    dst->cap = src->n + 1;
    for (size_t i = 0; i < src->n; i++) {
        dst->rows[dst->n++] = srow_ref(src->rows[i]);
    }
}

static void
empty(struct table *table)
{
    for (size_t i = 0; i < table->n; i++) {
        srow_unref(table->rows[i]);
    }
    table->n = 0;
    table->stale = true;
    sim->dirty = true;
}

/* The epoch says what all other rows are, or is not there: whatever of what
 * was sent got lost or was refused. */
static bool
epoch_lies(const struct machine *machine, enum vx_tier tier)
{
    const struct table *table = &machine->tables[tier];
    const struct srow *epoch = NULL;
    uint64_t hash = 0, mask = (UINT64_C(1) << 56) - 1;

    for (size_t i = 0; i < table->n; i++) {
        if (table->rows[i]->crow.table == VX_T_EPOCH) {
            epoch = table->rows[i];
        } else {
            hash += vx_row_hash(&table->rows[i]->row);
        }
    }
    hash = hash * (2 * VX_ROW_FORMAT + 1) & mask;
    return epoch && (epoch->crow.cookie & mask) != hash;
}

void
machine_look(struct machine *machine, enum vx_tier tier)
{
    bool lies = epoch_lies(machine, tier);

    if (!machine->tampered[tier] && lies) {
        violated("the epoch of machine %d tier %d lies", machine->index,
                 tier);
    } else if (machine->tampered[tier] && !lies
               && judge_is_right(machine, tier)) {
        say("machine %d tier %d is right again", machine->index, tier);
        machine->tampered[tier] = false;
    }
}

bool
machine_is_tampered(void)
{
    for (int m = 0; m < sim->n_machines; m++) {
        const bool *tampered = sim->machines[m].tampered;

        if (tampered[VX_TENANT_TIER] || tampered[VX_FABRIC_TIER]) {
            return true;
        }
    }
    return false;
}

/* Of what goes more than its key may be known here only. */
static void
say_op(const struct machine *machine, enum vx_tier tier,
       const struct table *before, const struct sop *op)
{
    struct vx_buf buf = VX_BUF_INIT;
    bool found;
    size_t i = find(before, &op->row->crow, &found);

    vx_row_format(op->add || !found ? &op->row->row : &before->rows[i]->row,
                  &buf);
    say("    %d.%d %s %s", machine->index, tier, op->add ? "+" : "-",
        vx_buf_str(&buf));
    vx_buf_fini(&buf);
}

const char *
machine_bundle(struct machine *machine, enum vx_tier tier,
               const struct item *item)
{
    struct table *table = &machine->tables[tier], before;
    const struct sop *ops = item->ops;
    const char *why = NULL;

    copy(&before, table);
    for (size_t i = 0; i < item->n && !why; i++) {
        bool meter = ops[i].row->crow.type == VX_ROW_METER;

        why = (meter || ops[i].alone) == item->bundled ? "to be bundled or not"
              : ops[i].add ? add(table, &ops[i]) : del(table, ops[i].row);
        if (sim->verbose) {
            say_op(machine, tier, &before, &ops[i]);
        }
    }
    if (why && item->bundled) {
        struct srow **rows = table->rows;
        size_t n_rows = table->n;

        table->rows = before.rows;
        table->n = before.n;
        table->cap = before.cap;
        before.rows = rows;
        before.n = n_rows;
    }
    for (size_t i = 0; i < before.n; i++) {
        srow_unref(before.rows[i]);
    }
    free(before.rows);
    table->stale = true;
    sim->dirty = true;
    machine_look(machine, tier);
    return why;
}

const struct vx_rows *
machine_rows(struct machine *machine, enum vx_tier tier)
{
    struct table *table = &machine->tables[tier];

    if (table->stale) {
        struct vx_rows *flat = &table->flat;

        table->stale = false;
        flat->n = 0;
        flat->rows = vx_grow(flat->rows, &flat->cap, table->n + 1,
                             sizeof *flat->rows);
        for (size_t i = 0; i < table->n; i++) {
            vx_row_copy(&flat->rows[flat->n++], &table->rows[i]->row);
        }
    }
    return &table->flat;
}

/* --- Life. */

void
machine_init(struct machine *machine, int index)
{
    machine->index = index;
    machine->address = index;
    machine->db.name = index;
    machine->db.zone = sim->n_machines > 3 ? index / 2 : index == 2;
    if (!sim->bordered) {
        machine->db.zone = 0;
    }
    machine->tables[VX_TENANT_TIER].stale = true;
    machine->tables[VX_FABRIC_TIER].stale = true;
}

void
machine_fini(struct machine *machine)
{
    for (int tier = VX_TENANT_TIER; tier <= VX_FABRIC_TIER; tier++) {
        empty(&machine->tables[tier]);
        free(machine->tables[tier].rows);
        vx_rows_fini(&machine->tables[tier].flat);
    }
}

void
machine_told(struct machine *machine)
{
    sim->dirty = true;
    if (machine->ovsdb) {
        struct item *item = conn_push(&machine->ovsdb->to_controller,
                                      ITEM_UPDATE);

        item->db = vx_xmemdup(&machine->db, sizeof machine->db);
    }
}

static bool
reachable(const struct machine *machine)
{
    return sim->app && !sim->dying && (!machine->cut || sim->calm);
}

enum work { NOTHING, VSWITCHD, OFPORT, CONNECT };

static bool
wants_connection(const struct machine *machine, int tier)
{
    return tier ? machine->db.done_num && !machine->of[tier]
                : machine->has_manager && !machine->ovsdb;
}

/* *ret_i: the interface, or the tier. */
static enum work
next_work(const struct machine *machine, int *ret_i)
{
    if (machine->db.host_num != machine->db.done_num) {
        return VSWITCHD;
    }
    for (int id = 0; id < N_IFACES; id++) {
        if (machine->db.plugged[id] && !machine->db.ofports[id]
            && machine->db.host_num) {
            *ret_i = id;
            return OFPORT;
        }
    }
    for (int tier = 0; reachable(machine) && tier <= VX_FABRIC_TIER;
         tier++) {
        if (wants_connection(machine, tier)
            && machine->retry_ms[tier] <= sim->now_ms) {
            *ret_i = tier;
            return CONNECT;
        }
    }
    return NOTHING;
}

int64_t
machine_next_ms(const struct machine *machine)
{
    int64_t next = INT64_MAX;

    for (int tier = 0; reachable(machine) && tier <= VX_FABRIC_TIER;
         tier++) {
        if (wants_connection(machine, tier)
            && machine->retry_ms[tier] < next) {
            next = machine->retry_ms[tier];
        }
    }
    return next;
}

bool
machine_has_work(const struct machine *machine)
{
    int i;

    return next_work(machine, &i) != NOTHING;
}

static void
close_of(struct machine *machine)
{
    for (int tier = VX_TENANT_TIER; tier <= VX_FABRIC_TIER; tier++) {
        if (machine->of[tier]) {
            conn_machine_closes(machine->of[tier], false);
        }
    }
}

static void
vswitchd(struct machine *machine)
{
    if (machine->db.done_num) {
        close_of(machine);      /* another datapath id */
    }
    machine->db.done_num = machine->db.host_num;
    machine_told(machine);
}

static void
connect_to_controller(struct machine *machine, int tier)
{
    struct conn *conn = conn_new(machine, (enum vx_tier) tier);

    machine->retry_ms[tier] = sim->now_ms + 1000;
    if (tier) {
        machine->of[tier] = conn;
    } else {
        machine->ovsdb = conn;
        machine_told(machine);
    }
}

bool
machine_work(struct machine *machine)
{
    int i = 0;

    switch (next_work(machine, &i)) {
    case NOTHING:
        return false;
    case VSWITCHD:
        vswitchd(machine);
        break;
    case OFPORT:
        machine->db.ofports[i] = ++machine->last_ofport;
        machine_told(machine);
        break;
    case CONNECT:
        connect_to_controller(machine, i);
        break;
    }
    return true;
}

void
machine_plug(struct machine *machine, int id)
{
    say("machine %d: interface %d is plugged", machine->index, id);
    machine->db.plugged[id] = true;
    machine_told(machine);
}

void
machine_unplug(struct machine *machine, int id)
{
    say("machine %d: interface %d is unplugged", machine->index, id);
    if (id < N_IDS) {
        judge_changed(KEY_PORT + id);
    }
    machine->db.plugged[id] = false;
    machine->db.ofports[id] = 0;
    machine_told(machine);
}

void
machine_join(struct machine *machine)
{
    say("machine %d: netctl host join, VTEP %d", machine->index,
        machine->address);
    machine->db.joined = true;
    machine->db.address = machine->address;
    machine->db.status[0] = '\0';
    machine->has_manager = true;
    machine_told(machine);
}

/* Rows and port numbers are those of the process. */
void
machine_restart_ovs(struct machine *machine)
{
    say("machine %d: ovs-vswitchd restarts", machine->index);
    close_of(machine);
    machine->tampered[VX_TENANT_TIER] = false;
    machine->tampered[VX_FABRIC_TIER] = false;
    empty(&machine->tables[VX_TENANT_TIER]);
    empty(&machine->tables[VX_FABRIC_TIER]);
}

void
machine_reinstall(struct machine *machine)
{
    bool other = chance(2);
    unsigned incarnation = machine->db.incarnation + other;
    int name = machine->db.name, zone = machine->db.zone;

    say("machine %d: re-installed, system-id %s", machine->index,
        other ? "is new" : "stays");
    machine_restart_ovs(machine);
    if (machine->ovsdb) {
        conn_machine_closes(machine->ovsdb, chance(2));
    }
    memset(&machine->db, 0, sizeof machine->db);
    machine->db.name = name;
    machine->db.zone = zone;
    machine->db.incarnation = incarnation;
    machine->has_manager = false;
    machine->last_ofport = 0;
}

void
machine_cut(struct machine *machine, bool cut)
{
    say("machine %d is %s the controller", machine->index,
        cut ? "cut from" : "connected with");
    machine->cut = cut;
    if (cut) {
        bool silent = chance(2);

        for (int tier = VX_TENANT_TIER; tier <= VX_FABRIC_TIER; tier++) {
            if (machine->of[tier]) {
                conn_machine_closes(machine->of[tier], silent);
            }
        }
        if (machine->ovsdb) {
            conn_machine_closes(machine->ovsdb, silent);
        }
    }
}

/* A flow in the place of row k, or beside it. */
static void
alter(struct table *table, size_t k, unsigned how)
{
    struct vx_row row;
    struct srow *altered;
    bool found;
    size_t i;

    vx_row_copy(&row, &table->rows[k]->row);
    if (how == 0) {
        row.cookie ^= 1;
    } else if (how == 1) {
        row.n_acts = 0;
    } else {
        row.priority++;
    }
    altered = srow_new(&row);
    if (how == 2) {
        remove_at(table, k);
    }
    i = find(table, &altered->crow, &found);
    if (found) {
        srow_unref(table->rows[i]);
        table->rows[i] = altered;
    } else {
        insert_at(table, i, altered);
    }
}

static void
add_foreign(struct table *table, enum vx_tier tier)
{
    struct vx_rows rows = { NULL, 0, 0 };
    struct vx_row *row = vx_rows_flow(&rows, tier, 0, 1, 77);
    struct srow *foreign;
    bool found;
    size_t i;

    vx_match_u(row, VX_F_IN_PORT, 70 + roll(5));
    foreign = srow_new(row);
    i = find(table, &foreign->crow, &found);
    if (found) {
        srow_unref(foreign);
    } else {
        insert_at(table, i, foreign);
    }
    vx_rows_fini(&rows);
}

static void
tamper(struct table *table, enum vx_tier tier)
{
    unsigned what = roll(6);
    size_t k = table->n ? roll((uint32_t) table->n) : 0;

    if (!table->n || what == 0) {
        add_foreign(table, tier);
    } else if (table->rows[k]->crow.table == VX_T_EPOCH) {
        return;
    } else if (what <= 3 && table->rows[k]->crow.type == VX_ROW_FLOW) {
        alter(table, k, what - 1);
    } else if (table->rows[k]->crow.type == VX_ROW_GROUP
               || table->rows[k]->crow.type == VX_ROW_METER) {
        remove_with_users(table, table->rows[k]);
    } else {
        remove_at(table, k);
    }
}

void
machine_tamper(struct machine *machine)
{
    enum vx_tier tier = chance(2) ? VX_TENANT_TIER : VX_FABRIC_TIER;
    struct table *table = &machine->tables[tier];

    if (!machine->db.done_num) {
        return;
    }
    say("machine %d tier %d: rows are changed by hand", machine->index,
        tier);
    for (unsigned i = 1 + roll(3); i > 0; i--) {
        tamper(table, tier);
    }
    machine->tampered[tier] = true;
    table->stale = true;
    sim->dirty = true;
    judge_disturbed();
}

/* While nobody looks, somebody deletes rows. */
void
machine_drift(struct machine *machine)
{
    enum vx_tier tier = chance(2) ? VX_TENANT_TIER : VX_FABRIC_TIER;
    struct table *table = &machine->tables[tier];

    if (machine->of[tier] || !table->n) {
        return;
    }
    /* With the epoch, or the host would be believed until its audit. */
    for (size_t k = table->n; k-- > 0;) {
        if (table->rows[k]->crow.table == VX_T_EPOCH) {
            remove_at(table, k);
        }
    }
    for (int i = 0; i < 3 && table->n; i++) {
        size_t k = roll((uint32_t) table->n);

        if (table->rows[k]->crow.type == VX_ROW_GROUP
            || table->rows[k]->crow.type == VX_ROW_METER) {
            remove_with_users(table, table->rows[k]);
        } else {
            remove_at(table, k);
        }
    }
    say("machine %d tier %d: rows deleted by hand", machine->index, tier);
    table->stale = true;
    sim->dirty = true;
}

/* To the controller, as the switches do. */
void
machine_talks(struct machine *machine, const struct vx_packet *packet,
              const uint8_t *frame, size_t size)
{
    struct arrivals arrivals;

    judge_walk(machine, packet, &arrivals);
    wire_punts(&arrivals, frame, size);
}
