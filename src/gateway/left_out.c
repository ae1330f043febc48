/* SPDX-License-Identifier: Apache-2.0 */
/* See left_out.h. */
#include "gateway/left_out.h"

#include <stdlib.h>
#include <string.h>

#include "api/codec.h"
#include "gateway/learned.h"
#include "lib/tree.h"
#include "lib/xalloc.h"

/* Who is told first. */
enum rank {
    REFUSED,                    /* EVPN, FlowSpec: meant for a tenant here */
    REFUSED_VPN,                /* never used; there may be many */
    NOBODYS,                    /* no tenant here imports it */
    OWN,                        /* of a host of this fabric: no news */
    N_RANKS
};

enum { PATH_MAX_SHOWN = 120 };

struct path {
    struct vx_tree_node node;
    char *text;                 /* JSON */
    size_t size;
    uint8_t source[];
};

struct vx_gw_left_out {
    struct vx_tree ranks[N_RANKS];
    uint64_t n_more;            /* not kept */
};

struct source {
    const void *bytes;
    size_t size;
};

static int
compare(const void *key_, const struct vx_tree_node *node)
{
    const struct source *key = key_;
    const struct path *path = VX_CONTAINER(node, struct path, node);
    size_t size = key->size < path->size ? key->size : path->size;
    int c = memcmp(key->bytes, path->source, size);

    return c ? c : (key->size > path->size) - (key->size < path->size);
}

struct vx_gw_left_out *
vx_gw_left_out_new(void)
{
    struct vx_gw_left_out *left_out = vx_xcalloc(1, sizeof *left_out);

    for (int i = 0; i < N_RANKS; i++) {
        vx_tree_init(&left_out->ranks[i], compare);
    }
    return left_out;
}

static void
drop(struct vx_tree *rank, struct vx_tree_node *node)
{
    struct path *path = VX_CONTAINER(node, struct path, node);

    vx_tree_remove(rank, node);
    free(path->text);
    free(path);
}

void
vx_gw_left_out_clear(struct vx_gw_left_out *left_out)
{
    for (int i = 0; i < N_RANKS; i++) {
        VX_TREE_FOR_EACH_SAFE(node, next, &left_out->ranks[i]) {
            drop(&left_out->ranks[i], node);
        }
    }
    left_out->n_more = 0;
}

void
vx_gw_left_out_free(struct vx_gw_left_out *left_out)
{
    if (left_out) {
        vx_gw_left_out_clear(left_out);
        free(left_out);
    }
}

static bool
is_vpn(const struct bg_nlri *nlri)
{
    return nlri->family == BG_VPNV4 || nlri->family == BG_VPNV6;
}

static enum rank
rank_of(const struct bg_nlri *nlri, const struct vx_error *why)
{
    return why->code == VX_EXISTS ? OWN
           : is_vpn(nlri) ? REFUSED_VPN
           : why->code == VX_NOT_FOUND ? NOBODYS : REFUSED;
}

static const char *
type_of(const struct bg_nlri *nlri)
{
    if (nlri->family == BG_FLOW4 || nlri->family == BG_FLOW6) {
        return "flowspec";
    }
    return nlri->family != BG_EVPN ? "route"
           : nlri->evpn.type == BG_EVPN_PREFIX ? "route5"
           : nlri->evpn.type == BG_EVPN_MAC ? "endpoint" : "vtep";
}

static char *
text_of(const struct vx_gw_left_out_path *path, const struct vx_error *why)
{
    struct vx_buf out = VX_BUF_INIT;
    char text[BG_NLRI_STRLEN];

    bg_nlri_format(path->nlri, text);
    text[PATH_MAX_SHOWN] = '\0';
    vx_buf_printf(&out, "{\"type\":\"%s\",\"tenants\":[",
                  type_of(path->nlri));
    vx_gw_whose(path->entries, path->nlri, path->attrs, &out);
    vx_buf_puts(&out, "],\"path\":");
    vx_json_string(&out, text);
    vx_buf_puts(&out, ",\"why\":");
    vx_json_string(&out, why->message);
    vx_buf_puts(&out, "}");
    return vx_buf_steal(&out);
}

void
vx_gw_left_out_set(struct vx_gw_left_out *left_out, const void *source,
                   size_t size, const struct vx_gw_left_out_path *from,
                   const struct vx_error *why)
{
    struct vx_tree *rank = &left_out->ranks[rank_of(from->nlri, why)];
    const struct source key = { source, size };
    struct path *path;

    vx_gw_left_out_unset(left_out, source, size);
    if (rank->count >= VX_GW_LEFT_OUT_KEPT) {
        left_out->n_more++;
        return;
    }
    path = vx_xcalloc(1, sizeof *path + size);
    path->size = size;
    memcpy(path->source, source, size);
    path->text = text_of(from, why);
    vx_tree_insert(rank, &key, &path->node);
}

void
vx_gw_left_out_unset(struct vx_gw_left_out *left_out, const void *source,
                     size_t size)
{
    const struct source key = { source, size };

    for (int i = 0; i < N_RANKS; i++) {
        struct vx_tree_node *node = vx_tree_find(&left_out->ranks[i], &key);

        if (node) {
            drop(&left_out->ranks[i], node);
        }
    }
}

uint64_t
vx_gw_left_out_count(const struct vx_gw_left_out *left_out)
{
    uint64_t n = left_out->n_more;

    for (int i = 0; i < N_RANKS; i++) {
        n += left_out->ranks[i].count;
    }
    return n;
}

void
vx_gw_left_out_put(const struct vx_gw_left_out *left_out, struct vx_buf *out)
{
    int n = 0;

    for (int i = 0; i < OWN; i++) {
        VX_TREE_FOR_EACH(node, &left_out->ranks[i]) {
            if (n == VX_GW_LEFT_OUT_TOLD) {
                return;
            }
            vx_buf_printf(out, "%s%s", n++ ? "," : "",
                          VX_CONTAINER(node, struct path, node)->text);
        }
    }
}
