/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the API share: one fake, one answer, short words. */
#ifndef VX_TESTS_API_CASE_H
#define VX_TESTS_API_CASE_H 1

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "lib/xalloc.h"
#include "tests/lib/fake_backend.h"

#define N(A) (sizeof(A) / sizeof((A)[0]))
#define T "/v1/tenants/acme"
#define NET T "/networks/web"

static struct fake fake;
static struct answer answer;

__attribute__((unused)) static int
start(void **state)
{
    (void) state;
    fake_start(&fake, NULL);
    return 0;
}

__attribute__((unused)) static int
stop(void **state)
{
    (void) state;
    answer_fini(&answer);
    fake_stop(&fake);
    return 0;
}

__attribute__((unused)) static void
expect(int status, const char *part)
{
    if (answer.status != status
        || (part && !strstr(answer.body, part)
            && !strstr(answer.head, part))) {
        fail_msg("%d (not %d, \"%s\"): %s%s", answer.status, status,
                 part ? part : "", answer.head, answer.body);
    }
}

__attribute__((unused)) static void
put(const char *path, const char *body, int status)
{
    request(&fake, &answer, "PUT", path, "", body);
    expect(status, NULL);
}

__attribute__((unused)) static void
get(const char *path, int status, const char *part)
{
    request(&fake, &answer, "GET", path, "", "");
    expect(status, part);
}

/* Zone, two hosts, tenant, network, subnet, three ports. */
__attribute__((unused)) static void
populate(void)
{
    put("/v1/zones/z1", "{}", 201);
    put("/v1/hosts/h1", "{\"zone\":\"z1\"}", 201);
    put("/v1/hosts/h2", "{\"zone\":\"z1\"}", 201);
    put(T, "{}", 201);
    put(NET, "{\"vni\":5001}", 201);
    put(NET "/subnets/10.0.0.0%2F24", "{}", 201);
    put(NET "/ports/vm1", "{\"host\":\"h1\"}", 201);
    put(NET "/ports/vm2", "{\"host\":\"h2\"}", 201);
    put(NET "/ports/vm3", "{}", 201);
}

__attribute__((unused)) static void
open_watch(struct client *client, const char *query)
{
    char text[200];

    snprintf(text, sizeof text, "GET /v1/watch%s HTTP/1.1\r\nHost: x\r\n\r\n",
             query);
    client_open(client, &fake);
    client_send(client, text);
    client_read(client, &answer);
    assert_int_equal(answer.status, 200);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, start, stop)

#endif
