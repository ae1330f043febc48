/* SPDX-License-Identifier: Apache-2.0 */
/* PUT, PATCH, DELETE of an object and POST /v1/batch.
 *
 *   parse -> submit -> (group commit) -> done -> [wait -> woken] -> reply
 *
 * The client may leave at any point: the change goes on, only waiting ends.
 * A body is never kept longer than its change. */
#include "api/handlers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "lib/clock.h"
#include "lib/xalloc.h"

enum { WAIT_MAX_S = 600 };

struct change {
    struct change *prev, *next;
    struct vx_server *server;
    struct vx_http_req *req;
    struct vx_doc *doc;
    struct vx_codec_path path;      /* single */
    struct vx_op op;                /* single */
    struct vx_codec_batch batch;    /* what is submitted, also if single */
    bool is_batch;
    bool dry_run;
    bool force;                     /* DELETE of a host */
    uint64_t wait_s;
    char *key;                      /* Idempotency-Key, NULL = none */
    struct vx_api_waiter *waiter;
    /* After done: */
    bool created;
    uint64_t revision;
    uint64_t *oids;                 /* per op; 0 = deleted */
};

/* --- Life. */

static struct change *
change_new(struct vx_call *call)
{
    struct vx_server *server = call->server;
    struct change *change = vx_xcalloc(1, sizeof *change);

    change->server = server;
    change->req = call->req;
    change->next = server->changes;
    if (change->next) {
        change->next->prev = change;
    }
    server->changes = change;
    return change;
}

static void
change_free(struct change *change)
{
    *(change->prev ? &change->prev->next : &change->server->changes)
        = change->next;
    if (change->next) {
        change->next->prev = change->prev;
    }
    vx_doc_free(change->doc);
    free(change->key);
    free(change->oids);
    free(change);
}

void
vx_handle_change_cancel_all(struct vx_server *server)
{
    const struct vx_api_backend *b = server->backend;

    while (server->changes) {
        struct change *change = server->changes;
        if (change->waiter) {
            b->cancel(b->ctx, change->waiter);
        }
        vx_http_req_on_gone(change->req, NULL, NULL);
        change_free(change);
    }
}

static void
change_fail(struct change *change, const struct vx_error *err, size_t index)
{
    if (change->key) {
        vx_idem_forget(change->server->idem, change->key);
    }
    vx_http_reply_error(change->req, err, index);
    change_free(change);
}

/* --- Answers. */

static void
write_deleted(const struct vx_codec_path *path, struct vx_buf *out)
{
    char buf[VX_API_PATH_MAX];
    struct vx_jw jw;

    vx_jw_begin(&jw, out);
    vx_jw_bool(&jw, "deleted", true);
    vx_jw_str(&jw, "path",
              vx_codec_path_format(path->kind, &path->key, buf));
    vx_jw_end(&jw);
}

static void
write_result(const struct change *change, struct vx_codec_view *view,
             size_t i, struct vx_status_room *room, struct vx_buf *out)
{
    const struct vx_codec_path *path = &change->batch.paths[i];

    if (!view->obj) {
        write_deleted(path, out);
        return;
    }
    view->key = path->key;
    vx_handle_status(change->server, view, room);
    vx_codec_object(view, out);
}

/* The object of op i: what the outcome holds, or, later, what is there. */
static const struct vx_obj *
result_obj(const struct change *change, const struct vx_model *model,
           const struct vx_result *results, size_t i)
{
    if (change->batch.ops[i].type == VX_OP_DELETE) {
        return NULL;
    }
    return results ? results[i].obj
                   : vx_model_by_oid(model, change->oids[i]);
}

static void
write_results(const struct change *change, const struct vx_model *model,
              const struct vx_result *results, struct vx_buf *out)
{
    struct vx_status_room room = { .knows_realized = false };

    vx_buf_puts(out, "[");
    for (size_t i = 0; i < change->batch.n; i++) {
        struct vx_codec_view view = {
            .model = model, .obj = result_obj(change, model, results, i),
        };

        vx_buf_puts(out, i ? "," : "");
        write_result(change, &view, i, &room, out);
    }
    vx_buf_puts(out, "]");
}

