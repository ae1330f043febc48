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
#include "tests/lib/rowtalk.h"

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
check_rows(const struct vx_rows *rows, const char *name)
{
    struct vx_buf buf = VX_BUF_INIT;

    for (size_t i = 0; i < rows->n; i++) {
        vx_row_format(&rows->rows[i], &buf);
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
}

static void
check(const struct vx_fabric *fabric, uint64_t host, enum vx_tier tier,
      const char *name)
{
    struct vx_rows rows;

    vx_fabric_compile(fabric, host, tier, &rows);
    check_rows(&rows, name);
    vx_rows_fini(&rows);
}

/* --- Routing, policies, zones and budgets: one of each. */

static const char router[] =
    "segment 101 901 six bum=500\nsegment 102 901 mtu=1300 small\n"
    "network 101\nnetwork 102\n"
    "subnet 101 901 31 10.0.0.0/24 10.0.0.254\n"
    "subnet 101 901 32 fd00::/64 fd00::fe\n"
    "subnet 102 901 33 10.1.0.0/24 10.1.0.254\n"
    "subnet 901 901 34 169.254.64.0/18 169.254.64.1\n"
    "tap 101 5 free 21 02:00:00:00:00:01 10.0.0.1 fd00::1\n"
    "limits 1000 100 50\n"
    "tap 102 6 free 22 02:00:00:00:00:02 10.1.0.2\n"
    "limits 0 0 0\n"
    "second 102 7 free 23 02:00:00:00:00:03 10.1.0.3\n"
    "tap 901 8 leg 24 02:00:00:00:00:04 169.254.64.2\n"
    "route 901 41 1 10.9.0.0/16 10.0.0.1,02:00:00:00:00:01,101\n"
    "route 901 42 2 10.8.0.0/16 10.0.0.1,02:00:00:00:00:01,101"
    " 10.1.0.2,02:00:00:00:00:02,102\n"
    "route 901 43 3 ::/0\n"
    "policy 901 51 4 10 via closed proto=6 dport=80-90 src=10.0.0.0/24"
    " 10.1.0.2,02:00:00:00:00:02,102 10.1.0.3,02:00:00:00:00:03,102\n"
    "policy 901 52 5 11 via dst=10.1.0.0/24"
    " 10.0.0.1,02:00:00:00:00:01,101\n"
    "policy 901 53 6 12 gateway closed dst=0.0.0.0/0\n"
    "policy 901 54 7 13 gateway dst=fd00::/8\n"
    "policy 901 55 8 14 drop proto=17 sport=53-53\n"
    "policy 901 56 9 15 dscp:46 dscp=0 vni=101\n"
    "policy 901 57 10 16 rate:5000 src=fd00::/64 where=both\n"
    "policy 901 58 11 17 drop dst=10.0.0.0/24 where=gateway\n"
    "policy 901 59 12 18 gateway closed dst=10.1.0.0/24 where=gateway\n"
    "policy 901 60 13 19 via where=gateway 10.1.0.2,02:00:00:00:00:02,102"
    "\n";

static const char zoned[] =
    "segment 101 901 six bum=500\n"
    "vtep 2 192.0.2.2\nvtep 3 192.0.2.3 cross\nvtep 4 2001:db8::4 cross\n"
    "zone 7 2\nzone 8 3 4\nbudget host 100000\nbudget tenant 901 50000\n"
    "subnet 101 901 31 10.0.0.0/24 10.0.0.254\n"
    "subnet 101 901 32 fd00::/64 fd00::fe\n"
    "neigh 101 21 02:00:00:00:00:01 10.0.0.1 fd00::1\n"
    "adj 101 21 02:00:00:00:00:01 10.0.0.1 fd00::1\n"
    "fdb 101 21 2 02:00:00:00:00:01\nfdb 101 22 z8 02:00:00:00:00:02\n"
    "fdb 101 23 0 02:00:00:00:00:03\nbum 101 2\n"
    "bum 101 0 group=33554432\nbum 101 3 group=33554432\n"
    "bum 101 2 group=50331648\nnetwork 101\n";

static void
talk(enum vx_tier tier, const char *view, const char *lines,
     struct vx_rows *rows)
{
    struct rowtalk it = { 0 };

    rowtalk_lines(&it, tier, view, rows);
    rowtalk_lines(&it, tier, lines, rows);
}

static void
rows_of_routing_and_policies_are_as_reviewed(void **state)
{
    struct vx_rows rows = { 0 };

    (void) state;
    talk(VX_TENANT_TIER, "", router, &rows);
    check_rows(&rows, "tests/golden/router-tier1.txt");
    vx_rows_fini(&rows);
}

static void
rows_of_a_border_and_of_a_host_behind_one_are_as_reviewed(void **state)
{
    struct vx_rows border = { 0 }, behind = { 0 };

    (void) state;
    talk(VX_FABRIC_TIER, "view member transit designated host-budget"
         " tenant-budget=901", zoned, &border);
    check_rows(&border, "tests/golden/border-tier2.txt");
    talk(VX_FABRIC_TIER, "view member border=7",
         "segment 101 901 six\nnetwork 101\n", &behind);
    check_rows(&behind, "tests/golden/behind-tier2.txt");
    vx_rows_fini(&border);
    vx_rows_fini(&behind);
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

/* Without what an object adds to it. */
static int
base_priority(const struct vx_row *row)
{
    bool tier1 = row->tier == VX_TENANT_TIER;

    if (tier1 && row->table == VX_T1_ROUTE && row->priority) {
        return VX_ROUTE_PRIORITY_BASE;
    }
    return tier1 && row->priority
           && row->table >= VX_T1_POLICED && row->table <= VX_T1_LEG_POLICY
           ? VX_POLICY_PRIORITY(0) : row->priority;
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
        fact.priority = base_priority(row);
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
    { 1, "GUARD_ND", VX_T1_GUARD_ND }, { 1, "ENTER", VX_T1_ENTER },
    { 1, "GATEWAY", VX_T1_GATEWAY }, { 1, "POLICED", VX_T1_POLICED },
    { 1, "LEG_POLICED", VX_T1_LEG_POLICED }, { 1, "POLICY", VX_T1_POLICY },
    { 1, "LEG_POLICY", VX_T1_LEG_POLICY },
    { 1, "ROUTE", VX_T1_ROUTE }, { 1, "HOP", VX_T1_HOP },
    { 1, "MTU", VX_T1_MTU }, { 1, "MTU_SEEN", VX_T1_MTU_SEEN },
    { 1, "ADJ", VX_T1_ADJ }, { 1, "L2", VX_T1_L2 },
    { 1, "TAP", VX_T1_TAP }, { 1, "PUNT", VX_T1_PUNT },
    { 2, "CLASSIFY", VX_T2_CLASSIFY }, { 2, "VTEP", VX_T2_VTEP },
    { 2, "INGRESS", VX_T2_INGRESS }, { 2, "NEIGH", VX_T2_NEIGH },
    { 2, "ANSWER", VX_T2_ANSWER }, { 2, "ANSWER_ND", VX_T2_ANSWER_ND },
    { 2, "ADJ", VX_T2_ADJ }, { 2, "FDB", VX_T2_FDB },
    { 2, "BORDER", VX_T2_BORDER }, { 2, "BORDER_SLOT", VX_T2_BORDER_SLOT },
    { 2, "HOST", VX_T2_HOST }, { 2, "OUT", VX_T2_OUT },
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
        talk(tier, "", router, &rows);
        talk(tier, "view transit designated", zoned, &rows);
        talk(tier, "view transit", "segment 9 9\nnetwork 9\n", &rows);
        talk(tier, "view border=7", "segment 9 9\nnetwork 9\n", &rows);
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
        cmocka_unit_test(rows_of_routing_and_policies_are_as_reviewed),
        cmocka_unit_test(
            rows_of_a_border_and_of_a_host_behind_one_are_as_reviewed),
        cmocka_unit_test(
            the_document_and_the_rows_know_the_same_tables_and_drops),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
