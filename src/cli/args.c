/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the command line; see args.h. Pure: prints nothing, asks nobody. */
#include "cli/args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

struct cursor {
    int argc;
    char **argv;
    int i;
};

static bool
opt_matches(const struct vx_cli_opt *opt, const char *name, size_t length)
{
    return strlen(opt->name) == length && !strncmp(opt->name, name, length);
}

static const struct vx_cli_opt *
find_global(const char *name, size_t length, char letter)
{
    for (const struct vx_cli_opt *o = vx_cli_global_opts; o->name; o++) {
        if (letter ? o->letter == letter : opt_matches(o, name, length)) {
            return o;
        }
    }
    return NULL;
}

static const struct vx_cli_opt *
find_opt(const struct vx_cli_command *command, const char *name,
         size_t length, char letter)
{
    const struct vx_cli_opt *o = NULL;

    while (command && (o = vx_cli_opt_next(command, o))) {
        if (letter ? o->letter == letter : opt_matches(o, name, length)) {
            return o;
        }
    }
    return find_global(name, length, letter);
}

static void
name_command(const struct vx_cli_args *args, char *buf, size_t size)
{
    const struct vx_cli_command *c = args->command;

    snprintf(buf, size, "netctl%s%s%s%s", c && c->object ? " " : "",
             c && c->object ? c->object : "", c ? " " : "", c ? c->name : "");
}

static bool
unknown_opt(const struct vx_cli_args *args, const char *arg,
            struct vx_error *err)
{
    struct vx_cli_nearest nearest;
    char name[64], command[64];
    const struct vx_cli_opt *o = NULL;

    snprintf(name, sizeof name, "%.*s", (int) strcspn(arg + 2, "="), arg + 2);
    name_command(args, command, sizeof command);
    vx_cli_nearest_init(&nearest, name);
    while (args->command && (o = vx_cli_opt_next(args->command, o))) {
        vx_cli_nearest_offer(&nearest, o->name);
    }
    for (o = vx_cli_global_opts; o->name; o++) {
        vx_cli_nearest_offer(&nearest, o->name);
    }
    if (arg[1] != '-') {
        return vx_fail(err, VX_INVALID, "", "no option \"%.2s\" of \"%s\"; "
                       "\"%s --help\" lists them", arg, command, command);
    }
    if (nearest.best) {
        return vx_fail(err, VX_INVALID, name, "no option \"--%s\" of "
                       "\"%s\"; did you mean \"--%s\"?", name, command,
                       nearest.best);
    }
    return vx_fail(err, VX_INVALID, name, "no option \"--%s\" of \"%s\"; "
                   "\"%s --help\" lists them", name, command, command);
}

static void
take(struct vx_cli_args *args, const struct vx_cli_opt *opt, const char *text)
{
    if (find_global(opt->name, strlen(opt->name), 0) == opt) {
        switch (opt->name[0]) {
        case 's': args->server = text; break;
        case 'o': args->output = text; break;
        case 't': args->timeout = text; break;
        case 'h': args->help = true; break;
        default: args->version = true; break;
        }
        return;
    }
    args->values = vx_grow(args->values, &args->cap_values,
                           args->n_values + 1, sizeof *args->values);
    args->values[args->n_values++] = (struct vx_cli_value) { opt, text };
}

static bool
parse_opt(struct vx_cli_args *args, struct cursor *at, struct vx_error *err)
{
    const char *arg = at->argv[at->i];
    bool is_long = arg[1] == '-';
    const char *attached = is_long ? strchr(arg, '=') : arg + 2;
    size_t length = strcspn(arg + 2, "=");
    const struct vx_cli_opt *opt = find_opt(
        args->command, arg + 2, length, is_long ? 0 : arg[1]);

    if (!opt) {
        return unknown_opt(args, arg, err);
    }
    if (attached && !*attached) {
        attached = NULL;            /* -s alone */
    } else if (attached && is_long) {
        attached++;
    }
    if (!opt->metavar && attached) {
        return vx_fail(err, VX_INVALID, opt->name,
                       "--%s takes no value, not \"%.100s\"", opt->name,
                       attached);
    }
    if (opt->metavar && !attached && !opt->value_optional) {
        if (at->i + 1 >= at->argc) {
            args->waiting = opt;
            return vx_fail(err, VX_INVALID, opt->name,
                           "--%s wants a value: %s", opt->name,
                           opt->metavar);
        }
        attached = at->argv[++at->i];
    }
    take(args, opt, attached);
    return true;
}

static bool
unknown_word(const struct vx_cli_args *args, const char *word,
             struct vx_error *err)
{
    struct vx_cli_nearest nearest;
    const char *object = args->object;

