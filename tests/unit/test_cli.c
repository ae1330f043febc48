/* SPDX-License-Identifier: Apache-2.0 */
/* netctl without a controller: the command table and what hangs on it, the
 * parser, names, the output formats, the watch stream cut anywhere. */
#include "cli/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "api/codec.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/event.h"
#include "lib/xalloc.h"

#define FOR_EACH_COMMAND(C) \
    for (const struct vx_cli_command *C = vx_cli_commands; C->name; C++)
#define FOR_EACH_OPT(O, C)                                       \
    for (const struct vx_cli_opt *O = vx_cli_opt_next(C, NULL); O; \
         O = vx_cli_opt_next(C, O))

/* --- The table. */

static void
every_command_can_run_and_says_what_it_does(void **state)
{
    (void) state;
    FOR_EACH_COMMAND(c) {
        assert_true(c->help && c->help[0] >= 'a' && c->help[0] <= 'z');
        assert_non_null(c->run);
        assert_true(c->min_words <= c->max_words);
        assert_true(!c->object == !c->kind);
        assert_ptr_equal(vx_cli_command_find(c->object, c->name), c);
    }
}

static void
no_command_has_two_options_of_a_name_or_letter(void **state)
{
    (void) state;
    FOR_EACH_COMMAND(c) {
        FOR_EACH_OPT(a, c) {
            assert_true(a->help && *a->help);
            FOR_EACH_OPT(b, c) {
                assert_true(a == b || strcmp(a->name, b->name) != 0);
                assert_true(a == b || !a->letter || a->letter != b->letter);
            }
            for (const struct vx_cli_opt *g = vx_cli_global_opts; g->name;
                 g++) {
                assert_string_not_equal(a->name, g->name);
                assert_true(!a->letter || a->letter != g->letter);
            }
        }
    }
}

static const struct vx_codec_field *
field_of(const struct vx_cli_kind *kind, const char *name)
{
    for (int k = VX_NONE + 1; k < VX_N_KINDS; k++) {
        size_t n = 0;
        const struct vx_codec_field *fields = NULL;

        if (!strcmp(vx_kind_name((enum vx_kind) k), kind->name)) {
            fields = vx_codec_fields((enum vx_kind) k, &n);
        }
        for (size_t i = 0; i < n; i++) {
            if (!strcmp(fields[i].name, name)) {
                return &fields[i];
            }
        }
    }
    return kind->flat ? field_of(kind->flat, name) : NULL;
}

static bool
types_agree(enum vx_cli_opt_type opt, enum vx_codec_type field)
{
    switch (opt) {
    case VX_CLI_TEXT:
    case VX_CLI_FIRST_LINE: return field == VX_T_STRING;
    case VX_CLI_NULL: return field == VX_T_STRING || field == VX_T_UINT;
    case VX_CLI_NUMBER: return field == VX_T_UINT;
    case VX_CLI_TRUE:
    case VX_CLI_FALSE: return field == VX_T_BOOL;
    case VX_CLI_TEXTS:
    case VX_CLI_NO_TEXTS: return field == VX_T_STRINGS;
    case VX_CLI_WORDS: return field == VX_T_WORDS;
    case VX_CLI_RANGES: return field == VX_T_RANGES;
    case VX_CLI_MATCH: return field == VX_T_MATCH;
    case VX_CLI_ACTION: return field == VX_T_ACTION;
    case VX_CLI_CONTROL:
    case VX_CLI_FILTER: break;
    }
    return false;
}

static void
every_member_an_option_sets_is_one_the_api_takes(void **state)
{
    (void) state;
    FOR_EACH_COMMAND(c) {
        FOR_EACH_OPT(o, c) {
            const struct vx_codec_field *field;

            if (o->type == VX_CLI_CONTROL || o->type == VX_CLI_FILTER) {
                continue;
            }
            field = field_of(c->kind, o->key);
            assert_non_null(field);
            assert_true(field->settable);
            assert_true(types_agree(o->type, field->type));
        }
    }
}

