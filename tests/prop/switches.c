/* SPDX-License-Identifier: Apache-2.0 */
/* The switches of a world: a set of rows per host and tier, strict about what
 * a switch is strict about. */
#include "tests/prop/world.h"

uint32_t
roll(struct world *w, uint32_t n)
{
    uint64_t z = w->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z >> 33) % n;
}

const char *
text(const struct vx_row *row)
{
    static struct vx_buf buf;

    vx_buf_clear(&buf);
    vx_row_format(row, &buf);
    return vx_buf_str(&buf);
}

size_t
find(const struct set *set, const struct vx_row *row, bool *ret_found)
{
    size_t low = 0, high = set->n;

    *ret_found = false;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int cmp = vx_row_compare_key(row, set->rows[mid]);

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

static uint64_t
act_value(const struct vx_row *row, enum vx_act_type type, unsigned field)
{
    for (unsigned i = 0; i < row->n_acts; i++) {
        const struct vx_act *act = &row->acts[i];

        if (act->type == type && (type != VX_ACT_SET
                                  || act->field == field)) {
            struct vx_packet packet = { 0 };

            if (type != VX_ACT_SET) {
                return act->arg;
            }
            memcpy(packet.f[field], act->value, sizeof act->value);
            return vx_packet_get_u(&packet, field);
        }
    }
    return 0;
}

static uint64_t
match_value(const struct vx_row *row, unsigned field)
{
    for (unsigned i = 0; i < row->n_match; i++) {
        if (row->match[i].field == field) {
            struct vx_packet packet = { 0 };

            memcpy(packet.f[field], row->match[i].value,
                   sizeof row->match[i].value);
            return vx_packet_get_u(&packet, field);
        }
    }
    return 0;
}

/* The VNI a row delivers to a tap, 0 if it does not. */
static uint32_t
delivers(const struct vx_row *row, uint32_t *ret_tap)
{
    *ret_tap = act_value(row, VX_ACT_OUTPUT, 0);
    if (row->tier != VX_TENANT_TIER || !*ret_tap
        || *ret_tap == VX_OFPORT_PATCH) {
        return 0;
    }
    return row->type == VX_ROW_BUCKET ? row->group
                                      : match_value(row, VX_F_REG0);
}

static bool
has_group(const struct set *set, const struct vx_row *like, uint32_t group)
{
    struct vx_row key = {
        .type = VX_ROW_GROUP, .tier = like->tier, .group = group
    };
    bool found;

    find(set, &key, &found);
    return found;
}

/* True at every single row: references exist, and a tap speaks and listens
 * in one VNI only. */
static void
check_row(struct world *w, const struct set *set, const struct vx_row *row)
{
    uint64_t group = row->type == VX_ROW_BUCKET ? row->group
                     : act_value(row, VX_ACT_GROUP, 0);
    uint32_t tap, other_tap, vni = delivers(row, &tap);

    if (group && !has_group(set, row, group)) {
        FAIL(w, "no group for %s", text(row));
    }
    if (row->tier != VX_TENANT_TIER || w->renumbering) {
        return;
    }
    if (row->type == VX_ROW_FLOW && row->table == VX_T1_CLASSIFY) {
        tap = match_value(row, VX_F_IN_PORT);
        vni = act_value(row, VX_ACT_SET, VX_F_REG0);
    }
    for (size_t i = 0; vni && i < set->n; i++) {
        const struct vx_row *other = set->rows[i];
        uint32_t other_vni = delivers(other, &other_tap);

        if (other->type == VX_ROW_FLOW && other->table == VX_T1_CLASSIFY) {
            other_tap = match_value(other, VX_F_IN_PORT);
            other_vni = act_value(other, VX_ACT_SET, VX_F_REG0);
        }
        if (other_vni && other_tap == tap && other_vni != vni) {
            FAIL(w, "two networks at one tap: %s", text(row));
        }
    }
}

static void
delete_row(struct world *w, struct set *set, const struct vx_row *row)
{
    bool found;
    size_t i = find(set, row, &found);

    if (!found || !vx_row_same(set->rows[i], row)) {
        FAIL(w, "delete of what is not there: %s", text(row));
    }
    free(set->rows[i]);
    memmove(&set->rows[i], &set->rows[i + 1],
            (--set->n - i) * sizeof *set->rows);
    for (i = 0; row->type == VX_ROW_GROUP && i < set->n; i++) {
        const struct vx_row *other = set->rows[i];

        if (act_value(other, VX_ACT_GROUP, 0) == row->group
            || (other->type == VX_ROW_BUCKET
                && other->group == row->group)) {
            FAIL(w, "group goes before %s", text(other));
        }
    }
}

static void
add_row(struct world *w, struct set *set, const struct vx_row *row)
{
    bool found;
    size_t i = find(set, row, &found);

    if (found && (row->type != VX_ROW_FLOW
                  || vx_row_same(set->rows[i], row))) {
        FAIL(w, "added twice: %s", text(row));
    }
    if (found) {
        *set->rows[i] = *row;
    } else {
        set->rows = vx_grow(set->rows, &set->cap, set->n + 1,
                            sizeof *set->rows);
        memmove(&set->rows[i + 1], &set->rows[i],
                (set->n++ - i) * sizeof *set->rows);
        set->rows[i] = vx_xmemdup(row, sizeof *row);
    }
    check_row(w, set, row);
}

void
sink_rows(void *w_, const uint64_t *hosts, size_t n_hosts,
          const struct vx_delta *delta)
{
    struct world *w = w_;

    if (!delta->n_del && !delta->n_add) {
        FAIL(w, "empty delta");
    }
    for (size_t i = 0; i < n_hosts; i++) {
        if (i && hosts[i] <= hosts[i - 1]) {
            FAIL(w, "hosts are not sorted");
        }
        if (hosts[i] > N_HOSTS) {
            continue;           /* of another fabric: it has no switch */
        }
        struct set *set = &w->sets[hosts[i] - 1][delta->tier];

        w->touched[hosts[i] - 1] = true;
        for (size_t k = 0; w->loud && k < delta->n_del + delta->n_add; k++) {
            bool del = k < delta->n_del;

            print_message("%u host %u tier %d %s %s\n", w->step,
                          (unsigned) hosts[i] - 1, delta->tier,
                          del ? "del" : "add",
                          text(del ? &delta->del[k]
                                   : &delta->add[k - delta->n_del]));
        }
        for (size_t k = 0; k < delta->n_del; k++) {
            delete_row(w, set, &delta->del[k]);
        }
        for (size_t k = 0; k < delta->n_add; k++) {
            add_row(w, set, &delta->add[k]);
        }
    }
}