static void
write_body(const struct change *change, const struct vx_model *model,
           const struct vx_result *results, struct vx_buf *out)
{
    if (change->is_batch) {
        vx_buf_printf(out, "{\"revision\":%" PRIu64 ",\"results\":",
                      change->revision);
        write_results(change, model, results, out);
        vx_buf_puts(out, "}");
    } else if (change->op.type == VX_OP_DELETE) {
        vx_buf_printf(out, "{\"revision\":%" PRIu64 "}", change->revision);
    } else {
        struct vx_status_room room = { .knows_realized = false };
        struct vx_codec_view view = {
            .model = model, .obj = result_obj(change, model, results, 0),
        };

        write_result(change, &view, 0, &room, out);
    }
    vx_buf_puts(out, "\n");
}

/* results: NULL when they are gone and the model is to be asked. */
static void
change_reply(struct change *change, unsigned status,
             const struct vx_model *model, const struct vx_result *results)
{
    const struct vx_obj *obj = change->is_batch || !model ? NULL
                               : result_obj(change, model, results, 0);
    struct vx_buf body = VX_BUF_INIT;
    char etag[48] = "";

    if (obj) {
        snprintf(etag, sizeof etag, "ETag: \"%" PRIu64 "\"\r\n",
                 obj->revision);
    }
    write_body(change, model, results, &body);
    if (change->key) {
        vx_idem_keep(change->server->idem, change->key, status, body.data,
                     body.size);
    }
    vx_http_reply(change->req, &(struct vx_http_reply) {
        .status = status, .headers = etag, .body = body.data,
        .size = body.size });
    vx_buf_fini(&body);
    change_free(change);
}

static void
write_plan(const struct vx_api_plan *plan, struct vx_jw *jw)
{
    vx_jw_key(jw, "hosts");
    vx_buf_puts(jw->out, "[");
    for (size_t i = 0; plan && i < plan->n_hosts; i++) {
        struct vx_jw host;
        vx_buf_puts(jw->out, i ? "," : "");
        vx_jw_begin(&host, jw->out);
        vx_jw_str(&host, "name", plan->hosts[i].name);
        vx_jw_u64(&host, "flows_added", plan->hosts[i].n_add);
        vx_jw_u64(&host, "flows_removed", plan->hosts[i].n_del);
        vx_jw_end(&host);
    }
    vx_buf_puts(jw->out, "]");
}

static void
reply_plan(struct change *change, const struct vx_api_outcome *outcome)
{
    uint64_t created = 0, changed = 0, deleted = 0, unchanged = 0;
    struct vx_buf body = VX_BUF_INIT;
    struct vx_jw jw;

    for (size_t i = 0; i < change->batch.n; i++) {
        const struct vx_result *result = &outcome->results[i];
        *(change->batch.ops[i].type == VX_OP_DELETE ? &deleted
          : result->created                         ? &created
          : result->changed                         ? &changed
                                                    : &unchanged) += 1;
    }
    vx_jw_begin(&jw, &body);
    vx_jw_bool(&jw, "dry_run", true);
    vx_jw_u64(&jw, "created", created);
    vx_jw_u64(&jw, "changed", changed);
    vx_jw_u64(&jw, "deleted", deleted);
    vx_jw_u64(&jw, "unchanged", unchanged);
    write_plan(outcome->plan, &jw);
    vx_jw_key(&jw, "results");
    write_results(change, outcome->model, outcome->results, &body);
    vx_jw_end(&jw);
    vx_buf_puts(&body, "\n");
    vx_http_reply(change->req, &(struct vx_http_reply) {
        .status = 200, .body = body.data, .size = body.size });
    vx_buf_fini(&body);
    change_free(change);
}

/* --- Waiting. */

