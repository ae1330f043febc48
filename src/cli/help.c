/* SPDX-License-Identifier: Apache-2.0 */
/* Help at every level, made from the command table. */
#include "cli/commands.h"

#include <string.h>

enum { INDENT = 28, WIDTH = 79 };

/* Prints left, then text from column INDENT on, broken at spaces. */
static void
entry(FILE *out, const char *left, const char *text)
{
    size_t column = strlen(left);

    fputs(left, out);
    if (column + 2 > INDENT) {
        fputc('\n', out);
        column = 0;
    }
    fprintf(out, "%*s", (int) (INDENT - column), "");
    column = INDENT;
    while (*text) {
        size_t length = strcspn(text, " ");

        if (column > INDENT && column + 1 + length > WIDTH) {
            fprintf(out, "\n%*s", INDENT, "");
            column = INDENT;
        } else if (column > INDENT) {
            fputc(' ', out);
            column++;
        }
        fprintf(out, "%.*s", (int) length, text);
        column += length;
        text += length + (text[length] == ' ');
    }
    fputc('\n', out);
}

static void
option(FILE *out, const struct vx_cli_opt *opt)
{
    char left[80], letter[8] = "";

    if (opt->letter) {
        snprintf(letter, sizeof letter, "-%c, ", opt->letter);
    }
    snprintf(left, sizeof left, "  %s--%s%s%s%s", letter, opt->name,
             opt->value_optional ? "[=" : opt->metavar ? " " : "",
             opt->metavar ? opt->metavar : "",
             opt->value_optional ? "]" : "");
    entry(out, left, opt->help);
}

static void
global_options(FILE *out)
{
    fputs("\nOptions of all commands:\n", out);
    for (const struct vx_cli_opt *o = vx_cli_global_opts; o->name; o++) {
        option(out, o);
    }
}

static void
help_command(FILE *out, const struct vx_cli_command *c)
{
    const struct vx_cli_opt *o = NULL;

    fprintf(out, "Usage: netctl %s%s%s%s%s%s\n\n%c%s.\n",
            c->object ? c->object : "", c->object ? " " : "", c->name,
            c->args[0] ? " " : "", c->args,
            vx_cli_opt_next(c, NULL) ? " [OPTION]..." : "",
            c->help[0] - 'a' + 'A', c->help + 1);
    if (vx_cli_opt_next(c, NULL)) {
        fputs("\nOptions:\n", out);
        while ((o = vx_cli_opt_next(c, o))) {
            option(out, o);
        }
    }
    global_options(out);
}

static void
help_object(FILE *out, const char *object)
{
    const struct vx_cli_kind *kind = vx_cli_kind_find(object);

    fprintf(out, "Usage: netctl %s VERB ...\n\n%s: %s.\n\nVerbs:\n", object,
            object, kind->help);
    for (const struct vx_cli_command *c = vx_cli_commands; c->name; c++) {
        if (c->object && !strcmp(c->object, object)) {
            char left[80];

            snprintf(left, sizeof left, "  %s %s", c->name, c->args);
            entry(out, left, c->help);
        }
    }
    fprintf(out, "\n\"netctl %s VERB --help\" lists the options of a verb.\n",
            object);
    global_options(out);
}

static void
help_all(FILE *out)
{
    const char *last = "";

    fputs("Usage: netctl [-s ADDR] [-o FORMAT] OBJECT VERB NAME "
          "[--key value]...\n"
          "       netctl [-s ADDR] [-o FORMAT] COMMAND [OPTION]...\n\n"
          "Manages the tenant networks of a vxfabric.\n\n"
          "Objects (verbs: add, set, del, list, show):\n", out);
    for (const struct vx_cli_command *c = vx_cli_commands; c->name; c++) {
        if (c->object && strcmp(c->object, last)) {
            char left[32];

            snprintf(left, sizeof left, "  %s", c->object);
            entry(out, left, c->kind->help);
            last = c->object;
        }
    }
    fputs("\nCommands:\n", out);
    for (const struct vx_cli_command *c = vx_cli_commands; c->name; c++) {
        if (!c->object || c->is_local) {
            char left[64];

            snprintf(left, sizeof left, "  %s%s%s%s%s",
                     c->object ? c->object : "", c->object ? " " : "",
                     c->name, c->args[0] ? " " : "", c->args);
            entry(out, left, c->help);
        }
    }
    global_options(out);
    fputs("\nExit status: 0 done, 1 refused, 2 usage, 3 no controller, "
          "4 committed but\nnot yet in place. netctl(8) has more.\n", out);
}

void
vx_cli_help(FILE *out, const char *object,
            const struct vx_cli_command *command)
{
    if (command) {
        help_command(out, command);
    } else if (object) {
        help_object(out, object);
    } else {
        help_all(out);
    }
}
