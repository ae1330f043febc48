/* SPDX-License-Identifier: Apache-2.0 */
/* Life of the model: making, loading, batches, undo; see model.h. */
#include "core/validate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

enum { DEFAULT_MAC_PREFIX = 0x0a };

/* --- Ranges of VNIs: sorted, merged, the reserved ones cut out. */

static int
compare_ranges(const void *a_, const void *b_)
{
    const struct vx_vni_range *a = a_, *b = b_;

    return a->first != b->first ? (a->first < b->first ? -1 : 1)
           : a->last < b->last ? -1 : a->last > b->last;
}

/* Returns a sorted copy without overlaps, within the 24 bits. */
static struct vx_vni_range *
normalize(const struct vx_vni_range *ranges, size_t n, size_t *ret_n)
{
    struct vx_vni_range *copy = vx_xcalloc(n, sizeof *copy);
    size_t kept = 0;

    if (n) {
        memcpy(copy, ranges, n * sizeof *copy);
        qsort(copy, n, sizeof *copy, compare_ranges);
    }
    for (size_t i = 0; i < n; i++) {
        struct vx_vni_range r = copy[i];

        r.first = r.first < VX_VNI_MIN ? VX_VNI_MIN : r.first;
        r.last = r.last > VX_VNI_MAX ? VX_VNI_MAX : r.last;
        if (r.first > r.last) {
            continue;
        }
        if (kept && r.first <= copy[kept - 1].last + 1) {
            if (r.last > copy[kept - 1].last) {
                copy[kept - 1].last = r.last;
            }
        } else {
            copy[kept++] = r;
        }
    }
    *ret_n = kept;
    return copy;
}

static void
add_range(struct vx_model *model, uint32_t first, uint32_t last)
{
    if (first <= last) {
        model->ranges[model->n_ranges++] = (struct vx_vni_range) {
            first, last,
        };
        model->n_free_vnis += last - first + 1;
    }
}

static void
init_ranges(struct vx_model *model, const struct vx_model_config *config)
{
    const struct vx_vni_range all = { VX_VNI_MIN, VX_VNI_MAX };
    bool has = config->vni_ranges && config->n_vni_ranges;
    struct vx_vni_range *from, *reserved;
    size_t n_from, n_reserved, j = 0;

    from = normalize(has ? config->vni_ranges : &all,
                     has ? config->n_vni_ranges : 1, &n_from);
    reserved = normalize(config->vni_reserved, config->n_vni_reserved,
                         &n_reserved);
    model->ranges = vx_xcalloc(n_from + n_reserved, sizeof *model->ranges);
    for (size_t i = 0; i < n_from; i++) {
        uint32_t first = from[i].first;

        while (j < n_reserved && reserved[j].last < first) {
            j++;
        }
        for (size_t k = j; k < n_reserved
             && reserved[k].first <= from[i].last; k++) {
            add_range(model, first, reserved[k].first - 1);
            first = reserved[k].last + 1;
        }
        add_range(model, first, from[i].last);
    }
    free(from);
    free(reserved);
}

struct vx_model *
vx_model_new(const struct vx_model_config *config)
{
    struct vx_model *model = vx_xcalloc(1, sizeof *model);

    vx_model_init_indexes(model);
    vx_runset_init(&model->nums);
    vx_runset_init(&model->zone_nums);
    vx_runset_init(&model->hop_nums);
    model->vnis = vx_vni_pool_new();
    model->vni_quarantine_ms = config->vni_quarantine_ms;
    model->mac_prefix = config->mac_prefix ? config->mac_prefix
                                           : DEFAULT_MAC_PREFIX;
    assert(!(model->mac_prefix & 1));
    init_ranges(model, config);
    return model;
}

static void
forget_staged(struct vx_model *model)
{
    for (size_t i = 0; i < model->n_staged; i++) {
        vx_obj_unref(model->staged[i].old);
        vx_obj_unref(model->staged[i].new);
    }
    model->n_staged = 0;
}

void
vx_model_free(struct vx_model *model)
{
    if (!model) {
        return;
    }
    forget_staged(model);
    vx_model_free_entries(model);
    vx_runset_fini(&model->nums);
    vx_runset_fini(&model->zone_nums);
    vx_runset_fini(&model->hop_nums);
    vx_vni_pool_free(model->vnis);
    free(model->ranges);
    free(model->staged);
    free(model->oids_before);
    free(model);
}

