/* SPDX-License-Identifier: Apache-2.0 */
/* The book of findings: two trees over the same entries; see findings.h. */
#include "core/findings.h"

#include <stdlib.h>
#include <string.h>

#include "core/diff.h"
#include "lib/xalloc.h"

const char *
vx_finding_kind_name(enum vx_finding_kind kind)
{
    static const char *const names[VX_N_FOUND] = {
        [VX_FOUND_FLOW] = "flow", [VX_FOUND_GROUP] = "group",
        [VX_FOUND_BUCKET] = "bucket", [VX_FOUND_METER] = "meter",
        [VX_FOUND_OVSDB] = "ovsdb", [VX_FOUND_ZEBRA] = "zebra",
        [VX_FOUND_BGPD] = "bgpd", [VX_FOUND_REFLECTOR] = "reflector",
        [VX_FOUND_SPEAKER] = "speaker", [VX_FOUND_KERNEL] = "kernel",
    };

    return (unsigned) kind < VX_N_FOUND ? names[kind] : "unknown";
}

const char *
vx_finding_what_name(unsigned what)
{
    return what == VX_DIFF_MISSING ? "missing"
           : what == VX_DIFF_ALTERED ? "altered" : "foreign";
}

bool
vx_finding_what_parse(const char *name, unsigned *ret_what)
{
    static const unsigned all[] = { VX_DIFF_MISSING, VX_DIFF_ALTERED,
                                    VX_DIFF_FOREIGN };

    for (int i = 0; i < 3; i++) {
        if (!strcmp(name, vx_finding_what_name(all[i]))) {
            *ret_what = all[i];
            return true;
        }
    }
    return false;
}

enum vx_finding_kind
vx_gateway_part_kind(enum vx_finding_part part)
{
    return (enum vx_finding_kind) (VX_FOUND_ZEBRA + (part - VX_PART_ZEBRA));
}

bool
vx_gateway_part_parse(const char *name, enum vx_finding_part *ret_part)
{
    for (int i = VX_PART_ZEBRA; i < VX_N_PARTS; i++) {
        enum vx_finding_part part = (enum vx_finding_part) i;

        if (!strcmp(name,
                    vx_finding_kind_name(vx_gateway_part_kind(part)))) {
            *ret_part = part;
            return true;
        }
    }
    return false;
}

static struct vx_finding *
of_text(const struct vx_tree_node *node)
{
    return node ? VX_CONTAINER(node, struct vx_finding, by_text) : NULL;
}

static struct vx_finding *
of_id(const struct vx_tree_node *node)
{
    return node ? VX_CONTAINER(node, struct vx_finding, by_id) : NULL;
}

static int
cmp_text(const void *key, const struct vx_tree_node *node)
{
    const struct vx_found *a = key, *b = &of_text(node)->f;

    if (a->part != b->part) {
        return a->part < b->part ? -1 : 1;
    }
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    if (a->what != b->what) {
        return a->what < b->what ? -1 : 1;
    }
    return strcmp(a->row, b->row);
}

static int
cmp_id(const void *key, const struct vx_tree_node *node)
{
    uint64_t a = *(const uint64_t *) key, b = of_id(node)->id;

    return a < b ? -1 : a > b;
}

void
vx_findings_init(struct vx_findings *book, uint64_t *last_id)
{
    *book = (struct vx_findings) { .last_id = last_id };
    vx_tree_init(&book->by_text, cmp_text);
    vx_tree_init(&book->by_id, cmp_id);
}

static void
drop(struct vx_findings *book, struct vx_finding *f)
{
    book->n_open -= !f->over_ms;
    vx_tree_remove(&book->by_text, &f->by_text);
    vx_tree_remove(&book->by_id, &f->by_id);
    free((char *) f->f.object);
    free((char *) f->f.row);
    free((char *) f->f.found);
    free(f);
}

void
vx_findings_fini(struct vx_findings *book)
{
    VX_TREE_FOR_EACH_SAFE(node, next, &book->by_id) {
        drop(book, of_id(node));
    }
}

