/* SPDX-License-Identifier: Apache-2.0 */
/* Options of vxfabricd: file, command line, their order, their errors. */
#include "daemon/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void
defaults_name_the_api_socket_in_the_run_dir(void **state)
{
    char *argv[] = { (char *) "vxfabricd", (char *) "--run-dir",
                     (char *) "/tmp/r", NULL };
    struct vx_options options;
    struct vx_error err;

    (void) state;
    vx_options_init(&options);
    assert_int_equal(vx_options_parse(&options, 3, argv, &err),
                     VX_CONF_RUN);
    assert_int_equal(options.n_api, 1);
    assert_string_equal(options.api[0], "unix:/tmp/r/api.sock");
    assert_string_equal(options.ovsdb, "tcp:0.0.0.0:6640");
    assert_string_equal(options.openflow, "tcp:0.0.0.0:6653");
    vx_options_fini(&options);
}

static void
the_command_line_wins_over_the_file(void **state)
{
    char path[] = "/tmp/vxfabric-test-XXXXXX";
    char *argv[] = { (char *) "vxfabricd", (char *) "--log-level=error",
                     (char *) "--set", (char *) "vni_quarantine_s = 5",
                     (char *) "-c", path, NULL };
    FILE *file = fdopen(mkstemp(path), "w");
    struct vx_options options;
    struct vx_error err;

    (void) state;
    fputs("# comment\n\nlog_level = debug\nvni_ranges = 10-20, 30\n"
          "vni_quarantine_s=7\n  auto_zones =  false  \n", file);
    fclose(file);
    vx_options_init(&options);
    assert_int_equal(vx_options_parse(&options, 6, argv, &err),
                     VX_CONF_RUN);
    unlink(path);
    assert_int_equal(options.log_level, VX_LOG_ERROR);
    assert_int_equal(options.vni_quarantine_ms, 5000);
    assert_int_equal(options.n_vni_ranges, 2);
    assert_int_equal(options.vni_ranges[0].first, 10);
    assert_int_equal(options.vni_ranges[0].last, 20);
    assert_int_equal(options.vni_ranges[1].first, 30);
    assert_int_equal(options.vni_ranges[1].last, 30);
    assert_false(options.auto_zones);
    vx_options_fini(&options);
}

static void
a_bad_value_is_refused_by_key(void **state)
{
    static const struct {
        const char *key, *value, *word;
    } rows[] = {
        { "vni_ranges", "0-5", "1..16777215" },
        { "vni_ranges", "5-4", "1..16777215" },
        { "vni_ranges", "1-16777216", "1..16777215" },
        { "vni_ranges", "1-", "1..16777215" },
        { "vni_ranges", "x", "1..16777215" },
        { "vni_ranges", "1 2", "1..16777215" },
        { "mac_prefix", "0x01", "locally administered" },
        { "mac_prefix", "256", "0..255" },
        { "mac_prefix", "-1", "0..255" },
        { "vni_quarantine_s", "", "number" },
        { "vni_quarantine_s", "1h", "number" },
        { "log_level", "loud", "debug" },
        { "probe_ms", "199", "200..600000" },
        { "flowspec_away_s", "2", "3..86400" },
        { "auto_zones", "1", "true or false" },
        { "state_dir", "", "empty" },
        { "hook_jobs", "0", "1..256" },
        { "hook_timeout_s", "3601", "1..3600" },
        { "events_kept", "99", "100..10000000" },
        { "hooks_dir", "", "empty" },
        { "webhook", "http://h/x", "SECRET-FILE" },
        { "webhook", "http://h/x secret", "absolute path" },
        { "webhook", "ftp://h/x /s", "http://" },
        { "webhook", "http:///x /s", "http://" },
        { "webhook", "http://u:p@h/x /s", "without user" },
        { "webhook", "https://h/x?token=1 /s", "query" },
        { "webhook", "https://h/x /s host-jion", "host-jion" },
        { "colour", "blue", "unknown option" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vx_options options;
        struct vx_error err;

        vx_options_init(&options);
        assert_false(vx_options_set(&options, rows[i].key, rows[i].value,
                                    &err));
        assert_int_equal(err.code, VX_INVALID);
        assert_string_equal(err.field, rows[i].key);
        assert_non_null(strstr(err.message, rows[i].word));
        vx_options_fini(&options);
    }
}

static void
a_webhook_has_a_secret_and_its_events(void **state)
{
    struct vx_options options;
    struct vx_error err;

    (void) state;
    vx_options_init(&options);
    assert_true(vx_options_set(&options, "webhook", "http://h:1/x /s", &err));
    assert_true(vx_options_set(&options, "webhook",
                               "https://[::1]/y\t/etc/s drift,\thost-down",
                               &err));
    assert_int_equal(options.n_webhooks, 2);
    assert_string_equal(options.webhooks[0].url, "http://h:1/x");
    assert_string_equal(options.webhooks[0].secret_file, "/s");
    assert_string_equal(options.webhooks[0].events, "");
    assert_string_equal(options.webhooks[1].secret_file, "/etc/s");
    assert_string_equal(options.webhooks[1].events, " drift  host-down ");
    assert_false(vx_options_set(&options, "webhook", "http://h:1/x /t",
                                &err));
    assert_int_equal(err.code, VX_EXISTS);
    vx_options_fini(&options);
}

static void
an_argument_that_is_no_option_is_refused(void **state)
{
    static const char *const bad[][3] = {
        { "--colour", "blue", "unknown option" },
        { "--api", NULL, "needs a value" },
        { "--nosuch", NULL, "unknown option" },
        { "now", NULL, "unexpected argument" },
        { "--config=/nonexistent/x", NULL, "/nonexistent/x" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *argv[] = { (char *) "vxfabricd", (char *) bad[i][0],
                         (char *) bad[i][1], NULL };
        struct vx_options options;
        struct vx_error err;

        vx_options_init(&options);
        assert_int_equal(vx_options_parse(&options, bad[i][1] ? 3 : 2, argv,
                                          &err), VX_CONF_BAD);
        assert_non_null(strstr(err.message, bad[i][2]));
        vx_options_fini(&options);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_name_the_api_socket_in_the_run_dir),
        cmocka_unit_test(the_command_line_wins_over_the_file),
        cmocka_unit_test(a_bad_value_is_refused_by_key),
        cmocka_unit_test(a_webhook_has_a_secret_and_its_events),
        cmocka_unit_test(an_argument_that_is_no_option_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
