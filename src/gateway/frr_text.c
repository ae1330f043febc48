/* SPDX-License-Identifier: Apache-2.0 */
/* FRR configurations as data; see frr_text.h. */
#include "gateway/frr_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

/* --- Building. */

struct vx_gw_frr_section *
vx_gw_frr_section(struct vx_gw_frr_block *block, const char *name, bool add)
{
    struct vx_gw_frr_section *section;

    for (size_t i = 0; i < block->n; i++) {
        if (!strcmp(block->sections[i].name, name)) {
            return &block->sections[i];
        }
    }
    if (!add) {
        return NULL;
    }
    block->sections = vx_grow(block->sections, &block->cap, block->n + 1,
                              sizeof *block->sections);
    section = &block->sections[block->n++];
    memset(section, 0, sizeof *section);
    section->name = vx_xstrdup(name);
    return section;
}

static void
put_line(struct vx_gw_frr_section *section, char *take_line)
{
    section->lines = vx_grow(section->lines, &section->cap, section->n + 1,
                             sizeof *section->lines);
    section->lines[section->n++] = take_line;
}

void
vx_gw_frr_put(struct vx_gw_frr_section *section, const char *fmt, ...)
{
    va_list args;
    char *line;

    va_start(args, fmt);
    if (vasprintf(&line, fmt, args) < 0) {
        abort();
    }
    va_end(args);
    put_line(section, line);
}

bool
vx_gw_frr_has(const struct vx_gw_frr_section *section, const char *line)
{
    for (size_t i = 0; section && i < section->n; i++) {
        if (!strcmp(section->lines[i], line)) {
            return true;
        }
    }
    return false;
}

struct vx_gw_frr_block *
vx_gw_frr_text_add(struct vx_gw_frr_text *text, const char *header)
{
    struct vx_gw_frr_block *block = vx_xcalloc(1, sizeof *block);

    block->header = vx_xstrdup(header);
    vx_gw_frr_section(block, "", true);
    text->blocks = vx_grow(text->blocks, &text->cap, text->n + 1,
                           sizeof *text->blocks);
    text->blocks[text->n++] = block;
    return block;
}

void
vx_gw_frr_text_rule(struct vx_gw_frr_text *text, const char *list,
                    const char *rule, unsigned seq)
{
    text->rules = vx_grow(text->rules, &text->cap_rules, text->n_rules + 1,
                          sizeof *text->rules);
    text->rules[text->n_rules++] = (struct vx_gw_frr_rule) {
        vx_xstrdup(list), vx_xstrdup(rule), seq,
    };
}

static int
compare_blocks(const void *a, const void *b)
{
    const struct vx_gw_frr_block *const *x = a, *const *y = b;

    return strcmp((*x)->header, (*y)->header);
}

static int
compare_rules(const void *a_, const void *b_)
{
    const struct vx_gw_frr_rule *a = a_, *b = b_;
    int order = strcmp(a->list, b->list);

    return order ? order : strcmp(a->rule, b->rule);
}

void
vx_gw_frr_text_sort(struct vx_gw_frr_text *text)
{
    if (text->n) {
        qsort(text->blocks, text->n, sizeof *text->blocks, compare_blocks);
    }
    if (text->n_rules) {
        qsort(text->rules, text->n_rules, sizeof *text->rules,
              compare_rules);
    }
}

struct vx_gw_frr_block *
vx_gw_frr_text_find(const struct vx_gw_frr_text *text, const char *header)
{
    struct vx_gw_frr_block key = { .header = (char *) header };
    const struct vx_gw_frr_block *k = &key;
    struct vx_gw_frr_block **found = text->n
        ? bsearch(&k, text->blocks, text->n, sizeof *text->blocks,
                  compare_blocks) : NULL;

    return found ? *found : NULL;
}

