/* SPDX-License-Identifier: Apache-2.0 */
/* See frr_drift.h.
 *
 * A command is `LINE` or `no LINE`, in the block and the section that the
 * commands before it have opened; what the daemon has there tells a line that
 * is missing from one that differs. */
#include "gateway/frr_drift.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/frr_diff.h"
#include "gateway/frr_text.h"
#include "gateway/kernel.h"
#include "lib/xalloc.h"

struct reader {
    const struct vx_gw_frr_want *want;
    const struct vx_gw_frr_plan *plan;
    struct vx_gw_frr_text had;
    struct vx_gw_drifts *drifts;
    const char *block;          /* header, "" = none is open */
    const char *family;         /* "" = none is open */
    const struct vx_gw_frr_block *had_block;    /* NULL = it is not there */
    size_t at;                  /* command */
};

static bool
starts(const char *s, const char *prefix)
{
    return !strncmp(s, prefix, strlen(prefix));
}

/* --- Whose it is. */

static const struct vx_gw_frr_vrf *
vrf_of(const struct reader *r, const char *text)
{
    const char *p = strstr(text, "vrf vx");
    uint32_t vni = 0;

    if (p) {
        vni = vx_gw_vrf_parse(p + 4);
    } else if ((p = strstr(text, " vx-"))) {
        vni = (uint32_t) strtoul(p + 4, NULL, 10);
    }
    for (size_t i = 0; vni && i < r->want->n_vrfs; i++) {
        if (r->want->vrfs[i].vni == vni) {
            return &r->want->vrfs[i];
        }
    }
    return NULL;
}

static const struct vx_peering *
peering_of(const struct reader *r, const struct vx_gw_frr_vrf *vrf,
           const char *line)
{
    const struct vx_peering *const *list = vrf ? vrf->peerings
                                               : r->want->uplinks;
    size_t n = vrf ? vrf->n_peerings : r->want->n_uplinks;
    const char *p = strstr(line, "neighbor ");
    char text[VX_IP_STRLEN];
    struct vx_ip ip;

    if (!p || sscanf(p, "neighbor %45s", text) != 1
        || !vx_ip_parse(text, &ip)) {
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        if (!vx_ip_compare(&list[i]->peer, &ip)) {
            return list[i];
        }
    }
    return NULL;
}

static void
add(struct reader *r, enum vx_gw_drift_what what, const char *line,
    const char *found)
{
    const char *context = *r->block ? r->block : line;
    const struct vx_gw_frr_vrf *vrf = vrf_of(r, context);
    const struct vx_peering *peering = peering_of(r, vrf, line);
    char *row = *r->block ? vx_xasprintf("%s%s%s: %s", r->block,
                                         *r->family ? ", " : "", r->family,
                                         line)
                          : vx_xstrdup(line);
    char *object = peering
        ? vx_xasprintf("peering %s%s%s", vrf ? vrf->tenant : "",
                       vrf ? "/" : "", peering->o.name)
        : vrf ? vx_xasprintf("tenant %s", vrf->tenant)
              : vx_xstrdup("gateway");

    vx_gw_drift_add(r->drifts, what, object, row, found);
    free(object);
    free(row);
}

/* --- Commands. */

static const struct vx_gw_frr_section *
had_section(const struct reader *r)
{
    return r->had_block ? vx_gw_frr_section((void *) r->had_block, r->family,
                                            false) : NULL;
}

/* The line that is there in place of this one. */
static const char *
instead_of(const struct reader *r, const char *line)
{
    const struct vx_gw_frr_section *had = had_section(r);

    for (size_t i = 0; had && i < had->n; i++) {
        if (vx_gw_frr_same_key(had->lines[i], line)) {
            return had->lines[i];
        }
    }
    return NULL;
}

/* The neighbor is taken away only to be made anew. */
static bool
is_made_again(const struct reader *r, const char *neighbor)
{
    size_t n = strlen(neighbor);

    for (size_t i = r->at; i < r->plan->n_commands; i++) {
        const char *command = r->plan->commands[i];

        if (!strcmp(command, "exit")) {
            return false;
        }
        if (!strncmp(command, neighbor, n) && starts(command + n,
                                                     " remote-as ")) {
            return true;
        }
    }
    return false;
}