static void
reply_waited(struct change *change, bool realized)
{
    const struct vx_api_backend *b = change->server->backend;
    const struct vx_model *model = b->model(b->ctx);
    struct vx_error err;

    if (!model) {
        vx_fail(&err, VX_UNAVAILABLE, "",
                "revision %" PRIu64 " is committed, but now the store does "
                "not take commits", change->revision);
        change_fail(change, &err, SIZE_MAX);
        return;
    }
    change_reply(change, !realized         ? 202
                         : change->created ? 201
                                           : 200, model, NULL);
}

static void
on_woken(void *aux, bool realized)
{
    struct change *change = aux;

    change->waiter = NULL;
    vx_http_req_on_gone(change->req, NULL, NULL);
    reply_waited(change, realized);
}

static void
on_gone(void *aux)
{
    struct change *change = aux;
    const struct vx_api_backend *b = change->server->backend;

    if (change->waiter) {
        b->cancel(b->ctx, change->waiter);
        change->waiter = NULL;
    }
    reply_waited(change, false);
}

static void
start_wait(struct change *change)
{
    const struct vx_api_backend *b = change->server->backend;
    struct vx_api_wait wait = {
        .revision = change->revision,
        .timeout_ms = (int64_t) change->wait_s * 1000,
        .woken = on_woken, .aux = change,
    };
    uint64_t *oids = vx_xcalloc(change->batch.n + 1, sizeof *oids);

    for (size_t i = 0; i < change->batch.n; i++) {
        if (change->oids[i]) {
            oids[wait.n_oids++] = change->oids[i];
        }
    }
    wait.oids = oids;
    change->waiter = b->wait(b->ctx, &wait);
    free(oids);
    vx_http_req_on_gone(change->req, on_gone, change);
}

/* --- Submitting. */

/* RFC 9110 has a word of its own for If-None-Match: *. */
static void
fail_outcome(struct change *change, const struct vx_api_outcome *outcome)
{
    struct vx_error err = *outcome->err;
    bool none = outcome->failed < change->batch.n
                && change->batch.ops[outcome->failed].if_none_match;

    if (none && err.code == VX_EXISTS && !strcmp(err.field, "name")) {
        err.code = VX_PRECONDITION;
    }
    if (change->is_batch && outcome->failed != SIZE_MAX) {
        char field[sizeof err.field];
        memcpy(field, err.field, sizeof field);
        snprintf(err.field, sizeof err.field, "[%u]%s%.30s",
                 (unsigned) outcome->failed, field[0] ? "." : "", field);
    }
    change_fail(change, &err, change->is_batch ? outcome->failed : SIZE_MAX);
}

static void
on_done(void *aux, const struct vx_api_outcome *outcome)
{
    struct change *change = aux;

    if (outcome->err) {
        fail_outcome(change, outcome);
        return;
    }
    if (change->dry_run) {
        reply_plan(change, outcome);
        return;
    }
    change->revision = outcome->revision;
    change->oids = vx_xcalloc(change->batch.n + 1, sizeof *change->oids);
    for (size_t i = 0; i < change->batch.n; i++) {
        if (change->batch.ops[i].type != VX_OP_DELETE) {
            change->oids[i] = outcome->results[i].obj->oid;
            change->created |= outcome->results[i].created
                               && !change->is_batch;
        }
    }
    if (change->wait_s) {
        start_wait(change);
    } else {
        change_reply(change, change->created ? 201 : 200, outcome->model,
                     outcome->results);
    }
}

static void
submit(struct change *change)
{
    const struct vx_api_backend *b = change->server->backend;
    struct vx_api_submit s = {
        .ops = change->batch.ops, .n = change->batch.n,
        .dry_run = change->dry_run, .done = on_done, .aux = change,
    };

    b->submit(b->ctx, &s);
}

/* --- Parsing. */

static bool
read_revision(const char *value, uint64_t *ret_revision,
              struct vx_error *err)
{
    size_t size = strlen(value), n;
    bool quoted = size >= 2 && value[0] == '"' && value[size - 1] == '"';
    const char *digits = value + quoted;

