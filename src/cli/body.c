/* SPDX-License-Identifier: Apache-2.0 */
/* From options to the JSON body of a PUT or PATCH, as the table says. Values
 * go as they are typed: the controller judges them, so that every client
 * gets the same answer. Pure, but for files that values are read from. */
#include "cli/commands.h"

#include <errno.h>
#include <string.h>

/* The controller's integers are exact up to here in JSON. */
#define NUMBER_MAX ((1ULL << 53) - 1)

static cJSON *
array_at(cJSON *body, const char *key)
{
    cJSON *array = cJSON_GetObjectItemCaseSensitive(body, key);

    return cJSON_IsArray(array) ? array : cJSON_AddArrayToObject(body, key);
}

static bool
add_range(cJSON *array, const struct vx_cli_value *value,
          struct vx_error *err)
{
    const char *dash = strchr(value->text, '-');
    char first[64];
    cJSON *range;

    if (!dash || dash == value->text || !dash[1] ||
        (size_t) (dash - value->text) >= sizeof first) {
        return vx_fail(err, VX_INVALID, value->opt->name,
                       "--%s: \"%.100s\" is not FIRST-LAST, two addresses",
                       value->opt->name, value->text);
    }
    snprintf(first, sizeof first, "%.*s", (int) (dash - value->text),
             value->text);
    range = cJSON_CreateObject();
    cJSON_AddStringToObject(range, "first", first);
    cJSON_AddStringToObject(range, "last", dash + 1);
    cJSON_AddItemToArray(array, range);
    return true;
}

static bool
add_number(cJSON *body, const struct vx_cli_value *value,
           struct vx_error *err)
{
    unsigned long long number;

    if (!vx_cli_number(value->text, value->opt->name, NUMBER_MAX, &number,
                       err)) {
        return false;
    }
    cJSON_AddNumberToObject(body, value->opt->key, (double) number);
    return true;
}

/* "" means as if never set: null in a PATCH, left out of a PUT. */
static void
add_text(cJSON *body, const struct vx_cli_value *value, bool is_set)
{
    if (*value->text) {
        cJSON_AddStringToObject(body, value->opt->key, value->text);
    } else if (is_set) {
        cJSON_AddNullToObject(body, value->opt->key);
    }
}

/* Words between commas. */
static void
add_words(cJSON *array, const char *text)
{
    char word[64];

    while (*text) {
        size_t length = strcspn(text, ",");

        snprintf(word, sizeof word, "%.*s", (int) length, text);
        cJSON_AddItemToArray(array, cJSON_CreateString(word));
        text += length;
        text += *text == ',';
    }
}

/* So that a secret need not stand on the command line. */
static bool
add_first_line(cJSON *body, const struct vx_cli_value *value,
               struct vx_error *err)
{
    bool is_stdin = !strcmp(value->text, "-");
    FILE *file = is_stdin ? stdin : fopen(value->text, "re");
    char line[1024];
    bool good = file && fgets(line, sizeof line, file);

    if (good) {
        line[strcspn(line, "\r\n")] = '\0';
        good = line[0] != '\0';
        cJSON_AddStringToObject(body, value->opt->key, line);
        memset(line, 0, sizeof line);
    }
    int error = errno;
    if (file && !is_stdin) {
        fclose(file);
    }
    return good
           || vx_fail(err, VX_INVALID, value->opt->name, "--%s: %.200s: %s",
                      value->opt->name, value->text,
                      file ? "the first line is empty" : strerror(error));
}

static bool
add_value(cJSON *body, const struct vx_cli_value *value, bool is_set,
          struct vx_error *err)
{
    const char *key = value->opt->key;
    bool is_list = value->opt->type == VX_CLI_TEXTS ||
                   value->opt->type == VX_CLI_WORDS ||
                   value->opt->type == VX_CLI_RANGES;

    /* The last one wins, except for what is repeatable. */
    if (!is_list) {
        cJSON_DeleteItemFromObjectCaseSensitive(body, key);
    }
    switch (value->opt->type) {
    case VX_CLI_TEXT:
        add_text(body, value, is_set);
        return true;
    case VX_CLI_NUMBER:
        if (*value->text) {
            return add_number(body, value, err);
        }
        add_text(body, value, is_set);
        return true;
    case VX_CLI_TRUE: cJSON_AddTrueToObject(body, key); return true;
    case VX_CLI_FALSE: cJSON_AddFalseToObject(body, key); return true;
    case VX_CLI_NULL: cJSON_AddNullToObject(body, key); return true;
    case VX_CLI_NO_TEXTS: cJSON_AddArrayToObject(body, key); return true;
    case VX_CLI_TEXTS:
        cJSON_AddItemToArray(array_at(body, key),
                             cJSON_CreateString(value->text));
        return true;
    case VX_CLI_WORDS:
        add_words(array_at(body, key), value->text);
        return true;
    case VX_CLI_FIRST_LINE: return add_first_line(body, value, err);
    case VX_CLI_RANGES: return add_range(array_at(body, key), value, err);
    case VX_CLI_MATCH: return vx_cli_add_match(body, value, is_set, err);
    case VX_CLI_ACTION: return vx_cli_add_action(body, value, is_set, err);
    case VX_CLI_CONTROL:
    case VX_CLI_FILTER: break;
    }
    return true;
}

/* Two options that say different things about one member. */
static bool
contradicts(const struct vx_cli_args *args, size_t n, struct vx_error *err)
{
    const struct vx_cli_opt *opt = args->values[n].opt;

    for (size_t i = 0; opt->key && i < n; i++) {
        const struct vx_cli_opt *other = args->values[i].opt;

        if (other->key && other != opt && !strcmp(other->key, opt->key)) {
            vx_fail(err, VX_INVALID, opt->name, "--%s and --%s contradict "
                    "each other: leave one out", other->name, opt->name);
            return true;
        }
    }
    return false;
}

cJSON *
vx_cli_body(const struct vx_cli_args *args, struct vx_error *err)
{
    cJSON *body = cJSON_CreateObject();

    for (size_t i = 0; i < args->n_values; i++) {
        const struct vx_cli_value *value = &args->values[i];

        if (value->opt->type != VX_CLI_CONTROL &&
            value->opt->type != VX_CLI_FILTER &&
            (contradicts(args, i, err) ||
             !add_value(body, value, args->command->verb == VX_CLI_SET,
                        err))) {
            cJSON_Delete(body);
            return NULL;
        }
    }
    return body;
}
