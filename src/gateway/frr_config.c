/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration of FRR, wanted against running; see frr_config.h. */
#include "gateway/frr_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/frr_diff.h"
#include "gateway/frr_gather.h"
#include "gateway/frr_text.h"
#include "gateway/frr_want.h"
#include "gateway/kernel.h"
#include "lib/xalloc.h"

#define DELAY "bgp route-map delay-timer "

/* So many commands take seconds one by one. */
enum { FEW = 1000 };

/* A router block that is there. */
struct router {
    uint32_t vni;               /* of vx<vni>; 0 = the default one */
    uint32_t as;
    struct vx_gw_frr_block *block;
};

struct planner {
    const struct vx_gw_frr_want *want;
    struct vx_gw_frr_text had;
    struct router *had_routers;         /* by VNI */
    size_t n_had, cap_had;
    struct vx_gw_frr_text maps;         /* wanted route-maps and lists */
    bool is_slow;                       /* late about them, by default */
    bool is_late;                       /* as an operator wants it */
    struct vx_gw_frr_commands routers;  /* commands of router blocks */
    struct vx_gw_frr_plan plan;
    size_t cap_conflicts;
};

static bool
starts(const char *s, const char *prefix)
{
    return !strncmp(s, prefix, strlen(prefix));
}

static void
conflict(struct planner *p, const struct vx_peering *peering, uint32_t vni,
         char *take_why)
{
    struct vx_gw_frr_plan *plan = &p->plan;

    plan->conflicts = vx_grow(plan->conflicts, &p->cap_conflicts,
                              plan->n_conflicts + 1,
                              sizeof *plan->conflicts);
    plan->conflicts[plan->n_conflicts].peering = peering;
    plan->conflicts[plan->n_conflicts].vni = vni;
    plan->conflicts[plan->n_conflicts++].why = take_why;
}

static int
compare_routers(const void *a_, const void *b_)
{
    const struct router *a = a_, *b = b_;

    return a->vni < b->vni ? -1 : a->vni > b->vni;
}

/* The router blocks that may be ours by name. */
static void
index_routers(struct planner *p)
{
    for (size_t i = 0; i < p->had.n; i++) {
        struct vx_gw_frr_block *block = p->had.blocks[i];
        char kind[8] = "", name[64] = "";
        unsigned as;
        int n = starts(block->header, "router bgp ")
                ? sscanf(block->header, "router bgp %u %7s %63s", &as, kind,
                         name) : 0;
        uint32_t vni = n == 3 && !strcmp(kind, "vrf")
                       ? vx_gw_vrf_parse(name) : 0;

        if (n == 1 || vni) {
            p->had_routers = vx_grow(p->had_routers, &p->cap_had,
                                     p->n_had + 1, sizeof *p->had_routers);
            p->had_routers[p->n_had++] = (struct router) { vni, as, block };
        }
    }
    if (p->n_had) {
        qsort(p->had_routers, p->n_had, sizeof *p->had_routers,
              compare_routers);
    }
}

/* vni 0: the default one. */
static struct vx_gw_frr_block *
find_router(const struct planner *p, uint32_t vni, uint32_t *ret_as)
{
    struct router key = { .vni = vni }, *found = p->n_had
        ? bsearch(&key, p->had_routers, p->n_had, sizeof key,
                  compare_routers) : NULL;

    if (!found) {
        return NULL;
    }
    *ret_as = found->as;
    return found->block;
}

/* Whether the peering may be configured in a block; tells why not. */
static bool
is_possible(struct planner *p, const struct vx_peering *peering,
            uint32_t vni, const struct vx_gw_frr_block *had,
            const struct vx_gw_frr_block *want)
{
    char *why = vx_gw_frr_want_check(p->want, peering);
    char peer[VX_IP_STRLEN], first[100];

    vx_ip_format(&peering->peer, peer);
    snprintf(first, sizeof first, "neighbor %s remote-as %u", peer,
             peering->peer_as);
    if (!why && vx_gw_frr_owner(want, peer, "") != VX_GW_FRR_NOBODY) {
        why = vx_xasprintf("another peering has the peer %s", peer);
    }
    if (!why && had
        && vx_gw_frr_owner(had, peer, first) == VX_GW_FRR_OPERATOR) {
        why = vx_xasprintf("neighbor %s of \"%s\" is an operator's: it has "
                           "no description \"" VX_GW_FRR_MARK "...\"; remove "
                           "it there to have it configured", peer,
                           had->header);
    }
    if (why) {
        conflict(p, peering, vni, why);
    }
    return !why;
}

