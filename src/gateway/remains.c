/* SPDX-License-Identifier: Apache-2.0 */
/* See remains.h. */
#include "gateway/remains.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/kernel.h"
#include "lib/log.h"
#include "lib/xalloc.h"

struct vrf {
    struct vx_tree_node by_vni;
    struct vx_gw_remains *remains;
    uint32_t vni;
    bool is_none;               /* as the last answers say */
    bool is_told;               /* that routes are left */
    bool is_let_go;
    struct vx_gw_vty *zebra;
    bool is_stale;              /* what is pending was asked before */
    bool is_forgotten;          /* goes with its last answer */
    unsigned n_pending;
    long n_routes;              /* in the answers so far; -1 = not known */
    long n_of_kernel;
    long n_before;              /* in those to the question before */
};

static int
compare(const void *vni, const struct vx_tree_node *node)
{
    uint32_t a = *(const uint32_t *) vni;
    uint32_t b = VX_CONTAINER(node, struct vrf, by_vni)->vni;

    return a < b ? -1 : a > b;
}

void
vx_gw_remains_init(struct vx_gw_remains *remains, vx_gw_remains_drop *drop,
                   void *aux)
{
    vx_tree_init(&remains->vrfs, compare);
    remains->drop = drop;
    remains->aux = aux;
}

static struct vrf *
find(struct vx_gw_remains *remains, uint32_t vni)
{
    struct vx_tree_node *node = vx_tree_find(&remains->vrfs, &vni);

    return node ? VX_CONTAINER(node, struct vrf, by_vni) : NULL;
}

static bool
is_of_kernel(const cJSON *type)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(type, "type");

    return cJSON_IsString(name) && !strcmp(name->valuestring, "kernel");
}

long
vx_gw_remains_count(const char *answer, bool of_kernel)
{
    cJSON *json = cJSON_Parse(answer);
    const cJSON *types = cJSON_GetObjectItemCaseSensitive(json, "routes");
    const cJSON *type;
    long n = cJSON_IsArray(types) ? 0 : -1;

    cJSON_ArrayForEach (type, types) {
        const cJSON *rib = cJSON_GetObjectItemCaseSensitive(type, "rib");
        bool is_number = cJSON_IsNumber(rib) && rib->valuedouble >= 0
                         && rib->valuedouble < 1e9;

        if (n < 0 || !is_number) {
            n = -1;
        } else if (is_of_kernel(type) == of_kernel) {
            n += (long) rib->valuedouble;
        }
    }
    cJSON_Delete(json);
    return n;
}

/* "K>* 10.1.0.0/16 ..."; "K   ..." is not used. */
long
vx_gw_remains_used(const char *answer)
{
    long n = 0;

    while (*answer) {
        n += answer[0] == 'K' && answer[1] == '>';
        answer += strcspn(answer, "\n");
        answer += *answer == '\n';
    }
    return n;
}

static void
vrf_free(struct vrf *vrf)
{
    vx_tree_remove(&vrf->remains->vrfs, &vrf->by_vni);
    free(vrf);
}

static void
tell(struct vrf *vrf)
{
    if (vrf->n_routes > 0 && !vrf->is_told) {
        vrf->is_told = true;
        vx_log_warn("node", "VRF vx%u is empty, and zebra has %ld routes in "
                    "it: it stays until they are gone", (unsigned) vrf->vni,
                    vrf->n_routes);
    }
}

static void
ask(struct vrf *vrf, const char *which, vx_gw_vty_done *done)
{
    static const char *const families[] = { "ip", "ipv6" };
    char command[80], name[VX_GW_IFNAME_SIZE];

    for (int i = 0; i < 2; i++) {
        snprintf(command, sizeof command, "show %s route vrf %s %s",
                 families[i], vx_gw_vrf_name(vrf->vni, name), which);
        vrf->n_pending++;
        vx_gw_vty_ask(vrf->zebra, command, done, vrf);
    }
}

/* False: it goes with its last answer. */
static bool
is_last(struct vrf *vrf)
{
    if (--vrf->n_pending) {
        return false;
    }
    if (vrf->is_forgotten) {
        vrf_free(vrf);
        return false;
    }
    return true;
}

