/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets from ADDR texts.  Private to src/api. */
#ifndef VX_API_LISTEN_H
#define VX_API_LISTEN_H

#include "lib/err.h"

struct vx_unix_socket;      /* files we made, to be removed at the end */

/* ADDR is unix:PATH or tcp:IP:PORT; see vx_server_listen. */
bool vx_listen_open(const char *addr, struct vx_unix_socket **sockets,
                    int *ret_fd, struct vx_error *err);
/* Removes those files that are still ours. */
void vx_listen_remove_sockets(struct vx_unix_socket **sockets);
/* Local TCP port, 0 if it is no TCP socket. */
unsigned vx_listen_port(int fd);

#endif