/* And the other way: what the API lets be set, netctl can set. */
static void
every_member_the_api_takes_has_an_option(void **state)
{
    (void) state;
    for (int k = VX_NONE + 1; k < VX_N_KINDS; k++) {
        size_t n;
        const struct vx_codec_field *fields =
            vx_codec_fields((enum vx_kind) k, &n);
        const struct vx_cli_command *c = vx_cli_command_find(
            vx_kind_name(k == VX_UPLINK ? VX_PEERING : (enum vx_kind) k),
            "set");

        for (size_t i = 0; fields && i < n; i++) {
            bool found = !fields[i].settable;

            assert_non_null(c);
            FOR_EACH_OPT(o, c) {
                found = found || (o->key && !strcmp(o->key, fields[i].name));
            }
            if (!found) {
                fail_msg("no option of %s set for \"%s\"", c->object,
                         fields[i].name);
            }
        }
    }
}

static char *
read_source(const char *name)
{
    const char *srcdir = getenv("srcdir");
    char *path = vx_xasprintf("%s/%s", srcdir ? srcdir : ".", name);
    FILE *file = fopen(path, "re");
    struct vx_buf text = VX_BUF_INIT;
    char chunk[4096];
    size_t n;

    if (!file) {
        fail_msg("%s cannot be read", path);
    }
    while ((n = fread(chunk, 1, sizeof chunk, file)) > 0) {
        vx_buf_put(&text, chunk, n);
    }
    fclose(file);
    free(path);
    return vx_buf_steal(&text);
}

/* Of an object, by its fields; of what is none (hooks), by openapi.json, which
 * another test holds to the code. */
static bool
is_member(const cJSON *schemas, const struct vx_cli_kind *kind,
          const char *name)
{
    char schema[32];

    snprintf(schema, sizeof schema, "%s", kind->name);
    for (char *p = schema; *p; p++) {
        *p = *p == ' ' ? '_' : *p;
    }
    return field_of(kind, name)
           || cJSON_HasObjectItem(
                  cJSON_GetObjectItem(cJSON_GetObjectItem(schemas, schema),
                                      "properties"), name);
}

static void
every_column_and_part_of_a_name_is_a_member_of_the_api(void **state)
{
    char *text = read_source("src/api/openapi.json");
    cJSON *doc = cJSON_Parse(text);
    const cJSON *schemas = cJSON_GetObjectItem(
        cJSON_GetObjectItem(doc, "components"), "schemas");

    (void) state;
    assert_non_null(schemas);
    FOR_EACH_COMMAND(c) {
        if (!c->kind) {
            continue;
        }
        for (const struct vx_cli_column *l = c->kind->columns; l->title;
             l++) {
            assert_true(!l->key || is_member(schemas, c->kind, l->key));
            assert_true(!l->other || !*l->other
                        || is_member(schemas, c->kind, l->other));
        }
        for (size_t i = 0; c->kind->keys[i]; i++) {
            assert_true(is_member(schemas, c->kind, c->kind->keys[i]));
        }
    }
    cJSON_Delete(doc);
    free(text);
}

/* --- The man page. */

/* From the subsection of the command on to the next one. */
static char *
section_of(const char *page, const struct vx_cli_command *c)
{
    char *title = vx_xasprintf("\n.Ss %s%s%s\n", c->object ? c->object : "",
                               c->object ? " " : "", c->name);
    const char *start = strstr(page, title);
    const char *end;

    if (!start) {
        fail_msg("netctl.8 has no section%s", title);
    }
    start += strlen(title) - 1;
    end = strstr(start, "\n.S");
    free(title);
    return vx_xstrndup(start, end ? (size_t) (end - start) : strlen(start));
}

static void
the_man_page_documents_every_command_and_option(void **state)
{
    char *page = read_source("man/netctl.8");

    (void) state;
    FOR_EACH_COMMAND(c) {
        char *section = section_of(page, c);

        FOR_EACH_OPT(o, c) {
            char *flag = vx_xasprintf("Fl -%s", o->name);
            const char *at = strstr(section, flag);

            while (at && !strchr(" \n", at[strlen(flag)])) {
                at = strstr(at + 1, flag);      /* -local, not -local-as */
            }
            if (!at) {
                fail_msg("netctl.8 does not tell of --%s of %s %s", o->name,
                         c->object ? c->object : "", c->name);
            }
            free(flag);
        }
        free(section);
    }
    for (const struct vx_cli_opt *o = vx_cli_global_opts; o->name; o++) {
        char *flag = vx_xasprintf("Fl -%s", o->name);

        assert_non_null(strstr(page, flag));
        free(flag);
    }
    free(page);
}

