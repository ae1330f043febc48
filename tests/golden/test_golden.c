/* SPDX-License-Identifier: Apache-2.0 */
/* All rows of a small fabric as text, compared with files; and with what
 * doc/pipeline.md says about them.
 *
 * UPDATE_GOLDEN=1 writes the files anew: read the difference before you
 * commit it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/fabric.h"
#include "core/pipeline.h"
#include "lib/buf.h"
#include "lib/xalloc.h"

static void
add(struct vx_fabric *fabric, struct vx_obj *obj)
{
    vx_fabric_change(fabric, NULL, obj);
    vx_obj_unref(obj);
}

static void
add_host(struct vx_fabric *fabric, uint64_t oid, const char *vtep)
{
    struct vx_host *host = (struct vx_host *) vx_obj_new(VX_HOST);

    host->o.oid = oid;
    host->num = oid;
    assert_true(vx_ip_parse(vtep, &host->vtep));
    add(fabric, &host->o);
}

static void
add_network(struct vx_fabric *fabric, uint64_t oid, uint32_t vni)
{
    struct vx_network *network
        = (struct vx_network *) vx_obj_new(VX_NETWORK);

    network->o.oid = oid;
    network->vni = vni;
    add(fabric, &network->o);
}

struct spec {
    uint64_t oid, network, host;
    const char *mac, *ip4, *ip6;
    bool guard;
};

static void
add_port(struct vx_fabric *fabric, const struct spec *spec)
{
    struct vx_port *port = (struct vx_port *) vx_obj_new(VX_PORT);

    port->o.oid = spec->oid;
    port->o.parent = spec->network;
    port->host = spec->host;
    port->guard = spec->guard;
    port->ips = vx_xcalloc(2, sizeof *port->ips);
    assert_true(vx_mac_parse(spec->mac, &port->mac));
    if (spec->ip4) {
        assert_true(vx_ip_parse(spec->ip4, &port->ips[port->n_ips++]));
    }
    if (spec->ip6) {
        assert_true(vx_ip_parse(spec->ip6, &port->ips[port->n_ips++]));
    }
    free(port->iface_id);
    port->iface_id = vx_xasprintf("vm%u", (unsigned) spec->oid);
    add(fabric, &port->o);
}

/* Two tenants with the same addresses on two hosts, one port without guard,
 * a third host with an IPv6 VTEP. */
static struct vx_fabric *
small_fabric(void)
{
    static const struct spec ports[] = {
        { 21, 11, 1, "02:00:00:00:00:01", "10.0.0.1", "fd00::1", true },
        { 22, 11, 2, "02:00:00:00:00:02", "10.0.0.2", "fd00::2", true },
        { 23, 12, 1, "02:00:00:00:00:01", "10.0.0.1", NULL, true },
        { 24, 12, 2, "02:00:00:00:00:02", "10.0.0.2", NULL, true },
        { 25, 12, 1, "02:00:00:00:00:03", "10.0.0.3", NULL, false },
        { 26, 12, 3, "02:00:00:00:00:04", NULL, NULL, true },
    };
    struct vx_fabric *fabric = vx_fabric_new(NULL);

    add_host(fabric, 1, "192.0.2.1");
    add_host(fabric, 2, "192.0.2.2");
    add_host(fabric, 3, "2001:db8::3");
    add_network(fabric, 11, 5001);
    add_network(fabric, 12, 16777215);
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
        add_port(fabric, &ports[i]);
    }
    vx_fabric_iface(fabric, 1, "vm21", 1);
    vx_fabric_iface(fabric, 1, "vm23", 2);
    vx_fabric_iface(fabric, 1, "vm25", 3);
    return fabric;
}

static char *
path_of(const char *name)
{
    const char *srcdir = getenv("srcdir");

    return vx_xasprintf("%s/%s", srcdir ? srcdir : ".", name);
}

