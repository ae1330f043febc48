/* SPDX-License-Identifier: Apache-2.0 */
/* What is in hooks.d, and whether it may be run.
 *
 *     HOOKS_DIR/host-active/10-inventory      executable: a hook
 *     HOOKS_DIR/host-active/README            not executable: not a hook
 *
 * Names as run-parts(8) takes them, letters, digits, _ - and . inside; what
 * packages and editors leave behind (.dpkg-old, ~) is no hook.  Whoever can
 * write a hook or a folder above it is the controller: what others than root
 * and the controller's user may write is refused. */
#ifndef VX_DAEMON_HOOK_DIR_H
#define VX_DAEMON_HOOK_DIR_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

enum { VX_HOOK_DIR_MAX = 64, VX_HOOK_NAME_MAX = 128 };

struct vx_hook_file {
    char *name;                 /* "10-inventory" */
    bool executable;
    char *refused;              /* why it may not be run, NULL if it may */
};
struct vx_hook_files {
    struct vx_hook_file *items; /* by name */
    size_t n;
    char *refused;              /* the folder: why, NULL if it may be used */
};

/* No folder is an empty list.  Blocks for one readdir and a stat per file of
 * a local folder. */
void vx_hook_dir_scan(const char *hooks_dir, const char *event,
                      struct vx_hook_files *ret_files);
void vx_hook_files_fini(struct vx_hook_files *files);

/* Whether HOOKS_DIR/EVENT/NAME may be run now: VX_NOT_FOUND if it is not
 * there or not executable any more, VX_FORBIDDEN if it may not. */
bool vx_hook_dir_check(const char *hooks_dir, const char *hook,
                       struct vx_error *err);

#endif
