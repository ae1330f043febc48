/* SPDX-License-Identifier: Apache-2.0 */
/* See frr_gather.h. */
#include "gateway/frr_gather.h"

#include <stdlib.h>
#include <string.h>

#define OPEN "XFRR_start_configuration"
#define CLOSE "XFRR_end_configuration"

enum kind {
    OTHER,
    LIST,                       /* of a list, or of a map as a whole */
    INSIDE,                     /* of the map that was said last */
    EXIT,
};

static bool
starts(const char *s, const char *prefix)
{
    return !strncmp(s, prefix, strlen(prefix));
}

static enum kind
kind_of(const char *command)
{
    static const char *const lists[] = {
        "ip prefix-list ", "ipv6 prefix-list ", "route-map ",
    };
    static const char *const inside[] = { "match ", "set ", "on-match " };
    const char *what = starts(command, "no ") ? command + 3 : command;

    if (!strcmp(command, "exit")) {
        return EXIT;
    }
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (starts(what, lists[i])) {
            return LIST;
        }
    }
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        if (starts(what, inside[i])) {
            return INSIDE;
        }
    }
    return OTHER;
}

void
vx_gw_frr_gather(struct vx_gw_frr_commands *commands)
{
    struct vx_gw_frr_commands all = { NULL, 0, 0 };
    size_t n = 1;                   /* in the bracket that is open */
    bool is_open = true;

    vx_gw_frr_command(&all, OPEN);
    for (size_t i = 0; i < commands->n; i++) {
        const char *command = commands->items[i];
        enum kind kind = kind_of(command);

        if (is_open && (kind == OTHER || (kind == LIST
                                          && n >= VX_GW_GATHER_MAX))) {
            vx_gw_frr_command(&all, CLOSE);
            is_open = false;
        }
        if (!is_open && kind == LIST) {
            vx_gw_frr_command(&all, OPEN);
            is_open = true;
            n = 0;
        }
        if (!is_open || kind != EXIT) {
            vx_gw_frr_command(&all, "%s", command);
            n++;
        }
        explicit_bzero(commands->items[i], strlen(commands->items[i]));
        free(commands->items[i]);
    }
    if (is_open) {
        vx_gw_frr_command(&all, CLOSE);
    }
    free(commands->items);
    *commands = all;
}

bool
vx_gw_frr_is_bracket(const char *command)
{
    return !strcmp(command, OPEN) || !strcmp(command, CLOSE);
}

bool
vx_gw_frr_closes(char *const *commands, size_t refused, size_t at)
{
    if (strcmp(commands[at], CLOSE)) {
        return false;
    }
    while (--at > refused) {
        if (vx_gw_frr_is_bracket(commands[at])) {
            return false;       /* of another one */
        }
    }
    return !vx_gw_frr_is_bracket(commands[refused]);
}
