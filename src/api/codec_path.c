/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of objects and collections.  A path is split at '/' first and
 * decoded after, so an escaped slash is part of a name. */
#include "api/codec.h"

#include <string.h>

enum { MAX_SEGMENTS = 9 };

struct collection {
    const char *name;
    enum vx_kind kind;
};

static const struct collection roots[] = {
    { "zones", VX_ZONE }, { "hosts", VX_HOST }, { "tenants", VX_TENANT },
    { "networks", VX_NETWORK }, { "subnets", VX_SUBNET },
    { "ports", VX_PORT }, { "routes", VX_ROUTE },
    { "policies", VX_POLICY }, { "gateways", VX_GATEWAY },
    { "peerings", VX_UPLINK }, { "tenant-peerings", VX_PEERING },
    { NULL, VX_NONE },
};
static const struct collection in_tenant[] = {
    { "networks", VX_NETWORK }, { "subnets", VX_SUBNET },
    { "ports", VX_PORT }, { "routes", VX_ROUTE },
    { "policies", VX_POLICY }, { "peerings", VX_PEERING },
    { NULL, VX_NONE },
};
static const struct collection in_network[] = {
    { "subnets", VX_SUBNET }, { "ports", VX_PORT }, { NULL, VX_NONE },
};

static enum vx_kind
lookup(const struct collection *collections, const char *name)
{
    for (; collections->name; collections++) {
        if (!strcmp(collections->name, name)) {
            return collections->kind;
        }
    }
    return VX_NONE;
}

static int
hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Decodes one segment to *to, which moves past its NUL. */
static bool
decode(const char *from, size_t size, char **to, struct vx_error *err)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char) from[i];
        if (c == '%') {
            int high = i + 2 < size ? hex(from[i + 1]) : -1;
            int low = high < 0 ? -1 : hex(from[i + 2]);
            if (low < 0) {
                return vx_fail(err, VX_INVALID, "path",
                               "'%%' in a path is followed by two "
                               "hexadecimal digits; write %%25 for a '%%'");
            }
            c = (unsigned char) (high << 4 | low);
            i += 2;
        }
        if (c < 0x20 || c == 0x7f) {
            return vx_fail(err, VX_INVALID, "path",
                           "control characters are not allowed in a path");
        }
        *(*to)++ = (char) c;
    }
    *(*to)++ = '\0';
    return true;
}

static bool
no_route(const char *path, struct vx_error *err)
{
    return vx_fail(err, VX_NOT_FOUND, "path",
                   "there is no %.200s; GET /v1 lists what there is", path);
}

/* Splits and decodes; *ret_n segments without "v1". */
static bool
split(const char *path, char *buf, char *segments[MAX_SEGMENTS],
      size_t *ret_n, struct vx_error *err)
{
    const char *p = path;
    size_t n = 0;

    if (strlen(path) >= VX_API_PATH_MAX) {
        return vx_fail(err, VX_INVALID, "path",
                       "the path is longer than %d bytes",
                       VX_API_PATH_MAX - 1);
    }
    if (strncmp(p, "/v1/", 4)) {
        return no_route(path, err);
    }
    p += 4;
    while (*p) {
        size_t size = strcspn(p, "/");
        if (!size || n == MAX_SEGMENTS) {
            return no_route(path, err);
        }
        segments[n++] = buf;
        if (!decode(p, size, &buf, err)) {
            return false;
        }
        p += size;
        p += *p == '/';
    }
    *ret_n = n;
    return n || no_route(path, err);
}

/* What the segments from number i on mean: nothing (the list), one name, or
 * the two halves of a CIDR. */
static bool
finish(struct vx_codec_path *path, char **segments, size_t i, size_t n)
{
    path->list = i == n;
    if (path->list) {
        return true;
    }
    path->key.name = segments[i];
    if ((path->kind == VX_SUBNET || path->kind == VX_ROUTE) && n == i + 2
        && !strchr(segments[i], '/')) {
        /* The halves lie side by side in buf, a NUL between them. */
        segments[i][strlen(segments[i])] = '/';
        return true;
    }
    return n == i + 1;
}

bool
vx_codec_path_parse(const char *path, struct vx_codec_path *ret_path,
                    struct vx_error *err)
{
    struct vx_codec_path *r = ret_path;
    char *segments[MAX_SEGMENTS];
    size_t n = 0, i = 1;

    memset(r, 0, sizeof *r);
    if (!split(path, r->buf, segments, &n, err)) {
        return false;
    }
    r->kind = lookup(roots, segments[0]);
    if (r->kind == VX_TENANT && n > 2) {
        r->kind = lookup(in_tenant, segments[2]);
        r->key.tenant = segments[1];
        i = 3;
        if (r->kind == VX_NETWORK && n > 4) {
            r->kind = lookup(in_network, segments[4]);
            r->key.network = segments[3];
            i = 5;
        }
    }
    if (r->kind == VX_NONE || !finish(r, segments, i, n)) {
        return no_route(path, err);
    }
    bool below = r->kind == VX_NETWORK || r->kind == VX_ROUTE
                 || r->kind == VX_POLICY || r->kind == VX_PEERING
                     ? r->key.tenant != NULL
                 : r->kind == VX_SUBNET || r->kind == VX_PORT
                     ? r->key.network != NULL
                     : true;
    /* One object is reached by its full path only. */
    return r->list || below || no_route(path, err);
}

void
vx_codec_escape(struct vx_buf *buf, const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char) *s;
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
            || (c >= 'A' && c <= 'Z') || strchr("-._~", c)) {
            vx_buf_put(buf, s, 1);
        } else {
            vx_buf_printf(buf, "%%%02X", c);
        }
    }
}

static void
add(struct vx_buf *buf, const char *collection, const char *name)
{
    vx_buf_put(buf, "/", 1);
    vx_buf_puts(buf, collection);
    if (name) {
        vx_buf_put(buf, "/", 1);
        vx_codec_escape(buf, name);
    }
}

const char *
vx_codec_path_format(enum vx_kind kind, const struct vx_key *key,
                     char buf[VX_API_PATH_MAX])
{
    struct vx_buf b = VX_BUF_INIT;

    vx_buf_puts(&b, "/v1");
    if (key->tenant) {
        add(&b, "tenants", key->tenant);
    }
    if (key->network) {
        add(&b, "networks", key->network);
    }
    add(&b, vx_kind_plural(kind), key->name);
    size_t size = b.size < VX_API_PATH_MAX ? b.size : VX_API_PATH_MAX - 1;
    memcpy(buf, b.data, size);
    buf[size] = '\0';
    vx_buf_fini(&b);
    return buf;
}