/* "B>* 10.1.0.0/16 [20/0] via ..."; what is not of BGP begins otherwise. */
static void
drop_line(const struct vrf *vrf, const char *line, size_t length)
{
    const struct vx_gw_remains *remains = vrf->remains;
    char text[VX_PREFIX_STRLEN], name[VX_GW_IFNAME_SIZE];
    const char *at = memchr(line, ' ', length);
    const char *end = line + length;
    struct vx_prefix prefix;
    size_t n;

    while (at && at < end && *at == ' ') {
        at++;
    }
    n = at ? strcspn(at, " \n") : 0;
    if (length < 2 || *line != 'B' || !n || n >= sizeof text
        || at + n > end) {
        return;
    }
    memcpy(text, at, n);
    text[n] = '\0';
    if (vx_prefix_parse(text, &prefix)) {
        remains->drop(remains->aux, vx_gw_vrf_name(vrf->vni, name), &prefix);
    }
}

static void
listed(void *vrf_, bool ok, const char *text, const struct vx_error *err)
{
    struct vrf *vrf = vrf_;

    (void) err;
    while (ok && *text && !vrf->is_forgotten && !vrf->is_stale) {
        size_t n = strcspn(text, "\n");

        drop_line(vrf, text, n);
        text += n + (text[n] != '\0');
    }
    is_last(vrf);
}

/* All has been asked and answered. */
static void
finish(struct vrf *vrf)
{
    vrf->is_none = vrf->n_routes == 0;
    tell(vrf);
    if (vrf->n_routes > 0 && vrf->n_routes == vrf->n_before
        && vrf->is_let_go) {
        ask(vrf, "bgp", listed);
    }
    vrf->n_before = vrf->n_routes;
}

static void
add(long *to, long n)
{
    *to = *to < 0 || n < 0 ? -1 : *to + n;
}

static void
looked(void *vrf_, bool ok, const char *text, const struct vx_error *err)
{
    struct vrf *vrf = vrf_;

    add(&vrf->n_routes, ok ? vx_gw_remains_used(text)
                        : err->code == VX_INVALID ? 0 : -1);
    if (is_last(vrf) && !vrf->is_stale) {
        finish(vrf);
    }
}

static void
answered(void *vrf_, bool ok, const char *text, const struct vx_error *err)
{
    struct vrf *vrf = vrf_;
    /* It refuses the name of a VRF that it does not have. */
    long none = !ok && err->code == VX_INVALID ? 0 : -1;

    add(&vrf->n_routes, ok ? vx_gw_remains_count(text, false) : none);
    add(&vrf->n_of_kernel, ok ? vx_gw_remains_count(text, true) : none);
    if (!is_last(vrf) || vrf->is_stale) {
        return;
    }
    if (!vrf->n_routes && vrf->n_of_kernel > 0) {
        ask(vrf, "kernel", looked);
    } else {
        finish(vrf);
    }
}

bool
vx_gw_remains_none(struct vx_gw_remains *remains, struct vx_gw_vty *zebra,
                   const struct vx_gw_remains_question *question)
{
    struct vrf *vrf = find(remains, question->vni);
    bool is_none;

    if (!vrf) {
        vrf = vx_xcalloc(1, sizeof *vrf);
        vrf->remains = remains;
        vrf->zebra = zebra;
        vrf->vni = question->vni;
        vx_tree_insert(&remains->vrfs, &vrf->vni, &vrf->by_vni);
    }
    vrf->is_forgotten = false;
    vrf->is_let_go = question->is_let_go;
    if (question->first) {
        vrf->is_none = vrf->is_told = false;
        vrf->is_stale = true;
        vrf->n_before = 0;
    }
    is_none = vrf->is_none;
    vrf->is_none = false;
    if (vx_gw_vty_is_gone(zebra)) {
        return true;
    }
    if (!vrf->n_pending) {
        vrf->n_routes = vrf->n_of_kernel = 0;
        vrf->is_stale = false;
        ask(vrf, "summary json", answered);
    }
    return is_none;
}

void
vx_gw_remains_forget(struct vx_gw_remains *remains, uint32_t vni)
{
    struct vrf *vrf = find(remains, vni);

    if (vrf && vrf->n_pending) {
        vrf->is_forgotten = true;
    } else if (vrf) {
        vrf_free(vrf);
    }
}

void
vx_gw_remains_fini(struct vx_gw_remains *remains)
{
    while (remains->vrfs.root) {
        vrf_free(VX_CONTAINER(vx_tree_first(&remains->vrfs), struct vrf,
                              by_vni));
    }
}