void
vx_findings_begin(struct vx_findings *book, enum vx_finding_part part)
{
    book->audit++;
    book->n_beyond[part] = 0;
}

static void
over(struct vx_findings *book, struct vx_finding *f, int64_t now_ms)
{
    if (!f->over_ms) {
        f->over_ms = now_ms;
        book->n_open--;
    }
}

void
vx_findings_end(struct vx_findings *book, enum vx_finding_part part,
                int64_t now_ms)
{
    VX_TREE_FOR_EACH(node, &book->by_id) {
        struct vx_finding *f = of_id(node);

        if (f->f.part == part && f->audit != book->audit) {
            over(book, f, now_ms);
        }
    }
}

void
vx_findings_repaired(struct vx_findings *book, enum vx_finding_part part,
                     int64_t now_ms)
{
    VX_TREE_FOR_EACH(node, &book->by_id) {
        struct vx_finding *f = of_id(node);

        if (f->f.part == part && f->audit == book->audit && !f->over_ms) {
            vx_findings_over(book, f, now_ms);
        }
    }
    book->n_beyond[part] = 0;
}

void
vx_findings_over(struct vx_findings *book, struct vx_finding *f,
                 int64_t now_ms)
{
    over(book, f, now_ms);
    f->repaired = true;
}

/* The one that has been over for longest. */
static struct vx_finding *
oldest(const struct vx_findings *book)
{
    struct vx_finding *best = NULL;

    VX_TREE_FOR_EACH(node, &book->by_id) {
        struct vx_finding *f = of_id(node);

        if (f->over_ms && (!best || f->over_ms < best->over_ms)) {
            best = f;
        }
    }
    return best;
}

void
vx_findings_beyond(struct vx_findings *book, enum vx_finding_part part,
                   size_t n)
{
    book->n_beyond[part] += n;
}

static void
set_text(const char **p, const char *text)
{
    free((char *) *p);
    *p = vx_xstrdup(text);
}

static struct vx_finding *
insert(struct vx_findings *book, const struct vx_found *f)
{
    struct vx_finding *new;

    if (book->by_id.count >= VX_FINDINGS_MAX) {
        struct vx_finding *victim = oldest(book);

        if (!victim) {
            vx_findings_beyond(book, f->part, 1);
            return NULL;
        }
        drop(book, victim);
    }
    new = vx_xcalloc(1, sizeof *new);
    new->id = ++*book->last_id;
    new->f = (struct vx_found) {
        .part = f->part, .kind = f->kind, .what = f->what,
        .row = vx_xstrdup(f->row),
    };
    vx_tree_insert(&book->by_text, &new->f, &new->by_text);
    vx_tree_insert(&book->by_id, &new->id, &new->by_id);
    book->n_open++;
    return new;
}

struct vx_finding *
vx_findings_note(struct vx_findings *book, const struct vx_found *f,
                 int64_t now_ms)
{
    struct vx_finding *known = of_text(vx_tree_find(&book->by_text, f));
    bool is_new = !known || known->over_ms;

    if (known && known->over_ms) {
        /* Back again: it moves to the end. */
        vx_tree_remove(&book->by_id, &known->by_id);
        known->id = ++*book->last_id;
        vx_tree_insert(&book->by_id, &known->id, &known->by_id);
        known->over_ms = 0;
        known->repaired = false;
        book->n_open++;
    } else if (!known) {
        known = insert(book, f);
        if (!known) {
            return NULL;
        }
    }
    if (is_new) {
        known->since_ms = now_ms;
        known->n_times++;
    }
    set_text(&known->f.object, f->object);
    set_text(&known->f.found, f->found);
    known->seen_ms = now_ms;
    known->audit = book->audit;
    return known;
}

size_t
vx_findings_n_open(const struct vx_findings *book)
{
    size_t n = book->n_open;

    for (int i = 0; i < VX_N_PARTS; i++) {
        n += book->n_beyond[i];
    }
    return n;
}

const struct vx_finding *
vx_findings_after(const struct vx_findings *book, uint64_t id)
{
    uint64_t key = id + 1;

    return of_id(vx_tree_ceil(&book->by_id, &key));
}