/* --- Loading. */

static enum vx_kind
parent_kind(enum vx_kind kind)
{
    return kind == VX_NETWORK || kind == VX_ROUTE || kind == VX_POLICY
           || kind == VX_PEERING ? VX_TENANT
           : kind == VX_SUBNET || kind == VX_PORT ? VX_NETWORK : VX_NONE;
}

static bool
load(struct vx_model *model, const struct vx_obj *obj, struct vx_error *err)
{
    struct vx_candidate c = { .model = model, .new = obj, .loading = true };
    enum vx_kind above = parent_kind(obj->kind);

    if (above) {
        c.parent = vx_model_ent_of(model, obj->parent, above);
    }
    if (above ? !c.parent : obj->parent != 0) {
        return vx_fail(err, VX_INVALID, "parent", "%s \"%.80s\" has no %s",
                       vx_kind_name(obj->kind), obj->name,
                       above ? vx_kind_name(above) : "valid parent");
    }
    if (!vx_validate_value(&c, err) || !vx_validate_place(&c, err)) {
        return false;
    }
    vx_model_set(model, NULL, obj);
    if (obj->oid > model->last_oid) {
        model->last_oid = obj->oid;
    }
    if (obj->revision > model->revision) {
        model->revision = model->committed_revision = obj->revision;
    }
    return true;
}

bool
vx_model_load(struct vx_model *model, struct vx_obj *take_obj,
              struct vx_error *err)
{
    bool ok = load(model, take_obj, err);

    vx_obj_unref(take_obj);     /* the entry has its own */
    return ok;
}

void
vx_model_loaded(struct vx_model *model, uint64_t revision, uint64_t last_oid)
{
    if (revision > model->revision) {
        model->revision = revision;
    }
    if (last_oid > model->last_oid) {
        model->last_oid = last_oid;
    }
    model->committed_revision = model->revision;
}

/* --- Changing. */

bool
vx_model_apply(struct vx_model *model, const struct vx_op *ops, size_t n,
               int64_t now_ms, struct vx_result *results, size_t *ret_failed,
               struct vx_error *err)
{
    size_t mark = vx_model_mark(model);

    for (size_t i = 0; i < n; i++) {
        struct vx_result result;

        if (!vx_model_apply_op(model, &ops[i], now_ms, &result, err)) {
            vx_model_rollback(model, mark);
            if (ret_failed) {
                *ret_failed = i;
            }
            return false;
        }
        if (results) {
            results[i] = result;
        }
    }
    if (model->n_staged > mark) {
        model->revision++;
    }
    return true;
}

size_t
vx_model_mark(const struct vx_model *model)
{
    return model->n_staged;
}

void
vx_model_rollback(struct vx_model *model, size_t mark)
{
    assert(mark <= model->n_staged);
    while (model->n_staged > mark) {
        struct vx_change *change = &model->staged[--model->n_staged];

        vx_model_set(model, change->new, change->old);
        model->last_oid = model->oids_before[model->n_staged];
        vx_obj_unref(change->old);
        vx_obj_unref(change->new);
    }
    model->revision = mark ? model->staged[mark - 1].revision
                           : model->committed_revision;
}

const struct vx_change *
vx_model_staged(const struct vx_model *model, size_t *ret_n)
{
    *ret_n = model->n_staged;
    return model->staged;
}

void
vx_model_commit(struct vx_model *model)
{
    forget_staged(model);
    model->committed_revision = model->revision;
}

/* --- Counters. */

uint64_t
vx_model_revision(const struct vx_model *model)
{
    return model->revision;
}

uint64_t
vx_model_last_oid(const struct vx_model *model)
{
    return model->last_oid;
}

size_t
vx_model_count(const struct vx_model *model, enum vx_kind kind)
{
    return (unsigned) kind < VX_N_KINDS ? model->counts[kind] : 0;
}

size_t
vx_model_n_external(const struct vx_model *model)
{
    return model->n_external;
}

uint32_t
vx_model_free_vnis(const struct vx_model *model)
{
    return model->n_free_vnis;
}
