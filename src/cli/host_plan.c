/* SPDX-License-Identifier: Apache-2.0 */
/* Operations of a join and a leave; see host_plan.h. */
#include "cli/host_plan.h"

#include <string.h>

#define MARK "vxfabric"

static const char *const our_ids[] = {
    "vxfabric-name", "vxfabric-zone", "vxfabric-vtep", "vxfabric-mtu",
    "vxfabric-datapath",
};
enum { N_IDS = sizeof our_ids / sizeof *our_ids };

/* How soon the connection is tried again, and how soon silence is noticed. */
enum { BACKOFF_MS = 1000, PROBE_MS = 5000 };

/* --- Reading rows. */

static const cJSON *
get(const cJSON *row, const char *column)
{
    return cJSON_GetObjectItemCaseSensitive(row, column);
}

/* Second element of ["TAG", x], NULL if it is no such. */
static const cJSON *
tagged(const cJSON *value, const char *tag)
{
    const char *is = cJSON_GetStringValue(cJSON_GetArrayItem(value, 0));

    return is && !strcmp(is, tag) ? cJSON_GetArrayItem(value, 1) : NULL;
}

static const char *
text(const cJSON *row, const char *column)
{
    const char *s = cJSON_GetStringValue(get(row, column));

    return s ? s : "";
}

static const char *
uuid(const cJSON *row)
{
    const char *s = cJSON_GetStringValue(tagged(get(row, "_uuid"), "uuid"));

    return s ? s : "";
}

static const char *
map_get(const cJSON *map, const char *key)
{
    const cJSON *pair;

    cJSON_ArrayForEach (pair, tagged(map, "map")) {
        const char *k = cJSON_GetStringValue(cJSON_GetArrayItem(pair, 0));

        if (k && !strcmp(k, key)) {
            return cJSON_GetStringValue(cJSON_GetArrayItem(pair, 1));
        }
    }
    return NULL;
}

/* A set of references, or the one reference that stands for it. */
static bool
refers(const cJSON *set, const char *to)
{
    const cJSON *elements = tagged(set, "set"), *e;
    const char *one = cJSON_GetStringValue(tagged(set, "uuid"));

    cJSON_ArrayForEach (e, elements) {
        const char *s = cJSON_GetStringValue(tagged(e, "uuid"));

        if (s && !strcmp(s, to)) {
            return true;
        }
    }
    return one && !strcmp(one, to);
}

static bool
is_ours(const cJSON *row)
{
    return map_get(get(row, "external_ids"), MARK) != NULL;
}

const char *
vx_host_id(const struct vx_host_rows *rows, const char *key)
{
    return map_get(get(cJSON_GetArrayItem(rows->root, 0), "external_ids"),
                   key);
}

bool
vx_host_is_connected(const struct vx_host_rows *rows)
{
    const cJSON *row;

    cJSON_ArrayForEach (row, rows->managers) {
        if (is_ours(row) && cJSON_IsTrue(get(row, "is_connected"))) {
            return true;
        }
    }
    return false;
}

const char *
vx_host_bridge_datapath(const struct vx_host_rows *rows, const char *name)
{
    const cJSON *row;

    cJSON_ArrayForEach (row, rows->bridges) {
        if (!strcmp(text(row, "name"), name)) {
            return text(row, "datapath_type");
        }
    }
    return NULL;
}

/* --- Making operations. */

static cJSON *
array_of(cJSON *a, cJSON *b)
{
    cJSON *array = cJSON_CreateArray();

    cJSON_AddItemToArray(array, a);
    cJSON_AddItemToArray(array, b);
    return array;
}

static cJSON *
str(const char *s)
{
    return cJSON_CreateString(s);
}

static cJSON *
put_op(cJSON *ops, const char *name, const char *table)
{
    cJSON *op = cJSON_CreateObject();

    cJSON_AddStringToObject(op, "op", name);
    cJSON_AddStringToObject(op, "table", table);
    cJSON_AddItemToArray(ops, op);
    return op;
}

