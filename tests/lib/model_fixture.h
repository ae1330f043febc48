/* SPDX-License-Identifier: Apache-2.0 */
/* Operations as lines of text, and a small fabric to try them on.
 *
 *     VERB KIND PATH [MEMBER=VALUE]...
 *     put port acme/web/vm1 host=h1 ip=10.0.0.7 ip=fd00:1::7
 *
 * VERB: put, delete, locate, arrive, release.  MEMBER as in the JSON API;
 * ip=, range=FIRST-LAST, via= and border= may be repeated; gateway=none,
 * ip=none, router=yes (none: no_router), path=border, route=no; of a policy
 * src=, dst=, proto=N, sport=A-B, dport=A-B, dscp=N, network=, via=, set=DSCP,
 * rate=KBPS, gateway=yes (without any of them: drop), fail=closed; also
 * guard=no, from=HOST (migrate_from), draining=yes, if_match=N, new=yes
 * (if_none_match), origin=system or learned.
 *
 * KIND uplink is a peering without a tenant.  rd=, import=, export= (of a
 * tenant) and rt= (of a network) are AS:NUMBER; evpn=no, announce=yes,
 * hosts=yes (host_routes), where=hosts,gateway,flowspec, leg=GATEWAY,
 * mobility=N, external=yes; of a peering family=, community=A:B, import=,
 * export= and local= may be repeated, keep=yes keeps the password.  Tests
 * fail on a line that they cannot read. */
#ifndef VX_TESTS_MODEL_FIXTURE_H
#define VX_TESTS_MODEL_FIXTURE_H

#include "core/model.h"

enum { FX_NOW_MS = 1000000 };

struct fx_op {
    struct vx_op op;
    char text[1024];
    struct vx_ip ips[48];
    const char *names[24];
    struct vx_port_range ports[2][24];
    struct vx_range ranges[24];
    uint64_t rts[2][24];
    uint32_t communities[24];
    struct vx_prefix prefixes[3][24];
};

void fx_parse(struct fx_op *fx, const char *line);

/* Applies the line as a batch of its own; fails the test if it is refused.
 * Returns the object (for delete the old one). */
const void *fx_do(struct vx_model *model, const char *line);
/* Expects the line to be refused with the code, the field and a message that
 * contains part, and the model not to move. */
void fx_refused(struct vx_model *model, const char *line,
                enum vx_err_code code, const char *field, const char *part);

struct vx_model *fx_new_model(void);        /* all VNIs, no quarantine */
/* zone z; hosts h1, h2; tenant acme; network acme/web with subnets
 * 10.0.0.0/24 and fd00:1::/64.  Committed. */
struct vx_model *fx_small_fabric(void);

#endif
