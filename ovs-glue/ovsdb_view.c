/* SPDX-License-Identifier: Apache-2.0 */
/* Plain data of a host's database; see ovsdb_view.h.  Knows rows and how
 * they hang together, neither JSON nor sockets. */
#include "ovs-glue/ovsdb_view.h"

#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

/* --- Sets and maps: sorted arrays, small or changed one by one. */

void
og_set_fini(struct og_set *set)
{
    for (size_t i = 0; i < set->n; i++) {
        free(set->items[i]);
    }
    free(set->items);
    *set = (struct og_set) { NULL, 0, 0 };
}

void
og_map_fini(struct og_map *map)
{
    for (size_t i = 0; i < map->n; i++) {
        free(map->items[i].key);
        free(map->items[i].value);
    }
    free(map->items);
    *map = (struct og_map) { NULL, 0, 0 };
}

void
og_set_swap(struct og_set *a, struct og_set *b)
{
    struct og_set tmp = *a;

    *a = *b;
    *b = tmp;
}

/* Where the item is or belongs. */
static size_t
set_find(const struct og_set *set, const char *item, bool *ret_found)
{
    size_t lo = 0, hi = set->n;

    *ret_found = false;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = strcmp(item, set->items[mid]);

        if (c == 0) {
            *ret_found = true;
            return mid;
        }
        if (c < 0) {
            hi = mid;
        } else {
            lo = mid + 1;
        }
    }
    return lo;
}

bool
og_set_has(const struct og_set *set, const char *item)
{
    bool found;

    set_find(set, item, &found);
    return found;
}

void
og_set_append(struct og_set *set, const char *item)
{
    set->items = vx_grow(set->items, &set->cap, set->n + 1,
                         sizeof *set->items);
    set->items[set->n++] = vx_xstrdup(item);
}

static int
compare_items(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

void
og_set_sort(struct og_set *set)
{
    size_t n = 0;

    if (set->n < 2) {
        return;
    }
    qsort(set->items, set->n, sizeof *set->items, compare_items);
    for (size_t i = 0; i < set->n; i++) {
        if (n && !strcmp(set->items[n - 1], set->items[i])) {
            free(set->items[i]);
        } else {
            set->items[n++] = set->items[i];
        }
    }
    set->n = n;
}

static void
toggle_one(struct og_set *set, const char *item)
{
    bool found;
    size_t i = set_find(set, item, &found);

    if (found) {
        free(set->items[i]);
        set->n--;
        memmove(&set->items[i], &set->items[i + 1],
                (set->n - i) * sizeof *set->items);
    } else {
        set->items = vx_grow(set->items, &set->cap, set->n + 1,
                             sizeof *set->items);
        memmove(&set->items[i + 1], &set->items[i],
                (set->n - i) * sizeof *set->items);
        set->items[i] = vx_xstrdup(item);
        set->n++;
    }
}

void
og_set_toggle(struct og_set *set, const struct og_set *diff)
{
    struct og_set merged = { NULL, 0, 0 };
    size_t i = 0, j = 0;

    if (diff->n <= 8) {             /* a tap in thousands: no comparisons */
        for (; j < diff->n; j++) {
            toggle_one(set, diff->items[j]);
        }
        return;
    }
    merged.items = vx_grow(NULL, &merged.cap, set->n + diff->n + 1,
                           sizeof *merged.items);
    while (i < set->n || j < diff->n) {
        int c = i == set->n ? 1 : j == diff->n ? -1
                : strcmp(set->items[i], diff->items[j]);

        if (c < 0) {
            merged.items[merged.n++] = set->items[i++];
        } else if (c > 0) {
            merged.items[merged.n++] = vx_xstrdup(diff->items[j++]);
        } else {
            free(set->items[i++]);
            j++;
        }
    }
    free(set->items);
    *set = merged;
}

static size_t
map_find(const struct og_map *map, const char *key, bool *ret_found)
{
    size_t lo = 0, hi = map->n;

    *ret_found = false;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = strcmp(key, map->items[mid].key);

        if (c == 0) {
            *ret_found = true;
            return mid;
        }
        if (c < 0) {
            hi = mid;
        } else {
            lo = mid + 1;
        }
    }
    return lo;
}

const char *
og_map_get(const struct og_map *map, const char *key)
{
    bool found;
    size_t i = map_find(map, key, &found);

    return found ? map->items[i].value : NULL;
}