/* bgpd heeds a change of a route-map or list 5 s late, and starts new
 * neighbors so late, unless it is told otherwise; 0 would mean never.  One
 * command, in force for all it does: an operator's own value stays. */
static void
hurry(struct planner *p)
{
    p->is_slow = true;
    for (size_t i = 0; i < p->had.n; i++) {
        const char *header = p->had.blocks[i]->header;

        if (starts(header, DELAY)) {
            p->is_slow = false;
            p->is_late = strtoul(header + strlen(DELAY), NULL, 10) > 1;
        }
    }
}

/* After a commit of many bgpd starts no new neighbor for as long as its
 * delay-timer. */
static bool
is_together(const struct planner *p, size_t n)
{
    return n && !p->want->one_by_one && (!p->is_late || n > FEW);
}

static void
count_lines(struct planner *p, const struct vx_gw_frr_text *text)
{
    p->plan.n_lines += text->n_rules;
    for (size_t i = 0; i < text->n; i++) {
        for (size_t j = 0; j < text->blocks[i]->n; j++) {
            p->plan.n_lines += text->blocks[i]->sections[j].n;
        }
    }
}

/* --- Main bgpd. */

static void
plan_vrf(struct planner *p, const struct vx_gw_frr_vrf *vrf)
{
    struct vx_gw_frr_text scratch;
    struct vx_gw_frr_block *had, *block;
    char name[VX_GW_IFNAME_SIZE], header[64];
    uint32_t as;

    memset(&scratch, 0, sizeof scratch);
    vx_gw_vrf_name(vrf->vni, name);
    snprintf(header, sizeof header, "router bgp %u vrf %s", p->want->as,
             name);
    had = find_router(p, vrf->vni, &as);
    if (had && as != p->want->as) {
        if (!vx_gw_frr_is_all_ours(had)) {
            conflict(p, NULL, vrf->vni, vx_xasprintf(
                "\"%s\" has another AS than the gateway, %u, and lines of "
                "an operator: remove them", had->header, p->want->as));
            return;
        }
        vx_gw_frr_command(&p->routers, "no %s", had->header);
        had = NULL;
    }
    if (!had) {
        p->plan.made = vx_grow(p->plan.made, &p->plan.cap_made,
                               p->plan.n_made + 1, sizeof *p->plan.made);
        p->plan.made[p->plan.n_made++] = vrf->vni;
    }
    block = vx_gw_frr_text_add(&scratch, header);
    vx_gw_frr_want_fixed(p->want, &vrf->router_id, block);
    vx_gw_frr_want_routes(p->want, block);
    vx_gw_frr_want_subnets(vrf, &p->maps);
    for (size_t i = 0; i < vrf->n_peerings; i++) {
        if (is_possible(p, vrf->peerings[i], vrf->vni, had, block)) {
            vx_gw_frr_want_peering(p->want, vrf, vrf->peerings[i], &p->maps,
                                   block);
        }
    }
    vx_gw_frr_diff_router(had, block, !had || vx_gw_frr_is_all_ours(had),
                          &p->routers);
    count_lines(p, &scratch);
    vx_gw_frr_text_fini(&scratch);
}

static bool
is_wanted(const struct planner *p, uint32_t vni)
{
    for (size_t i = 0; i < p->want->n_vrfs; i++) {
        if (p->want->vrfs[i].vni == vni) {
            return true;
        }
    }
    return false;
}

static void
drop_vrfs(struct planner *p)
{
    for (size_t i = 0; i < p->n_had; i++) {
        const struct vx_gw_frr_block *block = p->had_routers[i].block;
        uint32_t vni = p->had_routers[i].vni;

        if (!vni || is_wanted(p, vni)) {
            continue;
        }
        /* With graceful restart an instance that goes says nothing to its
         * peers, and they keep all for the restart time. */
        vx_gw_frr_clear(block, &p->routers);
        if (vx_gw_frr_is_all_ours(block)) {
            vx_gw_frr_command(&p->routers, "no %s", block->header);
        } else {
            conflict(p, NULL, vni, vx_xasprintf(
                "\"%s\" stays, since there are lines of an operator in it",
                block->header));
        }
    }
}

static void
plan_bgpd(struct planner *p)
{
    if (p->want->n_vrfs) {
        hurry(p);
    }
    drop_vrfs(p);
    for (size_t i = 0; i < p->want->n_vrfs; i++) {
        plan_vrf(p, &p->want->vrfs[i]);
    }
}

