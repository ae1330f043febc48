/* SPDX-License-Identifier: Apache-2.0 */
/* One operation: resolve names, propose the whole new object
 * (model_propose.c), hold the rules, choose what is left open, stage.
 *
 * Until vx_model_stage() nothing of the model has moved, so a refusal leaves
 * no trace; what earlier operations of the batch staged is undone by the
 * caller. */
#include "core/validate.h"

#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

void
vx_model_stage(struct vx_model *model, const struct vx_obj *old,
               struct vx_obj *take_new)
{
    size_t n = model->n_staged;

    model->staged = vx_grow(model->staged, &model->staged_cap, n + 1,
                            sizeof *model->staged);
    model->oids_before = vx_grow(model->oids_before, &model->oids_cap, n + 1,
                                 sizeof *model->oids_before);
    model->oids_before[n] = model->last_oid;
    if (take_new) {
        take_new->revision = model->revision + 1;
        if (!old) {
            model->last_oid = take_new->oid;
        }
    }
    model->staged[n] = (struct vx_change) {
        .old = old ? vx_obj_ref(old) : NULL,
        .new = take_new,
        .revision = model->revision + 1,
    };
    model->n_staged++;
    vx_model_set(model, old, take_new);
}

/* A VNI that was given up may still be in switches: it goes to quarantine
 * and nobody gets it before every host has confirmed. */
static void
retire_vni(const struct vx_doing *d, uint32_t vni)
{
    struct vx_retired_vni *retired = (void *) vx_obj_new(VX_RETIRED_VNI);

    free(retired->o.name);
    retired->o.name = vx_xasprintf("%u", vni);
    retired->o.oid = d->model->last_oid + 1;
    retired->vni = vni;
    retired->until_ms = d->now_ms + d->model->vni_quarantine_ms;
    vx_model_stage(d->model, NULL, &retired->o);
}

/* That of a router network is its tenant's. */
static uint32_t
vni_of(const struct vx_obj *obj)
{
    const void *value = obj;

    return !obj || (obj->kind == VX_NETWORK && vx_network_is_router(value))
        ? 0
        : obj->kind == VX_NETWORK ? ((const struct vx_network *) value)->vni
        : obj->kind == VX_TENANT
        ? ((const struct vx_tenant *) value)->router_vni : 0;
}

void
vx_model_move(const struct vx_doing *d, const struct vx_obj *old,
              struct vx_obj *take_new)
{
    uint32_t vni = vni_of(old);

    if (vni == vni_of(take_new)) {
        vni = 0;
    }
    vx_model_stage(d->model, old, take_new);
    if (vni) {
        retire_vni(d, vni);
    }
}

/* --- The verbs. */

static bool
is_draining(const struct vx_doing *d, uint64_t oid)
{
    const struct vx_ent *host = vx_model_ent_of(d->model, oid, VX_HOST);

    return host
           && ((const struct vx_host *) (const void *) host->obj)->draining;
}

static bool
check_revision(const struct vx_doing *d, struct vx_error *err)
{
    uint64_t wanted = d->op->if_match;

    if (!wanted) {
        return true;
    }
    if (!d->self) {
        return vx_fail(err, VX_PRECONDITION, "", "%s \"%.80s\" does not "
                       "exist, revision %ju of it was expected: read it "
                       "again", vx_kind_name(d->op->kind), d->name,
                       (uintmax_t) wanted);
    }
    return d->self->obj->revision == wanted
           || vx_fail(err, VX_PRECONDITION, "", "%s \"%.80s\" has revision "
                      "%ju, revision %ju was expected: read it again",
                      vx_kind_name(d->op->kind), d->name,
                      (uintmax_t) d->self->obj->revision,
                      (uintmax_t) wanted);
}

static struct vx_obj *
first_value(const struct vx_doing *d)
{
    struct vx_obj *new;

    if (d->self) {
        new = vx_obj_clone(d->self->obj);
        new->origin = d->op->origin;
        return new;
    }
    new = vx_obj_new(d->op->kind);
    new->oid = d->model->last_oid + 1;
    new->origin = d->op->origin;
    new->parent = d->parent ? d->parent->obj->oid : 0;
    vx_propose_string(&new->name, d->name);
    return new;
}