static cJSON *
put_op_on(cJSON *ops, const char *name, const char *table, const cJSON *row)
{
    cJSON *op = put_op(ops, name, table);
    cJSON *where = cJSON_AddArrayToObject(op, "where");
    cJSON *condition = array_of(str("_uuid"), str("=="));

    cJSON_AddItemToArray(condition, array_of(str("uuid"), str(uuid(row))));
    cJSON_AddItemToArray(where, condition);
    return op;
}

/* [column, mutator, value] */
static void
put_mutation(cJSON *mutations, const char *column, const char *mutator,
             cJSON *value)
{
    cJSON *mutation = array_of(str(column), str(mutator));

    cJSON_AddItemToArray(mutation, value);
    cJSON_AddItemToArray(mutations, mutation);
}

static cJSON *
map_of_one(const char *key, const char *value)
{
    cJSON *pairs = cJSON_CreateArray();

    cJSON_AddItemToArray(pairs, array_of(str(key), str(value)));
    return array_of(str("map"), pairs);
}

static void
drop_id(cJSON *mutations, const char *key)
{
    cJSON *keys = cJSON_CreateArray();

    cJSON_AddItemToArray(keys, str(key));
    put_mutation(mutations, "external_ids", "delete",
                 array_of(str("set"), keys));
}

static void
set_id(cJSON *mutations, const struct vx_host_rows *rows, const char *key,
       const char *value)
{
    const char *now = vx_host_id(rows, key);

    if (!now || strcmp(now, value)) {
        drop_id(mutations, key);
        put_mutation(mutations, "external_ids", "insert",
                     map_of_one(key, value));
    }
}

static void
put_select(cJSON *ops, const char *table, const char *const *columns)
{
    cJSON *op = put_op(ops, "select", table), *array;

    cJSON_AddArrayToObject(op, "where");
    array = cJSON_AddArrayToObject(op, "columns");
    for (; *columns; columns++) {
        cJSON_AddItemToArray(array, str(*columns));
    }
}

cJSON *
vx_host_select(void)
{
    static const char *const root[] = {
        "_uuid", "external_ids", "manager_options", NULL };
    static const char *const manager[] = {
        "_uuid", "target", "external_ids", "is_connected", "max_backoff",
        "inactivity_probe", NULL };
    static const char *const bridge[] = {
        "_uuid", "name", "datapath_type", "external_ids", NULL };
    cJSON *ops = cJSON_CreateArray();

    put_select(ops, "Open_vSwitch", root);
    put_select(ops, "Manager", manager);
    put_select(ops, "Bridge", bridge);
    return ops;
}

/* --- Join. */

static cJSON *
manager_row(const char *target)
{
    cJSON *row = cJSON_CreateObject();

    cJSON_AddStringToObject(row, "target", target);
    cJSON_AddNumberToObject(row, "max_backoff", BACKOFF_MS);
    cJSON_AddNumberToObject(row, "inactivity_probe", PROBE_MS);
    cJSON_AddItemToObject(row, "external_ids", map_of_one(MARK, "1"));
    return row;
}

static bool
is_number(const cJSON *value, int want)
{
    return cJSON_IsNumber(value) && value->valuedouble == want;
}

/* The row to keep: with our target, else one with our mark. */
static const cJSON *
find_manager(const struct vx_host_rows *rows, const char *target)
{
    const cJSON *row, *ours = NULL;

    cJSON_ArrayForEach (row, rows->managers) {
        if (!strcmp(text(row, "target"), target)) {
            return row;
        }
        if (is_ours(row)) {
            ours = row;
        }
    }
    return ours;
}

