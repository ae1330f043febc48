/* SPDX-License-Identifier: Apache-2.0 */
/* Full names of objects: as typed (acme/web/vm1), as told back, and as a
 * path of the API (/v1/tenants/acme/networks/web/ports/vm1). Whether a part
 * is a good name is for the controller to say; here it only may not be
 * empty. */
#ifndef VX_CLI_NAME_H
#define VX_CLI_NAME_H 1

#include <stdbool.h>
#include <stddef.h>

#include "cli/table.h"
#include "lib/buf.h"
#include "lib/err.h"

enum { VX_CLI_NAME_PARTS = 3 };

struct vx_cli_name {
    const struct vx_cli_kind *kind;
    char *parts[VX_CLI_NAME_PARTS];     /* owned; NULL beyond n_parts */
    size_t n_parts;
};

/* The name of an object from the words of the command line. The CIDR of a
 * subnet may be a word of its own or the end of the first. The kind of the
 * name may be kind->flat. */
bool vx_cli_name_parse(const struct vx_cli_kind *kind,
                       const char *const *words, size_t n_words,
                       struct vx_cli_name *ret_name, struct vx_error *err);
/* What a list is limited to: "", "acme" or "acme/web", at most one part less
 * than a full name. */
bool vx_cli_scope_parse(const struct vx_cli_kind *kind, const char *word,
                        struct vx_cli_name *ret_name, struct vx_error *err);
/* From a path of the API, as the watch stream and batches have them. */
bool vx_cli_name_from_path(const char *path, struct vx_cli_name *ret_name);
void vx_cli_name_fini(struct vx_cli_name *name);

/* Appends the path of the object, or of the list where parts are missing. */
void vx_cli_name_path(struct vx_buf *buf, const struct vx_cli_name *name);
/* Appends "acme/web/vm1". */
void vx_cli_name_text(struct vx_buf *buf, const struct vx_cli_name *name);
/* Appends s percent-encoded, all but RFC 3986 unreserved. */
void vx_cli_escape(struct vx_buf *buf, const char *s);

#endif