static void
read_no(struct reader *r, const char *command)
{
    const struct vx_gw_frr_section *had = had_section(r);
    const char *line = command + 3;
    const char *space = starts(line, "neighbor ") ? strchr(line + 9, ' ')
                                                  : NULL;

    if (space && !strcmp(space, " shutdown")) {
        char shut[VX_IP_STRLEN + 64];

        snprintf(shut, sizeof shut, "%.60s message vxfabric", line);
        if (had && vx_gw_frr_has(had, shut)) {
            add(r, VX_GW_DRIFT_FOREIGN, shut, "");
        }
    } else if (starts(line, "neighbor ") && !space) {
        if (!is_made_again(r, line)) {
            add(r, VX_GW_DRIFT_FOREIGN, line, "");
        }
    } else if (had && vx_gw_frr_has(had, line)) {
        add(r, VX_GW_DRIFT_FOREIGN, line, "");
    } else {
        add(r, VX_GW_DRIFT_MISSING, command, "");
    }
}

static void
read_line(struct reader *r, const char *command)
{
    const char *instead;
    char *no;

    if (starts(command, "neighbor ")
        && strstr(command, " shutdown message vxfabric")) {
        return;                 /* while it is made */
    }
    instead = instead_of(r, command);
    if (instead && strcmp(instead, command)) {
        add(r, VX_GW_DRIFT_ALTERED, command, instead);
        return;
    }
    no = vx_xasprintf("no %s", command);
    if (had_section(r) && vx_gw_frr_has(had_section(r), no)) {
        add(r, VX_GW_DRIFT_FOREIGN, no, "");
    } else if (!instead) {
        add(r, VX_GW_DRIFT_MISSING, command, "");
    }
    free(no);
}

static void
open_block(struct reader *r, const char *header)
{
    r->had_block = vx_gw_frr_text_find(&r->had, header);
    if (!r->had_block) {
        add(r, VX_GW_DRIFT_MISSING, header, "");
    }
    r->block = header;
    r->family = "";
}

/* Of a block that is not there at all the header says enough. */
static void
read_inside(struct reader *r, const char *command)
{
    if (!strcmp(command, "exit")) {
        *(*r->family ? &r->family : &r->block) = "";
    } else if (starts(command, "address-family ")) {
        r->family = command;
    } else if (!r->had_block) {
        return;
    } else if (starts(command, "no ")) {
        read_no(r, command);
    } else {
        read_line(r, command);
    }
}

static void
read_command(struct reader *r, const char *command)
{
    if (*r->block) {
        read_inside(r, command);
    } else if (starts(command, "router bgp ")
               || starts(command, "route-map ")) {
        open_block(r, command);
    } else if (starts(command, "no ")) {
        add(r, VX_GW_DRIFT_FOREIGN, command + 3, "");
    } else {
        add(r, VX_GW_DRIFT_MISSING, command, "");
    }
}

void
vx_gw_frr_compare(enum vx_gw_frr_daemon daemon,
                  const struct vx_gw_frr_want *want, const char *running,
                  struct vx_gw_drifts *drifts)
{
    struct reader r = { .want = want, .drifts = drifts, .block = "",
                        .family = "" };
    struct vx_gw_frr_want plain = *want;
    struct vx_gw_frr_plan plan;
    struct vx_error err;

    plain.one_by_one = true;        /* what differs, and no more */
    if (!vx_gw_frr_text_read(running, &r.had, &err)) {
        vx_gw_drift_fail(drifts, "%s", err.message);
        return;
    }
    vx_gw_frr_text_sort(&r.had);
    if (vx_gw_frr_plan(daemon, &plain, running, &plan, &err)) {
        r.plan = &plan;
        drifts->n_rows += plan.n_lines;
        for (r.at = 0; r.at < plan.n_commands; r.at++) {
            read_command(&r, plan.commands[r.at]);
        }
        vx_gw_frr_plan_fini(&plan);
    } else {
        vx_gw_drift_fail(drifts, "%s", err.message);
    }
    vx_gw_frr_text_fini(&r.had);
}