/* --- The parser. */

enum { MAX_WORDS = 16 };

/* Cuts line at spaces, in place. */
static int
cut(char *line, char **argv)
{
    int argc = 0;

    argv[argc++] = (char *) "netctl";
    for (char *w = strtok(line, " "); w; w = strtok(NULL, " ")) {
        argv[argc++] = w;
    }
    argv[argc] = NULL;
    return argc;
}

static void
options_may_stand_anywhere_and_in_each_form(void **state)
{
    static const char *const lines[] = {
        "-s unix:/x -o json port add a/b/c --host h --wait",
        "port -sunix:/x add -ojson --host=h --wait a/b/c",
        "port add a/b/c --output json --wait --server=unix:/x --host h",
        "port --wait add --host h -o json -s unix:/x -- a/b/c",
    };

    (void) state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char *line = vx_xstrdup(lines[i]);
        char *argv[MAX_WORDS];
        struct vx_cli_args args;
        struct vx_error err;
        int argc = cut(line, argv);

        /* --wait belongs to a verb; before it, nobody knows it. */
        if (i == 3) {
            assert_false(vx_cli_args_parse(argc, argv, &args, &err));
        } else {
            assert_true(vx_cli_args_parse(argc, argv, &args, &err));
            assert_string_equal(args.server, "unix:/x");
            assert_string_equal(args.output, "json");
            assert_string_equal(vx_cli_args_get(&args, "host"), "h");
            assert_true(vx_cli_args_has(&args, "wait"));
            assert_null(vx_cli_args_get(&args, "wait"));
            assert_int_equal(args.n_words, 1);
            assert_string_equal(args.words[0], "a/b/c");
        }
        vx_cli_args_fini(&args);
        free(line);
    }
}

static void
host_join_takes_its_options_and_no_words(void **state)
{
    char line[] = "-o json host join --controller tcp:192.0.2.1 --wait=5";
    char words[] = "host join h1";
    char *argv[MAX_WORDS];
    struct vx_cli_args args;
    struct vx_error err;
    int argc = cut(line, argv);

    (void) state;
    assert_true(vx_cli_args_parse(argc, argv, &args, &err));
    assert_string_equal(args.output, "json");
    assert_string_equal(vx_cli_args_get(&args, "controller"),
                        "tcp:192.0.2.1");
    assert_string_equal(vx_cli_args_get(&args, "wait"), "5");
    vx_cli_args_fini(&args);
    argc = cut(words, argv);
    assert_false(vx_cli_args_parse(argc, argv, &args, &err));
    vx_cli_args_fini(&args);
}

static const char *
nearest_of(const char *word, const char *const *candidates)
{
    struct vx_cli_nearest nearest;

    vx_cli_nearest_init(&nearest, word);
    for (; *candidates; candidates++) {
        vx_cli_nearest_offer(&nearest, *candidates);
    }
    return nearest.best;
}

static void
a_suggestion_is_near_or_not_made(void **state)
{
    static const char *const words[] = { "zone", "host", "tenant", "network",
                                         "subnet", "port", "watch", NULL };

    (void) state;
    assert_string_equal(nearest_of("prot", words), "port");
    assert_string_equal(nearest_of("hosts", words), "host");
    assert_string_equal(nearest_of("netwrok", words), "network");
    assert_string_equal(nearest_of("ten", words), "tenant");
    assert_string_equal(nearest_of("portal", words), "port");
    assert_null(nearest_of("xyz", words));
    assert_null(nearest_of("", words));
    assert_null(nearest_of("a-word-that-is-longer-than-all-of-the-table",
                           words));
}

/* --- Names. */

