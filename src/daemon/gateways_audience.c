/* SPDX-License-Identifier: Apache-2.0 */
/* See gateways_audience.h. */
#include "daemon/gateways_audience.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/codec.h"
#include "daemon/app.h"
#include "daemon/gateways_priv.h"
#include "lib/xalloc.h"

enum { NAME_SIZE = 2 * VX_NAME_MAX + 2 };

static const char *
name_of(const struct vx_gw *gw, const struct vx_peering *peering,
        char name[NAME_SIZE])
{
    vx_model_path(gw->gws->app->model, &peering->o, name, NAME_SIZE);
    return name;
}

/* --- Who listens. */

/* Of a word that a report may have; "" is for all. */
static uint8_t
families_of(const char *name)
{
    static const struct {
        const char *name;
        uint8_t families;
    } names[] = {
        { "", UINT8_MAX }, { "ipv4", VX_AF_IPV4 }, { "ipv6", VX_AF_IPV6 },
        { "vpnv4", VX_AF_VPNV4 }, { "vpnv6", VX_AF_VPNV6 },
        { "evpn", VX_AF_EVPN }, { "flowspec4", VX_AF_FLOWSPEC },
        { "flowspec6", VX_AF_FLOWSPEC },
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!strcmp(name, names[i].name)) {
            return names[i].families;
        }
    }
    return 0;
}

/* What the gateway says of its session.  One that is not told of, or of a
 * gateway that is not there, is taken for up: FRR goes on alone. */
static void
look(const struct vx_gw *gw, struct vx_gws_hearer *hearer)
{
    char name[NAME_SIZE];
    const struct vx_gw_session *session = gw->connected
        ? vx_gws_sessions_of(gw, name_of(gw, hearer->peering, name)) : NULL;
    const char *state = "", *error = "";

    hearer->up = session ? 0 : UINT8_MAX;
    hearer->why = "";
    for (; session; session = vx_gws_next_session(gw, session)) {
        if (!strcmp(session->state, "established")) {
            hearer->up |= families_of(session->family);
        } else {
            state = session->state;
            error = *error ? error : session->error;
        }
    }
    if (~hearer->up & hearer->peering->families) {
        hearer->why = *error ? error
                      : hearer->up ? "the peer does not have the family"
                      : state;
    }
}

static void
gather(struct vx_gws_audience *audience, const struct vx_gw *gw,
       uint64_t tenant)
{
    const struct vx_peering *peering;
    struct vx_serve_iter iter;

    audience->gateway = gw->oid;
    audience->tenant = tenant;
    audience->n = 0;
    vx_peerings_init(&iter, gw->gws->app->model, gw->oid);
    while ((peering = vx_peerings_next(&iter))) {
        if (peering->o.kind == VX_UPLINK || peering->o.parent == tenant) {
            audience->hearers = vx_grow(audience->hearers, &audience->cap,
                                        audience->n + 1,
                                        sizeof *audience->hearers);
            audience->hearers[audience->n].peering = peering;
            look(gw, &audience->hearers[audience->n++]);
        }
    }
}

/* --- Who hears. */

struct asking {
    const struct vx_gw *gw;
    const struct vx_gws_said *said;
    uint8_t families;           /* that what is said can go by */
    struct vx_gws_hearing *hearing;
    uint8_t heard, lost;
};

/* As the gateway's prefix lists have it: these and longer ones. */
static bool
lets_out(const struct vx_peering *peering, const struct vx_prefix *prefix)
{
    for (size_t i = 0; i < peering->n_exports; i++) {
        if (peering->exports[i].length <= prefix->length
            && vx_prefix_contains(&peering->exports[i], &prefix->ip)) {
            return true;
        }
    }
    return !peering->n_exports;
}

static void
withhold(struct asking *a, const struct vx_peering *peering,
         const char *reason)
{
    struct vx_buf *out = &a->hearing->withheld;
    char name[NAME_SIZE];

    vx_buf_puts(out, out->size ? ",{" : "{");
    vx_buf_puts(out, "\"peering\":");
    vx_json_string(out, name_of(a->gw, peering, name));
    vx_buf_puts(out, ",\"reason\":");
    vx_json_string(out, reason);
    vx_buf_puts(out, "}");
}

/* Adds to the reason of the row: what begins one, or goes on with it. */
static void __attribute__((format(printf, 4, 5)))
add_reason(struct asking *a, bool *goes_on, const char *begin,
           const char *fmt, ...)
{
    char *reason = a->hearing->reason, text[NAME_SIZE + VX_REPORT_TEXT + 8];
    size_t n = strlen(reason), room = sizeof a->hearing->reason - n;
    va_list args;
    int size;

    va_start(args, fmt);
    size = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (!*goes_on && (!n || room > (size_t) size + strlen(begin) + 8)) {
        snprintf(reason + n, room, "%s%s%s", n ? "; " : "", begin, text);
    } else if (room > (size_t) size + sizeof ", ...") {
        snprintf(reason + n, room, ", %s", text);
    } else if (n < 3 || strcmp(reason + n - 3, "...")) {
        snprintf(reason + n, room, ", ...");
    }
    *goes_on = true;
}

