/* SPDX-License-Identifier: Apache-2.0 */
/* Named network namespaces, as `ip netns` keeps them: a file below
 * /run/netns on which the namespace is mounted.  The calling thread is in
 * another namespace only between vx_gw_netns_enter and _leave, a few
 * system calls; a failure to come back aborts. */
#ifndef VX_GATEWAY_NETNS_H
#define VX_GATEWAY_NETNS_H

#include <stdbool.h>

#include "lib/err.h"

enum { VX_GW_NETNS_PATH = 256 };

struct vx_gw_netns_dir {
    char path[VX_GW_NETNS_PATH - 20];
    int home;           /* the namespace the process was started in */
};

/* path NULL: /run/netns.  Makes the directory if need be. */
bool vx_gw_netns_dir_open(struct vx_gw_netns_dir *dir, const char *path,
                          struct vx_error *err);
void vx_gw_netns_dir_close(struct vx_gw_netns_dir *dir);

/* A descriptor of the namespace, -1 if there is none of that name (an empty
 * file that nothing is mounted on counts as none). */
int vx_gw_netns_open(const struct vx_gw_netns_dir *dir, const char *name);
/* Makes one; prepare is called in it before it has its name, and fails it by
 * returning false. */
bool vx_gw_netns_add(const struct vx_gw_netns_dir *dir, const char *name,
                     bool (*prepare)(void *aux, struct vx_error *err),
                     void *aux, struct vx_error *err);
bool vx_gw_netns_del(const struct vx_gw_netns_dir *dir, const char *name,
                     struct vx_error *err);

bool vx_gw_netns_enter(int fd, struct vx_error *err);
void vx_gw_netns_leave(const struct vx_gw_netns_dir *dir);

#endif
