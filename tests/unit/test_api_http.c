/* SPDX-License-Identifier: Apache-2.0 */
/* The API server over real sockets and a real model. */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/lib/api_case.h"

/* --- Objects. */

static void
an_object_is_created_once_read_changed_and_deleted(void **state)
{
    (void) state;
    put(T, "{\"quota_ports\":5}", 201);
    expect(201, "\"revision\":1}");
    expect(201, "ETag: \"1\"");
    put(T, "{\"quota_ports\":5}", 200);
    expect(200, "\"revision\":1}");
    put(T, "{\"quota_ports\":6}", 200);
    expect(200, "\"revision\":2}");
    get(T, 200, "\"quota_ports\":6");
    char *body = vx_xstrdup(answer.body);
    put(T, body, 200);
    expect(200, "\"revision\":2}");
    free(body);
    request(&fake, &answer, "DELETE", T, "", "");
    expect(200, "{\"revision\":3}");
    get(T, 404, "acme");
    request(&fake, &answer, "DELETE", T, "", "");
    expect(404, "\"code\":\"not_found\"");
}

static void
a_port_may_be_put_back_as_get_answers_it(void **state)
{
    (void) state;
    populate();
    static const char *const paths[] = {
        "/v1/hosts/h1", NET, NET "/ports/vm1", NET "/subnets/10.0.0.0%2F24",
    };
    uint64_t revision = vx_model_revision(fake.model);
    for (size_t i = 0; i < N(paths); i++) {
        get(paths[i], 200, NULL);
        char *body = vx_xstrdup(answer.body);
        put(paths[i], body, 200);
        free(body);
    }
    assert_int_equal(vx_model_revision(fake.model), revision);
    put(NET "/ports/vm1", "{\"vni\":5002}", 400);
    expect(400, "\"field\":\"vni\"");
}

static void
a_merge_patch_changes_only_what_it_names(void **state)
{
    (void) state;
    populate();
    request(&fake, &answer, "PATCH", NET "/ports/vm1", "",
            "{\"description\":\"x\"}");
    expect(200, "\"host\":\"h1\"");
    expect(200, "\"description\":\"x\"");
    request(&fake, &answer, "PATCH", NET "/ports/vm1", "",
            "{\"host\":null}");
    expect(200, "\"host\":null");
    request(&fake, &answer, "PATCH", NET "/ports/nobody", "", "{}");
    expect(404, NULL);
    request(&fake, &answer, "PATCH", NET "/ports/vm1", "", "[1]");
    expect(400, NULL);
}

static void
paths_take_slashes_escapes_and_head(void **state)
{
    (void) state;
    populate();
    get(NET "/subnets/10.0.0.0/24", 200, "\"cidr\":\"10.0.0.0/24\"");
    get(NET "/subnets/10.0.0.0%2f24/", 200, NULL);
    get("/v1/tenants/%61cme/", 200, "\"acme\"");
    get("/v1/tenants/%6", 400, "\"field\":\"path\"");
    get("/v1/tenants/acme%00", 400, NULL);
    get("/v1//tenants", 404, NULL);

    struct client client;
    client_open(&client, &fake);
    client_send(&client, "HEAD " T " HTTP/1.1\r\nHost: x\r\n"
                "Connection: close\r\n\r\n");
    assert_true(client_is_closed(&client));
    assert_non_null(strstr(client.in, " 200 OK"));
    assert_null(strstr(client.in, "acme"));
    client_close(&client);
}

/* --- Refusals. */

struct refusal {
    const char *method, *path, *headers, *body;
    int status;
    const char *part;
};