static void
plan_managers(cJSON *ops, cJSON *mutations, const struct vx_host_rows *rows,
              const char *target)
{
    const cJSON *options = get(cJSON_GetArrayItem(rows->root, 0),
                               "manager_options");
    const cJSON *keep = find_manager(rows, target), *row;

    if (!keep) {
        cJSON *op = put_op(ops, "insert", "Manager");

        cJSON_AddStringToObject(op, "uuid-name", "manager");
        cJSON_AddItemToObject(op, "row", manager_row(target));
        put_mutation(mutations, "manager_options", "insert",
                     array_of(str("named-uuid"), str("manager")));
    } else {
        if (strcmp(text(keep, "target"), target) || !is_ours(keep)
            || !is_number(get(keep, "max_backoff"), BACKOFF_MS)
            || !is_number(get(keep, "inactivity_probe"), PROBE_MS)) {
            cJSON_AddItemToObject(put_op_on(ops, "update", "Manager", keep),
                                  "row", manager_row(target));
        }
        if (!refers(options, uuid(keep))) {
            put_mutation(mutations, "manager_options", "insert",
                         array_of(str("uuid"), str(uuid(keep))));
        }
    }
    cJSON_ArrayForEach (row, rows->managers) {
        if (row != keep && is_ours(row)) {
            put_mutation(mutations, "manager_options", "delete",
                         array_of(str("uuid"), str(uuid(row))));
        }
    }
}

/* Puts the mutations of the Open_vSwitch row, if any, or drops them. */
static void
put_root(cJSON *ops, const struct vx_host_rows *rows, cJSON *take_mutations)
{
    if (!cJSON_GetArraySize(take_mutations)) {
        cJSON_Delete(take_mutations);
        return;
    }
    cJSON_AddItemToObject(put_op_on(ops, "mutate", "Open_vSwitch",
                                    cJSON_GetArrayItem(rows->root, 0)),
                          "mutations", take_mutations);
}

cJSON *
vx_join_plan(const struct vx_host_rows *rows, const struct vx_join *join)
{
    const char *const values[N_IDS] = {
        join->name, join->zone, join->vtep, join->mtu, join->datapath,
    };
    cJSON *ops = cJSON_CreateArray(), *mutations = cJSON_CreateArray();
    const char *status;

    for (int i = 0; i < N_IDS; i++) {
        set_id(mutations, rows, our_ids[i], values[i]);
    }
    if (!vx_host_id(rows, VX_ID_SYSTEM)) {
        set_id(mutations, rows, VX_ID_SYSTEM, join->system_id);
    }
    plan_managers(ops, mutations, rows, join->target);
    status = vx_host_id(rows, VX_ID_STATUS);
    if (status && (cJSON_GetArraySize(ops) || cJSON_GetArraySize(mutations)
                   || !strncmp(status, "refused", 7))) {
        /* It was said of what is being changed, or is to be asked anew. */
        drop_id(mutations, VX_ID_STATUS);
    }
    put_root(ops, rows, mutations);
    return ops;
}

/* --- Leave. */

cJSON *
vx_leave_plan(const struct vx_host_rows *rows, bool purge)
{
    cJSON *ops = cJSON_CreateArray(), *mutations = cJSON_CreateArray();
    const cJSON *row;

    for (int i = 0; i < N_IDS; i++) {
        if (vx_host_id(rows, our_ids[i])) {
            drop_id(mutations, our_ids[i]);
        }
    }
    if (vx_host_id(rows, VX_ID_STATUS)) {
        drop_id(mutations, VX_ID_STATUS);
    }
    cJSON_ArrayForEach (row, rows->managers) {
        if (is_ours(row)) {
            put_mutation(mutations, "manager_options", "delete",
                         array_of(str("uuid"), str(uuid(row))));
        }
    }
    cJSON_ArrayForEach (row, rows->bridges) {
        if (purge && is_ours(row)) {
            put_mutation(mutations, "bridges", "delete",
                         array_of(str("uuid"), str(uuid(row))));
        }
    }
    put_root(ops, rows, mutations);
    return ops;
}
