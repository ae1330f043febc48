/* SPDX-License-Identifier: Apache-2.0 */
/* Rows out of <table-updates2>; see ovsdb_codec.h.
 *
 * One table says which columns are asked for, where they are kept and how;
 * the monitor request, insert and modify all come from it.  "modify" carries
 * a difference: the new value for a column of at most one element, else the
 * elements (of a map: pairs) that come or go. */
#include <config.h>

#include "ovs-glue/ovsdb_codec.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/json.h"

#include "lib/buf.h"
#include "lib/xalloc.h"

enum kind {
    K_STR,          /* optional string, "" = none */
    K_INT,          /* optional integer, .empty = none */
    K_BOOL,
    K_SET,
    K_NUMBERS,      /* set of small numbers, kept as text */
    K_MAP,
    K_NUMBER_MAP,   /* map from small number, kept as text, to UUID */
    K_OUR_MAP,      /* map, kept for interfaces with our names only */
    K_IFACE_ID,     /* of a map the one key "iface-id", as a string */
    K_REFS,         /* set of UUIDs of child rows, see og_row_references */
};

struct column {
    const char *name;
    enum kind kind;
    size_t offset;
    int64_t empty;
};

enum {
    NUMBER_MAX = 4095,
    NUMBER_SIZE = 5,
};

