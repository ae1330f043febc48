/* SPDX-License-Identifier: Apache-2.0 */
/* Names of drop reasons: what an operator reads in place of a cookie. */
#include "core/pipeline.h"

#include <stddef.h>

const char *
vx_drop_reason_name(enum vx_drop_reason reason)
{
    static const char *const names[VX_N_DROP_REASONS] = {
        [VX_PASS] = "pass",
        [VX_DROP_UNKNOWN_PORT] = "unknown-port",
        [VX_DROP_TAGGED] = "tagged",
        [VX_DROP_MAC_SPOOF] = "mac-spoof",
        [VX_DROP_IP_SPOOF] = "ip-spoof",
        [VX_DROP_IP6_SPOOF] = "ip6-spoof",
        [VX_DROP_ARP_SPOOF] = "arp-spoof",
        [VX_DROP_ND_SPOOF] = "nd-spoof",
        [VX_DROP_ROUTER_ADV] = "router-adv",
        [VX_DROP_ETHERTYPE] = "ethertype",
        [VX_DROP_OWN_PROBE] = "own-probe",
        [VX_DROP_NOT_LOCAL] = "not-local",
        [VX_DROP_BAD_MARK] = "bad-mark",
        [VX_DROP_UNKNOWN_VTEP] = "unknown-vtep",
        [VX_DROP_UNKNOWN_VNI] = "unknown-vni",
        [VX_DROP_UNKNOWN_ARP] = "unknown-arp",
        [VX_DROP_UNKNOWN_ND] = "unknown-nd",
        [VX_DROP_UNKNOWN_MAC] = "unknown-mac",
        [VX_DROP_STRAY] = "stray",
        [VX_DROP_WARM_UP] = "warm-up",
        [VX_DROP_PROBE] = "probe",
        [VX_DROP_LINK_LOCAL] = "link-local",
        [VX_DROP_POLICY] = "policy",
        [VX_DROP_NO_NEXT_HOP] = "no-next-hop",
        [VX_DROP_PUNT] = "punt",
        [VX_DROP_NO_HOST] = "no-host",
        [VX_DROP_TRANSIT_LOOP] = "transit-loop",
    };

    return (unsigned) reason < VX_N_DROP_REASONS ? names[reason] : "unknown";
}
