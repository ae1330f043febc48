/* SPDX-License-Identifier: Apache-2.0 */
/* The local ovsdb-server, for `netctl host join` and `leave`: one blocking
 * connection over its unix socket, one transaction at a time (RFC 7047). A
 * few requests in the life of a host; the controller's own OVSDB session is
 * ovs-glue and is not used here. */
#ifndef VX_CLI_OVSDB_CLIENT_H
#define VX_CLI_OVSDB_CLIENT_H 1

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "lib/err.h"

#define VX_OVSDB_DEFAULT "unix:/var/run/openvswitch/db.sock"

struct vx_ovsdb_client;

/* addr: "unix:PATH". NULL with err. */
struct vx_ovsdb_client *vx_ovsdb_open(const char *addr,
                                      struct vx_error *err);
void vx_ovsdb_close(struct vx_ovsdb_client *client);
/* Runs the operations (an array, borrowed) as one transaction on database
 * Open_vSwitch. Returns the array of results (cJSON_Delete it), NULL with err
 * if any operation failed. timeout_ms is for the whole answer. */
cJSON *vx_ovsdb_transact(struct vx_ovsdb_client *client,
                         const cJSON *operations, int timeout_ms,
                         struct vx_error *err);

#endif