#define COL(KIND, TYPE, MEMBER) \
    { #MEMBER, KIND, offsetof(struct TYPE, MEMBER), 0 }
#define COL_OPT(TYPE, MEMBER) \
    { #MEMBER, K_INT, offsetof(struct TYPE, MEMBER), -1 }

static const struct column root_columns[] = {
    COL(K_MAP, og_root, external_ids),
    COL(K_SET, og_root, bridges),
    COL(K_SET, og_root, manager_options),
    COL(K_SET, og_root, datapath_types),
    COL(K_SET, og_root, iface_types),
    COL(K_STR, og_root, ovs_version),
    { NULL, 0, 0, 0 }
};
static const struct column bridge_columns[] = {
    COL(K_STR, og_bridge, name),
    COL(K_STR, og_bridge, datapath_type),
    COL(K_STR, og_bridge, datapath_id),
    COL(K_STR, og_bridge, fail_mode),
    COL(K_SET, og_bridge, protocols),
    COL(K_MAP, og_bridge, external_ids),
    COL(K_MAP, og_bridge, other_config),
    COL(K_SET, og_bridge, mirrors),
    COL(K_NUMBER_MAP, og_bridge, flow_tables),
    COL(K_BOOL, og_bridge, stp_enable),
    COL(K_BOOL, og_bridge, rstp_enable),
    COL(K_BOOL, og_bridge, mcast_snooping_enable),
    COL(K_REFS, og_bridge, ports),
    COL(K_REFS, og_bridge, controller),
    { NULL, 0, 0, 0 }
};
static const struct column port_columns[] = {
    COL(K_STR, og_port, name),
    COL(K_STR, og_port, vlan_mode),
    COL_OPT(og_port, tag),
    COL(K_NUMBERS, og_port, trunks),
    COL(K_REFS, og_port, interfaces),
    { NULL, 0, 0, 0 }
};
static const struct column iface_columns[] = {
    COL(K_STR, og_iface, name),     /* first: K_OUR_MAP looks at it */
    COL(K_STR, og_iface, type),
    COL(K_STR, og_iface, error),
    COL(K_STR, og_iface, link_state),
    { "external_ids", K_IFACE_ID, offsetof(struct og_iface, iface_id), 0 },
    COL(K_OUR_MAP, og_iface, options),
    COL(K_INT, og_iface, ofport),
    COL(K_INT, og_iface, ofport_request),
    COL(K_INT, og_iface, mtu),
    { NULL, 0, 0, 0 }
};
static const struct column controller_columns[] = {
    COL(K_STR, og_controller, target),
    COL(K_STR, og_controller, type),
    COL(K_STR, og_controller, connection_mode),
    COL_OPT(og_controller, inactivity_probe),
    COL_OPT(og_controller, max_backoff),
    COL(K_BOOL, og_controller, is_connected),
    COL(K_MAP, og_controller, external_ids),
    { NULL, 0, 0, 0 }
};
static const struct column manager_columns[] = {
    COL(K_STR, og_manager, target),
    COL_OPT(og_manager, inactivity_probe),
    COL_OPT(og_manager, max_backoff),
    COL(K_BOOL, og_manager, is_connected),
    COL(K_MAP, og_manager, external_ids),
    { NULL, 0, 0, 0 }
};

/* Children before those that refer to them: a reference finds its row. */
static const struct {
    enum og_table table;
    const char *name;
    const struct column *columns;
} tables[OG_N_TABLES] = {
    { OG_T_INTERFACE, "Interface", iface_columns },
    { OG_T_PORT, "Port", port_columns },
    { OG_T_CONTROLLER, "Controller", controller_columns },
    { OG_T_BRIDGE, "Bridge", bridge_columns },
    { OG_T_MANAGER, "Manager", manager_columns },
    { OG_T_ROOT, "Open_vSwitch", root_columns },
};

char *
og_ovsdb_monitor_params(void)
{
    struct vx_buf buf = VX_BUF_INIT;

    vx_buf_puts(&buf, "[\"Open_vSwitch\",\"vxfabric\",{");
    for (size_t i = 0; i < OG_N_TABLES; i++) {
        vx_buf_printf(&buf, "%s\"%s\":[{\"columns\":[", i ? "," : "",
                      tables[i].name);
        for (const struct column *c = tables[i].columns; c->name; c++) {
            vx_buf_printf(&buf, "%s\"%s\"",
                          c == tables[i].columns ? "" : ",", c->name);
        }
        vx_buf_puts(&buf, "]}]");
    }
    vx_buf_puts(&buf, "},\"00000000-0000-0000-0000-000000000000\"]");
    return vx_buf_steal(&buf);
}

/* --- Values. */

/* What is being applied, so that a failure can name it. */
struct ctx {
    struct og_ovsdb_view *view;
    const struct og_update_sink *sink;
    const char *table;
    const struct column *column;
    struct vx_error *err;
};

static bool
bad(const struct ctx *ctx, const char *what)
{
    return vx_fail(ctx->err, VX_INVALID, "", "update of %s%s%s: %s",
                   ctx->table, ctx->column ? "." : "",
                   ctx->column ? ctx->column->name : "", what);
}

static bool
is_uuid(const char *s)
{
    for (int i = 0; i < OG_UUID_LEN; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? s[i] != '-' : !isxdigit((unsigned char) s[i])) {
            return false;
        }
    }
    return s[OG_UUID_LEN] == '\0';
}

/* ["TAG", x]: returns x, else NULL. */
static const struct json *
tagged(const struct json *json, const char *tag)
{
    if (json->type != JSON_ARRAY || json->array.n != 2
        || json->array.elems[0]->type != JSON_STRING
        || strcmp(json->array.elems[0]->string, tag)) {
        return NULL;
    }
    return json->array.elems[1];
}

/* String or UUID atom as text, owned by the JSON; NULL if it is neither or
 * too long. */
static const char *
atom_text(const struct json *json)
{
    const struct json *uuid = tagged(json, "uuid");

    if (uuid) {
        return uuid->type == JSON_STRING && is_uuid(uuid->string)
               ? uuid->string : NULL;
    }
    return json->type == JSON_STRING && strlen(json->string) <= OG_STRING_MAX
           ? json->string : NULL;
}

/* A number of a VLAN or a table as text, NULL if it cannot be one. */
static const char *
number_text(const struct json *json, char buf[NUMBER_SIZE])
{
    if (json->type != JSON_INTEGER || json->integer < 0
        || json->integer > NUMBER_MAX) {
        return NULL;
    }
    snprintf(buf, NUMBER_SIZE, "%d", (int) json->integer);
    return buf;
}

/* The elements of a set, or the one atom that stands for a set of one. */
static bool
set_elements(const struct json *value, struct json *const **ret_elems,
             size_t *ret_n, struct json *const *one)
{
    const struct json *set = tagged(value, "set");

    if (set) {
        if (set->type != JSON_ARRAY) {
            return false;
        }
        *ret_elems = set->array.elems;
        *ret_n = set->array.n;
    } else {
        *ret_elems = one;
        *ret_n = 1;
    }
    return true;
}

/* A column of at most one element: *ret is it, or NULL for none. */
static bool
optional(const struct ctx *ctx, const struct json *value,
         const struct json **ret)
{
    struct json *const one = (struct json *) value;
    struct json *const *elems;
    size_t n;

    if (!set_elements(value, &elems, &n, &one) || n > 1) {
        return bad(ctx, "not an optional value");
    }
    *ret = n ? elems[0] : NULL;
    return true;
}

static bool
apply_scalar(const struct ctx *ctx, void *field, const struct json *value)
{
    const struct json *atom = NULL;

    if (!optional(ctx, value, &atom)) {
        return false;
    }
    if (ctx->column->kind == K_STR) {
        const char *s = atom ? atom_text(atom) : "";

        if (!s) {
            return bad(ctx, "not a string, or too long");
        }
        s = vx_xstrdup(s);
        free(*(char **) field);
        *(const char **) field = s;
    } else if (ctx->column->kind == K_INT) {
        if (atom && atom->type != JSON_INTEGER) {
            return bad(ctx, "not an integer");
        }
        *(int64_t *) field = atom ? atom->integer : ctx->column->empty;
    } else {
        if (atom && atom->type != JSON_TRUE && atom->type != JSON_FALSE) {
            return bad(ctx, "not a boolean");
        }
        *(bool *) field = atom && atom->type == JSON_TRUE;
    }
    return true;
}

static bool
parse_set(const struct ctx *ctx, const struct json *value,
          struct og_set *ret_set)
{
    struct json *const one = (struct json *) value;
    bool numbers = ctx->column->kind == K_NUMBERS;
    struct json *const *elems;
    char number[NUMBER_SIZE];
    size_t n;

    if (!set_elements(value, &elems, &n, &one)
        || n > (numbers ? NUMBER_MAX + 1 : OG_ROWS_MAX)) {
        return bad(ctx, "not a set, or too large");
    }
    for (size_t i = 0; i < n; i++) {
        const char *s = numbers ? number_text(elems[i], number)
                                : atom_text(elems[i]);

        if (!s) {
            og_set_fini(ret_set);
            return bad(ctx, numbers ? "element is not a small number"
                       : "element is not a string, or too long");
        }
        og_set_append(ret_set, s);
    }
    og_set_sort(ret_set);
    return true;
}

static bool
apply_pair(const struct ctx *ctx, void *field, const struct json *pair)
{
    const char *key, *value;
    char number[NUMBER_SIZE];

    if (pair->type != JSON_ARRAY || pair->array.n != 2
        || !(key = ctx->column->kind == K_NUMBER_MAP
             ? number_text(pair->array.elems[0], number)
             : atom_text(pair->array.elems[0]))) {
        return bad(ctx, "not a pair, or too long");
    }
    if (ctx->column->kind == K_IFACE_ID && strcmp(key, "iface-id")) {
        return true;
    }
    value = atom_text(pair->array.elems[1]);
    if (!value) {
        return bad(ctx, "not a pair, or too long");
    }
    if (ctx->column->kind == K_IFACE_ID) {
        char **id = field;
        char *next = vx_xstrdup(strcmp(*id, value) ? value : "");

        free(*id);
        *id = next;
    } else {
        struct og_map *map = field;
        const char *old = og_map_get(map, key);

        if (old && !strcmp(old, value)) {
            og_map_remove(map, key);
        } else if (!old && map->n == OG_MAP_MAX) {
            return bad(ctx, "map is too large");
        } else {
            og_map_put(map, key, value);
        }
    }
    return true;
}

static bool
apply_map(const struct ctx *ctx, void *field, const struct json *value)
{
    const struct json *pairs = tagged(value, "map");

    if (!pairs || pairs->type != JSON_ARRAY
        || pairs->array.n > 2 * OG_MAP_MAX) {
        return bad(ctx, "not a map, or too large");
    }
    for (size_t i = 0; i < pairs->array.n; i++) {
        if (!apply_pair(ctx, field, pairs->array.elems[i])) {
            return false;
        }
    }
    return true;
}

/* --- References. */

static void
tell(const struct ctx *ctx, struct og_row *row, enum og_row_event event)
{
    ctx->sink->row(ctx->sink->aux, row, event);
}

/* The diff has been applied to the set: the children it names are the
 * row's now, or no longer. */
static void
adopt(const struct ctx *ctx, struct og_row *row, const struct og_set *set,
      const struct og_set *diff)
{
    struct og_set *sets[2];
    enum og_table child_tables[2];
    size_t n = og_row_references(row, sets, child_tables);
    size_t which = n == 2 && sets[1] == set;

    for (size_t i = 0; i < diff->n; i++) {
        struct og_row *child = (struct og_row *) og_view_row(
            ctx->view, child_tables[which], diff->items[i]);

        if (!child) {
            continue;
        }
        if (!og_set_has(set, diff->items[i])) {
            if (child->parent == row) {
                child->parent = NULL;
                tell(ctx, child, OG_ROW_PARENT);
            }
        } else if (child->parent != row) {
            /* A move within one update: whichever parent comes first. */
            child->parent = row;
            tell(ctx, child, OG_ROW_PARENT);
        }
    }
}

static bool
apply_set(const struct ctx *ctx, struct og_row *row, struct og_set *set,
          const struct json *value)
{
    struct og_set diff = { NULL, 0, 0 };

    if (!parse_set(ctx, value, &diff)) {
        return false;
    }
    if (set->n + diff.n > 2 * OG_ROWS_MAX) {
        og_set_fini(&diff);
        return bad(ctx, "set is too large");
    }
    og_set_toggle(set, &diff);
    if (ctx->column->kind == K_REFS) {
        adopt(ctx, row, set, &diff);
    }
    og_set_fini(&diff);
    return true;
}

/* --- Rows. */

static bool
is_ours(const char *name)
{
    return !strncmp(name, "vx", 2);
}

static bool
apply_column(const struct ctx *ctx, struct og_row *row,
             const struct json *value)
{
    void *field = (char *) row + ctx->column->offset;

    switch (ctx->column->kind) {
    case K_STR:
    case K_INT:
    case K_BOOL:
        return apply_scalar(ctx, field, value);
    case K_SET:
    case K_NUMBERS:
    case K_REFS:
        return apply_set(ctx, row, field, value);
    case K_OUR_MAP:
        if (!is_ours(((struct og_iface *) row)->name)) {
            return true;
        }
        /* fall through */
    case K_MAP:
    case K_NUMBER_MAP:
    case K_IFACE_ID:
        return apply_map(ctx, field, value);
    }
    return true;
}

/* *ret_own: a column has changed that children do not report themselves. */
static bool
apply_columns(struct ctx *ctx, const struct column *columns,
              struct og_row *row, const struct json *json, bool *ret_own)
{
    const struct shash *object = json->object;
    size_t n_known = 0;

    *ret_own = false;
    for (const struct column *c = columns; c->name; c++) {
        const struct json *value = shash_find_data(object, c->name);

        if (!value) {
            continue;
        }
        n_known++;
        ctx->column = c;
        if (!apply_column(ctx, row, value)) {
            return false;
        }
        *ret_own = *ret_own || c->kind != K_REFS
                   || !strcmp(c->name, "controller");
    }
    ctx->column = NULL;
    return n_known == shash_count(object)
           || bad(ctx, "column that was not asked for");
}

static void
delete_row(const struct ctx *ctx, struct og_row *row)
{
    struct og_set *sets[2];
    enum og_table child_tables[2];
    size_t n = og_row_references(row, sets, child_tables);

    for (size_t i = 0; i < n; i++) {
        struct og_set old = { NULL, 0, 0 };

        og_set_swap(&old, sets[i]);
        adopt(ctx, row, sets[i], &old);
        og_set_fini(&old);
    }
    og_view_take(ctx->view, row);
    tell(ctx, row, OG_ROW_GONE);
}

static bool
apply_row(struct ctx *ctx, size_t t, const char *uuid,
          const struct json *update)
{
    struct vx_tree *rows = &ctx->view->rows[tables[t].table];
    struct og_row *row;
    const char *op;
    bool is_new, own;

    if (update->type != JSON_OBJECT || shash_count(update->object) != 1
        || !is_uuid(uuid)) {
        return bad(ctx, "malformed row update");
    }
    row = (struct og_row *) og_view_row(ctx->view, tables[t].table, uuid);
    op = shash_first(update->object)->name;
    update = shash_first(update->object)->data;
    if (!strcmp(op, "delete")) {
        if (!row) {
            return bad(ctx, "delete of a row that is not there");
        }
        delete_row(ctx, row);
        return true;
    }
    is_new = !strcmp(op, "initial") || !strcmp(op, "insert");
    if (update->type != JSON_OBJECT || (!is_new && strcmp(op, "modify"))) {
        return bad(ctx, "unknown kind of row update");
    }
    if (is_new == (row != NULL)) {
        return bad(ctx, is_new ? "insert of a row that is there"
                               : "modify of a row that is not there");
    }
    if (is_new) {
        if (rows->count >= OG_ROWS_MAX) {
            return bad(ctx, "too many rows");
        }
        row = og_view_add(ctx->view, tables[t].table, uuid);
    }
    if (!apply_columns(ctx, tables[t].columns, row, update, &own)) {
        return false;
    }
    if (is_new || own) {
        tell(ctx, row, is_new ? OG_ROW_NEW : OG_ROW_CHANGED);
    }
    return true;
}

bool
og_ovsdb_apply(struct og_ovsdb_view *view, const struct json *updates,
               const struct og_update_sink *sink, struct vx_error *err)
{
    struct ctx ctx = { view, sink, "tables", NULL, err };
    size_t n_known = 0;

    if (updates->type != JSON_OBJECT) {
        return bad(&ctx, "not an object");
    }
    for (size_t t = 0; t < OG_N_TABLES; t++) {
        const struct json *rows = shash_find_data(updates->object,
                                                  tables[t].name);
        struct shash_node *node;

        if (!rows) {
            continue;
        }
        n_known++;
        ctx.table = tables[t].name;
        ctx.column = NULL;
        if (rows->type != JSON_OBJECT) {
            return bad(&ctx, "not an object");
        }
        SHASH_FOR_EACH (node, rows->object) {
            if (!apply_row(&ctx, t, node->name, node->data)) {
                return false;
            }
        }
    }
    ctx.table = "tables";
    ctx.column = NULL;
    return n_known == shash_count(updates->object)
           || bad(&ctx, "table that was not asked for");
}

/* --- Replies. */

bool
og_ovsdb_fail(const struct json *error, struct vx_error *err)
{
    const struct json *code, *details;

    if (error->type == JSON_STRING) {
        return vx_fail(err, VX_INVALID, "", "%.400s", error->string);
    }
    if (error->type != JSON_OBJECT) {
        return vx_fail(err, VX_INVALID, "", "error without text");
    }
    code = shash_find_data(error->object, "error");
    details = shash_find_data(error->object, "details");
    return vx_fail(err, VX_INVALID, "", "%.100s%s%.300s",
                   code && code->type == JSON_STRING ? code->string : "error",
                   details && details->type == JSON_STRING ? ": " : "",
                   details && details->type == JSON_STRING
                   ? details->string : "");
}

bool
og_ovsdb_check_result(const struct json *result, struct vx_error *err)
{
    if (result->type != JSON_ARRAY) {
        return vx_fail(err, VX_INVALID, "", "result is not an array");
    }
    for (size_t i = 0; i < result->array.n; i++) {
        const struct json *r = result->array.elems[i];

        if (r->type == JSON_OBJECT && shash_find(r->object, "error")) {
            return og_ovsdb_fail(r, err);
        }
    }
    return true;
}
