/* SPDX-License-Identifier: Apache-2.0 */
/* --match and --action as JSON. Which keys there are and which of them are
 * numbers is the API's own table (vx_codec_sub_fields); values go as they are
 * typed and the controller judges them. Pure. */
#include "cli/commands.h"

#include <string.h>

#include "api/codec.h"
#include "lib/xalloc.h"

#include <stdlib.h>

static const struct vx_codec_field *
find(enum vx_codec_type type, const char *name, size_t length)
{
    size_t n;
    const struct vx_codec_field *fields = vx_codec_sub_fields(type, &n);

    for (size_t i = 0; i < n; i++) {
        if (strlen(fields[i].name) == length
            && !strncmp(fields[i].name, name, length)) {
            return &fields[i];
        }
    }
    return NULL;
}

/* A PATCH keeps what is not named: null takes it away. */
static cJSON *
object_of_nulls(enum vx_codec_type type, bool is_set)
{
    size_t n;
    const struct vx_codec_field *fields = vx_codec_sub_fields(type, &n);
    cJSON *object = cJSON_CreateObject();

    for (size_t i = 0; is_set && i < n; i++) {
        cJSON_AddNullToObject(object, fields[i].name);
    }
    return object;
}

static bool
is_digits(const char *s)
{
    return *s && strspn(s, "0123456789") == strlen(s) && strlen(s) <= 15;
}

static void
put(cJSON *object, const struct vx_codec_field *field, const char *value)
{
    bool number = field->type == VX_T_UINT || field->type == VX_T_PROTO;

    cJSON_DeleteItemFromObjectCaseSensitive(object, field->name);
    if (number && is_digits(value)) {
        cJSON_AddNumberToObject(object, field->name, strtod(value, NULL));
    } else {
        cJSON_AddStringToObject(object, field->name, value);
    }
}

static bool
bad_match(const struct vx_cli_value *value, const char *part,
          struct vx_error *err)
{
    return vx_fail(err, VX_INVALID, value->opt->name, "--%s: \"%.60s\" is "
                   "not KEY=VALUE with a key of src, dst, proto, sport, "
                   "dport, dscp, network, each once", value->opt->name,
                   part);
}

/* The end of one part: at a comma, unless what follows it has no '=' (the
 * commas of a list of ports). */
static const char *
part_end(const char *part)
{
    const char *comma = strchr(part, ',');

    while (comma) {
        const char *equals = strchr(comma + 1, '=');
        const char *next = strchr(comma + 1, ',');

        if (equals && (!next || equals < next)) {
            return comma;
        }
        comma = next;
    }
    return part + strlen(part);
}

static bool
add_part(cJSON *object, const struct vx_cli_value *value, const char *part,
         const char *end, struct vx_error *err)
{
    const char *equals = memchr(part, '=', (size_t) (end - part));
    const struct vx_codec_field *field = equals
        ? find(VX_T_MATCH, part, (size_t) (equals - part)) : NULL;
    const cJSON *old = field
        ? cJSON_GetObjectItemCaseSensitive(object, field->name) : NULL;
    char *text;

    if (!field || equals + 1 == end || (old && !cJSON_IsNull(old))) {
        return bad_match(value, part, err);
    }
    text = vx_xstrndup(equals + 1, (size_t) (end - equals - 1));
    put(object, field, text);
    free(text);
    return true;
}

bool
vx_cli_add_match(cJSON *body, const struct vx_cli_value *value, bool is_set,
                 struct vx_error *err)
{
    cJSON *object = object_of_nulls(VX_T_MATCH, is_set);
    const char *part = value->text;

    cJSON_AddItemToObject(body, value->opt->key, object);
    while (*part) {
        const char *end = part_end(part);

        if (!add_part(object, value, part, end, err)) {
            return false;
        }
        part = *end ? end + 1 : end;
    }
    return true;
}

static void
add_list(cJSON *object, const char *key, const char *text)
{
    cJSON *array = cJSON_CreateArray();

    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    cJSON_AddItemToObject(object, key, array);
    while (*text) {
        size_t length = strcspn(text, ",");
        char *item = vx_xstrndup(text, length);

        cJSON_AddItemToArray(array, cJSON_CreateString(item));
        free(item);
        text += length;
        text += *text == ',';
    }
}

bool
vx_cli_add_action(cJSON *body, const struct vx_cli_value *value, bool is_set,
                  struct vx_error *err)
{
    cJSON *object = object_of_nulls(VX_T_ACTION, is_set);
    size_t length = strcspn(value->text, ":");
    const char *rest = value->text[length] ? value->text + length + 1 : NULL;
    char *type = vx_xstrndup(value->text, length);
    const char *key = !strcmp(type, "rate") ? "rate_kbps" : type;
    const struct vx_codec_field *field = find(VX_T_ACTION, key, strlen(key));
    bool ok = *type && strcmp(type, "type") != 0 && !rest == !field
              && (!rest || *rest);

    cJSON_DeleteItemFromObjectCaseSensitive(object, "type");
    cJSON_AddStringToObject(object, "type", type);
    if (ok && field && field->type == VX_T_STRINGS) {
        add_list(object, field->name, rest);
    } else if (ok && field) {
        put(object, field, rest);
    }
    cJSON_AddItemToObject(body, value->opt->key, object);
    free(type);
    return ok
           || vx_fail(err, VX_INVALID, value->opt->name, "--%s: \"%.60s\" is "
                      "no action: via:IP[,IP...], drop, dscp:N, rate:KBPS or "
                      "gateway", value->opt->name, value->text);
}