static const struct refusal refusals[] = {
    { "PUT", NET, "", "{", 400, "malformed" },
    { "PUT", NET, "", "[]", 400, "object" },
    { "PUT", NET, "", "{\"mtu\":\"x\"}", 400, "\"field\":\"mtu\"" },
    { "PUT", NET, "", "{\"colour\":1}", 400, "\"field\":\"colour\"" },
    { "PUT", NET, "", "{\"vni\":16777216}", 400, "\"field\":\"vni\"" },
    { "PUT", T "/networks/two", "", "{\"vni\":5001}", 409, "exists" },
    { "PUT", "/v1/tenants/no%20name", "", "{}", 400, "invalid" },
    { "PUT", "/v1/tenants/nobody/networks/n", "", "{}", 404, "nobody" },
    { "PUT", NET "/subnets/10.0.0.1%2F24", "", "{}", 400, NULL },
    { "PUT", NET "/subnets/10.0.0.0%2F33", "", "{}", 400, NULL },
    { "PUT", NET "/subnets/x", "", "{}", 400, NULL },
    { "PUT", NET "/subnets/10.0.0.128%2F25", "", "{}", 409, NULL },
    { "PUT", NET "/ports/new", "", "{\"ips\":[\"10.0.1.1\"]}", 400, "ips" },
    { "PUT", NET "/ports/new", "", "{\"host\":\"h9\"}", 404, "h9" },
    { "PUT", "/v1/hosts/h3", "", "{\"zone\":\"mars\"}", 404, "mars" },
    { "PUT", "/v1/hosts/h3", "", "{}", 400, "\"field\":\"zone\"" },
    { "DELETE", T, "", "", 409, "in_use" },
    { "DELETE", NET, "", "", 409, "in_use" },
    { "DELETE", "/v1/zones/z1", "", "", 409, "in_use" },
    { "DELETE", "/v1/hosts/h1", "", "", 409, "in_use" },
    { "DELETE", T, "", "{}", 400, "body" },
    { "DELETE", T "?force=1", "", "", 400, "\"field\":\"force\"" },
    { "PUT", "/v1/hosts/h1?force=1", "", "{\"zone\":\"z1\"}", 400,
      "\"field\":\"force\"" },
    { "DELETE", "/v1/hosts/h1?force=1", "", "", 409, "move or delete" },
    { "PUT", "/v1/hosts/h3", "", "{\"zone\":\"z1\",\"draining\":1}", 400,
      "\"field\":\"draining\"" },
    { "GET", T, "", "{}", 400, "body" },
    { "GET", "/v1/dragons", "", "", 404, "dragons" },
    { "GET", "/v1/tenants/nobody/networks", "", "", 404, "nobody" },
    { "GET", T "/networks/none/ports", "", "", 404, "none" },
    { "GET", T "?color=1", "", "", 400, "\"field\":\"color\"" },
    { "GET", "/v1/ports?limit=0", "", "", 400, "limit" },
    { "GET", "/v1/ports?limit=1001", "", "", 400, "limit" },
    { "GET", "/v1/ports?limit=x", "", "", 400, "limit" },
    { "GET", "/v1/ports?limit=1&limit=2", "", "", 400, "twice" },
    { "GET", "/v1/ports?after=x", "", "", 400, "after" },
    { "GET", "/v1/ports?host=h9", "", "", 404, "h9" },
    { "GET", "/v1/ports?mac=x", "", "", 400, "mac" },
    { "GET", "/v1/ports?a=%zz", "", "", 400, "query" },
    { "GET", "/healthz?x=1", "", "", 400, "\"x\"" },
    { "PUT", T "?wait=601", "", "{}", 400, "wait" },
    { "PUT", T "?wait=-1", "", "{}", 400, "wait" },
    { "PUT", T "?dry_run=maybe", "", "{}", 400, "dry_run" },
    { "PUT", T "?dryrun=1", "", "{}", 400, "dryrun" },
    { "PUT", T, "If-Match: \"99\"\r\n", "{}", 412, "precondition" },
    { "PUT", T, "If-Match: x\r\n", "{}", 400, "If-Match" },
    { "PUT", T, "If-Match: W/\"4\"\r\n", "{}", 400, "If-Match" },
    { "PUT", T "x", "If-Match: *\r\n", "{}", 412, "precondition" },
    { "PUT", T, "", "{\"revision\":99}", 412, "precondition" },
    { "PUT", T, "If-None-Match: *\r\n", "{\"quota_ports\":9}", 412, NULL },
    { "PUT", T, "If-None-Match: \"4\"\r\n", "{}", 400, "If-None-Match" },
    { "DELETE", NET "/ports/vm1", "If-Match: \"1\"\r\n", "", 412, NULL },
    { "PUT", T, "Origin: http://evil\r\n", "{}", 403, "forbidden" },
    { "PUT", T, "Idempotency-Key: \r\n", "{}", 400, "Idempotency-Key" },
    { "POST", T, "", "{}", 405, "Allow: GET, HEAD, PUT, PATCH, DELETE\r" },
    { "PUT", "/v1/tenants", "", "{}", 405, "Allow: GET, HEAD\r" },
    { "BREW", T, "", "", 405, "method_not_allowed" },
    { "GET", "/v1/batch", "", "", 405, "Allow: POST\r" },
    { "POST", "/v1/batch", "", "{}", 400, "array" },
    { "POST", "/v1/batch", "", "[1]", 400, "\"index\":0" },
    { "GET", "/v1/watch?since=99", "", "", 410, "gone" },
    { "GET", "/v1/watch?from=1", "", "", 400, "from" },
};

