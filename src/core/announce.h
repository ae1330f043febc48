/* SPDX-License-Identifier: Apache-2.0 */
/* Frames sent on behalf of a port that has come to another host, so that
 * whoever learns from what it sees (a bridge behind an attachment, a VM with
 * nested ones) learns the new way at once. */
#ifndef VX_CORE_ANNOUNCE_H
#define VX_CORE_ANNOUNCE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"

enum { VX_ANNOUNCE_MAX = 86 };

/* IPv4: a broadcast ARP reply (RFC 826; requests are answered by the fabric
 * and never flooded).  IPv6: an unsolicited neighbour advertisement to all
 * nodes with the override flag (RFC 4861 7.2.6).  Returns the size. */
size_t vx_announce_frame(const struct vx_mac *mac, const struct vx_ip *ip,
                         uint8_t frame[VX_ANNOUNCE_MAX]);

#endif
