/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration of an FRR daemon as `show running-config` prints it, as
 * data: blocks (a line without indentation and what is indented below it),
 * in them sections (address families), in them lines.  Order is kept, except
 * that of prefix-lists.  Pure. */
#ifndef VX_GATEWAY_FRR_TEXT_H
#define VX_GATEWAY_FRR_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

struct vx_gw_frr_section {
    char *name;                 /* "" or "address-family ipv4 unicast" */
    char **lines;
    size_t n, cap;
};

struct vx_gw_frr_block {
    char *header;               /* "router bgp 65001 vrf vx5001" */
    struct vx_gw_frr_section *sections;     /* the first is "" */
    size_t n, cap;
};

/* "ip prefix-list NAME seq 5 permit 10.0.0.0/8 le 32"; and as-path
 * access-lists, which look the same. */
struct vx_gw_frr_rule {
    char *list;                 /* "ip prefix-list NAME" */
    char *rule;                 /* "permit 10.0.0.0/8 le 32" */
    unsigned seq;               /* 0 = whatever */
};

struct vx_gw_frr_text {
    struct vx_gw_frr_block **blocks;
    size_t n, cap;
    struct vx_gw_frr_rule *rules;   /* sorted by vx_gw_frr_text_sort */
    size_t n_rules, cap_rules;
};

/* False if the text is no running configuration. */
bool vx_gw_frr_text_read(const char *text, struct vx_gw_frr_text *ret_text,
                         struct vx_error *err);
void vx_gw_frr_text_fini(struct vx_gw_frr_text *text);

/* The block, NULL if there is none.  O(log n) once sorted. */
struct vx_gw_frr_block *vx_gw_frr_text_find(const struct vx_gw_frr_text *text,
                                            const char *header);
struct vx_gw_frr_block *vx_gw_frr_text_add(struct vx_gw_frr_text *text,
                                           const char *header);
void vx_gw_frr_text_rule(struct vx_gw_frr_text *text, const char *list,
                         const char *rule, unsigned seq);
/* Blocks by header, rules by list and rule. */
void vx_gw_frr_text_sort(struct vx_gw_frr_text *text);

/* Finds or, with add, makes a section; NULL if there is none. */
struct vx_gw_frr_section *vx_gw_frr_section(struct vx_gw_frr_block *block,
                                            const char *name, bool add);
void vx_gw_frr_put(struct vx_gw_frr_section *section, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
bool vx_gw_frr_has(const struct vx_gw_frr_section *section,
                   const char *line);

#endif