    vx_cli_nearest_init(&nearest, word);
    for (const struct vx_cli_command *c = vx_cli_commands; c->name; c++) {
        if (object && c->object && !strcmp(object, c->object)) {
            vx_cli_nearest_offer(&nearest, c->name);
        } else if (!object) {
            vx_cli_nearest_offer(&nearest, c->object ? c->object : c->name);
        }
    }
    if (object && vx_cli_synonym(word)) {
        nearest.best = vx_cli_synonym(word);
    }
    if (nearest.best) {
        return vx_fail(err, VX_INVALID, "", "no command \"%s%s%.100s\"; did "
                       "you mean \"%s\"?", object ? object : "",
                       object ? " " : "", word, nearest.best);
    }
    return vx_fail(err, VX_INVALID, "", "no command \"%s%s%.100s\"; \"netctl "
                   "%s%s--help\" lists them", object ? object : "",
                   object ? " " : "", word, object ? object : "",
                   object ? " " : "");
}

/* A word: object, then verb, then what the command works on. */
static bool
parse_word(struct vx_cli_args *args, const char *word, struct vx_error *err)
{
    if (args->command) {
        args->words = vx_grow(args->words, &args->cap_words,
                              args->n_words + 1, sizeof *args->words);
        args->words[args->n_words++] = word;
        return true;
    }
    args->command = vx_cli_command_find(args->object, word);
    if (args->command) {
        return true;
    }
    if (!args->object) {
        const struct vx_cli_kind *kind = vx_cli_kind_find(word);

        args->object = kind ? kind->name : NULL;
        if (!kind && !strcmp(word, "help")) {
            args->help = true;              /* netctl help port add */
            return true;
        }
        if (kind) {
            return true;
        }
    }
    return unknown_word(args, word, err);
}

static bool
check_words(const struct vx_cli_args *args, struct vx_error *err)
{
    const struct vx_cli_command *c = args->command;
    char command[64];

    name_command(args, command, sizeof command);
    if (!c) {
        return args->object
            ? vx_fail(err, VX_INVALID, "", "what about %ss? \"netctl %s "
                      "--help\" lists the verbs", args->object, args->object)
            : vx_fail(err, VX_INVALID, "", "no command given; \"netctl "
                      "--help\" lists them");
    }
    if (args->n_words < c->min_words) {
        return vx_fail(err, VX_INVALID, "", "\"%s\" wants %s", command,
                       c->args);
    }
    if (args->n_words > c->max_words) {
        return vx_fail(err, VX_INVALID, "", "\"%s\" takes %s, not also "
                       "\"%.100s\"", command,
                       c->args[0] ? c->args : "options only",
                       args->words[c->max_words]);
    }
    return true;
}

bool
vx_cli_args_parse(int argc, char **argv, struct vx_cli_args *args,
                  struct vx_error *err)
{
    struct cursor at = { argc, argv, 1 };
    bool options = true;

    *args = (struct vx_cli_args) { .n_words = 0 };
    for (; at.i < argc; at.i++) {
        const char *arg = argv[at.i];

        if (options && !strcmp(arg, "--")) {
            options = false;
        } else if (options && arg[0] == '-' && arg[1]) {
            if (!parse_opt(args, &at, err)) {
                return false;
            }
        } else if (!parse_word(args, arg, err)) {
            return false;
        }
    }
    return args->help || args->version || check_words(args, err);
}

void
vx_cli_args_fini(struct vx_cli_args *args)
{
    free(args->words);
    free(args->values);
}

bool
vx_cli_args_has(const struct vx_cli_args *args, const char *name)
{
    for (size_t i = 0; i < args->n_values; i++) {
        if (!strcmp(args->values[i].opt->name, name)) {
            return true;
        }
    }
    return false;
}

const char *
vx_cli_args_get(const struct vx_cli_args *args, const char *name)
{
    const char *text = NULL;

    for (size_t i = 0; i < args->n_values; i++) {
        if (!strcmp(args->values[i].opt->name, name)) {
            text = args->values[i].text;
        }
    }
    return text;
}

bool
vx_cli_number(const char *text, const char *name, unsigned long long max,
              unsigned long long *ret_value, struct vx_error *err)
{
    char *end;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || value > max) {
        return vx_fail(err, VX_INVALID, name,
                       "--%s: \"%.100s\" is not a number from 0 to %llu",
                       name, text, max);
    }
    *ret_value = value;
    return true;
}

bool
vx_cli_args_number(const struct vx_cli_args *args, const char *name,
                   unsigned long long max, unsigned long long *ret_value,
                   struct vx_error *err)
{
    const char *text = vx_cli_args_get(args, name);

    return !text || vx_cli_number(text, name, max, ret_value, err);
}
