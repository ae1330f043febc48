/* SPDX-License-Identifier: Apache-2.0 */
/* Locality and bursts over HTTP. */
#include "tests/lib/api_case.h"

static void
locality_has_items_and_totals(void **state)
{
    (void) state;
    get("/v1/locality", 200,
        "{\"items\":[{\"tenant\":\"acme\",\"network\":\"web\","
        "\"zone\":\"z1\",\"local_bytes\":70,\"zone_bytes\":20,"
        "\"cross_bytes\":10,\"local_bps\":7,\"zone_bps\":2,"
        "\"cross_bps\":1},{");
    expect(200, "],\"totals\":{\"local_bytes\":140,\"zone_bytes\":40,"
           "\"cross_bytes\":20,\"local_bps\":14,\"zone_bps\":4,"
           "\"cross_bps\":2},\"complete\":true,\"left_out\":0}");
    get("/v1/locality?zone=z1&tenant=acme&network=db", 200,
        "\"network\":\"db\"");
    expect(200, "\"totals\":{\"local_bytes\":70,");
}

static void
what_is_wrong_is_refused_before_anything_is_counted(void **state)
{
    (void) state;
    fake.counted = 3;
    get("/v1/locality?tenant=odd", 404, "odd");
    get("/v1/locality?host=h1", 400, "host");
    request(&fake, &answer, "PUT", "/v1/locality", "", "{}");
    expect(405, "Allow: GET, HEAD");
    get("/v1/bursts?state=odd", 400, "active");
    get("/v1/bursts?odd=1", 400, "odd");
    request(&fake, &answer, "POST", "/v1/bursts", "", "{}");
    expect(405, "Allow: GET, HEAD");
}

static void
locality_waits_until_hosts_are_counted_but_not_for_ever(void **state)
{
    (void) state;
    fake.counted = 1;
    get("/v1/locality", 200, "\"complete\":true");
    fake.counted = 2;
    get("/v1/locality", 200, "\"complete\":false");
}

static void
who_leaves_is_not_waited_for(void **state)
{
    (void) state;
    struct client client;

    fake.counted = 3;
    client_open(&client, &fake);
    client_send(&client, "GET /v1/locality HTTP/1.1\r\nHost: x\r\n\r\n");
    client_close(&client);
    while (!fake.n_cancelled) {
        event_base_loop(fake.base, EVLOOP_ONCE);
    }
}

static void
a_server_that_stops_lets_go_of_who_waits(void **state)
{
    (void) state;
    struct client client;

    fake.counted = 3;
    client_open(&client, &fake);
    client_send(&client, "GET /v1/locality HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < 20; i++) {
        event_base_loop(fake.base, EVLOOP_NONBLOCK);
    }
    vx_server_free(fake.server);
    fake.server = NULL;
    assert_int_equal(fake.n_cancelled, 1);
    assert_true(client_is_closed(&client));
    client_close(&client);
}

static void
bursts_say_who_what_how_much_and_how_long(void **state)
{
    (void) state;
    get("/v1/bursts", 200,
        "{\"items\":[{\"id\":2,\"state\":\"active\",\"kind\":\"port\","
        "\"object\":\"acme/web/vm1\",\"tenant\":\"acme\","
        "\"network\":\"web\",\"host\":\"h1\",\"zone\":\"z1\","
        "\"budget\":\"out_kbps\",\"rate\":1000,\"unit\":\"kbit/s\","
        "\"dropped_packets\":5,\"offered_packets\":100,"
        "\"offered_bytes\":1000,\"offered_bps\":8000,\"offered_pps\":100,"
        "\"since\":\"1970-01-01T00:00:01.000Z\","
        "\"last\":\"1970-01-01T00:00:02.000Z\",\"duration_ms\":1000},{");
    expect(200, "\"object\":null,\"tenant\":null");
    get("/v1/bursts?state=over", 200, "{\"items\":[{\"id\":1,");
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(locality_has_items_and_totals),
        TEST(what_is_wrong_is_refused_before_anything_is_counted),
        TEST(locality_waits_until_hosts_are_counted_but_not_for_ever),
        TEST(who_leaves_is_not_waited_for),
        TEST(a_server_that_stops_lets_go_of_who_waits),
        TEST(bursts_say_who_what_how_much_and_how_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