static bool
complete(const struct vx_doing *d, struct vx_obj *new, struct vx_error *err)
{
    struct vx_candidate c = {
        .model = d->model, .self = d->self, .parent = d->parent, .new = new,
    };

    if (!vx_propose(d, new, err)) {
        return false;
    }
    vx_propose_string(&new->description, d->op->description);
    vx_origin_make_room(d, new);
    return vx_validate_value(&c, err) && vx_validate_place(&c, err)
           && vx_propose_rest(d, new, err);
}

/* The tenant of a routed subnet or of a router network has a router: the
 * first one brings it, in the same operation. */
static bool
give_router(const struct vx_doing *d, const struct vx_obj *new,
            struct vx_error *err)
{
    const void *value = new;
    const struct vx_obj *old =
        new->kind == VX_SUBNET && ((const struct vx_subnet *) value)->route
        ? d->parent->parent->obj
        : new->kind == VX_NETWORK && vx_network_is_router(value)
        ? d->parent->obj : NULL;
    struct vx_tenant *tenant;
    uint32_t vni;

    if (!old
        || ((const struct vx_tenant *) (const void *) old)->router_vni) {
        return true;
    }
    if (!vx_alloc_router_vni(d->model, &vni, err)) {
        return false;
    }
    tenant = (void *) vx_obj_clone(old);
    tenant->router_vni = vni;
    vx_model_stage(d->model, old, &tenant->o);
    return true;
}

static bool
put(const struct vx_doing *d, struct vx_result *ret_result,
    struct vx_error *err)
{
    const struct vx_obj *old = d->self ? d->self->obj : NULL;
    struct vx_obj *new = first_value(d);

    if (new->kind == VX_NETWORK && !give_router(d, new, err)) {
        vx_obj_unref(new);
        return false;
    }
    if (!complete(d, new, err)) {
        vx_obj_unref(new);
        return false;
    }
    if (old && vx_obj_same(old, new)) {
        vx_obj_unref(new);
        *ret_result = (struct vx_result) { .obj = old };
        return true;
    }
    /* An operator's takes the place of a learned one as if there were
     * none. */
    if (old && d->op->if_none_match && old->origin == new->origin) {
        vx_obj_unref(new);
        return vx_fail(err, VX_EXISTS, "name", "%s \"%s\" already exists "
                       "with other values (revision %ju)",
                       vx_kind_name(old->kind), old->name,
                       (uintmax_t) old->revision);
    }
    if (!give_router(d, new, err)) {
        vx_obj_unref(new);
        return false;
    }
    vx_model_move(d, old, new);
    *ret_result = (struct vx_result) {
        .obj = new, .changed = true, .created = !old,
    };
    return true;
}

static void
set_location(const struct vx_doing *d, const struct vx_port *old,
             uint64_t host, struct vx_result *ret_result)
{
    struct vx_port *new = (void *) vx_obj_clone(&old->o);

    new->mobility += old->o.origin == VX_BY_OPERATOR && vx_port_location(old)
                     && vx_port_location(old) != host;
    new->located = host;
    vx_propose_left(d, old, new);
    vx_model_move(d, &old->o, &new->o);
    *ret_result = (struct vx_result) { .obj = &new->o, .changed = true };
}

/* Those that may be anywhere are nowhere from now on. */
static void
release_ports(const struct vx_doing *d)
{
    const struct vx_tree *ports =
        &((const struct vx_host_ent *) (const void *) d->self)->ports;

    while (ports->count) {
        const struct vx_port_ent *port =
            VX_CONTAINER(vx_tree_first(ports), struct vx_port_ent, by_host);
        struct vx_result result;

        set_location(d, (const void *) port->e.obj, 0, &result);
    }
}

