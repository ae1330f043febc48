/* SPDX-License-Identifier: Apache-2.0 */
/* Differences of FRR configurations; see frr_diff.h. */
#include "gateway/frr_diff.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/frr_config.h"
#include "lib/xalloc.h"

enum { KEY_SIZE = 256 };

/* Of a neighbor under construction: bgpd would take a session of half its
 * families, and reset it for each one more; after its own restart that purges
 * the routes that graceful restart had kept. */
#define SHUT "shutdown message vxfabric"

static bool
starts(const char *s, const char *prefix)
{
    return !strncmp(s, prefix, strlen(prefix));
}

void
vx_gw_frr_command(struct vx_gw_frr_commands *commands, const char *fmt, ...)
{
    va_list args;
    char *command;

    va_start(args, fmt);
    if (vasprintf(&command, fmt, args) < 0) {
        abort();
    }
    va_end(args);
    commands->items = vx_grow(commands->items, &commands->cap,
                              commands->n + 1, sizeof *commands->items);
    commands->items[commands->n++] = command;
}

/* --- Whose a line is. */

/* The address of "[no ]neighbor ADDRESS ...", its keyword in *ret_rest; false
 * if it is no such line. */
static bool
neighbor_of(const char *line, char peer[VX_IP_STRLEN], const char **ret_rest)
{
    const char *p = starts(line, "no ") ? line + 3 : line;
    size_t length;

    if (!starts(p, "neighbor ")) {
        return false;
    }
    p += 9;
    length = strcspn(p, " ");
    if (length >= VX_IP_STRLEN) {
        return false;
    }
    memcpy(peer, p, length);
    peer[length] = '\0';
    *ret_rest = p[length] ? p + length + 1 : p + length;
    return true;
}

/* The keywords we write; other lines of a neighbor of ours are an operator's
 * additions. */
