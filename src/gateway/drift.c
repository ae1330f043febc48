/* SPDX-License-Identifier: Apache-2.0 */
/* See drift.h. */
#include "gateway/drift.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

const char *
vx_gw_drift_what_name(enum vx_gw_drift_what what)
{
    return what == VX_GW_DRIFT_MISSING ? "missing"
           : what == VX_GW_DRIFT_ALTERED ? "altered" : "foreign";
}

void
vx_gw_drifts_fini(struct vx_gw_drifts *drifts)
{
    for (size_t i = 0; i < drifts->n; i++) {
        free(drifts->items[i].object);
        free(drifts->items[i].row);
        free(drifts->items[i].found);
    }
    memset(drifts, 0, sizeof *drifts);
}

/* What an operator typed may have any bytes. */
static char *
printable(const char *text)
{
    const char *secret = strstr(text, " password ");
    size_t n = secret ? (size_t) (secret - text) + 9 : strlen(text);
    char *copy = vx_xasprintf("%.*s%s", (int) (n < VX_GW_DRIFT_TEXT - 10
                                               ? n : VX_GW_DRIFT_TEXT - 10),
                              text, secret ? " (hidden)" : "");

    for (char *p = copy; *p; p++) {
        if ((unsigned char) *p < 0x20 || (unsigned char) *p > 0x7e) {
            *p = '?';
        }
    }
    return copy;
}

void
vx_gw_drift_add(struct vx_gw_drifts *drifts, enum vx_gw_drift_what what,
                const char *object, const char *row, const char *found)
{
    if (drifts->n < VX_GW_DRIFTS_MAX) {
        drifts->items[drifts->n++] = (struct vx_gw_drift) {
            .what = what, .object = printable(object),
            .row = printable(row), .found = printable(found),
        };
    }
    drifts->n_found++;
}

void
vx_gw_drift_count(struct vx_gw_drifts *drifts, size_t n)
{
    drifts->n_found += n;
}

void
vx_gw_drift_fail(struct vx_gw_drifts *drifts, const char *fmt, ...)
{
    char text[VX_GW_DRIFT_TEXT], *safe;
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    safe = printable(text);
    snprintf(drifts->why, sizeof drifts->why, "%s", safe);
    free(safe);
}

bool
vx_gw_drift_has(const struct vx_gw_drifts *drifts,
                const struct vx_gw_drift *like)
{
    for (size_t i = 0; i < drifts->n; i++) {
        if (drifts->items[i].what == like->what
            && !strcmp(drifts->items[i].row, like->row)) {
            return true;
        }
    }
    return false;
}
