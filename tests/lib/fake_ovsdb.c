/* SPDX-License-Identifier: Apache-2.0 */
/* See fake_ovsdb.h. */
#include <config.h>

#include "fake_ovsdb.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/json.h"

#include "lib/buf.h"
#include "lib/err.h"
#include "ovs-glue/ovsdb_codec.h"

static void
die(const char *what, const char *detail)
{
    fprintf(stderr, "fake_ovsdb: %s: %s\n", what, detail);
    abort();
}

static const char *const table_names[OG_N_TABLES] = {
    "Open_vSwitch", "Bridge", "Port", "Interface", "Controller", "Manager",
};

static enum og_table
table_of(const struct json *op)
{
    const char *name = json_string(shash_find_data(json_object(op), "table"));

    for (int t = 0; t < OG_N_TABLES; t++) {
        if (!strcmp(name, table_names[t])) {
            return (enum og_table) t;
        }
    }
    die("unknown table", name);
    return OG_N_TABLES;
}

static void
on_row(void *aux, struct og_row *row, enum og_row_event event)
{
    (void) aux;
    if (event == OG_ROW_GONE) {
        og_row_free(row);
    }
}

/* {table: {uuid: {kind: body}}} */
static void
update(struct fake_ovsdb *fake, enum og_table table, const char *uuid,
       const char *kind, const char *body)
{
    const struct og_update_sink sink = { NULL, on_row };
    struct vx_buf buf = VX_BUF_INIT;
    struct vx_error err;
    struct json *json;

    vx_buf_printf(&buf, "{\"%s\":{\"%s\":{\"%s\":%s}}}", table_names[table],
                  uuid, kind, body);
    json = json_from_string(vx_buf_str(&buf));
    if (json->type != JSON_OBJECT
        || !og_ovsdb_apply(&fake->view, json, &sink, &err)) {
        die(json->type == JSON_OBJECT ? err.message : "not JSON",
            vx_buf_str(&buf));
    }
    json_destroy(json);
    vx_buf_fini(&buf);
}

/* --- References to rows of the same transaction. */

struct names {
    const char *uuid_names[64];
    char uuids[64][OG_UUID_LEN + 1];
    size_t n;
};

/* Named UUIDs become UUIDs, in place. */
static void
resolve(struct json *json, const struct names *names)
{
    struct shash_node *node;

    if (json->type == JSON_OBJECT) {
        SHASH_FOR_EACH (node, json->object) {
            resolve(node->data, names);
        }
    } else if (json->type == JSON_ARRAY) {
        struct json **e = json->array.elems;

        if (json->array.n == 2 && e[0]->type == JSON_STRING
            && !strcmp(e[0]->string, "named-uuid")) {
            for (size_t i = 0; i < names->n; i++) {
                if (!strcmp(names->uuid_names[i], json_string(e[1]))) {
                    json_destroy(e[0]);
                    json_destroy(e[1]);
                    e[0] = json_string_create("uuid");
                    e[1] = json_string_create(names->uuids[i]);
                    return;
                }
            }
            die("unknown named-uuid", json_string(e[1]));
        }
        for (size_t i = 0; i < json->array.n; i++) {
            resolve(e[i], names);
        }
    }
}

static void
name_inserts(struct fake_ovsdb *fake, const struct json *ops,
             struct names *names)
{
    for (size_t i = 0; i < ops->array.n; i++) {
        const struct shash *op = json_object(ops->array.elems[i]);
        const struct json *name = shash_find_data(op, "uuid-name");

        if (strcmp(json_string(shash_find_data(op, "op")), "insert")) {
            continue;
        }
        names->uuid_names[names->n] = name ? json_string(name) : "";
        snprintf(names->uuids[names->n++], OG_UUID_LEN + 1,
                 "00000000-0000-0000-0000-%012u", ++fake->n_rows);
    }
}

/* --- Differences of sets and maps. */

static bool
is_refs(const char *column)
{
    return !strcmp(column, "ports") || !strcmp(column, "controller")
           || !strcmp(column, "interfaces") || !strcmp(column, "bridges")
           || !strcmp(column, "manager_options")
           || !strcmp(column, "mirrors");
}