void
og_map_put(struct og_map *map, const char *key, const char *value)
{
    bool found;
    size_t i = map_find(map, key, &found);

    if (found) {
        char *copy = vx_xstrdup(value);

        free(map->items[i].value);
        map->items[i].value = copy;
        return;
    }
    map->items = vx_grow(map->items, &map->cap, map->n + 1,
                         sizeof *map->items);
    memmove(&map->items[i + 1], &map->items[i],
            (map->n - i) * sizeof *map->items);
    map->items[i].key = vx_xstrdup(key);
    map->items[i].value = vx_xstrdup(value);
    map->n++;
}

bool
og_map_remove(struct og_map *map, const char *key)
{
    bool found;
    size_t i = map_find(map, key, &found);

    if (!found) {
        return false;
    }
    free(map->items[i].key);
    free(map->items[i].value);
    map->n--;
    memmove(&map->items[i], &map->items[i + 1],
            (map->n - i) * sizeof *map->items);
    return true;
}

/* --- Rows. */

static int
compare_uuid(const void *key, const struct vx_tree_node *node)
{
    return strcmp(key, VX_CONTAINER(node, struct og_row, by_uuid)->uuid);
}

void
og_view_init(struct og_ovsdb_view *view)
{
    for (int i = 0; i < OG_N_TABLES; i++) {
        vx_tree_init(&view->rows[i], compare_uuid);
    }
}

void
og_view_fini(struct og_ovsdb_view *view)
{
    for (int i = 0; i < OG_N_TABLES; i++) {
        VX_TREE_FOR_EACH_SAFE(node, next, &view->rows[i]) {
            vx_tree_remove(&view->rows[i], node);
            og_row_free(VX_CONTAINER(node, struct og_row, by_uuid));
        }
    }
}

static struct og_row *
row_new(enum og_table table)
{
    static const size_t sizes[OG_N_TABLES] = {
        [OG_T_ROOT] = sizeof(struct og_root),
        [OG_T_BRIDGE] = sizeof(struct og_bridge),
        [OG_T_PORT] = sizeof(struct og_port),
        [OG_T_INTERFACE] = sizeof(struct og_iface),
        [OG_T_CONTROLLER] = sizeof(struct og_controller),
        [OG_T_MANAGER] = sizeof(struct og_manager),
    };
    struct og_row *row = vx_xcalloc(1, sizes[table]);

    row->table = (uint8_t) table;
    return row;
}

/* The string columns of a row, NULL at the end. */
static void
row_strings(struct og_row *row, char **strings[6])
{
    size_t n = 0;

    if (row->table == OG_T_ROOT) {
        strings[n++] = &((struct og_root *) row)->ovs_version;
    } else if (row->table == OG_T_BRIDGE) {
        struct og_bridge *bridge = (struct og_bridge *) row;

        strings[n++] = &bridge->name;
        strings[n++] = &bridge->datapath_type;
        strings[n++] = &bridge->datapath_id;
        strings[n++] = &bridge->fail_mode;
    } else if (row->table == OG_T_PORT) {
        strings[n++] = &((struct og_port *) row)->name;
        strings[n++] = &((struct og_port *) row)->vlan_mode;
    } else if (row->table == OG_T_INTERFACE) {
        struct og_iface *iface = (struct og_iface *) row;

        strings[n++] = &iface->name;
        strings[n++] = &iface->type;
        strings[n++] = &iface->error;
        strings[n++] = &iface->link_state;
        strings[n++] = &iface->iface_id;
    } else if (row->table == OG_T_CONTROLLER) {
        strings[n++] = &((struct og_controller *) row)->target;
        strings[n++] = &((struct og_controller *) row)->type;
        strings[n++] = &((struct og_controller *) row)->connection_mode;
    } else {
        strings[n++] = &((struct og_manager *) row)->target;
    }
    strings[n] = NULL;
}

struct og_row *
og_view_add(struct og_ovsdb_view *view, enum og_table table,
            const char *uuid)
{
    struct og_row *row = row_new(table);
    char **strings[6];

    memcpy(row->uuid, uuid, OG_UUID_LEN);
    row_strings(row, strings);
    for (char ***s = strings; *s; s++) {
        **s = vx_xstrdup("");
    }
    if (table == OG_T_PORT) {
        ((struct og_port *) row)->tag = -1;
    } else if (table == OG_T_CONTROLLER) {
        ((struct og_controller *) row)->inactivity_probe = -1;
        ((struct og_controller *) row)->max_backoff = -1;
    } else if (table == OG_T_MANAGER) {
        ((struct og_manager *) row)->inactivity_probe = -1;
        ((struct og_manager *) row)->max_backoff = -1;
    }
    vx_tree_insert(&view->rows[table], row->uuid, &row->by_uuid);
    return row;
}