    n = strspn(digits, "0123456789");
    /* Revision 0 means "any" inside; no object has it. */
    if (!n || n > 15 || n != size - 2u * quoted
        || strspn(digits, "0") == n) {
        return vx_fail(err, VX_INVALID, "If-Match",
                       "If-Match: %.40s: it must be one revision in quotes, "
                       "as ETag gives it, or *", value);
    }
    *ret_revision = strtoull(digits, NULL, 10);
    return true;
}

static bool
must_exist(struct vx_call *call, struct change *change,
           struct vx_codec_view *view)
{
    const struct vx_api_backend *b = call->server->backend;

    view->model = b->model(b->ctx);
    if (!view->model) {
        return vx_fail(&call->err, VX_UNAVAILABLE, "",
                       "the store does not take commits now: try again");
    }
    view->key = change->path.key;
    view->obj = vx_model_find(view->model, change->path.kind,
                              &change->path.key, &call->err);
    return view->obj != NULL;
}

static bool
read_conditions(struct vx_call *call, struct change *change)
{
    const char *match = vx_http_header(call->head, "If-Match");
    const char *none = vx_http_header(call->head, "If-None-Match");
    struct vx_codec_view view = { 0 };

    if (none && strcmp(none, "*")) {
        return vx_fail(&call->err, VX_INVALID, "If-None-Match",
                       "the only If-None-Match for a change is *");
    }
    change->op.if_none_match = none != NULL;
    if (match && !strcmp(match, "*")) {
        if (!must_exist(call, change, &view)) {
            if (call->err.code == VX_NOT_FOUND) {
                call->err.code = VX_PRECONDITION;
            }
            return false;
        }
        return true;
    }
    return !match || read_revision(match, &change->op.if_match, &call->err);
}

static bool
read_options(struct vx_call *call, struct change *change)
{
    return vx_query_uint(&call->query, "wait", WAIT_MAX_S, &change->wait_s,
                         &call->err)
           && vx_query_bool(&call->query, "force", &change->force,
                            &call->err)
           && vx_query_bool(&call->query, "dry_run", &change->dry_run,
                            &call->err)
           && vx_query_done(&call->query, "wait, dry_run, force", &call->err);
}

static bool
parse_doc(struct vx_call *call, struct change *change, size_t max_size)
{
    const struct vx_buf *body = vx_http_req_body(call->req);

    change->doc = body->size ? vx_doc_parse(body->data, body->size, max_size,
                                            &call->err)
                             : vx_doc_parse("{}", 2, max_size, &call->err);
    return change->doc != NULL;
}

static bool
parse_single(struct vx_call *call, struct change *change)
{
    struct vx_codec_view view = { 0 };

    if (call->head->method == VX_HTTP_DELETE) {
        if (vx_http_req_body(call->req)->size) {
            return vx_fail(&call->err, VX_INVALID, "body",
                           "a DELETE has no body");
        }
        change->op = (struct vx_op) {
            .type = VX_OP_DELETE, .kind = change->path.kind,
            .key = change->path.key, .force = change->force,
        };
        return true;
    }
    if (!parse_doc(call, change, VX_BODY_MAX)) {
        return false;
    }
    if (call->head->method == VX_HTTP_PATCH) {
        return must_exist(call, change, &view)
               && vx_codec_patch(change->doc, &change->path, &view,
                                 &change->op, &call->err);
    }
    bool present = vx_codec_wants_present(change->doc, &change->path)
                   && must_exist(call, change, &view);
    return vx_codec_put(change->doc, &change->path, present ? &view : NULL,
                        &change->op, &call->err);
}

static bool
find_for_batch(void *aux, const struct vx_codec_path *path,
               struct vx_codec_view *ret_view)
{
    struct vx_server *server = aux;
    const struct vx_api_backend *b = server->backend;
    const struct vx_model *model = b->model(b->ctx);

    *ret_view = (struct vx_codec_view) { .model = model, .key = path->key };
    ret_view->obj = model ? vx_model_find(model, path->kind, &path->key,
                                          NULL)
                          : NULL;
    return ret_view->obj != NULL;
}

/* --- Idempotency-Key. */