static const struct og_set *
set_column(const struct og_row *row, const char *column)
{
    if (row->table == OG_T_BRIDGE) {
        const struct og_bridge *b = (const struct og_bridge *) row;

        return !strcmp(column, "protocols") ? &b->protocols
               : !strcmp(column, "mirrors") ? &b->mirrors
               : !strcmp(column, "ports") ? &b->ports
               : !strcmp(column, "controller") ? &b->controller : NULL;
    }
    if (row->table == OG_T_PORT) {
        const struct og_port *p = (const struct og_port *) row;

        return !strcmp(column, "interfaces") ? &p->interfaces
               : !strcmp(column, "trunks") ? &p->trunks : NULL;
    }
    if (row->table == OG_T_ROOT) {
        const struct og_root *r = (const struct og_root *) row;

        return !strcmp(column, "bridges") ? &r->bridges
               : !strcmp(column, "manager_options") ? &r->manager_options
               : !strcmp(column, "datapath_types") ? &r->datapath_types
               : NULL;
    }
    return NULL;
}

static const struct og_map *
map_column(const struct og_row *row, const char *column)
{
    bool is_ids = !strcmp(column, "external_ids");

    switch (row->table) {
    case OG_T_BRIDGE:
        return is_ids ? &((const struct og_bridge *) row)->external_ids
               : !strcmp(column, "other_config")
               ? &((const struct og_bridge *) row)->other_config
               : !strcmp(column, "flow_tables")
               ? &((const struct og_bridge *) row)->flow_tables : NULL;
    case OG_T_ROOT:
        return is_ids ? &((const struct og_root *) row)->external_ids : NULL;
    case OG_T_INTERFACE:
        return !strcmp(column, "options")
               ? &((const struct og_iface *) row)->options : NULL;
    case OG_T_CONTROLLER:
        return is_ids
               ? &((const struct og_controller *) row)->external_ids : NULL;
    case OG_T_MANAGER:
        return is_ids
               ? &((const struct og_manager *) row)->external_ids : NULL;
    default:
        return NULL;
    }
}

/* Elements of a set value; a lone atom is a set of one. */
static struct json *const *
elements(struct json *const *value, const char *tag, size_t *ret_n)
{
    if ((*value)->type == JSON_ARRAY && (*value)->array.n == 2
        && (*value)->array.elems[0]->type == JSON_STRING
        && !strcmp(json_string((*value)->array.elems[0]), tag)) {
        const struct json *array = (*value)->array.elems[1];

        *ret_n = array->array.n;
        return array->array.elems;
    }
    *ret_n = 1;
    return value;
}

/* Of a number until the next one. */
static const char *
text(const struct json *atom)
{
    static char number[24];

    if (atom->type == JSON_INTEGER) {
        snprintf(number, sizeof number, "%" PRId64, json_integer(atom));
        return number;
    }
    return atom->type == JSON_ARRAY ? json_string(atom->array.elems[1])
                                    : json_string(atom);
}

static void
put_atom(struct vx_buf *buf, const char *column, const char *s)
{
    struct json *json = json_string_create(s);
    char *quoted = json_to_string(json, 0);

    if (!strcmp(column, "trunks")) {
        vx_buf_puts(buf, s);
    } else {
        vx_buf_printf(buf, is_refs(column) ? "[\"uuid\",%s]" : "%s",
                      quoted);
    }
    free(quoted);
    json_destroy(json);
}

enum how { REPLACE, INSERT, DELETE };

static void
diff_set(struct vx_buf *buf, const struct og_set *old, const char *column,
         struct json *const *value, enum how how)
{
    struct og_set want = { NULL, 0, 0 };
    const char *sep = "";
    struct json *const *e;
    size_t n;

    e = elements(value, "set", &n);
    for (size_t i = 0; i < n; i++) {
        og_set_append(&want, text(e[i]));
    }
    og_set_sort(&want);
    vx_buf_puts(buf, "[\"set\",[");
    for (size_t i = 0; i < want.n; i++) {
        if (og_set_has(old, want.items[i]) == (how == DELETE)) {
            vx_buf_puts(buf, sep);
            put_atom(buf, column, want.items[i]);
            sep = ",";
        }
    }
    for (size_t i = 0; how == REPLACE && i < old->n; i++) {
        if (!og_set_has(&want, old->items[i])) {
            vx_buf_puts(buf, sep);
            put_atom(buf, column, old->items[i]);
            sep = ",";
        }
    }
    vx_buf_puts(buf, "]]");
    og_set_fini(&want);
}