static bool
is_our_keyword(const char *rest)
{
    static const char *const words[] = {
        "remote-as ", "description ", "local-as ", "password ",
        "ebgp-multihop", "update-source ", "timers ", "maximum-prefix ",
        "route-map ", "attribute-unchanged next-hop",
    };
    static const char *const whole[] = {
        "bfd", "passive", "activate", "disable-connected-check",
        "next-hop-self", "route-reflector-client", SHUT,
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (starts(rest, words[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        if (!strcmp(rest, whole[i])) {
            return true;
        }
    }
    return false;
}

static bool
is_marked(const struct vx_gw_frr_block *block, const char *peer)
{
    char line[VX_IP_STRLEN + 48];

    snprintf(line, sizeof line, "neighbor %s description " VX_GW_FRR_MARK,
             peer);
    for (size_t i = 0; i < block->sections[0].n; i++) {
        if (starts(block->sections[0].lines[i], line)) {
            return true;
        }
    }
    return false;
}

/* Lines of a block of ours that are not about a neighbor. */
static bool
is_fixed(const char *line)
{
    return starts(line, "bgp router-id ")
           || !strcmp(line, "no bgp default ipv4-unicast")
           || starts(line, "bgp graceful-restart")
           || !strcmp(line, "redistribute openfabric")
           || !strcmp(line, "redistribute babel");
}

enum vx_gw_frr_owner
vx_gw_frr_owner(const struct vx_gw_frr_block *block, const char *peer,
                const char *first)
{
    size_t n = 0;
    bool has_first = false;

    if (is_marked(block, peer)) {
        return VX_GW_FRR_OURS;
    }
    for (size_t i = 0; i < block->n; i++) {
        for (size_t j = 0; j < block->sections[i].n; j++) {
            const char *line = block->sections[i].lines[j], *rest;
            char of[VX_IP_STRLEN];

            if (neighbor_of(line, of, &rest) && !strcmp(of, peer)) {
                n++;
                has_first |= !strcmp(line, first);
            }
        }
    }
    return !n ? VX_GW_FRR_NOBODY
           : n == 1 && has_first ? VX_GW_FRR_OURS : VX_GW_FRR_OPERATOR;
}

bool
vx_gw_frr_is_all_ours(const struct vx_gw_frr_block *block)
{
    for (size_t i = 0; i < block->n; i++) {
        for (size_t j = 0; j < block->sections[i].n; j++) {
            const char *line = block->sections[i].lines[j], *rest;
            char peer[VX_IP_STRLEN];

            if (neighbor_of(line, peer, &rest) ? !is_marked(block, peer)
                : !is_fixed(line)) {
                return false;
            }
        }
    }
    return true;
}

/* --- Lines. */

/* What a line sets: two lines of the same key replace each other. */
static void
key_of(const char *line, char key[KEY_SIZE])
{
    char peer[VX_IP_STRLEN];
    const char *rest, *last = strrchr(line, ' ');

    snprintf(key, KEY_SIZE, "%s", line);
    if (starts(line, "bgp router-id ")) {
        snprintf(key, KEY_SIZE, "bgp router-id");
    } else if (starts(line, "bgp graceful-restart restart-time ")) {
        snprintf(key, KEY_SIZE, "bgp graceful-restart restart-time");
    } else if (starts(line, "bgp graceful-restart select-defer-time ")) {
        snprintf(key, KEY_SIZE, "bgp graceful-restart select-defer-time");
    } else if (starts(line, "set ")) {
        snprintf(key, KEY_SIZE, "set %.*s", (int) strcspn(line + 4, " "),
                 line + 4);
    } else if (neighbor_of(line, peer, &rest) && !starts(line, "no ")) {
        int word = (int) strcspn(rest, " ");

        if (starts(rest, "timers connect ")) {
            snprintf(key, KEY_SIZE, "neighbor %s timers connect", peer);
        } else if (starts(rest, "route-map ")) {
            snprintf(key, KEY_SIZE, "neighbor %s route-map%s", peer, last);
        } else {
            snprintf(key, KEY_SIZE, "neighbor %s %.*s", peer, word, rest);
        }
    }
}

bool
vx_gw_frr_same_key(const char *line, const char *other)
{
    char a[KEY_SIZE], b[KEY_SIZE];

    key_of(line, a);
    key_of(other, b);
    return !strcmp(a, b);
}

/* Will be replaced by a line that is added. */
static bool
is_replaced(const char *line, const struct vx_gw_frr_section *want)
{
    char key[KEY_SIZE], other[KEY_SIZE];

    key_of(line, key);
    for (size_t i = 0; want && i < want->n; i++) {
        key_of(want->lines[i], other);
        if (!strcmp(key, other)) {
            return true;
        }
    }
    return false;
}

static void
negate(struct vx_gw_frr_commands *commands, const char *line)
{
    if (starts(line, "no ")) {
        vx_gw_frr_command(commands, "%s", line + 3);
    } else {
        vx_gw_frr_command(commands, "no %s", line);
    }
}

/* --- Router blocks. */

struct diff {
    const struct vx_gw_frr_block *had, *want;   /* had may be NULL */
    struct vx_gw_frr_commands *commands;
    bool is_ours;               /* no operator's lines in it */
};

static const struct vx_gw_frr_section *
had_section(const struct diff *diff, const char *name)
{
    return diff->had
           ? vx_gw_frr_section((void *) diff->had, name, false) : NULL;
}

static bool
is_wanted_peer(const struct diff *diff, const char *peer)
{
    const struct vx_gw_frr_section *top = &diff->want->sections[0];

    for (size_t i = 0; i < top->n; i++) {
        char of[VX_IP_STRLEN];
        const char *rest;

        if (neighbor_of(top->lines[i], of, &rest) && !strcmp(of, peer)) {
            return true;
        }
    }
    return false;
}

/* A change of these two is a new session anyway, and bgpd takes them in some
 * orders only. */
static bool
is_remade(const struct diff *diff, const char *peer)
{
    const struct vx_gw_frr_section *had = had_section(diff, "");
    const struct vx_gw_frr_section *want = &diff->want->sections[0];
    static const char *const words[] = { "remote-as ", "local-as " };

    for (size_t w = 0; had && w < 2; w++) {
        const char *a = NULL, *b = NULL, *rest;
        char of[VX_IP_STRLEN];

        for (size_t i = 0; i < had->n; i++) {
            if (neighbor_of(had->lines[i], of, &rest) && !strcmp(of, peer)
                && starts(rest, words[w])) {
                a = had->lines[i];
            }
        }
        for (size_t i = 0; i < want->n; i++) {
            if (neighbor_of(want->lines[i], of, &rest) && !strcmp(of, peer)
                && starts(rest, words[w])) {
                b = want->lines[i];
            }
        }
        if ((!a) != (!b) || (a && strcmp(a, b))) {
            return true;
        }
    }
    return false;
}

/* Had, is ours, and goes as a whole: its lines are no more to be compared. */
static bool
is_dropped(const struct diff *diff, const char *peer)
{
    return diff->had && is_marked(diff->had, peer)
           && (!is_wanted_peer(diff, peer) || is_remade(diff, peer));
}

static void
drop_neighbors(const struct diff *diff)
{
    const struct vx_gw_frr_section *had = had_section(diff, "");

    for (size_t i = 0; had && i < had->n; i++) {
        char peer[VX_IP_STRLEN];
        const char *rest;

        if (neighbor_of(had->lines[i], peer, &rest)
            && starts(rest, "description " VX_GW_FRR_MARK)
            && is_dropped(diff, peer)) {
            vx_gw_frr_command(diff->commands, "no neighbor %s", peer);
        }
    }
}

/* Whether a line that is there may be taken away by us, by itself. */
static bool
may_go(const struct diff *diff, const char *line)
{
    char peer[VX_IP_STRLEN];
    const char *rest;

    if (neighbor_of(line, peer, &rest)) {
        return is_marked(diff->had, peer) && !is_dropped(diff, peer)
               && is_our_keyword(rest);
    }
    return diff->is_ours && is_fixed(line);
}

static bool
is_there(const struct diff *diff, const struct vx_gw_frr_section *had,
         const char *line)
{
    char peer[VX_IP_STRLEN];
    const char *rest;

    return vx_gw_frr_has(had, line)
           && !(neighbor_of(line, peer, &rest) && is_dropped(diff, peer));
}

/* The neighbor is made, or has not been finished. */
static bool
is_new(const struct diff *diff, const char *peer)
{
    const struct vx_gw_frr_section *had = had_section(diff, "");
    char line[VX_IP_STRLEN + 48];

    snprintf(line, sizeof line, "neighbor %s " SHUT, peer);
    return !diff->had || is_dropped(diff, peer)
           || !is_marked(diff->had, peer) || vx_gw_frr_has(had, line);
}

static void
add_line(const struct diff *diff, const char *line)
{
    char peer[VX_IP_STRLEN];
    const char *rest;

    vx_gw_frr_command(diff->commands, "%s", line);
    if (neighbor_of(line, peer, &rest) && starts(rest, "description ")
        && is_new(diff, peer)) {
        vx_gw_frr_command(diff->commands, "neighbor %s " SHUT, peer);
    }
}

/* New neighbors are complete. */
static void
open_neighbors(const struct diff *diff)
{
    const struct vx_gw_frr_section *top = &diff->want->sections[0];

    for (size_t i = 0; i < top->n; i++) {
        char peer[VX_IP_STRLEN];
        const char *rest;

        if (neighbor_of(top->lines[i], peer, &rest)
            && starts(rest, "description ") && is_new(diff, peer)) {
            vx_gw_frr_command(diff->commands, "no neighbor %s shutdown",
                              peer);
        }
    }
}

static void
diff_section(const struct diff *diff, const char *name,
             const struct vx_gw_frr_section *want)
{
    const struct vx_gw_frr_section *had = had_section(diff, name);
    struct vx_gw_frr_commands *commands = diff->commands;
    size_t start = commands->n;
    bool in_family = name[0] != '\0';

    if (in_family) {
        vx_gw_frr_command(commands, "%s", name);
    }
    for (size_t i = 0; had && i < had->n; i++) {
        const char *line = had->lines[i];

        if (!vx_gw_frr_has(want, line) && may_go(diff, line)
            && !is_replaced(line, want) && !strstr(line, " " SHUT)) {
            negate(commands, line);
        }
    }
    for (size_t i = 0; want && i < want->n; i++) {
        if (!is_there(diff, had, want->lines[i])) {
            add_line(diff, want->lines[i]);
        }
    }
    if (!in_family) {
        return;
    }
    if (commands->n == start + 1) {
        free(commands->items[--commands->n]);
    } else {
        vx_gw_frr_command(commands, "exit");
    }
}

void
vx_gw_frr_diff_router(const struct vx_gw_frr_block *had,
                      const struct vx_gw_frr_block *want, bool is_ours,
                      struct vx_gw_frr_commands *commands)
{
    struct diff diff = { had, want, commands, is_ours };
    size_t start = commands->n;

    vx_gw_frr_command(commands, "%s", want->header);
    drop_neighbors(&diff);
    diff_section(&diff, "", &want->sections[0]);
    for (size_t i = 1; i < want->n; i++) {
        diff_section(&diff, want->sections[i].name, &want->sections[i]);
    }
    for (size_t i = 1; had && i < had->n; i++) {
        if (!vx_gw_frr_section((void *) want, had->sections[i].name,
                               false)) {
            diff_section(&diff, had->sections[i].name, NULL);
        }
    }
    open_neighbors(&diff);
    if (commands->n == start + 1 && had) {
        free(commands->items[--commands->n]);
    } else {
        vx_gw_frr_command(commands, "exit");
    }
}

void
vx_gw_frr_clear(const struct vx_gw_frr_block *had,
                struct vx_gw_frr_commands *commands)
{
    struct vx_gw_frr_section empty = { .name = (char *) "" };
    struct vx_gw_frr_block want = {
        .header = had->header, .sections = &empty, .n = 1,
    };

    vx_gw_frr_diff_router(had, &want, false, commands);
}

/* --- Route-maps and prefix-lists. */

static bool
is_our_map(const char *header)
{
    return starts(header, "route-map vx-");
}

static bool
is_our_list(const char *list)
{
    return starts(list, "ip prefix-list vx-")
           || starts(list, "ipv6 prefix-list vx-")
           || starts(list, "bgp as-path access-list vx-");
}

static void
diff_map(const struct vx_gw_frr_block *had,
         const struct vx_gw_frr_block *want,
         struct vx_gw_frr_commands *commands)
{
    const struct vx_gw_frr_section *w = &want->sections[0];
    const struct vx_gw_frr_section *h = had ? &had->sections[0] : NULL;
    size_t start = commands->n;

    vx_gw_frr_command(commands, "%s", want->header);
    for (size_t i = 0; h && i < h->n; i++) {
        if (!vx_gw_frr_has(w, h->lines[i]) && !is_replaced(h->lines[i], w)) {
            negate(commands, h->lines[i]);
        }
    }
    for (size_t i = 0; i < w->n; i++) {
        if (!vx_gw_frr_has(h, w->lines[i])) {
            vx_gw_frr_command(commands, "%s", w->lines[i]);
        }
    }
    if (had && commands->n == start + 1) {
        free(commands->items[--commands->n]);
    } else {
        vx_gw_frr_command(commands, "exit");
    }
}

static int
compare_rules(const struct vx_gw_frr_rule *a, const struct vx_gw_frr_rule *b)
{
    int order = strcmp(a->list, b->list);

    return order ? order : strcmp(a->rule, b->rule);
}

/* Merges two sorted lists: new rules, or, with drop, those that go. */
static void
diff_rules(const struct vx_gw_frr_text *had,
           const struct vx_gw_frr_text *want, bool drop,
           struct vx_gw_frr_commands *commands)
{
    size_t i = 0, j = 0;

    while (i < had->n_rules || j < want->n_rules) {
        const struct vx_gw_frr_rule *h = &had->rules[i];
        const struct vx_gw_frr_rule *w = &want->rules[j];
        int order = i == had->n_rules ? 1 : j == want->n_rules ? -1
                    : compare_rules(h, w);

        if (order < 0) {
            if (drop && is_our_list(h->list)) {
                vx_gw_frr_command(commands, "no %s seq %u %s", h->list,
                                  h->seq, h->rule);
            }
            i++;
        } else if (order > 0) {
            if (!drop) {
                vx_gw_frr_command(commands, "%s %s", w->list, w->rule);
            }
            j++;
        } else {
            i++, j++;
        }
    }
}

void
vx_gw_frr_diff_maps(const struct vx_gw_frr_text *had,
                    const struct vx_gw_frr_text *want,
                    struct vx_gw_frr_commands *commands)
{
    diff_rules(had, want, false, commands);
    for (size_t i = 0; i < want->n; i++) {
        const struct vx_gw_frr_block *block = want->blocks[i];

        if (is_our_map(block->header)) {
            diff_map(vx_gw_frr_text_find(had, block->header), block,
                     commands);
        }
    }
}

void
vx_gw_frr_drop_maps(const struct vx_gw_frr_text *had,
                    const struct vx_gw_frr_text *want,
                    struct vx_gw_frr_commands *commands)
{
    for (size_t i = 0; i < had->n; i++) {
        const char *header = had->blocks[i]->header;

        if (is_our_map(header) && !vx_gw_frr_text_find(want, header)) {
            vx_gw_frr_command(commands, "no %s", header);
        }
    }
    diff_rules(had, want, true, commands);
}