static void
bad_input_gets_its_clear_error_and_changes_nothing(void **state)
{
    (void) state;
    populate();
    uint64_t revision = vx_model_revision(fake.model);

    for (size_t i = 0; i < N(refusals); i++) {
        const struct refusal *r = &refusals[i];
        request(&fake, &answer, r->method, r->path, r->headers, r->body);
        if (answer.status != r->status
            || (r->part && !strstr(answer.body, r->part)
                && !strstr(answer.head, r->part))) {
            fail_msg("%s %s %s: %d %s%s", r->method, r->path, r->body,
                     answer.status, answer.head, answer.body);
        }
        cJSON *json = cJSON_Parse(answer.body);
        const cJSON *error = cJSON_GetObjectItem(json, "error");
        assert_true(cJSON_IsString(cJSON_GetObjectItem(error, "code")));
        assert_true(cJSON_HasObjectItem(error, "field"));
        assert_true(cJSON_IsString(cJSON_GetObjectItem(error, "message")));
        cJSON_Delete(json);
    }
    assert_int_equal(vx_model_revision(fake.model), revision);
}

static void
malformed_http_is_refused_in_the_same_shape(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        int status;
    } table[] = {
        { "\r\n\r\n", 400 },
        { "GET\r\n\r\n", 400 },
        { "GET / HTTP/2.0\r\n\r\n", 400 },
        { "GET /v1 HTTP/1.1\r\n\r\n", 400 },
        { "GET /v1 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400 },
        { "GET http://x/v1 HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "GET /v1 HTTP/1.1\nHost: a\r\n\r\n", 400 },
        { "GET /v1 HTTP/1.1\r\nHost : a\r\n\r\n", 400 },
        { "GET /v1 HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400 },
        { "GET /v1 HTTP/1.1\r\nHost: a\x01\r\n\r\n", 400 },
        { "GET /v1\x7f HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "PUT /v1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
          "Content-Length: 2\r\n\r\nab", 400 },
        { "PUT /v1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
          "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400 },
        { "PUT /v1 HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400 },
        { "PUT /v1 HTTP/1.1\r\nHost: a\r\nContent-Length: "
          "99999999999999999999\r\n\r\n", 400 },
        { "PUT /v1 HTTP/1.1\r\nHost: a\r\n"
          "Transfer-Encoding: gzip, chunked\r\n\r\n", 400 },
        { "PUT /v1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
          "\r\nx\r\n", 400 },
        { "PUT /v1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
          "\r\n1\r\nab\r\n", 400 },
        { "PUT /v1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
          "\r\nfffffffff\r\n", 400 },
        { "PUT /v1/zones/z HTTP/1.1\r\nHost: a\r\n"
          "Content-Length: 262145\r\n\r\n", 413 },
        { "PUT /v1/zones/z HTTP/1.1\r\nHost: a\r\n"
          "Expect: 100-continue\r\nContent-Length: 262145\r\n\r\n", 413 },
        { "POST /v1/batch HTTP/1.1\r\nHost: a\r\n"
          "Content-Length: 8388609\r\n\r\n", 413 },
        { "GET /v1 HTTP/1.1\r\nHost: a\r\nExpect: a pony\r\n\r\n", 400 },
    };
    for (size_t i = 0; i < N(table); i++) {
        struct client client;
        client_open(&client, &fake);
        client_send(&client, table[i].text);
        client_read(&client, &answer);
        if (answer.status != table[i].status
            || !strstr(answer.body, "{\"error\":{\"code\":")
            || !strstr(answer.head, "application/json")) {
            fail_msg("%s: %s%s", table[i].text, answer.head, answer.body);
        }
        assert_true(client_is_closed(&client));
        client_close(&client);
    }
    assert_int_equal(vx_server_n_connections(fake.server), 0);
}

static void
sizes_are_bounded_while_they_come_in(void **state)
{
    (void) state;
    struct client client;
    char *big = vx_xmalloc(400000);

    memset(big, 'a', 400000);
    client_open(&client, &fake);
    client_send(&client, "GET /v1 HTTP/1.1\r\nX: ");
    client_send_bytes(&client, big, 20000);
    client_read(&client, &answer);
    expect(413, "headers");
    client_close(&client);

    client_open(&client, &fake);
    client_send(&client, "PUT /v1/zones/z HTTP/1.1\r\nHost: a\r\n"
                "Transfer-Encoding: chunked\r\n\r\n61a80\r\n");
    client_send_bytes(&client, big, 400000);
    client_read(&client, &answer);
    expect(413, "262144");
    client_close(&client);

    client_open(&client, &fake);
    client_send(&client, "GET /v1 HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < 64; i++) {
        client_send(&client, "X: y\r\n");
    }
    client_send(&client, "\r\n");
    client_read(&client, &answer);
    expect(413, "64 headers");
    client_close(&client);
    free(big);
}

/* --- HTTP as it should be. */

static void
requests_sent_ahead_are_answered_in_order(void **state)
{
    (void) state;
    struct client client;

    client_open(&client, &fake);
    client_send(&client,
                "PUT /v1/zones/a HTTP/1.1\r\nHost: x\r\n"
                "Content-Length: 2\r\n\r\n{}"
                "GET /v1/zones/a HTTP/1.1\r\nHost: x\r\n\r\n"
                "PUT /v1/zones/b HTTP/1.1\r\nHost: x\r\n"
                "Transfer-Encoding: chunked\r\n\r\n"
                "1;x=y\r\n{\r\n1\r\n}\r\n0\r\nTrailer: t\r\n\r\n"
                "GET /v1/zones HTTP/1.1\r\nHost: x\r\n\r\n"
                "GET /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n"
                "GET /v1 HTTP/1.0\r\n\r\n");
    client_read(&client, &answer);
    expect(201, "\"a\"");
    client_read(&client, &answer);
    expect(200, "\"a\"");
    client_read(&client, &answer);
    expect(201, "\"b\"");
    client_read(&client, &answer);
    expect(200, "\"b\"");
    client_read(&client, &answer);
    expect(404, NULL);
    client_read(&client, &answer);
    expect(200, "Connection: close");
    assert_true(client_is_closed(&client));
    client_close(&client);
}

static void
a_client_that_asks_first_is_told_to_continue(void **state)
{
    (void) state;
    struct client client;

    client_open(&client, &fake);
    client_send(&client, "PUT /v1/zones/a HTTP/1.1\r\nHost: x\r\n"
                "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    client_read(&client, &answer);
    assert_int_equal(answer.status, 100);
    client_send(&client, "{}");
    client_read(&client, &answer);
    expect(201, NULL);
    client_close(&client);
}

static void
a_half_closed_client_still_gets_its_answer(void **state)
{
    (void) state;
    struct client client;

    client_open(&client, &fake);
    client_send(&client, "PUT /v1/zones/a HTTP/1.1\r\nHost: x\r\n"
                "Content-Length: 0\r\n\r\n");
    shutdown(client.fd, SHUT_WR);
    client_read(&client, &answer);
    expect(201, "\"a\"");
    client_close(&client);
    client_open(&client, &fake);
    client_send(&client, "GET /v1/zones/a HTTP/1.1\r\nHost: x\r\n\r\n");
    shutdown(client.fd, SHUT_WR);
    client_read(&client, &answer);
    expect(200, "\"a\"");
    assert_true(client_is_closed(&client));
    client_close(&client);
}

static void
it_answers_over_tcp_on_loopback_too(void **state)
{
    (void) state;
    struct vx_error err = { 0 };
    struct client client;

    assert_true(vx_server_listen(fake.server, "tcp:127.0.0.1:0", &err));
    assert_true(vx_server_port(fake.server) > 0);
    client_open_tcp(&client, &fake);
    client_send(&client, "GET /v1 HTTP/1.1\r\nHost: x\r\n\r\n");
    client_read(&client, &answer);
    expect(200, "\"/v1/ports\"");
    client_close(&client);
}

static void
addresses_are_judged(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "", "unix:", "tcp:", "tcp:127.0.0.1", "tcp:127.0.0.1:",
        "tcp:127.0.0.1:65536", "tcp:localhost:80", "tcp:::1:80",
        "tcp:[127.0.0.1]:80", "http://x", "tcp:127.0.0.1:8x",
    };
    struct vx_error err;
    char addr[160], file[128];
    struct stat st;

    for (size_t i = 0; i < N(bad); i++) {
        if (vx_server_listen(fake.server, bad[i], &err)) {
            fail_msg("%s was taken", bad[i]);
        }
        assert_int_equal(err.code, VX_INVALID);
    }
    assert_int_equal(stat(fake.addr + 5, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);

    /* Somebody answers there: us. */
    assert_false(vx_server_listen(fake.server, fake.addr, &err));
    assert_int_equal(err.code, VX_EXISTS);

    snprintf(file, sizeof file, "%s/file", fake.dir);
    snprintf(addr, sizeof addr, "unix:%s", file);
    fclose(fopen(file, "w"));
    assert_false(vx_server_listen(fake.server, addr, &err));
    assert_int_equal(err.code, VX_EXISTS);
    unlink(file);

    /* A stale one: bound by somebody who is gone. */
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    strcpy(un.sun_path, file);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (void *) &un, sizeof un), 0);
    close(fd);
    assert_true(vx_server_listen(fake.server, addr, &err));
}

/* --- Races, batches. */

static void
of_two_puts_racing_with_if_match_one_wins(void **state)
{
    (void) state;
    struct client a, b;
    static const char text[] =
        "PUT " T " HTTP/1.1\r\nHost: x\r\nIf-Match: \"1\"\r\n"
        "Content-Length: 17\r\n\r\n{\"quota_ports\":%d}";
    char buf[200];

    put(T, "{}", 201);
    client_open(&a, &fake);
    client_open(&b, &fake);
    snprintf(buf, sizeof buf, text, 1);
    client_send(&a, buf);
    snprintf(buf, sizeof buf, text, 2);
    client_send(&b, buf);
    client_read(&a, &answer);
    int first = answer.status;
    client_read(&b, &answer);
    assert_int_equal(first + answer.status, 200 + 412);
    assert_int_equal(vx_model_revision(fake.model), 2);
    client_close(&a);
    client_close(&b);
}

static void
a_batch_is_all_or_nothing(void **state)
{
    (void) state;
    static const char good[] =
        "[{\"op\":\"PUT\",\"path\":\"" T "\"},"
        "{\"op\":\"PUT\",\"path\":\"" NET "\",\"body\":{\"vni\":77}},"
        "{\"op\":\"PUT\",\"path\":\"" T "/networks/x\"},"
        "{\"op\":\"DELETE\",\"path\":\"" T "/networks/x\"}]";
    static const char bad[] =
        "[{\"op\":\"DELETE\",\"path\":\"" NET "\"},"
        "{\"op\":\"PUT\",\"path\":\"" T "/networks/y\"},"
        "{\"op\":\"DELETE\",\"path\":\"/v1/zones/none\"}]";

    request(&fake, &answer, "POST", "/v1/batch", "", good);
    expect(200, "{\"revision\":1,\"results\":[{\"name\":\"acme\"");
    expect(200, "\"vni\":77");
    expect(200, "{\"deleted\":true,\"path\":\"" T "/networks/x\"}]}");
    request(&fake, &answer, "POST", "/v1/batch", "", bad);
    expect(404, "\"index\":2");
    get(NET, 200, NULL);
    get(T "/networks/y", 404, NULL);
    request(&fake, &answer, "POST", "/v1/batch", "", "[]");
    expect(200, "{\"revision\":1,\"results\":[]}");
}

static void
a_batch_of_thousands_is_one_revision(void **state)
{
    (void) state;
    struct vx_buf buf = VX_BUF_INIT;

    vx_buf_puts(&buf, "[{\"op\":\"PUT\",\"path\":\"" T "\"}");
    for (int i = 0; i < 5000; i++) {
        vx_buf_printf(&buf, ",{\"op\":\"PUT\",\"path\":\"" T
                      "/networks/n%d\"}", i);
    }
    vx_buf_puts(&buf, "]");
    request(&fake, &answer, "POST", "/v1/batch", "", vx_buf_str(&buf));
    expect(200, "\"revision\":1");
    assert_int_equal(vx_model_count(fake.model, VX_NETWORK), 5000);
    vx_buf_fini(&buf);
}

static void
a_store_that_cannot_commit_answers_503_and_keeps_nothing(void **state)
{
    (void) state;
    fake.disk_full = true;
    put(T, "{}", 503);
    expect(503, "Retry-After: 1");
    get("/healthz", 503, "disk full");
    fake.disk_full = false;
    get(T, 404, NULL);
    put(T, "{}", 201);
    get("/healthz", 200, "\"ok\"");
}

/* --- Waiting, dry runs, keys. */

static void
wait_answers_when_realized(void **state)
{
    (void) state;
    struct client client;

    populate();
    client_open(&client, &fake);
    client_send(&client, "PUT " NET "/ports/vm9?wait=30 HTTP/1.1\r\n"
                "Host: x\r\nContent-Length: 0\r\n\r\n");
    for (int i = 0; i < 1000 && !fake.waiter; i++) {
        fake_settle(&fake);
    }
    assert_null(client.in);
    fake.port_active = true;
    fake_wake(&fake, true);
    client_read(&client, &answer);
    expect(201, "\"status\":\"active\"");
    client_close(&client);
}

static void
wait_answers_202_with_the_object_when_time_is_up(void **state)
{
    (void) state;
    populate();
    request(&fake, &answer, "PUT", NET "/ports/vm9?wait=1", "", "{}");
    expect(202, "\"status\":\"pending\"");
    request(&fake, &answer, "DELETE", NET "/ports/vm9?wait=1", "", "");
    expect(202, "\"revision\"");
}

static void
a_client_that_leaves_ends_its_wait_but_not_the_change(void **state)
{
    (void) state;
    struct client client;

    populate();
    client_open(&client, &fake);
    client_send(&client, "PUT " NET "/ports/vm9?wait=30 HTTP/1.1\r\n"
                "Host: x\r\nContent-Length: 0\r\n\r\n");
    for (int i = 0; i < 1000 && !fake.waiter; i++) {
        fake_settle(&fake);
    }
    client_close(&client);
    for (int i = 0; i < 1000 && !fake.n_cancelled; i++) {
        fake_settle(&fake);
    }
    assert_int_equal(fake.n_cancelled, 1);
    get(NET "/ports/vm9", 200, NULL);
}

static void
a_dry_run_plans_and_changes_nothing(void **state)
{
    (void) state;
    populate();
    uint64_t revision = vx_model_revision(fake.model);

    request(&fake, &answer, "PUT", NET "/ports/vm9?dry_run=1", "", "{}");
    expect(200, "{\"dry_run\":true,\"created\":1,\"changed\":0,");
    expect(200, "{\"name\":\"h1\",\"flows_added\":3,\"flows_removed\":0}");
    expect(200, "\"results\":[{\"name\":\"vm9\"");
    request(&fake, &answer, "DELETE", NET "/ports/vm1?dry_run=1", "", "");
    expect(200, "\"deleted\":1");
    assert_int_equal(vx_model_revision(fake.model), revision);
    get(NET "/ports/vm9", 404, NULL);
}

static void
the_same_key_is_done_once_and_answered_twice(void **state)
{
    (void) state;
    static const char *const key = "Idempotency-Key: k1\r\n";

    request(&fake, &answer, "PUT", T, key, "{}");
    expect(201, "\"revision\":1");
    char *first = vx_xstrdup(answer.body);
    put(T, "{\"quota_ports\":3}", 200);
    request(&fake, &answer, "PUT", T, key, "{}");
    expect(201, "Idempotency-Replayed: true");
    assert_string_equal(answer.body, first);
    free(first);
    get(T, 200, "\"quota_ports\":3");
    request(&fake, &answer, "PUT", T, key, "{\"quota_ports\":4}");
    expect(409, "another request");
    /* What failed may be tried again under its key. */
    request(&fake, &answer, "PUT", T "x/networks/n",
            "Idempotency-Key: k2\r\n", "{}");
    expect(404, NULL);
    put(T "x", "{}", 201);
    request(&fake, &answer, "PUT", T "x/networks/n",
            "Idempotency-Key: k2\r\n", "{}");
    expect(201, NULL);
}

/* --- Lists. */

static char *
next_of(const char *body)
{
    cJSON *json = cJSON_Parse(body);
    const char *next
        = cJSON_GetStringValue(cJSON_GetObjectItem(json, "next"));
    char *copy = next ? vx_xstrdup(next) : NULL;
    cJSON_Delete(json);
    return copy;
}

static int
n_items(const char *body)
{
    cJSON *json = cJSON_Parse(body);
    int n = cJSON_GetArraySize(cJSON_GetObjectItem(json, "items"));
    cJSON_Delete(json);
    return n;
}

static void
lists_come_in_pages_that_miss_nothing(void **state)
{
    (void) state;
    static const char *const paths[] = {
        "/v1/ports", T "/ports", NET "/ports",
    };
    populate();
    put("/v1/tenants/zeta", "{}", 201);
    put("/v1/tenants/zeta/networks/n", "{}", 201);
    put("/v1/tenants/zeta/networks/n/ports/vm1", "{}", 201);
    for (size_t i = 0; i < N(paths); i++) {
        char *after = NULL;
        int n = 0, pages = 0;
        do {
            struct vx_buf path = VX_BUF_INIT;
            vx_buf_printf(&path, "%s?limit=1", paths[i]);
            if (after) {
                vx_buf_puts(&path, "&after=");
                vx_codec_escape(&path, after);
            }
            get(vx_buf_str(&path), 200, NULL);
            vx_buf_fini(&path);
            free(after);
            after = next_of(answer.body);
            n += n_items(answer.body);
            pages++;
        } while (after && pages < 10);
        assert_int_equal(n, i ? 3 : 4);
        assert_int_equal(pages, n);
    }
    get("/v1/subnets?limit=1", 200, "\"next\":null");
    assert_int_equal(n_items(answer.body), 1);
    get("/v1/subnets?after=acme%2Fweb%2F10.0.0.0%2F24", 200, NULL);
    assert_int_equal(n_items(answer.body), 0);
    get("/v1/zones", 200, "{\"items\":[{\"name\":\"z1\"");
}

static void
filters_narrow_a_list(void **state)
{
    (void) state;
    static const struct {
        const char *path;
        int n;
    } table[] = {
        { "/v1/ports", 3 }, { "/v1/ports?host=h1", 1 },
        { "/v1/ports?status=pending", 3 }, { "/v1/ports?status=active", 0 },
        { "/v1/ports?iface_id=acme/web/vm3", 1 },
        { "/v1/ports?host=h1&status=pending", 1 },
        { "/v1/ports?ip=10.0.0.2", 1 }, { "/v1/ports?ip=10.9.9.9", 0 },
        { "/v1/networks?vni=5001", 1 }, { "/v1/networks?vni=5002", 0 },
        { "/v1/hosts?zone=z1", 2 }, { "/v1/hosts?status=joining", 2 },
        { "/v1/hosts?status=active", 0 },
        { "/v1/hosts?system_id=nobody", 0 },
        { "/v1/tenants/other/ports?iface_id=acme/web/vm3", 0 },
        { "/v1/tenants/other/networks?vni=5001", 0 },
        { NET "/ports?iface_id=acme/web/vm3&status=active", 0 },
    };
    populate();
    put("/v1/tenants/other", "{}", 201);
    for (size_t i = 0; i < N(table); i++) {
        get(table[i].path, 200, NULL);
        if (n_items(answer.body) != table[i].n) {
            fail_msg("%s: %s", table[i].path, answer.body);
        }
    }
}

static void
ports_on_their_way_to_a_host_are_listed_there_and_where_they_are(void **state)
{
    (void) state;
    populate();
    request(&fake, &answer, "PATCH", NET "/ports/vm1", "",
            "{\"host\":\"h2\",\"migrate_from\":\"h1\"}");
    expect(200, "\"migrate_from\":\"h1\"");
    get("/v1/ports?host=h2", 200, "\"name\":\"vm1\"");
    assert_int_equal(n_items(answer.body), 2);
    get("/v1/ports?host=h1", 200, "\"name\":\"vm1\"");
    assert_int_equal(n_items(answer.body), 1);
}

static void
a_server_that_stops_lets_go_of_everything(void **state)
{
    (void) state;
    struct client watcher, waiter;

    populate();
    open_watch(&watcher, "");
    client_open(&waiter, &fake);
    client_send(&waiter, "PUT " NET "/ports/vm9?wait=30 HTTP/1.1\r\n"
                "Host: x\r\nContent-Length: 0\r\n\r\n");
    for (int i = 0; i < 1000 && !fake.waiter; i++) {
        fake_settle(&fake);
    }
    vx_server_free(fake.server);
    fake.server = NULL;
    assert_int_equal(fake.n_cancelled, 1);
    assert_int_equal(vx_watch_n_subs(fake.watch), 0);
    assert_true(client_is_closed(&watcher));
    assert_true(client_is_closed(&waiter));
    client_close(&watcher);
    client_close(&waiter);
}

/* --- Limits of connections and time. */

static void
an_idle_connection_makes_room_a_busy_one_does_not(void **state)
{
    (void) state;
    struct fake_options options = { .max_connections = 2 };
    struct client idle, busy[2], extra;

    fake_stop(&fake);
    fake_start(&fake, &options);
    client_open(&idle, &fake);
    fake_settle(&fake);
    for (int i = 0; i < 2; i++) {
        client_open(&busy[i], &fake);
        client_send(&busy[i], "PUT /v1/tenants/t HTTP/1.1\r\nHost: x\r\n"
                    "Content-Length: 2\r\n\r\n{");
        fake_settle(&fake);
    }
    assert_true(client_is_closed(&idle));
    client_open(&extra, &fake);
    client_read(&extra, &answer);
    expect(503, "too many connections");
    client_send(&busy[0], "}");
    client_read(&busy[0], &answer);
    expect(201, NULL);
    client_close(&idle);
    client_close(&extra);
    client_close(&busy[0]);
    client_close(&busy[1]);
    assert_int_equal(vx_server_n_connections(fake.server), 0);
}

static void
half_a_request_does_not_keep_others_out(void **state)
{
    (void) state;
    struct fake_options options = { .max_connections = 2 };
    struct client half[2], whole;

    fake_stop(&fake);
    fake_start(&fake, &options);
    for (int i = 0; i < 2; i++) {
        client_open(&half[i], &fake);
        client_send(&half[i], "GET /v1 HTTP/1.1\r\nX: ");
        fake_settle(&fake);
    }
    client_open(&whole, &fake);
    client_send(&whole, "GET /v1 HTTP/1.1\r\nHost: x\r\n\r\n");
    client_read(&whole, &answer);
    expect(200, NULL);
    assert_true(client_is_closed(&half[0]));
    client_close(&half[0]);
    client_close(&half[1]);
    client_close(&whole);
}

static void
a_request_that_trickles_in_is_cut(void **state)
{
    (void) state;
    struct fake_options options = { .request_timeout_s = 1 };
    struct client client;

    fake_stop(&fake);
    fake_start(&fake, &options);
    client_open(&client, &fake);
    client_send(&client, "GET /v1 HTTP/1.1\r\nX: ");
    while (!client.in && !client.eof) {
        client_send(&client, "y");
        fake_settle(&fake);
        char c;
        client.eof = recv(client.fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
        struct timeval tv = { .tv_usec = 20000 };
        event_base_loopexit(fake.base, &tv);
        event_base_dispatch(fake.base);
    }
    client.eof = false;
    client_read(&client, &answer);
    expect(408, "within 1 seconds");
    assert_true(client_is_closed(&client));
    client_close(&client);
}

/* --- Documents. */

static void
index_and_metrics_answer(void **state)
{
    (void) state;
    get("/v1", 200, "\"resources\":[\"/v1/zones\"");
    get("/v1/", 200, "\"version\":\"0.1\"");
    get("/metrics", 200, "vxfabric_up 1\n");
    expect(200, "text/plain; version=0.0.4");
}

static void
refused_hosts_are_listed_with_their_reason(void **state)
{
    (void) state;
    get("/v1/refused-hosts", 200,
        "\"peer\":\"192.0.2.2:9\",\"reason\":\"system-id \\\"s1\\\"\"},{");
    get("/v1/refused-hosts?x=1", 400, "\"x\"");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_object_is_created_once_read_changed_and_deleted),
        TEST(a_port_may_be_put_back_as_get_answers_it),
        TEST(a_merge_patch_changes_only_what_it_names),
        TEST(paths_take_slashes_escapes_and_head),
        TEST(bad_input_gets_its_clear_error_and_changes_nothing),
        TEST(malformed_http_is_refused_in_the_same_shape),
        TEST(sizes_are_bounded_while_they_come_in),
        TEST(requests_sent_ahead_are_answered_in_order),
        TEST(a_client_that_asks_first_is_told_to_continue),
        TEST(a_half_closed_client_still_gets_its_answer),
        TEST(it_answers_over_tcp_on_loopback_too),
        TEST(addresses_are_judged),
        TEST(of_two_puts_racing_with_if_match_one_wins),
        TEST(a_batch_is_all_or_nothing),
        TEST(a_batch_of_thousands_is_one_revision),
        TEST(a_store_that_cannot_commit_answers_503_and_keeps_nothing),
        TEST(wait_answers_when_realized),
        TEST(wait_answers_202_with_the_object_when_time_is_up),
        TEST(a_client_that_leaves_ends_its_wait_but_not_the_change),
        TEST(a_dry_run_plans_and_changes_nothing),
        TEST(the_same_key_is_done_once_and_answered_twice),
        TEST(lists_come_in_pages_that_miss_nothing),
        TEST(filters_narrow_a_list),
        TEST(ports_on_their_way_to_a_host_are_listed_there_and_where_they_are),
        TEST(a_server_that_stops_lets_go_of_everything),
        TEST(an_idle_connection_makes_room_a_busy_one_does_not),
        TEST(half_a_request_does_not_keep_others_out),
        TEST(a_request_that_trickles_in_is_cut),
        TEST(index_and_metrics_answer),
        TEST(refused_hosts_are_listed_with_their_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
