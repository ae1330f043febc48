/* SPDX-License-Identifier: Apache-2.0 */
/* What a host says about itself: read from its external_ids, remembered as
 * it was when it joined, and held against what is on record of the others.
 *
 * Hosts may change addresses in any order, or swap them: an address on
 * record for a host that itself says another one by now is free.  What the
 * host says counts only on the connection that is attached to it, or, while
 * none is, on the newest that gives its name and system-id: a host that is
 * away is never assumed to have moved. */
#include "daemon/hosts_priv.h"

#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"
#include "ovs-glue/bootstrap.h"
#include "ovs-glue/ovsdb_session.h"

static const char *
id_of(const struct link *link, const char *key)
{
    return og_view_external_id(og_ovsdb_session_view(link->session), key);
}

const char *
vx_link_datapath(const struct link *link)
{
    const char *s = id_of(link, OG_ID_DATAPATH);

    return !strcmp(s, "netdev") ? s : "system";
}

const char *
vx_link_system_id(const struct link *link)
{
    return id_of(link, OG_ID_SYSTEM);
}

/* The view may keep one answer per key at a time, so one is read after the
 * other. */
static char *
identity(const struct link *link)
{
    static const char *const keys[] = {
        OG_ID_NAME, OG_ID_SYSTEM, OG_ID_ZONE, OG_ID_VTEP, OG_ID_MTU,
        OG_ID_DATAPATH,
    };
    char *all = vx_xstrdup("");

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char *longer = vx_xasprintf("%s%s\n", all, id_of(link, keys[i]));

        free(all);
        all = longer;
    }
    return all;
}

void
vx_link_note_identity(struct link *link)
{
    free(link->identity);
    link->identity = identity(link);
}

bool
vx_link_has_identity(const struct link *link)
{
    char *now = identity(link);
    bool same = link->identity && !strcmp(link->identity, now);

    free(now);
    return same;
}

bool
vx_link_read_identity(const struct link *link, struct vx_op *op,
                      struct vx_error *err)
{
    struct vx_host_spec *spec = &op->spec.host;
    const char *vtep = id_of(link, OG_ID_VTEP);
    const char *mtu = id_of(link, OG_ID_MTU);
    const struct vx_model *model = link->owner->env.model;
    const struct vx_host *known;

    memset(op, 0, sizeof *op);
    op->type = VX_OP_PUT;
    op->kind = VX_HOST;
    op->key.name = id_of(link, OG_ID_NAME);
    spec->zone = id_of(link, OG_ID_ZONE);
    spec->system_id = id_of(link, OG_ID_SYSTEM);
    spec->datapath = vx_link_datapath(link);
    spec->keep = VX_KEEP_DRAINING;
    if (!op->key.name[0] || !spec->zone[0] || !spec->system_id[0]
        || !vx_ip_parse(vtep, &spec->vtep)) {
        return vx_fail(err, VX_INVALID, "", "external_ids lack a valid %s; "
                       "run \"netctl host join\" on the host",
                       !op->key.name[0] ? OG_ID_NAME : !spec->zone[0]
                       ? OG_ID_ZONE : !spec->system_id[0] ? OG_ID_SYSTEM
                       : OG_ID_VTEP);
    }
    spec->mtu = (uint16_t) (strlen(mtu) < 6 && atoi(mtu) <= UINT16_MAX
                            ? atoi(mtu) : 0);
    known = (const struct vx_host *) vx_model_find(model, VX_HOST, &op->key,
                                                   NULL);
    if (known && known->system_id[0]
        && strcmp(known->system_id, spec->system_id)) {
        return vx_fail(err, VX_EXISTS, "system_id", "host \"%s\" is known "
                       "with system-id %s, this one has %s; choose another "
                       "--name, or \"netctl host reset %s\" first if it was "
                       "re-installed", op->key.name, known->system_id,
                       spec->system_id, op->key.name);
    }
    op->description = known ? known->o.description : NULL;
    return true;
}

static bool
says_to_be(const struct link *link, const struct vx_host *host)
{
    return !strcmp(id_of(link, OG_ID_NAME), host->o.name)
           && !strcmp(id_of(link, OG_ID_SYSTEM), host->system_id);
}

/* By its own words the host has another address than the one on record. */
static bool
has_moved(const struct vx_hosts *hosts, const struct vx_host *obj)
{
    const struct host *host = vx_hosts_find(hosts, obj->o.oid);
    const struct link *link = host ? host->link : NULL;
    struct vx_ip vtep;

    if (!link) {                /* the newest: others may be half-open */
        link = hosts->links;
        while (link && (!link->identity || !says_to_be(link, obj))) {
            link = link->next;
        }
    }
    return link && vx_ip_parse(id_of(link, OG_ID_VTEP), &vtep)
           && vx_ip_compare(&vtep, &obj->vtep);
}

bool
vx_link_free_vtep(const struct link *link, const struct vx_ip *vtep,
                  struct vx_op *ret_op)
{
    const struct vx_model *model = link->owner->env.model;
    const struct vx_host *holder = vx_model_by_vtep(model, vtep);
    const struct vx_obj *zone = holder ? vx_model_by_oid(model, holder->zone)
                                : NULL;

    if (!zone || !strcmp(holder->o.name, id_of(link, OG_ID_NAME))
        || !has_moved(link->owner, holder)) {
        return false;
    }
    *ret_op = (struct vx_op) {
        .type = VX_OP_PUT, .kind = VX_HOST, .key.name = holder->o.name,
        .description = holder->o.description,
        .if_match = holder->o.revision,
        .spec.host = {
            .zone = zone->name, .keep = ~(unsigned) VX_KEEP_VTEP,
        },
    };
    return true;
}