/* --- Reflector. */

/* With ipv4-unicast on by default, which is the operator's choice, our
 * neighbors have to be told not to. */
static void
deactivate_unicast(struct vx_gw_frr_block *block)
{
    struct vx_gw_frr_section *top = &block->sections[0], *family;
    size_t n = top->n;
    char *line;

    family = vx_gw_frr_section(block, "address-family ipv4 unicast", true);
    top = &block->sections[0];
    for (size_t i = 0; i < n; i++) {
        char peer[VX_IP_STRLEN];

        line = top->lines[i];
        if (sscanf(line, "neighbor %45s", peer) == 1
            && strstr(line, " remote-as ")) {
            vx_gw_frr_put(family, "no neighbor %s activate", peer);
        }
    }
}

/* Whose the reflector's block is cannot be told by its lines: an operator's
 * may have none yet, or a router-id only.  So the speaker's description says
 * it: nothing more in a block that was made here; these in an operator's, in
 * which only neighbors are ours, and the router-id if there was none, without
 * which a bgpd that knows no interfaces opens no session. */
#define GUEST ", a guest"
#define GUEST_WITH_ID ", a guest with its router-id"

enum host { OWN, AS_GUEST, AS_GUEST_WITH_ID };

static bool
speaker_says(const struct planner *p, const struct vx_gw_frr_block *block,
             const char *how)
{
    char peer[VX_IP_STRLEN], line[VX_IP_STRLEN + 80];

    snprintf(line, sizeof line, "neighbor %s description " VX_GW_FRR_MARK
             "speaker%s", vx_ip_format(&p->want->speaker, peer), how);
    return vx_gw_frr_has(&block->sections[0], line);
}

static const char *
router_id_of(const struct vx_gw_frr_block *block)
{
    for (size_t i = 0; i < block->sections[0].n; i++) {
        if (starts(block->sections[0].lines[i], "bgp router-id ")) {
            return block->sections[0].lines[i];
        }
    }
    return NULL;
}

static enum host
host_of(const struct planner *p, const struct vx_gw_frr_block *had)
{
    const char *id = had ? router_id_of(had) : NULL;

    if (!had || (speaker_says(p, had, "") && vx_gw_frr_is_all_ours(had))) {
        return OWN;
    }
    return !id || speaker_says(p, had, GUEST_WITH_ID) ? AS_GUEST_WITH_ID
                                                      : AS_GUEST;
}

/* All of ours goes; an operator's block stays. */
static void
leave_reflector(struct planner *p, const struct vx_gw_frr_block *had,
                enum host host)
{
    if (host == OWN) {
        vx_gw_frr_command(&p->routers, "no %s", had->header);
        p->plan.ends_daemon = true;
        return;
    }
    if (host == AS_GUEST_WITH_ID && router_id_of(had)) {
        vx_gw_frr_command(&p->routers, "%s", had->header);
        vx_gw_frr_command(&p->routers, "no %s", router_id_of(had));
        vx_gw_frr_command(&p->routers, "exit");
    }
    vx_gw_frr_clear(had, &p->routers);
    if (p->want->as) {
        conflict(p, NULL, 0, vx_xasprintf(
            "\"%s\" of the reflector is an operator's and has another AS "
            "than the gateway, %u", had->header, p->want->as));
    }
}

static void
want_reflector(struct planner *p, const struct vx_gw_frr_block *had,
               enum host host, struct vx_gw_frr_block *block)
{
    static const struct vx_ip none = { .family = 0 };
    static const char *const hows[] = {
        [OWN] = "", [AS_GUEST] = GUEST, [AS_GUEST_WITH_ID] = GUEST_WITH_ID,
    };
    char id[VX_IP_STRLEN];

    if (host == OWN) {
        /* No graceful restart of its own: bgpd 8.4 that was restarted so
         * defers its choice of VPN routes, and never makes it. */
        struct vx_gw_frr_want fixed = *p->want;

        fixed.restart_s = 0;
        vx_gw_frr_want_fixed(&fixed, &none, block);
    } else if (host == AS_GUEST_WITH_ID) {
        vx_gw_frr_put(&block->sections[0], "bgp router-id %s",
                      vx_ip_format(&p->want->router_id, id));
    }
    vx_gw_frr_want_speaker(p->want, hows[host], block);
    for (size_t i = 0; i < p->want->n_uplinks; i++) {
        if (is_possible(p, p->want->uplinks[i], 0, had, block)) {
            vx_gw_frr_want_uplink(p->want, p->want->uplinks[i], &p->maps,
                                  block);
        }
    }
    if (host != OWN && !vx_gw_frr_has(&had->sections[0],
                                      "no bgp default ipv4-unicast")) {
        deactivate_unicast(block);
    }
}