static char *
read_file(const char *name)
{
    struct vx_buf buf = VX_BUF_INIT;
    char *path = path_of(name), chunk[4096];
    FILE *file = fopen(path, "r");
    size_t n;

    if (!file) {
        fail_msg("cannot read %s (srcdir is the top of the sources)", path);
    }
    while ((n = fread(chunk, 1, sizeof chunk, file)) > 0) {
        vx_buf_put(&buf, chunk, n);
    }
    fclose(file);
    free(path);
    vx_buf_put(&buf, "", 1);
    return vx_buf_steal(&buf);
}

static void
check(const struct vx_fabric *fabric, uint64_t host, enum vx_tier tier,
      const char *name)
{
    struct vx_buf buf = VX_BUF_INIT;
    struct vx_rows rows;

    vx_fabric_compile(fabric, host, tier, &rows);
    for (size_t i = 0; i < rows.n; i++) {
        vx_row_format(&rows.rows[i], &buf);
        vx_buf_puts(&buf, "\n");
    }
    if (getenv("UPDATE_GOLDEN")) {
        char *path = path_of(name);
        FILE *file = fopen(path, "w");

        assert_non_null(file);
        fputs(vx_buf_str(&buf), file);
        fclose(file);
        free(path);
    }
    char *golden = read_file(name);

    assert_string_equal(vx_buf_str(&buf), golden);
    free(golden);
    vx_buf_fini(&buf);
    vx_rows_fini(&rows);
}

static void
tenant_tier_of_a_small_fabric_is_as_reviewed(void **state)
{
    struct vx_fabric *fabric = *state;

    check(fabric, 1, VX_TENANT_TIER, "tests/golden/host1-tier1.txt");
}

static void
fabric_tier_of_a_small_fabric_is_as_reviewed(void **state)
{
    struct vx_fabric *fabric = *state;

    check(fabric, 1, VX_FABRIC_TIER, "tests/golden/host1-tier2.txt");
    check(fabric, 3, VX_FABRIC_TIER, "tests/golden/host3-tier2.txt");
}

/* --- doc/pipeline.md against the rows. */

/* What the document and the code both say about a row. */
struct fact {
    int tier, table, priority;
    char reason[24], owner[12];
};

struct facts {
    struct fact *facts;
    size_t n, cap;
};

static void
note(struct facts *facts, const struct fact *fact)
{
    for (size_t i = 0; i < facts->n; i++) {
        if (!memcmp(&facts->facts[i], fact, sizeof *fact)) {
            return;
        }
    }
    facts->facts = vx_grow(facts->facts, &facts->cap, facts->n + 1,
                           sizeof *fact);
    facts->facts[facts->n++] = *fact;
}

static void
expect_in(const struct facts *there, const struct facts *here,
          const char *who)
{
    for (size_t i = 0; i < here->n; i++) {
        const struct fact *fact = &here->facts[i];
        bool found = false;

        for (size_t k = 0; k < there->n; k++) {
            found |= !memcmp(&there->facts[k], fact, sizeof *fact);
        }
        if (!found) {
            fail_msg("%s does not know: tier %d table %d priority %d %s "
                     "cookie %s", who, fact->tier, fact->table,
                     fact->priority, fact->reason, fact->owner);
        }
    }
}

static void
facts_of_rows(const struct vx_rows *rows, struct facts *facts)
{
    for (size_t i = 0; i < rows->n; i++) {
        const struct vx_row *row = &rows->rows[i];
        unsigned kind = VX_COOKIE_KIND(row->cookie);
        struct fact fact;

        if (row->type != VX_ROW_FLOW) {
            continue;
        }
        memset(&fact, 0, sizeof fact);
        fact.tier = row->tier;
        fact.table = row->table;
        fact.priority = row->priority;
        assert_int_equal(!row->n_acts,
                         VX_COOKIE_REASON(row->cookie) != VX_PASS);
        snprintf(fact.reason, sizeof fact.reason, "%s",
                 vx_drop_reason_name(VX_COOKIE_REASON(row->cookie)));
        snprintf(fact.owner, sizeof fact.owner, "%s",
                 kind == 0xff ? "base" : vx_kind_name(kind));
        note(facts, &fact);
    }
}