static void
a_name_becomes_a_path_and_comes_back(void **state)
{
    static const struct {
        const struct vx_cli_kind *kind;
        const char *words[2];
        const char *path, *text;
    } cases[] = {
        { &vx_cli_zone, { "z1" }, "/v1/zones/z1", "z1" },
        { &vx_cli_network, { "acme/web" }, "/v1/tenants/acme/networks/web",
          "acme/web" },
        { &vx_cli_subnet, { "acme/web", "10.0.0.0/24" },
          "/v1/tenants/acme/networks/web/subnets/10.0.0.0%2F24",
          "acme/web/10.0.0.0/24" },
        { &vx_cli_subnet, { "acme/web/fd00::/64" },
          "/v1/tenants/acme/networks/web/subnets/fd00%3A%3A%2F64",
          "acme/web/fd00::/64" },
        { &vx_cli_port, { "a%/b c/d\xc3\xa9" },
          "/v1/tenants/a%25/networks/b%20c/ports/d%C3%A9",
          "a%/b c/d\xc3\xa9" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vx_cli_name name, back;
        struct vx_buf path = VX_BUF_INIT, text = VX_BUF_INIT;
        size_t n = cases[i].words[1] ? 2 : 1;

        assert_true(vx_cli_name_parse(cases[i].kind, cases[i].words, n,
                                      &name, NULL));
        vx_cli_name_path(&path, &name);
        assert_string_equal(vx_buf_str(&path), cases[i].path);
        assert_true(vx_cli_name_from_path(cases[i].path, &back));
        assert_ptr_equal(back.kind, cases[i].kind);
        vx_cli_name_text(&text, &back);
        assert_string_equal(vx_buf_str(&text), cases[i].text);
        vx_cli_name_fini(&name);
        vx_cli_name_fini(&back);
        vx_buf_fini(&path);
        vx_buf_fini(&text);
    }
}

/* --- Output. */

static char *
written(const struct vx_cli_format *format, const struct vx_cli_kind *kind,
        enum vx_cli_shape shape, const char *items)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    cJSON *doc = cJSON_Parse(items);
    const cJSON *item;
    struct vx_cli_writer w;

    assert_non_null(doc);
    vx_cli_writer_begin(&w, format, out, kind, shape);
    cJSON_ArrayForEach(item, doc) {
        vx_cli_writer_put(&w, item);
    }
    vx_cli_writer_end(&w);
    cJSON_Delete(doc);
    fclose(out);
    return text;
}

static void
assert_written(const struct vx_cli_format *format,
               const struct vx_cli_kind *kind, enum vx_cli_shape shape,
               const char *const expected[2])
{
    char *text = written(format, kind, shape, expected[0]);

    assert_string_equal(text, expected[1]);
    free(text);
}

static void
a_table_is_as_wide_as_its_widest_cells(void **state)
{
    static const char *const one[] = {
        "[{\"name\":\"z\",\"description\":\"\xc3\xa9t\xc3\xa9\","
        "\"revision\":12345678},{\"name\":\"long-name\",\"revision\":1}]",
        "NAME       PATH  BORDER-HOSTS  BUDGET-KBPS  DESCRIPTION  REVISION\n"
        "z          -     -             -            \xc3\xa9t\xc3\xa9    "
        "      12345678\n"
        "long-name  -     -             -            -            1\n",
    };
    static const char *const ports[] = {
        "[{\"tenant\":\"a\",\"network\":\"n\",\"name\":\"p\",\"host\":null,"
        "\"located\":\"h2\",\"ips\":[],\"status\":\"down\"}]",
        "NAME   VNI  MAC  IPS  HOST  STATUS  REASON\n"
        "a/n/p  -    -    -    h2    down    -\n",
    };
    static const char *const none[] = {
        "[]",
        "NAME  PATH  BORDER-HOSTS  BUDGET-KBPS  DESCRIPTION  REVISION\n",
    };

    (void) state;
    assert_written(&vx_cli_format_table, &vx_cli_zone, VX_CLI_ITEMS, one);
    assert_written(&vx_cli_format_table, &vx_cli_port, VX_CLI_ITEMS, ports);
    assert_written(&vx_cli_format_table, &vx_cli_zone, VX_CLI_ITEMS, none);
}