static void
plan_reflector(struct planner *p)
{
    struct vx_gw_frr_text scratch;
    struct vx_gw_frr_block *had, *block;
    char header[64];
    uint32_t as = 0;
    enum host host;

    memset(&scratch, 0, sizeof scratch);
    had = find_router(p, 0, &as);
    host = host_of(p, had);
    if (had && as != p->want->as) {
        leave_reflector(p, had, host);
        if (host != OWN) {
            return;
        }
        had = NULL;
    }
    if (!p->want->as) {
        return;
    }
    if (p->want->n_uplinks) {
        hurry(p);
    }
    snprintf(header, sizeof header, "router bgp %u", p->want->as);
    block = vx_gw_frr_text_add(&scratch, header);
    want_reflector(p, had, host, block);
    vx_gw_frr_diff_router(had, block, host == OWN, &p->routers);
    count_lines(p, &scratch);
    vx_gw_frr_text_fini(&scratch);
}

/* --- zebra. */

/* A VRF that was configured and is gone leaves an empty block; one that is
 * there has a line. */
static void
plan_zebra(struct planner *p)
{
    for (size_t i = 0; i < p->had.n; i++) {
        const struct vx_gw_frr_block *block = p->had.blocks[i];
        uint32_t vni = starts(block->header, "vrf ")
                       ? vx_gw_vrf_parse(block->header + 4) : 0;

        if (vni && block->n == 1 && !block->sections[0].n
            && !is_wanted(p, vni)) {
            vx_gw_frr_command(&p->routers, "no %s", block->header);
        }
    }
}

/* --- Public. */

/* Route-maps before the neighbors that use them; what is not used any more
 * after. */
static void
assemble(struct planner *p)
{
    struct vx_gw_frr_commands all = { NULL, 0, 0 };

    count_lines(p, &p->maps);
    vx_gw_frr_text_sort(&p->maps);
    vx_gw_frr_text_sort(&p->had);
    if (p->is_slow) {
        vx_gw_frr_command(&all, DELAY "1");
    }
    vx_gw_frr_diff_maps(&p->had, &p->maps, &all);
    for (size_t i = 0; i < p->routers.n; i++) {
        vx_gw_frr_command(&all, "%s", p->routers.items[i]);
    }
    vx_gw_frr_drop_maps(&p->had, &p->maps, &all);
    if (is_together(p, all.n)) {
        vx_gw_frr_gather(&all);
    }
    p->plan.commands = all.items;
    p->plan.n_commands = all.n;
}

bool
vx_gw_frr_plan(enum vx_gw_frr_daemon daemon,
               const struct vx_gw_frr_want *want, const char *running,
               struct vx_gw_frr_plan *ret_plan, struct vx_error *err)
{
    struct planner p;

    memset(&p, 0, sizeof p);
    p.want = want;
    if (!vx_gw_frr_text_read(running, &p.had, err)) {
        return false;
    }
    index_routers(&p);
    if (daemon == VX_GW_BGPD) {
        plan_bgpd(&p);
    } else if (daemon == VX_GW_REFLECTOR) {
        plan_reflector(&p);
    } else {
        plan_zebra(&p);
    }
    if (daemon == VX_GW_ZEBRA) {
        p.plan.commands = p.routers.items;
        p.plan.n_commands = p.routers.n;
    } else {
        assemble(&p);
        for (size_t i = 0; i < p.routers.n; i++) {
            free(p.routers.items[i]);
        }
        free(p.routers.items);
    }
    free(p.had_routers);
    vx_gw_frr_text_fini(&p.had);
    vx_gw_frr_text_fini(&p.maps);
    *ret_plan = p.plan;
    return true;
}

void
vx_gw_frr_plan_fini(struct vx_gw_frr_plan *plan)
{
    for (size_t i = 0; i < plan->n_commands; i++) {
        explicit_bzero(plan->commands[i], strlen(plan->commands[i]));
        free(plan->commands[i]);
    }
    for (size_t i = 0; i < plan->n_conflicts; i++) {
        free(plan->conflicts[i].why);
    }
    free(plan->commands);
    free(plan->conflicts);
    free(plan->made);
    memset(plan, 0, sizeof *plan);
}