static bool
delete(const struct vx_doing *d, struct vx_result *ret_result,
       struct vx_error *err)
{
    const struct vx_obj *old = d->self->obj;

    vx_origin_clear(d, d->self);
    if (!vx_validate_delete(d->model, d->self, d->op->force, err)) {
        return false;
    }
    if (old->kind == VX_HOST) {
        release_ports(d);
    }
    vx_model_move(d, old, NULL);
    *ret_result = (struct vx_result) { .obj = old, .changed = true };
    return true;
}

static bool
locate(const struct vx_doing *d, struct vx_result *ret_result,
       struct vx_error *err)
{
    const struct vx_port *old = (const void *) d->self->obj;
    const char *name = d->op->spec.port.host;
    uint64_t host = 0;

    if (name && !vx_propose_host_oid(d, name, &host, err)) {
        return false;
    }
    if (old->host || old->located == host || is_draining(d, host)) {
        *ret_result = (struct vx_result) { .obj = &old->o };
    } else {
        set_location(d, old, host, ret_result);
    }
    return true;
}

static bool
arrive(const struct vx_doing *d, struct vx_result *ret_result,
       struct vx_error *err)
{
    const struct vx_port *old = (const void *) d->self->obj;
    struct vx_port *new;
    uint64_t host = 0;

    if (!vx_propose_host_oid(d, d->op->spec.port.host, &host, err)) {
        return false;
    }
    if (!old->migrate_from || old->host != host) {
        *ret_result = (struct vx_result) { .obj = &old->o };
        return true;
    }
    new = (void *) vx_obj_clone(&old->o);
    new->migrate_from = 0;
    new->migrate_hold = false;
    vx_propose_left(d, old, new);
    new->mobility += old->o.origin == VX_BY_OPERATOR;
    vx_model_move(d, &old->o, &new->o);
    *ret_result = (struct vx_result) { .obj = &new->o, .changed = true };
    return true;
}

static bool
admit(const struct vx_doing *d, struct vx_result *ret_result)
{
    const struct vx_host *old = (const void *) d->self->obj;
    struct vx_host *new;

    if (!old->stranger) {
        *ret_result = (struct vx_result) { .obj = &old->o };
        return true;
    }
    new = (void *) vx_obj_clone(&old->o);
    new->stranger = false;
    vx_model_move(d, &old->o, &new->o);
    *ret_result = (struct vx_result) { .obj = &new->o, .changed = true };
    return true;
}

bool
vx_model_apply_op(struct vx_model *model, const struct vx_op *op,
                  int64_t now_ms, struct vx_result *ret_result,
                  struct vx_error *err)
{
    struct vx_doing d = { .model = model, .op = op, .now_ms = now_ms };
    bool yields = false;

    if (model->last_oid >= VX_OID_MAX - 1) {
        return vx_fail(err, VX_EXHAUSTED, "", "all object ids are used up");
    }
    if (!vx_validate_op(op, err)
        || !vx_model_resolve(model, op->kind, &op->key, &d.parent, err)) {
        return false;
    }
    d.name = vx_model_canonical(op->kind, op->key.name, d.cidr);
    d.self = vx_ent_by_name(vx_model_names(model, op->kind, d.parent),
                            d.name);
    if (!d.self && op->type != VX_OP_PUT) {
        vx_model_find(model, op->kind, &op->key, err);
        return false;
    }
    if (!check_revision(&d, err) || !vx_origin_allows(&d, &yields, err)) {
        return false;
    }
    if (yields) {
        *ret_result = (struct vx_result) { .obj = d.self->obj };
        return true;
    }
    switch (op->type) {
    case VX_OP_PUT:
        return put(&d, ret_result, err);
    case VX_OP_LOCATE:
        return locate(&d, ret_result, err);
    case VX_OP_ADMIT:
        return admit(&d, ret_result);
    case VX_OP_ARRIVE:
        return arrive(&d, ret_result, err);
    case VX_OP_DELETE:
    case VX_OP_RELEASE:
    default:
        return delete(&d, ret_result, err);
    }
}
