/* SPDX-License-Identifier: Apache-2.0 */
/* Options of a daemon; see conf.h. */
#include "shell/conf.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"
#include "vxconfig.h"

enum { LINE_MAX_BYTES = 4000, OPTION_SIZE = 64 };

/* --- One key. */

/* Whether it is a number, of 0..max. */
static bool
read_number(const char *value, uint64_t max, uint64_t *ret_n)
{
    bool hex = !strncmp(value, "0x", 2);
    unsigned long long n;
    char *end;

    errno = 0;
    n = strtoull(value, &end, hex ? 16 : 10);
    if (!isdigit((unsigned char) value[0]) || *end || errno || n > max) {
        return false;
    }
    *ret_n = n;
    return true;
}

bool
vx_conf_number(const char *key, const char *value, uint64_t max,
               uint64_t *ret_n, struct vx_error *err)
{
    return read_number(value, max, ret_n)
           || vx_fail(err, VX_INVALID, key, "%s = \"%s\": a number of "
                      "0..%llu is needed", key, value,
                      (unsigned long long) max);
}

static bool
set_flag(const struct vx_conf_key *key, const char *value,
         struct vx_error *err)
{
    if (!strcmp(value, "true") || !strcmp(value, "yes")) {
        *key->flag = true;
    } else if (!strcmp(value, "false") || !strcmp(value, "no")) {
        *key->flag = false;
    } else {
        return vx_fail(err, VX_INVALID, key->name, "%s = \"%s\": true or "
                       "false is needed", key->name, value);
    }
    return true;
}

static bool
set_known(const struct vx_conf_key *key, const char *value,
          struct vx_error *err)
{
    uint64_t n;

    if (key->flag) {
        return set_flag(key, value, err);
    } else if (key->level) {
        return vx_log_level_parse(value, key->level)
               || vx_fail(err, VX_INVALID, key->name, "%s = \"%s\": error, "
                          "warn, info or debug is needed", key->name, value);
    } else if (key->string) {
        if (!*value) {
            return vx_fail(err, VX_INVALID, key->name, "%s is empty",
                           key->name);
        }
        free(*key->string);
        *key->string = vx_xstrdup(value);
        return true;
    }
    if (!read_number(value, key->max, &n) || n < key->min) {
        return vx_fail(err, VX_INVALID, key->name, "%s = \"%s\": a number "
                       "of %u..%u is needed", key->name, value, key->min,
                       key->max);
    }
    *key->number = (uint32_t) n * (key->unit ? key->unit : 1);
    return true;
}

bool
vx_conf_set(const struct vx_conf_key *keys, size_t n_keys, const char *key,
            const char *value, bool *ret_known, struct vx_error *err)
{
    for (size_t i = 0; i < n_keys; i++) {
        if (!strcmp(key, keys[i].name)) {
            *ret_known = true;
            return set_known(&keys[i], value, err);
        }
    }
    *ret_known = false;
    return true;
}

/* --- The file. */

/* Splits "key = value" in place; false on a line that is neither that nor
 * empty nor a comment. */
static bool
split_line(char *line, char **ret_key, char **ret_value)
{
    char *key = line + strspn(line, " \t"), *eq, *value, *end;

    *ret_key = NULL;
    if (!*key || *key == '#' || *key == '\n') {
        return true;
    }
    eq = strchr(key, '=');
    if (!eq || eq == key) {
        return false;
    }
    for (end = eq; end > key && isspace((unsigned char) end[-1]); end--) {
    }
    *end = '\0';
    value = eq + 1 + strspn(eq + 1, " \t");
    for (end = value + strlen(value);
         end > value && isspace((unsigned char) end[-1]); end--) {
    }
    *end = '\0';
    *ret_key = key;
    *ret_value = value;
    return true;
}

bool
vx_conf_load(const struct vx_conf *conf, const char *path,
             struct vx_error *err)
{
    FILE *file = fopen(path, "re");
    char line[LINE_MAX_BYTES + 2];
    bool ok = true;

    if (!file) {
        return vx_fail(err, VX_NOT_FOUND, "config", "cannot read %s: %s",
                       path, strerror(errno));
    }
    for (unsigned n = 1; ok && fgets(line, sizeof line, file); n++) {
        struct vx_error inner;
        char *key, *value;

        if (!strchr(line, '\n') && !feof(file)) {
            ok = vx_fail(err, VX_INVALID, "config", "%s:%u: the line is "
                         "longer than %d bytes", path, n, LINE_MAX_BYTES);
        } else if (!split_line(line, &key, &value)) {
            ok = vx_fail(err, VX_INVALID, "config", "%s:%u: not \"key = "
                         "value\"", path, n);
        } else if (key && !conf->set(conf->aux, key, value, &inner)) {
            ok = vx_fail(err, inner.code, inner.field, "%s:%u: %.300s", path,
                         n, inner.message);
        }
    }
    fclose(file);
    return ok;
}