static void
put_pair(struct vx_buf *buf, const char **sep, const struct og_pair *pair,
         bool is_number)
{
    vx_buf_printf(buf, "%s[", *sep);
    put_atom(buf, is_number ? "trunks" : "", pair->key);
    vx_buf_puts(buf, ",");
    put_atom(buf, is_number ? "mirrors" : "", pair->value);
    vx_buf_puts(buf, "]");
    *sep = ",";
}

/* For DELETE the value is a set of keys. INSERT leaves keys that are. */
static void
diff_map(struct vx_buf *buf, const struct og_map *old, const char *column,
         struct json *const *value, enum how how)
{
    bool is_number = !strcmp(column, "flow_tables");
    struct og_map want = { NULL, 0, 0 };
    struct json *const *e;
    const char *sep = "";
    size_t n;

    e = elements(value, how == DELETE ? "set" : "map", &n);
    for (size_t i = 0; i < n; i++) {
        if (how == DELETE) {
            og_map_put(&want, text(e[i]), "");
        } else {
            og_map_put(&want, text(e[i]->array.elems[0]),
                       text(e[i]->array.elems[1]));
        }
    }
    vx_buf_puts(buf, "[\"map\",[");
    for (size_t i = 0; how != DELETE && i < want.n; i++) {
        const char *now = og_map_get(old, want.items[i].key);

        if (!now || (how == REPLACE && strcmp(now, want.items[i].value))) {
            put_pair(buf, &sep, &want.items[i], is_number);
        }
    }
    for (size_t i = 0; how != INSERT && i < old->n; i++) {
        bool wanted = og_map_get(&want, old->items[i].key) != NULL;

        if (wanted == (how == DELETE)) {
            put_pair(buf, &sep, &old->items[i], is_number);
        }
    }
    vx_buf_puts(buf, "]]");
    og_map_fini(&want);
}

static void
modify(struct fake_ovsdb *fake, const struct og_row *row, const char *column,
       struct json *const *value, enum how how)
{
    const struct og_set *set = set_column(row, column);
    const struct og_map *map = map_column(row, column);
    struct vx_buf buf = VX_BUF_INIT;

    vx_buf_printf(&buf, "{\"%s\":", column);
    if (set) {
        diff_set(&buf, set, column, value, how);
    } else if (map) {
        diff_map(&buf, map, column, value, how);
    } else {
        char *s = json_to_string(*value, 0);

        vx_buf_puts(&buf, s);
        free(s);
    }
    vx_buf_puts(&buf, "}");
    update(fake, (enum og_table) row->table, row->uuid, "modify",
           vx_buf_str(&buf));
    vx_buf_fini(&buf);
}

/* --- Operations. */

/* The one row "where" names; with no condition, the first. */
static const struct og_row *
find(const struct fake_ovsdb *fake, enum og_table table,
     const struct json *op)
{
    const struct json *where = shash_find_data(json_object(op), "where");
    const struct json *cond = where->array.n ? where->array.elems[0] : NULL;
    const char *column = cond ? json_string(cond->array.elems[0]) : NULL;
    const char *want = cond ? text(cond->array.elems[2]) : NULL;

    VX_TREE_FOR_EACH(node, &fake->view.rows[table]) {
        const struct og_row *row = VX_CONTAINER(node, struct og_row, by_uuid);
        const char *name =
            table == OG_T_BRIDGE ? ((const struct og_bridge *) row)->name
            : table == OG_T_PORT ? ((const struct og_port *) row)->name
            : table == OG_T_INTERFACE ? ((const struct og_iface *) row)->name
            : table == OG_T_CONTROLLER
            ? ((const struct og_controller *) row)->target : "";

        if (!cond || !strcmp(strcmp(column, "_uuid") ? name : row->uuid,
                             want)) {
            return row;
        }
    }
    die("no row", want ? want : table_names[table]);
    return NULL;
}