static void
say_filters(struct asking *a, const struct vx_gws_audience *audience)
{
    static const char begin[] = "not in the export list of ";
    bool goes_on = false;

    for (size_t i = 0; i < audience->n; i++) {
        const struct vx_peering *peering = audience->hearers[i].peering;
        char name[NAME_SIZE], text[NAME_SIZE + sizeof begin];

        if (a->families & peering->families && a->said->prefix
            && !lets_out(peering, a->said->prefix)) {
            snprintf(text, sizeof text, "%s%s", begin,
                     name_of(a->gw, peering, name));
            withhold(a, peering, text);
            add_reason(a, &goes_on, begin, "%s", name);
        }
    }
}

/* In the reason of the row only where nobody else has the family. */
static void
say_silent(struct asking *a, const struct vx_gws_audience *audience)
{
    bool goes_on = false;

    for (size_t i = 0; i < audience->n; i++) {
        const struct vx_gws_hearer *hearer = &audience->hearers[i];
        uint8_t down = hearer->peering->families & a->families & ~hearer->up;
        char name[NAME_SIZE], text[VX_REPORT_TEXT + 20];

        if (!down || (a->said->prefix
                      && !lets_out(hearer->peering, a->said->prefix))) {
            continue;
        }
        snprintf(text, sizeof text, "no session: %s", hearer->why);
        withhold(a, hearer->peering, text);
        if (down & a->lost) {
            add_reason(a, &goes_on, "no session with ", "%s (%s)",
                       name_of(a->gw, hearer->peering, name), hearer->why);
        }
    }
}

static void
count(struct asking *a, const struct vx_gws_audience *audience)
{
    for (size_t i = 0; i < audience->n; i++) {
        const struct vx_gws_hearer *hearer = &audience->hearers[i];
        uint8_t families = hearer->peering->families & a->families;

        if (families && (!a->said->prefix
                         || lets_out(hearer->peering, a->said->prefix))) {
            a->heard |= families & hearer->up;
            a->lost |= families & (uint8_t) ~hearer->up;
        }
    }
    a->lost &= (uint8_t) ~a->heard;
}

static void
say_families(const struct asking *a)
{
    static const struct {
        uint8_t bit;
        const char *name;
    } names[] = {
        { VX_AF_IPV4, "ipv4" }, { VX_AF_IPV6, "ipv6" },
        { VX_AF_VPNV4, "vpnv4" }, { VX_AF_VPNV6, "vpnv6" },
        { VX_AF_EVPN, "evpn" }, { VX_AF_FLOWSPEC, "flowspec" },
    };
    struct vx_buf *out = &a->hearing->families;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].bit & a->heard) {
            vx_buf_printf(out, "%s\"%s\"", out->size ? "," : "",
                          names[i].name);
        }
    }
}

static uint8_t
families_for(const struct vx_gws_said *said)
{
    return !said->prefix ? said->families
           : said->prefix->ip.family == 6
             ? VX_AF_IPV6 | VX_AF_VPNV6 | VX_AF_EVPN
             : VX_AF_IPV4 | VX_AF_VPNV4 | VX_AF_EVPN;
}

void
vx_gws_audience_ask(struct vx_gws_audience *audience, const struct vx_gw *gw,
                    const struct vx_gws_said *said,
                    struct vx_gws_hearing *hearing)
{
    uint64_t tenant = said->tenant ? said->tenant->o.oid : 0;
    struct asking a = {
        .gw = gw, .said = said, .hearing = hearing,
        .families = families_for(said),
    };

    if (audience->gateway != gw->oid || audience->tenant != tenant) {
        gather(audience, gw, tenant);
    }
    vx_buf_clear(&hearing->families);
    vx_buf_clear(&hearing->withheld);
    hearing->reason[0] = '\0';
    count(&a, audience);
    say_families(&a);
    say_filters(&a, audience);
    say_silent(&a, audience);
    hearing->is_heard = a.heard;
    hearing->is_lost = a.lost;
    if (!a.heard && !hearing->reason[0] && said->prefix) {
        snprintf(hearing->reason, sizeof hearing->reason, "no peering of "
                 "tenant %s at this gateway carries IPv%u",
                 said->tenant->o.name, said->prefix->ip.family);
    }
}

void
vx_gws_audience_fini(struct vx_gws_audience *audience)
{
    free(audience->hearers);
    *audience = (struct vx_gws_audience) { .gateway = 0 };
}

void
vx_gws_hearing_fini(struct vx_gws_hearing *hearing)
{
    vx_buf_fini(&hearing->families);
    vx_buf_fini(&hearing->withheld);
}