static void
json_is_a_list_whatever_the_count(void **state)
{
    static const char *const cases[][2] = {
        { "[]", "{\n  \"items\": []\n}\n" },
        { "[{}]", "{\n  \"items\": [\n    {}\n  ]\n}\n" },
        { "[{\"a\":[1,\"\\u001b\\\"\"]},{\"b\":null}]",
          "{\n  \"items\": [\n    {\n      \"a\": [\n        1,\n"
          "        \"\\u001b\\\"\"\n      ]\n    },\n    {\n"
          "      \"b\": null\n    }\n  ]\n}\n" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_written(&vx_cli_format_json, &vx_cli_zone, VX_CLI_ITEMS,
                       cases[i]);
    }
}

static void
numbers_keep_all_their_digits(void **state)
{
    struct vx_buf text = VX_BUF_INIT;

    (void) state;
    vx_cli_put_number(&text, 16777215.0);
    vx_buf_puts(&text, " ");
    vx_cli_put_number(&text, 281474976710655.0);    /* 48 bits */
    vx_buf_puts(&text, " ");
    vx_cli_put_number(&text, 9007199254740991.0);   /* 53 bits */
    vx_buf_puts(&text, " ");
    vx_cli_put_number(&text, 0.25);
    assert_string_equal(vx_buf_str(&text),
                        "16777215 281474976710655 9007199254740991 0.25");
    vx_buf_fini(&text);
}

static void
yaml_quotes_what_could_be_something_else(void **state)
{
    static const char *const cases[][2] = {
        { "\"web\"", "web\n" },
        { "\"acme/web/vm-1.x_y\"", "acme/web/vm-1.x_y\n" },
        { "\"\"", "\"\"\n" },
        { "\"no\"", "\"no\"\n" },
        { "\"Yes\"", "\"Yes\"\n" },
        { "\"null\"", "\"null\"\n" },
        { "\"~\"", "\"~\"\n" },
        { "\"12\"", "\"12\"\n" },
        { "\"1e3\"", "\"1e3\"\n" },
        { "\".5\"", "\".5\"\n" },
        { "\"10:20:30:40:50:59\"", "\"10:20:30:40:50:59\"\n" },
        { "\"10.0.0.0/24\"", "\"10.0.0.0/24\"\n" },
        { "\"fd00::1\"", "\"fd00::1\"\n" },
        { "\"a: b\"", "\"a: b\"\n" },
        { "\"a #b\"", "\"a #b\"\n" },
        { "\"- a\"", "\"- a\"\n" },
        { "\"--- \"", "\"--- \"\n" },
        { "\"*a\"", "\"*a\"\n" },
        { "\"a\\nb\\t\\u0007\"", "\"a\\nb\\t\\u0007\"\n" },
        { "\"\\u0085\\u2028\\ufeff\"", "\"\\u0085\\u2028\\ufeff\"\n" },
        { "\"\\u007f\"", "\"\\u007f\"\n" },
        { "\"d\xc3\xa9j\xc3\xa0\"", "\"d\xc3\xa9j\xc3\xa0\"\n" },
        { "12", "12\n" },
        { "true", "true\n" },
        { "null", "null\n" },
        { "[]", "[]\n" },
        { "{}", "{}\n" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cJSON *value = cJSON_Parse(cases[i][0]);
        struct vx_buf text = VX_BUF_INIT;

        vx_cli_put_yaml(&text, value, 0);
        assert_string_equal(vx_buf_str(&text), cases[i][1]);
        vx_buf_fini(&text);
        cJSON_Delete(value);
    }
}

static void
yaml_nests_by_indentation(void **state)
{
    static const char *const nested[] = {
        "[{\"a\":{\"b\":[1,{\"c\":2,\"d\":[]},[3,[4]]]},\"no\":{}},{}]",
        "items:\n"
        "  - a:\n"
        "      b:\n"
        "        - 1\n"
        "        - c: 2\n"
        "          d: []\n"
        "        -\n"
        "          - 3\n"
        "          -\n"
        "            - 4\n"
        "    \"no\": {}\n"
        "  - {}\n",
    };

    (void) state;
    assert_written(&vx_cli_format_yaml, &vx_cli_zone, VX_CLI_ITEMS, nested);
}

static void
names_are_as_the_commands_take_them(void **state)
{
    static const char *const subnets[] = {
        "[{\"tenant\":\"a\",\"network\":\"n\",\"name\":\"10.0.0.0/8\"}]",
        "a/n/10.0.0.0/8\n",
    };

    (void) state;
    assert_written(&vx_cli_format_name, &vx_cli_subnet, VX_CLI_ITEMS,
                   subnets);
}

/* --- The watch stream. */

static const char *const stream =
    "{\"revision\":3,\"op\":\"live\"}\n"
    "{\"revision\":4,\"op\":\"PUT\",\"path\":\"/v1/zones/a\"}\n"
    "{\"revision\":6,\"op\":\"PUT\",\"path\":\"/v1/zones/b\"}\n"
    "{\"revision\":6,\"op\":\"PUT\",\"path\":\"/v1/zones/c\"}\n"
    "{\"revision\":6,\"op\":\"heartbeat\"}\n"
    "{\"revision\":7,\"op\":\"DELETE\",\"path\":\"/v1/zones/a\"}\n";

static bool
note_change(void *aux, const cJSON *event)
{
    struct vx_buf *names = aux;
    const char *op = cJSON_GetObjectItem(event, "op")->valuestring;

    if (strcmp(op, "live") != 0) {
        vx_cli_event_name(names, event);
    }
    return true;
}

/* Feeds the changes after since, as a controller would. */
static void
feed_since(struct vx_cli_feed *feed, struct vx_buf *names, size_t start,
           size_t size)
{
    const char *line = stream;

    while (*line && size) {
        size_t length = strcspn(line, "\n") + 1;
        bool past = strtoull(line + 12, NULL, 10) <= feed->since;

        if (start || !past) {
            size_t n = length < size ? length : size;

            /* In two pieces, so that a line is never whole. */
            assert_true(vx_cli_feed_data(feed, line, n / 2, note_change,
                                         names));
            assert_true(vx_cli_feed_data(feed, line + n / 2, n - n / 2,
                                         note_change, names));
            size -= n;
        }
        line += length;
    }
}

static void
a_stream_cut_anywhere_tells_each_change_once(void **state)
{
    (void) state;
    for (size_t at = 0; at <= strlen(stream); at++) {
        struct vx_cli_feed feed = { .since = 3, .started = true };
        struct vx_buf names = VX_BUF_INIT;

        feed_since(&feed, &names, 1, at);
        vx_cli_feed_broken(&feed);
        feed_since(&feed, &names, 0, SIZE_MAX);
        assert_string_equal(vx_buf_str(&names), "abca");
        vx_buf_fini(&names);
        vx_cli_feed_fini(&feed);
    }
}

static void
a_stream_of_something_else_is_refused(void **state)
{
    static const char *const bad[] = { "hello\n", "[]\n", "3\n", "{\n" };

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct vx_cli_feed feed = { .since = 0 };
        struct vx_buf names = VX_BUF_INIT;

        assert_false(vx_cli_feed_data(&feed, bad[i], strlen(bad[i]),
                                      note_change, &names));
        vx_cli_feed_fini(&feed);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_can_run_and_says_what_it_does),
        cmocka_unit_test(no_command_has_two_options_of_a_name_or_letter),
        cmocka_unit_test(every_member_an_option_sets_is_one_the_api_takes),
        cmocka_unit_test(every_member_the_api_takes_has_an_option),
        cmocka_unit_test(
            every_column_and_part_of_a_name_is_a_member_of_the_api),
        cmocka_unit_test(the_man_page_documents_every_command_and_option),
        cmocka_unit_test(options_may_stand_anywhere_and_in_each_form),
        cmocka_unit_test(host_join_takes_its_options_and_no_words),
        cmocka_unit_test(a_suggestion_is_near_or_not_made),
        cmocka_unit_test(a_name_becomes_a_path_and_comes_back),
        cmocka_unit_test(a_table_is_as_wide_as_its_widest_cells),
        cmocka_unit_test(json_is_a_list_whatever_the_count),
        cmocka_unit_test(numbers_keep_all_their_digits),
        cmocka_unit_test(yaml_quotes_what_could_be_something_else),
        cmocka_unit_test(yaml_nests_by_indentation),
        cmocka_unit_test(names_are_as_the_commands_take_them),
        cmocka_unit_test(a_stream_cut_anywhere_tells_each_change_once),
        cmocka_unit_test(a_stream_of_something_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
