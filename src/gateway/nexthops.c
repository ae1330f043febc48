/* SPDX-License-Identifier: Apache-2.0 */
/* Next hops of which bgpd never hears whether they can be reached.
 *
 * What bgpd (FRR 8.2 to 9.0) comes to know while it is not zebra's client, in
 * the seconds after a restart of zebra, it does not register with zebra
 * later, since only the default instance is looked through then: a session
 * that came up meanwhile is established, and none of what it brings is used,
 * for ever.  A route refresh does not change that; a session that is made
 * anew does.  So once bgpd is zebra's client again it is asked for such next
 * hops, and the sessions that they are of are cleared; nothing of them is in
 * use. */
#include <stdio.h>
#include <string.h>

#include "gateway/app.h"
#include "lib/log.h"

#define QUESTION "show bgp vrf all nexthop"

static bool
is_in_link(const struct vx_peering *peering, const struct vx_ip *ip)
{
    for (size_t i = 0; i < peering->n_locals; i++) {
        const struct vx_prefix link = vx_prefix_network(&peering->locals[i]);

        if (vx_prefix_contains(&link, ip)) {
            return true;
        }
    }
    return !vx_ip_compare(&peering->peer, ip);
}

static void
clear(struct vx_gw_app *app, const char *vrf, const struct vx_ip *peer)
{
    char ip[VX_IP_STRLEN];

    vx_log_warn("peers", "bgpd does not know whether what %s in %s tells can "
                "be reached: its session is made anew",
                vx_ip_format(peer, ip), vrf);
    vx_gw_app_clear_session(app, vrf, peer);
}

/* The sessions of the tenant in whose link it is; all, if it is in none: a
 * peer may tell of another's. */
static void
clear_of(struct vx_gw_app *app, const char *vrf, const struct vx_ip *ip)
{
    const struct vx_gw_entry *tenant =
        vx_gw_entries_tenant_of(app->entries, vx_gw_vrf_parse(vrf));
    char prefix[VX_NAME_MAX + 2];
    bool found = false;

    if (!tenant) {
        return;                 /* an operator's */
    }
    snprintf(prefix, sizeof prefix, "%.63s/", tenant->key);
    for (int pass = 0; pass < 2 && !found; pass++) {
        VX_GW_FOR_EACH(entry, app->entries, VX_GW_PEERING, prefix) {
            const struct vx_peering *peering = &entry->value->peering.value;

            if (pass || is_in_link(peering, ip)) {
                clear(app, vrf, &peering->peer);
                found = true;
            }
        }
    }
}

/* " 172.16.1.2 invalid, #paths 3, peer 172.16.1.2", and what is known of it
 * in lines that are indented more. */
static bool
read_hop(const char *line, struct vx_ip *ret_ip)
{
    char ip[VX_IP_STRLEN];
    unsigned n_paths;

    return sscanf(line, " %45s invalid, #paths %u", ip, &n_paths) == 2
           && n_paths && vx_ip_parse(ip, ret_ip)
           && vx_ip_is_host(ret_ip);        /* not "::", never registered */
}

static void
look(struct vx_gw_app *app, const char *text)
{
    char line[256], vrf[VX_GW_IFNAME_SIZE] = "";
    struct vx_ip hop;
    bool is_hop = false;

    while (*text) {
        size_t n = strcspn(text, "\n");

        snprintf(line, sizeof line, "%.*s", (int) (n < 255 ? n : 255), text);
        text += n + (text[n] == '\n');
        if (sscanf(line, "Instance %15[^:]:", vrf) == 1) {
            is_hop = false;
        } else if (line[0] == ' ' && line[1] != ' ') {
            is_hop = read_hop(line, &hop);
        } else if (is_hop && !strcmp(line, "  Is not Registered")) {
            is_hop = false;
            clear_of(app, vrf, &hop);
        }
    }
}

static void
answered(void *app, bool ok, const char *text, const struct vx_error *err)
{
    if (ok) {
        look(app, text);
    } else {
        vx_log_debug("peers", "%s", err->message);
    }
}

void
vx_gw_app_find_lost_hops(struct vx_gw_app *app)
{
    vx_gw_vty_ask(vx_gw_frr_vty(vx_gw_node_frr(app->node, VX_GW_BGPD)),
                  QUESTION, answered, app);
}