void
vx_gw_frr_text_fini(struct vx_gw_frr_text *text)
{
    for (size_t i = 0; i < text->n; i++) {
        struct vx_gw_frr_block *block = text->blocks[i];

        for (size_t j = 0; j < block->n; j++) {
            for (size_t k = 0; k < block->sections[j].n; k++) {
                free(block->sections[j].lines[k]);
            }
            free(block->sections[j].lines);
            free(block->sections[j].name);
        }
        free(block->sections);
        free(block->header);
        free(block);
    }
    for (size_t i = 0; i < text->n_rules; i++) {
        free(text->rules[i].list);
        free(text->rules[i].rule);
    }
    free(text->blocks);
    free(text->rules);
    memset(text, 0, sizeof *text);
}

/* --- Reading. */

struct reader {
    struct vx_gw_frr_text *text;
    struct vx_gw_frr_block *block;      /* NULL = none is open */
    struct vx_gw_frr_section *section;
    bool is_frr;                        /* "frr version" was seen */
};

static bool
starts(const char *s, const char *prefix)
{
    return !strncmp(s, prefix, strlen(prefix));
}

/* "ip prefix-list NAME seq 5 permit ...", or of an as-path access-list.
 * False: another line. */
static bool
read_rule(struct reader *reader, char *line)
{
    char *name, *seq, *rule;

    if (!starts(line, "ip prefix-list ")
        && !starts(line, "ipv6 prefix-list ")
        && !starts(line, "bgp as-path access-list ")) {
        return false;
    }
    name = strstr(line, "-list ") + 6;
    seq = strstr(name, " seq ");
    rule = seq ? strchr(seq + 5, ' ') : NULL;
    if (!rule || strcspn(name, " ") != (size_t) (seq - name)) {
        return false;           /* a description */
    }
    *seq = '\0';
    vx_gw_frr_text_rule(reader->text, line, rule + 1,
                        (unsigned) strtoul(seq + 5, NULL, 10));
    return true;
}

static void
read_outer(struct reader *reader, char *line)
{
    reader->block = NULL;
    reader->section = NULL;
    if (!strcmp(line, "exit") || !strcmp(line, "exit-vrf")
        || !strcmp(line, "end") || read_rule(reader, line)) {
        return;
    }
    reader->is_frr |= starts(line, "frr version ")
                      || starts(line, "frr defaults ");
    reader->block = vx_gw_frr_text_add(reader->text, line);
    reader->section = &reader->block->sections[0];
}

static void
read_line(struct reader *reader, char *line)
{
    size_t indent = strspn(line, " "), end = strlen(line);
    const char *words = line + indent;

    while (end && (line[end - 1] == ' ' || line[end - 1] == '\r')) {
        line[--end] = '\0';
    }
    if (!*words || *words == '!' || indent >= end) {
        return;
    }
    if (!indent) {
        read_outer(reader, line);
    } else if (!reader->block) {
        return;
    } else if (indent == 1 && starts(words, "address-family ")) {
        reader->section = vx_gw_frr_section(reader->block, words, true);
    } else if (indent == 1 && !strcmp(words, "exit-address-family")) {
        reader->section = &reader->block->sections[0];
    } else {
        if (indent == 1) {
            reader->section = &reader->block->sections[0];
        }
        put_line(reader->section, vx_xstrdup(words));
    }
}

bool
vx_gw_frr_text_read(const char *text, struct vx_gw_frr_text *ret_text,
                    struct vx_error *err)
{
    struct vx_gw_frr_text result;
    struct reader reader = { .text = &result };
    char *copy = vx_xstrdup(text), *save;

    memset(&result, 0, sizeof result);
    for (char *line = strtok_r(copy, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        read_line(&reader, line);
    }
    free(copy);
    if (!reader.is_frr) {
        vx_gw_frr_text_fini(&result);
        return vx_fail(err, VX_INVALID, "", "that is no running "
                       "configuration of FRR: \"%.60s\"", text);
    }
    *ret_text = result;
    return true;
}
