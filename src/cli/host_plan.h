/* SPDX-License-Identifier: Apache-2.0 */
/* What `netctl host join` and `leave` write into the local OVSDB: operations
 * of one transaction out of the rows seen. Pure; an empty array means that
 * all is as wanted. Keys and managers of others stay. */
#ifndef VX_CLI_HOST_PLAN_H
#define VX_CLI_HOST_PLAN_H 1

#include <stdbool.h>

#include <cjson/cJSON.h>

/* Keys of Open_vSwitch.external_ids, the same as in ovs-glue/bootstrap.h. */
#define VX_ID_SYSTEM "system-id"
#define VX_ID_STATUS "vxfabric-status"

struct vx_join {
    const char *name, *zone, *vtep, *mtu, *datapath;
    const char *system_id;      /* taken if the host has none */
    const char *target;         /* of the Manager: "tcp:192.0.2.1:6640" */
};

/* Rows as "select" gives them, arrays, one element a row. */
struct vx_host_rows {
    const cJSON *root;          /* Open_vSwitch */
    const cJSON *managers;
    const cJSON *bridges;
};

/* The operations that read what vx_host_rows has; the results are in the
 * order root, managers, bridges. The caller deletes it. */
cJSON *vx_host_select(void);

cJSON *vx_join_plan(const struct vx_host_rows *rows,
                    const struct vx_join *join);
cJSON *vx_leave_plan(const struct vx_host_rows *rows, bool purge);

/* external_ids:key of the Open_vSwitch row, NULL if it is not there. */
const char *vx_host_id(const struct vx_host_rows *rows, const char *key);
/* Manager.is_connected of the row with our mark. */
bool vx_host_is_connected(const struct vx_host_rows *rows);
/* datapath_type of a bridge ("" = system), NULL if there is no such. */
const char *vx_host_bridge_datapath(const struct vx_host_rows *rows,
                                    const char *name);

#endif