size_t
og_row_references(struct og_row *row, struct og_set *ret_sets[2],
                  enum og_table ret_tables[2])
{
    if (row->table == OG_T_BRIDGE) {
        ret_sets[0] = &((struct og_bridge *) row)->ports;
        ret_tables[0] = OG_T_PORT;
        ret_sets[1] = &((struct og_bridge *) row)->controller;
        ret_tables[1] = OG_T_CONTROLLER;
        return 2;
    }
    if (row->table == OG_T_PORT) {
        ret_sets[0] = &((struct og_port *) row)->interfaces;
        ret_tables[0] = OG_T_INTERFACE;
        return 1;
    }
    return 0;
}

void
og_view_take(struct og_ovsdb_view *view, struct og_row *row)
{
    row->parent = NULL;
    vx_tree_remove(&view->rows[row->table], &row->by_uuid);
}

void
og_row_free(struct og_row *row)
{
    char **strings[6];

    if (!row) {
        return;
    }
    row_strings(row, strings);
    for (char ***s = strings; *s; s++) {
        free(**s);
    }
    if (row->table == OG_T_ROOT) {
        struct og_root *root = (struct og_root *) row;

        og_map_fini(&root->external_ids);
        og_set_fini(&root->bridges);
        og_set_fini(&root->manager_options);
        og_set_fini(&root->datapath_types);
        og_set_fini(&root->iface_types);
    } else if (row->table == OG_T_BRIDGE) {
        struct og_bridge *bridge = (struct og_bridge *) row;

        og_set_fini(&bridge->protocols);
        og_map_fini(&bridge->external_ids);
        og_map_fini(&bridge->other_config);
        og_set_fini(&bridge->mirrors);
        og_map_fini(&bridge->flow_tables);
        og_set_fini(&bridge->ports);
        og_set_fini(&bridge->controller);
    } else if (row->table == OG_T_PORT) {
        og_set_fini(&((struct og_port *) row)->trunks);
        og_set_fini(&((struct og_port *) row)->interfaces);
    } else if (row->table == OG_T_INTERFACE) {
        og_map_fini(&((struct og_iface *) row)->options);
    } else if (row->table == OG_T_CONTROLLER) {
        og_map_fini(&((struct og_controller *) row)->external_ids);
    } else {
        og_map_fini(&((struct og_manager *) row)->external_ids);
    }
    free(row);
}

/* --- Reading. */

const struct og_row *
og_view_row(const struct og_ovsdb_view *view, enum og_table table,
            const char *uuid)
{
    struct vx_tree_node *node = vx_tree_find(&view->rows[table], uuid);

    return node ? VX_CONTAINER(node, struct og_row, by_uuid) : NULL;
}

const struct og_root *
og_view_root(const struct og_ovsdb_view *view)
{
    struct vx_tree_node *node = vx_tree_first(&view->rows[OG_T_ROOT]);

    return node ? (const struct og_root *)
                  VX_CONTAINER(node, struct og_row, by_uuid) : NULL;
}

const char *
og_view_external_id(const struct og_ovsdb_view *view, const char *key)
{
    const struct og_root *root = og_view_root(view);
    const char *value = root ? og_map_get(&root->external_ids, key) : NULL;

    return value ? value : "";
}

/* name is the first string of Bridge, Port and Interface. */
static const struct og_row *
find_by_name(const struct og_ovsdb_view *view, enum og_table table,
             const char *name)
{
    VX_TREE_FOR_EACH(node, &view->rows[table]) {
        struct og_row *row = VX_CONTAINER(node, struct og_row, by_uuid);
        char **strings[6];

        row_strings(row, strings);
        if (!strcmp(*strings[0], name)) {
            return row;
        }
    }
    return NULL;
}

const struct og_bridge *
og_view_bridge(const struct og_ovsdb_view *view, const char *name)
{
    return (const struct og_bridge *) find_by_name(view, OG_T_BRIDGE, name);
}

const struct og_port *
og_view_port(const struct og_ovsdb_view *view, const char *name)
{
    return (const struct og_port *) find_by_name(view, OG_T_PORT, name);
}

const struct og_iface *
og_view_iface(const struct og_ovsdb_view *view, const char *name)
{
    return (const struct og_iface *) find_by_name(view, OG_T_INTERFACE, name);
}

const struct og_bridge *
og_view_port_bridge(const struct og_port *port)
{
    return port ? (const struct og_bridge *) port->row.parent : NULL;
}

const struct og_bridge *
og_view_iface_bridge(const struct og_iface *iface)
{
    return iface ? og_view_port_bridge((const struct og_port *)
                                       iface->row.parent) : NULL;
}

bool
og_port_has_vlans(const struct og_port *port)
{
    return port->tag >= 0 || port->trunks.n || port->vlan_mode[0];
}
