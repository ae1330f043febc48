/* SPDX-License-Identifier: Apache-2.0 */
/* Commands about prefix-lists and route-maps, gathered into few commits.
 *
 * FRR (8.4) carries each of them out as a commit of its own, which copies and
 * compares all that is configured: with 100 tenants 100 to 300 ms each.  What
 * stands between two commands that vtysh says, too, when it reads a file, is
 * one commit (lib/northbound_cli.c, pending_commit); a command of another
 * kind in between, `exit` among them, commits what was gathered before it,
 * and tells nobody if that fails.  Pure. */
#ifndef VX_GATEWAY_FRR_GATHER_H
#define VX_GATEWAY_FRR_GATHER_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/frr_diff.h"

/* Puts brackets around runs of such commands and leaves out each `exit`
 * between them; a bracket has at most about VX_GW_GATHER_MAX, since bgpd does
 * nothing else during a commit.  Of bgpd or the reflector only, and not
 * empty.  The first two commands are a bracket of nothing: while one is open
 * bgpd starts no neighbor that is new, for ten minutes if who opened it has
 * gone (BGP_PRE_CONFIG_MAX_WAIT_SECONDS); a second after one was closed it
 * does.  O(n). */
enum { VX_GW_GATHER_MAX = 2000 };
void vx_gw_frr_gather(struct vx_gw_frr_commands *commands);

/* It opens or closes a bracket. */
bool vx_gw_frr_is_bracket(const char *command);
/* commands[at] closes the bracket in which commands[refused] is: to be said
 * all the same. */
bool vx_gw_frr_closes(char *const *commands, size_t refused, size_t at);

#endif