/* --- The command line. */

static bool
is_config(const char *arg)
{
    return !strcmp(arg, "-c") || !strcmp(arg, "--config");
}

static bool
load_files(const struct vx_conf *conf, int argc, char **argv,
           struct vx_error *err)
{
    for (int i = 1; i < argc; i++) {
        const char *path = NULL;

        if (!strncmp(argv[i], "--config=", 9)) {
            path = argv[i] + 9;
        } else if (is_config(argv[i])) {
            path = i + 1 < argc ? argv[++i] : "";
        }
        if (path && !vx_conf_load(conf, path, err)) {
            return false;
        }
    }
    return true;
}

static bool
set_pair(const struct vx_conf *conf, const char *pair, struct vx_error *err)
{
    char *copy = vx_xstrdup(pair), *key, *value;
    bool ok;

    if (!split_line(copy, &key, &value) || !key) {
        ok = vx_fail(err, VX_INVALID, "set", "--set \"%s\": KEY=VALUE is "
                     "needed", pair);
    } else {
        ok = conf->set(conf->aux, key, value, err);
    }
    free(copy);
    return ok;
}

static bool
is_option(const struct vx_conf *conf, const char *key)
{
    const char *const *option = conf->options;

    while (option && *option && strcmp(*option, key)) {
        option++;
    }
    return !option || *option;
}

/* "--run-dir=x" -> "run_dir". */
static void
key_of(const char *option, char key[OPTION_SIZE])
{
    snprintf(key, OPTION_SIZE, "%.60s", option + 2);
    key[strcspn(key, "=")] = '\0';
    for (char *p = key; *p; p++) {
        *p = *p == '-' ? '_' : *p;
    }
}

static bool
parse_option(const struct vx_conf *conf, int argc, char **argv, int *i,
             struct vx_error *err)
{
    const char *arg = argv[*i], *eq = strchr(arg, '='), *value;
    int length = eq ? (int) (eq - arg) : (int) strlen(arg);
    char key[OPTION_SIZE];
    bool is_set;

    if (is_config(arg)) {
        ++*i;                       /* was read before */
        return true;
    } else if (arg[0] != '-') {
        return vx_fail(err, VX_INVALID, "", "unexpected argument \"%s\"; see "
                       "--help", arg);
    }
    key_of(strncmp(arg, "--", 2) ? "--" : arg, key);
    if (!strcmp(key, "config")) {
        return true;
    }
    is_set = conf->options && !strcmp(key, "set");
    if (!*key || (!is_set && !is_option(conf, key))) {
        return vx_fail(err, VX_INVALID, arg, "unknown option %.*s; see "
                       "--help", length, arg);
    }
    if (conf->flag && !strcmp(key, conf->flag) && !eq) {
        return conf->set(conf->aux, key, "true", err);
    }
    value = eq ? eq + 1 : *i + 1 < argc ? argv[++*i] : "";
    if (!*value) {
        return vx_fail(err, VX_INVALID, arg, "%.*s needs a value", length,
                       arg);
    }
    return is_set ? set_pair(conf, value, err)
                  : conf->set(conf->aux, key, value, err);
}

enum vx_conf_verdict
vx_conf_parse(const struct vx_conf *conf, int argc, char **argv,
              struct vx_error *err)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "-h") || !strcmp(argv[i], "--help")) {
            return VX_CONF_HELP;
        } else if (!strcmp(argv[i], "-V") || !strcmp(argv[i], "--version")) {
            return VX_CONF_VERSION;
        }
    }
    if (!load_files(conf, argc, argv, err)) {
        return VX_CONF_BAD;
    }
    for (int i = 1; i < argc; i++) {
        if (!parse_option(conf, argc, argv, &i, err)) {
            return VX_CONF_BAD;
        }
    }
    return VX_CONF_RUN;
}

int
vx_conf_say(enum vx_conf_verdict verdict, const char *program,
            const char *usage, const struct vx_error *err)
{
    if (verdict == VX_CONF_BAD) {
        fprintf(stderr, "%s: %s\n", program, err->message);
        return 2;
    }
    if (verdict == VX_CONF_HELP) {
        fputs(usage, stdout);
    } else {
        printf("%s %s\n", program, PACKAGE_VERSION);
    }
    return 0;
}
