/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a number of an interface is; see hosts.h. */
#include "daemon/hosts_priv.h"

const char *
vx_hosts_iface_at(const struct vx_hosts *hosts, uint64_t oid,
                  uint32_t ofport)
{
    const struct host *host = vx_hosts_find(hosts, oid);

    if (!host) {
        return NULL;
    }
    VX_TREE_FOR_EACH(node, &host->ifaces) {
        const struct known_iface *iface =
            VX_CONTAINER(node, struct known_iface, by_id);

        if (iface->ofport == ofport) {
            return iface->iface_id;
        }
    }
    return NULL;
}