static bool
valid_key(const char *key)
{
    size_t size = strlen(key);

    for (const char *p = key; *p; p++) {
        if ((unsigned char) *p < 0x20 || (unsigned char) *p >= 0x7f) {
            return false;
        }
    }
    return size > 0 && size <= VX_IDEM_KEY_MAX;
}

/* False if the request has been answered. */
static bool
check_key(struct vx_call *call, struct change *change)
{
    const char *key = vx_http_header(call->head, "Idempotency-Key");
    const struct vx_buf *body = vx_http_req_body(call->req);
    struct vx_http_reply reply = {
        .headers = "Idempotency-Replayed: true\r\n",
    };
    uint64_t hash;

    if (!key || change->dry_run) {
        return true;
    }
    if (!valid_key(key)) {
        vx_fail(&call->err, VX_INVALID, "Idempotency-Key",
                "a key has 1 to %d printable characters", VX_IDEM_KEY_MAX);
        change_fail(change, &call->err, SIZE_MAX);
        return false;
    }
    hash = vx_idem_hash(call->head->method, call->head->path,
                        strlen(call->head->path));
    hash = vx_idem_hash(hash, body->data, body->size);
    switch (vx_idem_begin(call->server->idem, key, hash, vx_clock_ms() / 1000,
                          &reply.status, &reply.body, &reply.size,
                          &call->err)) {
    case VX_IDEM_NEW:
        change->key = vx_xstrdup(key);
        return true;
    case VX_IDEM_REPLAY:
        vx_http_reply(call->req, &reply);
        change_free(change);
        return false;
    case VX_IDEM_REFUSED:
        break;
    }
    change_fail(change, &call->err, SIZE_MAX);
    return false;
}

/* --- The handlers. */

static void
handle_single(struct vx_call *call, struct change *change)
{
    uint64_t in_body;

    if (!parse_single(call, change)) {
        change_fail(change, &call->err, SIZE_MAX);
        return;
    }
    in_body = change->op.if_match;
    if (!read_conditions(call, change)) {
        change_fail(change, &call->err, SIZE_MAX);
        return;
    }
    if (!change->op.if_match) {
        change->op.if_match = in_body;
    }
    change->batch = (struct vx_codec_batch) {
        .ops = &change->op, .paths = &change->path, .n = 1,
    };
    submit(change);
}

static void
handle_batch(struct vx_call *call, struct change *change)
{
    size_t failed = SIZE_MAX;

    change->is_batch = true;
    if (!parse_doc(call, change, VX_BATCH_BODY_MAX)
        || !vx_codec_batch(change->doc, find_for_batch, call->server,
                           &change->batch, &failed, &call->err)) {
        change_fail(change, &call->err, failed);
        return;
    }
    submit(change);
}

/* A web page must not be able to make a visitor's browser change a fabric. */
bool
vx_call_refuse_browser(struct vx_call *call)
{
    if (vx_http_header(call->head, "Origin")) {
        vx_fail(&call->err, VX_FORBIDDEN, "Origin",
                "changes are not taken from web pages");
        vx_call_fail(call);
        return true;
    }
    return false;
}

void
vx_handle_change(struct vx_call *call)
{
    struct change *change;
    bool is_batch = call->head->method == VX_HTTP_POST;

    if (vx_call_refuse_browser(call)) {
        return;
    }
    change = change_new(call);
    if (!read_options(call, change)
        || (!is_batch
            && !vx_codec_path_parse(call->head->path, &change->path,
                                    &call->err))) {
        change_fail(change, &call->err, SIZE_MAX);
        return;
    }
    if (change->force && (call->head->method != VX_HTTP_DELETE
                          || change->path.kind != VX_HOST)) {
        vx_fail(&call->err, VX_INVALID, "force",
                "only the DELETE of a host takes force");
        change_fail(change, &call->err, SIZE_MAX);
        return;
    }
    if (!check_key(call, change)) {
        return;
    }
    if (is_batch) {
        handle_batch(call, change);
    } else {
        handle_single(call, change);
    }
}
