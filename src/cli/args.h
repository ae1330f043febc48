/* SPDX-License-Identifier: Apache-2.0 */
/* The command line against the command table. Options may stand anywhere,
 * as --key value, --key=value, -k value or -kvalue; `--` ends them. Nothing
 * is copied: strings belong to argv. */
#ifndef VX_CLI_ARGS_H
#define VX_CLI_ARGS_H 1

#include <stdbool.h>
#include <stddef.h>

#include "cli/table.h"
#include "lib/err.h"

struct vx_cli_value {
    const struct vx_cli_opt *opt;
    const char *text;           /* NULL for a flag or --wait alone */
};

struct vx_cli_args {
    const char **words;         /* positional, after the command's name */
    size_t n_words;
    struct vx_cli_value *values;    /* options in the order given */
    size_t n_values;
    size_t cap_words, cap_values;

    /* Global options. */
    const char *server, *output, *timeout;  /* NULL = not given */
    bool help, version;

    const struct vx_cli_command *command;   /* NULL if none was named */
    const char *object;         /* what was named as object, NULL = nothing */
    const struct vx_cli_opt *waiting;   /* the line ended where this one
                                         * wants its value */
};

/* On failure err (VX_INVALID) says what is wrong and what may have been
 * meant; args is valid then, too: for --help and for fini. */
bool vx_cli_args_parse(int argc, char **argv, struct vx_cli_args *args,
                       struct vx_error *err);
void vx_cli_args_fini(struct vx_cli_args *args);

/* True if the option was given. */
bool vx_cli_args_has(const struct vx_cli_args *args, const char *name);
/* The last value given, NULL if none. */
const char *vx_cli_args_get(const struct vx_cli_args *args, const char *name);
/* The value of option --name as unsigned decimal, *ret_value untouched if it
 * was not given or without a value. */
bool vx_cli_args_number(const struct vx_cli_args *args, const char *name,
                        unsigned long long max, unsigned long long *ret_value,
                        struct vx_error *err);
bool vx_cli_number(const char *text, const char *name, unsigned long long max,
                   unsigned long long *ret_value, struct vx_error *err);

#endif
