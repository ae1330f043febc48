/* SPDX-License-Identifier: Apache-2.0 */
/* See frr_refused.h. */
#include "gateway/frr_refused.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/frr_gather.h"
#include "lib/xalloc.h"

struct told {
    void (*tell)(void *aux, enum vx_gw_frr_daemon daemon,
                 const struct vx_gw_frr_conflict *conflict);
    void *aux;
    enum vx_gw_frr_daemon daemon;
};

static void
free_made(struct vx_gw_frr_refused *refused)
{
    free(refused->vrfs);
    free(refused->peerings);
    refused->vrfs = NULL;
    refused->peerings = NULL;
}

void
vx_gw_frr_refused_clear(struct vx_gw_frr_refused *refused)
{
    for (size_t i = 0; i < refused->n; i++) {
        free(refused->refusals[i].why);
    }
    free(refused->refusals);
    refused->refusals = NULL;
    refused->n = 0;
    free_made(refused);
}

static const struct vx_gw_refusal *
find(const struct vx_gw_frr_refused *refused, uint32_t vni,
     const struct vx_ip *peer)
{
    for (size_t i = 0; i < refused->n; i++) {
        if (refused->refusals[i].vni == vni
            && !vx_ip_compare(&refused->refusals[i].peer, peer)) {
            return &refused->refusals[i];
        }
    }
    return NULL;
}

/* The neighbor that a command is about; such a one neither enters nor leaves
 * a block, and none but those about the same neighbor depend on it. */
static bool
neighbor_of(const char *command, char ret_name[VX_IP_STRLEN])
{
    command += !strncmp(command, "no ", 3) ? 3 : 0;
    return sscanf(command, "neighbor %45s", ret_name) == 1;
}

/* Where the block begins that the command is in; SIZE_MAX: it is in none. */
static size_t
block_of(char *const *commands, size_t at)
{
    while (at--) {
        if (!strncmp(commands[at], "router bgp", 10)) {
            return at;
        }
    }
    return SIZE_MAX;
}

/* The VRF of the block that the command is in; 0: of none. */
static uint32_t
vni_at(char *const *commands, size_t at)
{
    size_t block = block_of(commands, at);
    uint32_t as, vni;

    return block != SIZE_MAX
           && sscanf(commands[block], "router bgp %u vrf vx%u", &as, &vni)
              == 2 ? vni : 0;
}

bool
vx_gw_frr_refused_goes_on(char *const *commands, size_t refused, size_t at)
{
    char name[VX_IP_STRLEN], of[VX_IP_STRLEN];

    if (vx_gw_frr_is_bracket(commands[at])) {
        return neighbor_of(commands[refused], name)
               || vx_gw_frr_closes(commands, refused, at);
    }
    return neighbor_of(commands[refused], name)
           && (!neighbor_of(commands[at], of) || strcmp(of, name)
               || block_of(commands, at) != block_of(commands, refused));
}

bool
vx_gw_frr_refused_note(struct vx_gw_frr_refused *refused,
                       char *const *commands, size_t at, const char *why)
{
    char text[VX_IP_STRLEN];
    struct vx_ip peer;
    uint32_t vni;

    if (refused->n >= VX_GW_REFUSED_MAX || !neighbor_of(commands[at], text)
        || !vx_ip_parse(text, &peer)) {
        return false;
    }
    vni = vni_at(commands, at);
    if (find(refused, vni, &peer)) {
        return false;
    }
    refused->refusals = vx_xrealloc(refused->refusals, (refused->n + 1)
                                    * sizeof *refused->refusals);
    refused->refusals[refused->n++] = (struct vx_gw_refusal) {
        vni, peer, vx_xstrdup(why),
    };
    return true;
}

/* Copies those that stay to `to`; returns how many. */
static size_t
keep(const struct vx_gw_frr_refused *refused, uint32_t vni,
     const struct vx_peering *const *peerings, size_t n,
     const struct vx_peering **to, const struct told *told)
{
    size_t n_kept = 0;

    for (size_t i = 0; i < n; i++) {
        const struct vx_gw_refusal *refusal = find(refused, vni,
                                                   &peerings[i]->peer);

        if (!refusal) {
            to[n_kept++] = peerings[i];
        } else if (told->tell) {
            told->tell(told->aux, told->daemon, &(struct vx_gw_frr_conflict) {
                peerings[i], vni, refusal->why,
            });
        }
    }
    return n_kept;
}

void
vx_gw_frr_refused_leave_out(
    struct vx_gw_frr_refused *refused, struct vx_gw_frr_want *want,
    void (*tell)(void *aux, enum vx_gw_frr_daemon daemon,
                 const struct vx_gw_frr_conflict *conflict),
    void *aux, enum vx_gw_frr_daemon daemon)
{
    const struct told told = { tell, aux, daemon };
    size_t n = want->n_uplinks, at;

    free_made(refused);
    if (!refused->n) {
        return;
    }
    for (size_t i = 0; i < want->n_vrfs; i++) {
        n += want->vrfs[i].n_peerings;
    }
    refused->peerings = vx_xcalloc(n + 1, sizeof *refused->peerings);
    refused->vrfs = vx_xcalloc(want->n_vrfs + 1, sizeof *refused->vrfs);
    at = keep(refused, 0, want->uplinks, want->n_uplinks, refused->peerings,
              &told);
    want->uplinks = refused->peerings;
    want->n_uplinks = at;
    for (size_t i = 0; i < want->n_vrfs; i++) {
        struct vx_gw_frr_vrf *vrf = &refused->vrfs[i];

        *vrf = want->vrfs[i];
        vrf->n_peerings = keep(refused, vrf->vni, vrf->peerings,
                               vrf->n_peerings, refused->peerings + at,
                               &told);
        vrf->peerings = refused->peerings + at;
        at += vrf->n_peerings;
    }
    want->vrfs = refused->vrfs;
}
