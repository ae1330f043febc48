/* SPDX-License-Identifier: Apache-2.0 */
/* Everything of the API that reads bytes from outside: HTTP heads and
 * chunks, paths, query values, bodies, batches, records of the store. The
 * first byte of an input chooses. */
#include <stdlib.h>
#include <string.h>

#include "api/codec.h"
#include "api/http_parse.h"
#include "lib/xalloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fuzz_path(const char *text)
{
    struct vx_codec_path path;
    struct vx_error err;
    char buf[VX_API_PATH_MAX];

    if (vx_codec_path_parse(text, &path, &err)) {
        vx_codec_path_format(path.kind, &path.key, buf);
    }
}

static void
fuzz_body(const char *path_text, const char *text, size_t size)
{
    struct vx_codec_path path;
    struct vx_error err;
    struct vx_op op;
    struct vx_doc *doc = vx_doc_parse(text, size, VX_BODY_MAX, &err);

    if (doc && vx_codec_path_parse(path_text, &path, &err)) {
        vx_codec_wants_present(doc, &path);
        vx_codec_put(doc, &path, NULL, &op, &err);
    }
    vx_doc_free(doc);
}

static void
fuzz_batch(const char *text, size_t size)
{
    struct vx_codec_batch batch;
    struct vx_error err;
    size_t failed;
    struct vx_doc *doc = vx_doc_parse(text, size, VX_BATCH_BODY_MAX, &err);

    if (doc) {
        vx_codec_batch(doc, NULL, NULL, &batch, &failed, &err);
    }
    vx_doc_free(doc);
}

/* What was read is written and read again to the same value. */
static void
fuzz_record(enum vx_kind kind, const char *text, size_t size)
{
    struct vx_error err;
    struct vx_buf out = VX_BUF_INIT;
    struct vx_obj *obj = vx_codec_record_parse(kind, 1, 1, text, size, &err);

    if (obj) {
        vx_codec_record(obj, &out);
        struct vx_obj *again
            = vx_codec_record_parse(kind, 1, 1, out.data, out.size, &err);
        if (!again || !vx_obj_same(obj, again)) {
            abort();
        }
        vx_obj_unref(again);
        vx_buf_fini(&out);
    }
    vx_obj_unref(obj);
}

static void
fuzz_http(char *text, size_t size)
{
    struct vx_http_head head;
    struct vx_http_chunks chunks = { 0 };
    struct vx_buf body = VX_BUF_INIT;
    struct vx_error err;

    vx_http_chunks_feed(&chunks, text, size, &body, &err);
    vx_buf_fini(&body);
    if (vx_http_parse_head(text, size, &head, &err)) {
        vx_http_header(&head, "Host");
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const paths[] = {
        "/v1/zones/z", "/v1/hosts/h", "/v1/tenants/t",
        "/v1/tenants/t/networks/n",
        "/v1/tenants/t/networks/n/subnets/10.0.0.0%2F24",
        "/v1/tenants/t/networks/n/ports/p",
    };
    static const char *const more_paths[] = {
        "/v1/tenants/t/routes/10.0.0.0%2F8", "/v1/tenants/t/policies/p",
    };
    static const char *const bgp_paths[] = {
        "/v1/gateways/g", "/v1/tenants/t/peerings/p", "/v1/peerings/p",
    };
    if (!size) {
        return 0;
    }
    char *text = vx_xstrndup((const char *) data + 1, size - 1);
    char *exact = vx_xmalloc(size);
    memcpy(exact, data + 1, size - 1);
    exact[size - 1] = '\0';

    unsigned choice = data[0] & 31;
    if (choice >= 16 && choice < 18) {
        fuzz_body(more_paths[choice - 16], exact, size - 1);
    } else if (choice >= 18 && choice < 20) {
        fuzz_record(VX_ROUTE + choice - 18, exact, size - 1);
    } else if (choice >= 20 && choice < 23) {
        fuzz_body(bgp_paths[choice - 20], exact, size - 1);
    } else if (choice >= 23 && choice < 26) {
        fuzz_record(VX_GATEWAY + choice - 23, exact, size - 1);
    } else if ((choice &= 15) < 6) {
        fuzz_body(paths[choice], exact, size - 1);
    } else if (choice < 13) {
        fuzz_record(VX_ZONE + choice - 6, exact, size - 1);
    } else if (choice == 13) {
        fuzz_batch(exact, size - 1);
    } else if (choice == 14) {
        fuzz_path(text);
        vx_http_query_decode(text);
    } else {
        fuzz_http(exact, size - 1);
    }
    free(text);
    free(exact);
    return 0;
}
