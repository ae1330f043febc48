/* SPDX-License-Identifier: Apache-2.0 */
/* A model with one of each, made by a batch, and bodies that a PUT refuses:
 * what tests of the codec of each kind of object begin with. To be included
 * by such a program once, after cmocka.h. */
#ifndef TESTS_LIB_CODEC_CASE_H
#define TESTS_LIB_CODEC_CASE_H

#include <string.h>

#include "api/codec.h"

#define N(A) (sizeof(A) / sizeof((A)[0]))
#define T "/v1/tenants/acme"

static struct vx_model *model;

static inline bool
try_batch(const char *batch, struct vx_error *err)
{
    struct vx_codec_batch parsed;
    size_t failed;
    struct vx_doc *doc = vx_doc_parse(batch, strlen(batch),
                                      VX_BATCH_BODY_MAX, err);
    bool good = doc
                && vx_codec_batch(doc, NULL, NULL, &parsed, &failed, err)
                && vx_model_apply(model, parsed.ops, parsed.n, 0, NULL,
                                  &failed, err);

    vx_model_commit(model);
    vx_doc_free(doc);
    return good;
}

static inline void
apply(const char *batch)
{
    struct vx_error err = { 0 };

    if (!try_batch(batch, &err)) {
        fail_msg("%s: %s", err.field, err.message);
    }
}

static inline int
make_one_of_each(void **state)
{
    struct vx_model_config config = { .mac_prefix = 0x0a };
    (void) state;

    model = vx_model_new(&config);
    apply("[{\"op\":\"PUT\",\"path\":\"/v1/zones/z1\"},"
          "{\"op\":\"PUT\",\"path\":\"/v1/hosts/h1\",\"body\":{"
          "\"zone\":\"z1\",\"system_id\":\"s-1\",\"vtep\":\"192.0.2.1\","
          "\"mtu\":1600,\"datapath\":\"netdev\"}},"
          "{\"op\":\"PUT\",\"path\":\"" T "\",\"body\":{\"router\":true,"
          "\"quota_ports\":7,\"description\":\"a \\\"b\\\" \\u00e9\"}},"
          "{\"op\":\"PUT\",\"path\":\"" T "/networks/web\",\"body\":{"
          "\"vni\":5001,\"mtu\":1400}},"
          "{\"op\":\"PUT\",\"path\":\"" T
          "/networks/web/subnets/10.0.0.0%2F24\",\"body\":{"
          "\"ranges\":[{\"first\":\"10.0.0.10\",\"last\":\"10.0.0.20\"}]}},"
          "{\"op\":\"PUT\",\"path\":\"" T
          "/networks/web/subnets/2001:db8::/64\",\"body\":{"
          "\"gateway\":null}},"
          "{\"op\":\"PUT\",\"path\":\"" T "/networks/web/ports/vm1\","
          "\"body\":{\"host\":\"h1\",\"guard\":false}}]");
    return 0;
}

static inline int
free_model(void **state)
{
    (void) state;
    vx_model_free(model);
    return 0;
}

static inline struct vx_codec_view
view_of(const char *path, struct vx_codec_path *parsed)
{
    struct vx_error err = { 0 };
    struct vx_codec_view view = { .model = model };

    assert_true(vx_codec_path_parse(path, parsed, &err));
    view.obj = vx_model_find(model, parsed->kind, &parsed->key, &err);
    if (!view.obj) {
        fail_msg("%s: %s", path, err.message);
    }
    view.key = parsed->key;
    return view;
}

struct bad {
    const char *text;
    enum vx_err_code code;
    const char *field;
    const char *message;        /* part of it, NULL = any */
};

static inline void
check_bad_put(const char *path_text, const struct bad *bad)
{
    struct vx_codec_path path;
    struct vx_error err = { 0 };
    struct vx_op op;

    assert_true(vx_codec_path_parse(path_text, &path, &err));
    struct vx_doc *doc = vx_doc_parse(bad->text, strlen(bad->text),
                                      VX_BODY_MAX, &err);
    bool ok = doc && vx_codec_put(doc, &path, NULL, &op, &err);
    if (ok || err.code != bad->code || strcmp(err.field, bad->field)
        || (bad->message && !strstr(err.message, bad->message))) {
        fail_msg("%s: %s: %s: \"%s\"", bad->text,
                 ok ? "was taken" : vx_err_name(err.code), err.field,
                 err.message);
    }
    vx_doc_free(doc);
}

#endif
