/* SPDX-License-Identifier: Apache-2.0 */
/* Batches to operations: the envelopes; what is in them is parsed as any
 * body.  An error names the operation and the member: "[3].body.mtu". */
#include "api/codec.h"

#include <stdio.h>
#include <string.h>

#include "api/json.h"

struct batch {
    struct vx_doc *doc;
    vx_codec_find *find;
    void *aux;
    struct vx_op *ops;
    struct vx_codec_path *paths;
    struct vx_error *err;
};

static bool
check_envelope(const cJSON *item, struct vx_error *err)
{
    static const char names[] =
        " op path body if_match if_none_match force ";
    const cJSON *value;

    if (!cJSON_IsObject(item)) {
        return vx_fail(err, VX_INVALID, "",
                       "an operation is {\"op\",\"path\",\"body\"}");
    }
    cJSON_ArrayForEach (value, item) {
        char spaced[40];
        snprintf(spaced, sizeof spaced, " %.36s ", value->string);
        if (!strstr(names, spaced) || strchr(value->string, ' ')) {
            return vx_fail(err, VX_INVALID, value->string,
                           "an operation has no member \"%.60s\"; it takes: "
                           "op, path, body, if_match, if_none_match, force",
                           value->string);
        }
    }
    if (!vx_json_text(item, "op") || !vx_json_text(item, "path")) {
        const char *name = vx_json_text(item, "op") ? "path" : "op";
        return vx_fail(err, VX_INVALID, name,
                       "an operation needs \"%s\", a string", name);
    }
    return true;
}

static bool
parse_conditions(const cJSON *item, struct vx_op *op, struct vx_error *err)
{
    const cJSON *match = vx_json_member(item, "if_match");
    const cJSON *none = vx_json_member(item, "if_none_match");
    const cJSON *force = vx_json_member(item, "force");

    if (force && (!cJSON_IsBool(force) || op->type != VX_OP_DELETE
                  || op->kind != VX_HOST)) {
        return vx_fail(err, VX_INVALID, "force", "\"force\" is true or "
                       "false, for the DELETE of a host");
    }
    if (match && (!vx_json_uint(match, UINT64_MAX, &op->if_match)
                  || !op->if_match)) {
        return vx_fail(err, VX_INVALID, "if_match",
                       "\"if_match\" must be a revision, a whole number "
                       "above 0");
    }
    if (none && (!cJSON_IsString(none) || strcmp(none->valuestring, "*"))) {
        return vx_fail(err, VX_INVALID, "if_none_match",
                       "\"if_none_match\" must be \"*\"");
    }
    op->if_none_match = none != NULL;
    return true;
}

static bool
parse_batch_put(struct batch *batch, const cJSON *json,
                const struct vx_codec_path *path, struct vx_op *op)
{
    const struct vx_codec_part part = { batch->doc, json, path };
    struct vx_codec_view view;
    bool present = batch->find
                   && vx_codec_json_wants_present(json, path->kind)
                   && batch->find(batch->aux, path, &view);

    if (vx_codec_put_part(&part, present ? &view : NULL, op, batch->err)) {
        return true;
    }
    if (batch->err && strcmp(batch->err->field, "body")) {
        char field[sizeof batch->err->field];
        memcpy(field, batch->err->field, sizeof field);
        snprintf(batch->err->field, sizeof batch->err->field, "body.%.40s",
                 field);
    }
    return false;
}

static bool
parse_item(struct batch *batch, const cJSON *item, size_t i)
{
    struct vx_op *op = &batch->ops[i];
    struct vx_codec_path *path = &batch->paths[i];

    if (!check_envelope(item, batch->err)
        || !vx_codec_path_parse(vx_json_text(item, "path"), path,
                                batch->err)) {
        return false;
    }
    if (path->list) {
        return vx_fail(batch->err, VX_INVALID, "path",
                       "%.200s is a list, not an object",
                       vx_json_text(item, "path"));
    }
    const char *name = vx_json_text(item, "op");
    if (!strcmp(name, "PUT")) {
        if (!parse_batch_put(batch, vx_json_member(item, "body"), path, op)) {
            return false;
        }
    } else if (!strcmp(name, "DELETE")) {
        if (vx_json_member(item, "body")) {
            return vx_fail(batch->err, VX_INVALID, "body",
                           "a DELETE has no body");
        }
        *op = (struct vx_op) {
            .type = VX_OP_DELETE, .kind = path->kind, .key = path->key,
            .force = cJSON_IsTrue(vx_json_member(item, "force")),
        };
    } else {
        return vx_fail(batch->err, VX_INVALID, "op",
                       "\"%.40s\" is no operation: PUT or DELETE", name);
    }
    return parse_conditions(item, op, batch->err);
}

/* "mtu" of operation 3 becomes "[3].mtu". */
static void
prefix_field(struct vx_error *err, size_t i)
{
    char field[sizeof err->field];

    memcpy(field, err->field, sizeof field);
    snprintf(err->field, sizeof err->field, "[%u]%s%.30s", (unsigned) i,
             field[0] ? "." : "", field);
}

bool
vx_codec_batch(struct vx_doc *doc, vx_codec_find *find, void *aux,
               struct vx_codec_batch *ret_batch, size_t *ret_failed,
               struct vx_error *err)
{
    size_t n = 0;
    const cJSON *item;

    *ret_failed = SIZE_MAX;
    if (!cJSON_IsArray(doc->root)) {
        return vx_fail(err, VX_INVALID, "body",
                       "a batch is an array of operations");
    }
    size_t count = (size_t) cJSON_GetArraySize(doc->root);
    if (count > VX_BATCH_MAX_OPS) {
        return vx_fail(err, VX_TOO_LARGE, "body",
                       "a batch of %zu operations, at most %d are taken",
                       count, VX_BATCH_MAX_OPS);
    }
    struct batch batch = {
        .doc = doc, .find = find, .aux = aux, .err = err,
        .ops = vx_doc_alloc(doc, (count + 1) * sizeof *batch.ops),
        .paths = vx_doc_alloc(doc, (count + 1) * sizeof *batch.paths),
    };
    cJSON_ArrayForEach (item, doc->root) {
        if (!parse_item(&batch, item, n)) {
            *ret_failed = n;
            if (err) {
                prefix_field(err, n);
            }
            return false;
        }
        n++;
    }
    *ret_batch = (struct vx_codec_batch) {
        .ops = batch.ops, .paths = batch.paths, .n = n,
    };
    return true;
}
