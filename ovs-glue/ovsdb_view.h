/* SPDX-License-Identifier: Apache-2.0 */
/* What a host's Open_vSwitch database holds, as plain data.
 *
 * A mirror of the rows and columns the controller looks at, nothing else
 * (ovs-vswitchd.conf.db(5) has their meaning).  ovsdb_session keeps one up to
 * date; bootstrap reads it; tests fill one by hand.  No openvswitch type, no
 * socket, no clock.
 *
 * Rows reference each other by UUID text, as in the database.  A reference
 * may dangle for the time of a half-applied update or for good, if the other
 * side is hostile: lookups then return NULL. */
#ifndef OG_OVSDB_VIEW_H
#define OG_OVSDB_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/tree.h"

enum { OG_UUID_LEN = 36 };

/* A set of strings, numbers or UUIDs as text; sorted, no duplicates. */
struct og_set {
    char **items;
    size_t n;
    size_t cap;
};

/* A map from string to string, sorted by key. */
struct og_pair {
    char *key;
    char *value;
};
struct og_map {
    struct og_pair *items;
    size_t n;
    size_t cap;
};

enum og_table {
    OG_T_ROOT,          /* Open_vSwitch, one row */
    OG_T_BRIDGE,
    OG_T_PORT,
    OG_T_INTERFACE,
    OG_T_CONTROLLER,
    OG_T_MANAGER,
    OG_N_TABLES
};

/* Head, and first member, of every row struct below. */
struct og_row {
    struct vx_tree_node by_uuid;    /* in og_ovsdb_view.rows[table] */
    uint8_t table;                  /* enum og_table */
    char uuid[OG_UUID_LEN + 1];
    struct og_row *parent;  /* the row that refers to this one (Bridge of a
                             * Port, Port of an Interface, Bridge of a
                             * Controller), NULL = none */
};

/* Strings are never NULL: "" is also the empty optional column. */

struct og_root {
    struct og_row row;
    struct og_map external_ids;     /* system-id, vxfabric-*, and others' */
    struct og_set bridges;          /* UUIDs */
    struct og_set manager_options;  /* UUIDs */
    struct og_set datapath_types;   /* "netdev", "system" */
    struct og_set iface_types;
    char *ovs_version;
};

struct og_bridge {
    struct og_row row;
    char *name;
    char *datapath_type;            /* "" = system */
    char *datapath_id;              /* 16 hex digits once vswitchd has it */
    char *fail_mode;
    struct og_set protocols;
    struct og_map external_ids;
    struct og_map other_config;
    struct og_set mirrors;          /* UUIDs */
    struct og_map flow_tables;      /* UUID by number of the table */
    bool stp_enable;
    bool rstp_enable;
    bool mcast_snooping_enable;
    struct og_set ports;            /* UUIDs */
    struct og_set controller;       /* UUIDs */
};

struct og_port {
    struct og_row row;
    char *name;
    char *vlan_mode;
    int64_t tag;                    /* -1 = not set */
    struct og_set trunks;           /* numbers of VLANs */
    struct og_set interfaces;       /* UUIDs */
};

struct og_iface {
    struct og_row row;
    char *name;
    char *type;                     /* "", "internal", "vxlan", "patch", ... */
    char *error;
    char *link_state;               /* "up", "down", "" */
    char *iface_id;                 /* external_ids:iface-id, "" = none */
    struct og_map options;          /* of interfaces with our names only */
    int64_t ofport;                 /* 0 = not assigned yet, -1 = error */
    int64_t ofport_request;         /* 0 = none */
    int64_t mtu;                    /* bytes, 0 = unknown */

    /* Of ovsdb_session: what it has told about this interface. */
    struct og_claim *claim;
    bool touched;
    bool gone;                      /* row deleted, freed after the update */
};

struct og_controller {
    struct og_row row;
    char *target;
    char *type;                     /* "service", "primary", "" = not set */
    char *connection_mode;
    int64_t inactivity_probe;       /* ms, 0 = off, -1 = not set */
    int64_t max_backoff;            /* ms, -1 = not set */
    bool is_connected;
    struct og_map external_ids;
};

struct og_manager {
    struct og_row row;
    char *target;
    int64_t inactivity_probe;       /* as in og_controller */
    int64_t max_backoff;
    bool is_connected;
    struct og_map external_ids;
};

struct og_ovsdb_view {
    struct vx_tree rows[OG_N_TABLES];   /* struct og_row by UUID text */
};

void og_view_init(struct og_ovsdb_view *view);
void og_view_fini(struct og_ovsdb_view *view);

/* --- Reading.  All NULL-safe towards missing rows: NULL or "". */

const struct og_root *og_view_root(const struct og_ovsdb_view *view);
/* Value of a key, NULL if it is not there.  O(log n). */
const char *og_map_get(const struct og_map *map, const char *key);
bool og_set_has(const struct og_set *set, const char *item);
/* external_ids:key of the Open_vSwitch row, "" if absent. */
const char *og_view_external_id(const struct og_ovsdb_view *view,
                                const char *key);
/* By UUID, O(log n). */
const struct og_row *og_view_row(const struct og_ovsdb_view *view,
                                 enum og_table table, const char *uuid);
/* By name.  Bridges are few; the others are a walk, O(rows). */
const struct og_bridge *og_view_bridge(const struct og_ovsdb_view *view,
                                       const char *name);
const struct og_port *og_view_port(const struct og_ovsdb_view *view,
                                   const char *name);
const struct og_iface *og_view_iface(const struct og_ovsdb_view *view,
                                     const char *name);
/* The bridge a port or interface is on, NULL = none.  O(1). */
const struct og_bridge *og_view_port_bridge(const struct og_port *port);
const struct og_bridge *og_view_iface_bridge(const struct og_iface *iface);
/* The port says something about VLANs. */
bool og_port_has_vlans(const struct og_port *port);

/* --- Writing: ovsdb_codec only. */

void og_set_fini(struct og_set *set);
void og_map_fini(struct og_map *map);
void og_set_swap(struct og_set *a, struct og_set *b);
/* Adds at the end, whatever the order; og_set_sort before any lookup. */
void og_set_append(struct og_set *set, const char *item);
void og_set_sort(struct og_set *set);       /* and drops duplicates */
/* Each item of the diff (sorted): in if it was out, out if it was in.
 * O(set + diff). */
void og_set_toggle(struct og_set *set, const struct og_set *diff);
void og_map_put(struct og_map *map, const char *key, const char *value);
/* False if the key was not there. */
bool og_map_remove(struct og_map *map, const char *key);

/* A row with all columns empty, in the view.  The UUID must not be there. */
struct og_row *og_view_add(struct og_ovsdb_view *view, enum og_table table,
                           const char *uuid);
/* Out of the view, not freed.  The rows it is the parent of must have been
 * let go before. */
void og_view_take(struct og_ovsdb_view *view, struct og_row *row);
void og_row_free(struct og_row *row);
/* The set of a row that refers to rows of another table: ports of a Bridge,
 * its controllers (ret_tables names the children), interfaces of a Port.
 * Returns how many there are. */
size_t og_row_references(struct og_row *row, struct og_set *ret_sets[2],
                         enum og_table ret_tables[2]);

#endif