static const struct {
    int tier;
    const char *name;
    int table;
} tables[] = {
    { 1, "CLASSIFY", VX_T1_CLASSIFY }, { 1, "GUARD", VX_T1_GUARD },
    { 1, "GUARD_ND", VX_T1_GUARD_ND }, { 1, "L2", VX_T1_L2 },
    { 2, "CLASSIFY", VX_T2_CLASSIFY }, { 2, "VTEP", VX_T2_VTEP },
    { 2, "INGRESS", VX_T2_INGRESS }, { 2, "NEIGH", VX_T2_NEIGH },
    { 2, "ANSWER", VX_T2_ANSWER }, { 2, "ANSWER_ND", VX_T2_ANSWER_ND },
    { 2, "FDB", VX_T2_FDB },
};

static void
check_table_name(int tier, int table, const char *name)
{
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if (tables[i].tier == tier && !strcmp(tables[i].name, name)) {
            assert_int_equal(tables[i].table, table);
            return;
        }
    }
    fail_msg("doc/pipeline.md: unknown table %s in tier %d", name, tier);
}

/* | table | prio | match | actions | cookie |; an empty table cell repeats
 * the one above.  "drop `a` / `b`" are the reasons. */
static void
facts_of_line(char *line, struct fact *fact, struct facts *facts)
{
    char *cells[8], *save = line;
    size_t n = 0;

    while (n < 8 && (cells[n] = strsep(&save, "|"))) {
        n++;
    }
    if (n < 7) {
        return;
    }
    char name[24];

    if (sscanf(cells[1], " %d %23s", &fact->table, name) == 2) {
        check_table_name(fact->tier, fact->table, name);
    }
    if (sscanf(cells[2], " %d", &fact->priority) != 1) {
        return;
    }
    memset(fact->owner, 0, sizeof fact->owner);
    assert_int_equal(sscanf(cells[5], " %11s", fact->owner), 1);
    char *drop = strstr(cells[4], "drop `");

    memset(fact->reason, 0, sizeof fact->reason);
    if (!drop) {
        strcpy(fact->reason, "pass");
        note(facts, fact);
        return;
    }
    strsep(&drop, "`");
    while (drop) {
        char *reason = strsep(&drop, "`");

        memset(fact->reason, 0, sizeof fact->reason);
        snprintf(fact->reason, sizeof fact->reason, "%s", reason);
        note(facts, fact);
        strsep(&drop, "`");
    }
}

static void
facts_of_document(struct facts *facts)
{
    char *text = read_file("doc/pipeline.md"), *save = text, *line;
    struct fact fact;

    memset(&fact, 0, sizeof fact);
    while ((line = strsep(&save, "\n"))) {
        if (!strncmp(line, "## ", 3)) {
            fact.tier = !strncmp(line, "## Tier 1", 9) ? 1
                        : !strncmp(line, "## Tier 2", 9) ? 2 : 0;
        } else if (fact.tier && line[0] == '|') {
            facts_of_line(line, &fact, facts);
        }
    }
    free(text);
}

static void
the_document_and_the_rows_know_the_same_tables_and_drops(void **state)
{
    struct vx_fabric *fabric = *state;
    struct facts document = { 0 }, code = { 0 };

    facts_of_document(&document);
    assert_true(document.n > 30);
    for (int tier = VX_TENANT_TIER; tier <= VX_FABRIC_TIER; tier++) {
        struct vx_rows rows;

        vx_fabric_compile(fabric, 1, tier, &rows);
        facts_of_rows(&rows, &code);
        vx_rows_fini(&rows);
    }
    expect_in(&document, &code, "doc/pipeline.md");
    expect_in(&code, &document, "the code");
    free(document.facts);
    free(code.facts);
}

static int
set_up(void **state)
{
    *state = small_fabric();
    return 0;
}

static int
tear_down(void **state)
{
    vx_fabric_free(*state);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tenant_tier_of_a_small_fabric_is_as_reviewed),
        cmocka_unit_test(fabric_tier_of_a_small_fabric_is_as_reviewed),
        cmocka_unit_test(
            the_document_and_the_rows_know_the_same_tables_and_drops),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
