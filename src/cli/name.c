/* SPDX-License-Identifier: Apache-2.0 */
/* Names on the command line and in paths; see name.h. Pure. */
#include "cli/name.h"

#include <stdlib.h>
#include <string.h>

#include "api/codec.h"
#include "lib/xalloc.h"

void
vx_cli_escape(struct vx_buf *buf, const char *s)
{
    vx_codec_escape(buf, s);
}

/* Cuts text at slashes into at most max parts; the last takes the rest. */
static bool
split(const char *text, size_t max, struct vx_cli_name *name)
{
    while (name->n_parts < max) {
        const char *slash = name->n_parts + 1 < max ? strchr(text, '/')
                                                    : NULL;
        size_t length = slash ? (size_t) (slash - text) : strlen(text);

        if (!length) {
            return false;
        }
        name->parts[name->n_parts++] = vx_xstrndup(text, length);
        if (!slash) {
            return true;
        }
        text = slash + 1;
    }
    return false;
}

static bool
bad_name(const struct vx_cli_kind *kind, const char *what, const char *word,
         struct vx_error *err)
{
    return vx_fail(err, VX_INVALID, "name",
                   "\"%.100s\" is not %s a %s: it is %s", word, what,
                   kind->name, kind->metavar);
}

bool
vx_cli_name_parse(const struct vx_cli_kind *kind, const char *const *words,
                  size_t n_words, struct vx_cli_name *ret_name,
                  struct vx_error *err)
{
    bool is_flat = kind->flat && n_words == 1 && !strchr(words[0], '/');
    struct vx_cli_name name = { .kind = is_flat ? kind->flat : kind };
    size_t depth = vx_cli_kind_depth(name.kind);
    bool good = split(words[0], n_words > 1 ? depth - 1 : depth, &name);

    if (good && n_words > 1) {
        good = name.n_parts == depth - 1 && words[1][0];
        if (good) {
            name.parts[name.n_parts++] = vx_xstrdup(words[1]);
        }
    }
    /* Only the last part of a subnet or route, a prefix, has a slash of its
     * own. */
    good = good && name.n_parts == depth &&
           (kind->has_slash || !strchr(name.parts[depth - 1], '/'));
    if (!good) {
        vx_cli_name_fini(&name);
        return bad_name(kind, "the name of", words[0], err);
    }
    *ret_name = name;
    return true;
}

bool
vx_cli_scope_parse(const struct vx_cli_kind *kind, const char *word,
                   struct vx_cli_name *ret_name, struct vx_error *err)
{
    struct vx_cli_name name = { .kind = kind };
    size_t depth = vx_cli_kind_depth(kind);

    if (*word && (depth < 2 || !split(word, depth - 1, &name) ||
                  strchr(name.parts[name.n_parts - 1], '/'))) {
        vx_cli_name_fini(&name);
        return bad_name(kind, "the start of the name of", word, err);
    }
    *ret_name = name;
    return true;
}

bool
vx_cli_name_from_path(const char *path, struct vx_cli_name *ret_name)
{
    struct vx_codec_path parsed;
    struct vx_cli_name name = { .kind = NULL };
    const struct vx_key *key = &parsed.key;

    if (!vx_codec_path_parse(path, &parsed, NULL) || parsed.list) {
        return false;
    }
    name.kind = vx_cli_kind_find(vx_kind_name(parsed.kind));
    if (!name.kind) {
        return false;
    }
    if (key->tenant) {
        name.parts[name.n_parts++] = vx_xstrdup(key->tenant);
    }
    if (key->network) {
        name.parts[name.n_parts++] = vx_xstrdup(key->network);
    }
    name.parts[name.n_parts++] = vx_xstrdup(key->name);
    *ret_name = name;
    return true;
}

void
vx_cli_name_fini(struct vx_cli_name *name)
{
    for (size_t i = 0; i < VX_CLI_NAME_PARTS; i++) {
        free(name->parts[i]);
        name->parts[i] = NULL;
    }
    name->n_parts = 0;
}

void
vx_cli_name_path(struct vx_buf *buf, const struct vx_cli_name *name)
{
    static const char *const above[] = { "/tenants/", "/networks/" };
    size_t depth = vx_cli_kind_depth(name->kind);

    vx_buf_puts(buf, "/v1");
    for (size_t i = 0; i + 1 < depth && i < name->n_parts; i++) {
        vx_buf_puts(buf, above[i]);
        vx_cli_escape(buf, name->parts[i]);
    }
    vx_buf_printf(buf, "/%s", name->kind->plural);
    if (name->n_parts == depth) {
        vx_buf_puts(buf, "/");
        vx_cli_escape(buf, name->parts[depth - 1]);
    }
}

void
vx_cli_name_text(struct vx_buf *buf, const struct vx_cli_name *name)
{
    for (size_t i = 0; i < name->n_parts; i++) {
        vx_buf_puts(buf, i ? "/" : "");
        vx_buf_puts(buf, name->parts[i]);
    }
}