static void
operate(struct fake_ovsdb *fake, const struct json *op, const char *uuid)
{
    const struct shash *object = json_object(op);
    const char *name = json_string(shash_find_data(object, "op"));
    enum og_table table = table_of(op);
    struct shash_node *node;

    if (!strcmp(name, "insert")) {
        char *row = json_to_string(shash_find_data(object, "row"), 0);

        update(fake, table, uuid, "insert", row);
        free(row);
    } else if (!strcmp(name, "update")) {
        const struct og_row *row = find(fake, table, op);
        const struct json *columns = shash_find_data(object, "row");

        SHASH_FOR_EACH (node, columns->object) {
            struct json *value = node->data;

            modify(fake, row, node->name, &value, REPLACE);
        }
    } else if (!strcmp(name, "mutate")) {
        const struct og_row *row = find(fake, table, op);
        const struct json *m = shash_find_data(object, "mutations");

        for (size_t i = 0; i < m->array.n; i++) {
            struct json **e = m->array.elems[i]->array.elems;

            modify(fake, row, json_string(e[0]), &e[2],
                   strcmp(json_string(e[1]), "insert") ? DELETE : INSERT);
        }
    } else {
        die("unknown operation", name);
    }
}

/* Rows that must be referred to and are not go. */
static void
collect(struct fake_ovsdb *fake)
{
    static const enum og_table order[] = {
        OG_T_PORT, OG_T_INTERFACE, OG_T_CONTROLLER,
    };

    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        VX_TREE_FOR_EACH_SAFE(n, next, &fake->view.rows[order[i]]) {
            struct og_row *row = VX_CONTAINER(n, struct og_row, by_uuid);

            if (!row->parent) {
                update(fake, order[i], row->uuid, "delete", "null");
            }
        }
    }
}

void
fake_transact(struct fake_ovsdb *fake, const char *operations)
{
    struct json *ops = json_from_string(operations);
    struct names names = { .n = 0 };
    size_t n_inserts = 0;

    if (ops->type != JSON_ARRAY) {
        die("operations are not an array", operations);
    }
    name_inserts(fake, ops, &names);
    resolve(ops, &names);
    for (size_t i = 0; i < ops->array.n; i++) {
        const struct json *op = ops->array.elems[i];
        bool is_insert = !strcmp(
            json_string(shash_find_data(json_object(op), "op")), "insert");

        operate(fake, op, is_insert ? names.uuids[n_inserts++] : NULL);
    }
    json_destroy(ops);
    collect(fake);
}

static uint32_t
free_ofport(const struct fake_ovsdb *fake, const struct og_bridge *bridge,
            int64_t request)
{
    for (uint32_t p = request > 0 ? (uint32_t) request : 1;; p = p % 999 + 1) {
        bool is_taken = false;

        VX_TREE_FOR_EACH(node, &fake->view.rows[OG_T_INTERFACE]) {
            const struct og_iface *iface = (const struct og_iface *)
                VX_CONTAINER(node, struct og_row, by_uuid);

            is_taken = is_taken || (iface->ofport == p
                                    && og_view_iface_bridge(iface) == bridge);
        }
        if (!is_taken) {
            return p;
        }
    }
}

void
fake_switch(struct fake_ovsdb *fake)
{
    char body[100];

    VX_TREE_FOR_EACH(node, &fake->view.rows[OG_T_BRIDGE]) {
        struct og_bridge *bridge = (struct og_bridge *)
            VX_CONTAINER(node, struct og_row, by_uuid);
        const char *id = og_map_get(&bridge->other_config, "datapath-id");

        snprintf(body, sizeof body, "{\"datapath_id\":\"%s\"}",
                 id ? id : "0000000000000001");
        update(fake, OG_T_BRIDGE, bridge->row.uuid, "modify", body);
    }
    VX_TREE_FOR_EACH(node, &fake->view.rows[OG_T_INTERFACE]) {
        struct og_iface *iface = (struct og_iface *)
            VX_CONTAINER(node, struct og_row, by_uuid);
        const struct og_bridge *bridge = og_view_iface_bridge(iface);
        bool is_local = bridge && !strcmp(bridge->name, iface->name);

        if (!bridge || iface->ofport) {
            continue;
        }
        snprintf(body, sizeof body, "{\"ofport\":%u}",
                 is_local ? 65534
                 : free_ofport(fake, bridge, iface->ofport_request));
        update(fake, OG_T_INTERFACE, iface->row.uuid, "modify", body);
    }
}

void
fake_init(struct fake_ovsdb *fake)
{
    og_view_init(&fake->view);
    fake->n_rows = 0;
    update(fake, OG_T_ROOT, "00000000-0000-0000-0000-00000000000f", "initial",
           "{\"external_ids\":[\"map\",[[\"system-id\",\"s1\"]]],"
           "\"datapath_types\":[\"set\",[\"netdev\",\"system\"]]}");
}

void
fake_fini(struct fake_ovsdb *fake)
{
    og_view_fini(&fake->view);
}
