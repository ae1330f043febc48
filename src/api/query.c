/* SPDX-License-Identifier: Apache-2.0 */
/* Query strings; see query.h. */
#include "api/query.h"

#include <stdlib.h>
#include <string.h>

#include "api/http_parse.h"
#include "lib/xalloc.h"

static bool
add(struct vx_query *query, char *param, struct vx_error *err)
{
    char *value = strchr(param, '=');

    if (value) {
        *value++ = '\0';
    }
    if (!vx_http_query_decode(param)
        || (value && !vx_http_query_decode(value))) {
        return vx_fail(err, VX_INVALID, "query",
                       "a query parameter is escaped wrongly");
    }
    for (size_t i = 0; i < query->n; i++) {
        if (!strcmp(query->params[i].name, param)) {
            return vx_fail(err, VX_INVALID, param,
                           "query parameter \"%.60s\" is given twice", param);
        }
    }
    if (query->n == VX_QUERY_MAX_PARAMS) {
        return vx_fail(err, VX_INVALID, "query",
                       "more than %d query parameters",
                       VX_QUERY_MAX_PARAMS);
    }
    query->params[query->n].name = param;
    query->params[query->n++].value = value ? value : "";
    return true;
}

bool
vx_query_parse(struct vx_query *query, const char *text,
               struct vx_error *err)
{
    char *rest, *param;

    memset(query, 0, sizeof *query);
    query->text = rest = vx_xstrdup(text ? text : "");
    while ((param = strsep(&rest, "&"))) {
        if (*param && !add(query, param, err)) {
            return false;
        }
    }
    return true;
}

void
vx_query_fini(struct vx_query *query)
{
    free(query->text);
    query->text = NULL;
}

const char *
vx_query_get(struct vx_query *query, const char *name)
{
    for (size_t i = 0; i < query->n; i++) {
        if (!strcmp(query->params[i].name, name)) {
            query->params[i].used = true;
            return query->params[i].value;
        }
    }
    return NULL;
}

bool
vx_query_uint(struct vx_query *query, const char *name, uint64_t max,
              uint64_t *u, struct vx_error *err)
{
    const char *text = vx_query_get(query, name);
    size_t size;

    if (!text) {
        return true;
    }
    size = strspn(text, "0123456789");
    if (!size || size > 18 || text[size]
        || strtoull(text, NULL, 10) > max) {
        return vx_fail(err, VX_INVALID, name,
                       "%s=%.40s: it must be a whole number from 0 to %llu",
                       name, text, (unsigned long long) max);
    }
    *u = strtoull(text, NULL, 10);
    return true;
}

bool
vx_query_bool(struct vx_query *query, const char *name, bool *b,
              struct vx_error *err)
{
    const char *text = vx_query_get(query, name);

    if (!text) {
        return true;
    }
    if (!*text || !strcmp(text, "1") || !strcmp(text, "true")) {
        *b = true;
    } else if (!strcmp(text, "0") || !strcmp(text, "false")) {
        *b = false;
    } else {
        return vx_fail(err, VX_INVALID, name, "%s=%.40s: it must be 1 or 0",
                       name, text);
    }
    return true;
}

bool
vx_query_done(const struct vx_query *query, const char *takes,
              struct vx_error *err)
{
    for (size_t i = 0; i < query->n; i++) {
        if (!query->params[i].used) {
            return vx_fail(err, VX_INVALID, query->params[i].name,
                           "there is no query parameter \"%.60s\" here; "
                           "this takes: %s", query->params[i].name,
                           takes[0] ? takes : "none");
        }
    }
    return true;
}
