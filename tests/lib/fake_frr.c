/* SPDX-License-Identifier: Apache-2.0 */
/* See fake_frr.h. */
#include "tests/lib/fake_frr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/end.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/xalloc.h"

enum { MAX_JOBS = 64, MAX_UNSAID = 16, ROUTE = 80 };

struct fake_frr fake_frr;

struct vx_gw_vty {
    const char *name;
};

struct vx_gw_frr {
    struct vx_gw_vty vty;
};

static struct vx_gw_frr daemons[] = {
    [VX_GW_BGPD] = { { "bgpd" } }, [VX_GW_ZEBRA] = { { "zebra" } },
    [VX_GW_REFLECTOR] = { { "reflector" } },
};
static struct vx_gw_vty doubts = { "doubts" }, bfdd = { "bfdd" };
static char node, zebra;        /* only their addresses count */
static char route_type[] = "openfabric";
static struct vx_buf told;

/* --- The clock. */

int64_t
vx_clock_ms(void)
{
    return fake_frr.now_ms;
}

int64_t
vx_clock_us(void)
{
    return fake_frr.now_ms * 1000;
}

int64_t
vx_clock_wall_ms(void)
{
    return fake_frr.now_ms;
}

/* --- VTYs. */

static struct job {
    char text[2000];
    vx_gw_vty_done *done;
    void *aux;
} jobs[MAX_JOBS];
static size_t n_jobs;

static struct job *
add_job(const struct vx_gw_vty *vty, vx_gw_vty_done *done, void *aux)
{
    struct job *job = &jobs[n_jobs];

    assert_true(n_jobs++ < MAX_JOBS);
    job->done = done;
    job->aux = aux;
    snprintf(job->text, sizeof job->text, "%s:", vty->name);
    return job;
}

static void
add_command(struct job *job, const char *before, const char *command)
{
    size_t n = strlen(job->text);

    snprintf(job->text + n, sizeof job->text - n, "%s%s", before, command);
}

void
vx_gw_vty_ask(struct vx_gw_vty *vty, const char *command,
              vx_gw_vty_done *done, void *aux)
{
    add_command(add_job(vty, done, aux), " ", command);
}

void
vx_gw_vty_configure(struct vx_gw_vty *vty,
                    const struct vx_gw_vty_commands *commands,
                    vx_gw_vty_done *done, void *aux)
{
    struct job *job = add_job(vty, done, aux);

    for (size_t i = 0; i < commands->n; i++) {
        add_command(job, i ? "; " : " ", commands->commands[i]);
    }
}

bool
vx_gw_vty_is_up(const struct vx_gw_vty *vty)
{
    return vty;
}

static struct vx_gw_vty_callbacks bfdd_callbacks;
static void *bfdd_aux;

struct vx_gw_vty *
vx_gw_vty_new(struct event_base *base, const char *path,
              const struct vx_gw_vty_callbacks *callbacks, void *aux)
{
    (void) base;
    (void) path;
    bfdd_callbacks = *callbacks;
    bfdd_aux = aux;
    return &bfdd;
}

void
fake_frr_restart_bfdd(void)
{
    bfdd_callbacks.down(bfdd_aux, "it is a test");
    bfdd_callbacks.up(bfdd_aux);
}

const char *
fake_frr_asked(void)
{
    return n_jobs ? jobs[0].text : "";
}

size_t
fake_frr_n_asked(void)
{
    return n_jobs;
}

void
fake_frr_answer(const char *text)
{
    struct job job = jobs[0];

    assert_true(n_jobs > 0);
    memmove(jobs, jobs + 1, --n_jobs * sizeof *jobs);
    job.done(job.aux, true, text, NULL);
}

void
fake_frr_answer_all(void)
{
    for (size_t n = n_jobs; n; n--) {
        fake_frr_answer("");
    }
}

/* --- Daemons. */

struct vx_gw_frr *
vx_gw_node_frr(struct vx_gw_node *n, enum vx_gw_frr_daemon daemon)
{
    assert_ptr_equal(n, &node);
    return &daemons[daemon];
}

struct vx_gw_vty *
vx_gw_frr_vty(struct vx_gw_frr *frr)
{
    return &frr->vty;
}

bool
vx_gw_frr_is_up(const struct vx_gw_frr *frr)
{
    return frr;
}

bool
vx_gw_frr_is_done(const struct vx_gw_frr *frr)
{
    return frr != &daemons[VX_GW_BGPD] || fake_frr.is_configured;
}

size_t
vx_gw_frr_take_made(struct vx_gw_frr *frr, uint32_t **ret_vnis)
{
    size_t n = fake_frr.n_made;

    assert_ptr_equal(frr, &daemons[VX_GW_BGPD]);
    *ret_vnis = vx_xmemdup(fake_frr.made, sizeof fake_frr.made);
    fake_frr.n_made = 0;
    return n;
}

void
vx_gw_node_silence(struct vx_gw_node *n, const char *why)
{
    assert_ptr_equal(n, &node);
    assert_null(why);
}

bool
vx_gw_end_daemon(const struct vx_gw_vty *vty, const char *name)
{
    assert_string_equal(vty->name, name);
    vx_buf_printf(&told, "end %s;", name);
    return true;
}

void
vx_gw_report_touch(struct vx_gw_report *report)
{
    (void) report;
}

size_t
vx_gw_speaker_over_limit(const struct vx_gw_speaker *speaker,
                         const char *peering, enum bg_family family)
{
    (void) speaker;
    (void) peering;
    (void) family;
    return 0;
}

/* --- zebra's session. */

static struct route {
    char text[ROUTE];           /* "VRF PREFIX" */
} unsaid[MAX_UNSAID];
static size_t n_unsaid;

static void
name_route(char text[ROUTE], const char *vrf, const char *prefix)
{
    snprintf(text, ROUTE, "%s %s", vrf, prefix);
}

void
fake_frr_unsaid(const char *vrf, const char *prefix)
{
    assert_true(n_unsaid < MAX_UNSAID);
    name_route(unsaid[n_unsaid++].text, vrf, prefix);
}

void
fake_frr_say(const char *vrf, const char *prefix)
{
    char text[ROUTE];

    name_route(text, vrf, prefix);
    for (size_t i = 0; i < n_unsaid; i++) {
        if (!strcmp(unsaid[i].text, text)) {
            unsaid[i] = unsaid[--n_unsaid];
            return;
        }
    }
    fail_msg("%s was said", text);
}

const char *
fake_frr_told(void)
{
    static char text[1000];

    snprintf(text, sizeof text, "%s", vx_buf_str(&told));
    vx_buf_clear(&told);
    return text;
}

const struct bg_zebra_status *
bg_zebra_status(const struct bg_zebra *z)
{
    static struct bg_zebra_status status = { .state = BG_ZEBRA_UP };

    assert_ptr_equal(z, &zebra);
    status.n_connects = fake_frr.n_connects;
    return &status;
}

void
bg_zebra_get_counters(const struct bg_zebra *z,
                      struct bg_zebra_counters *ret_counters)
{
    assert_ptr_equal(z, &zebra);
    memset(ret_counters, 0, sizeof *ret_counters);
    ret_counters->n_learned_unsaid = n_unsaid;
}

size_t
bg_zebra_unsaid(const struct bg_zebra *z, const char *vrf,
                struct vx_prefix *prefixes, size_t max)
{
    size_t n = 0, size = strlen(vrf);

    assert_ptr_equal(z, &zebra);
    for (size_t i = 0; i < n_unsaid && n < max; i++) {
        if (!strncmp(unsaid[i].text, vrf, size)
            && unsaid[i].text[size] == ' ') {
            assert_true(vx_prefix_parse(unsaid[i].text + size + 1,
                                        &prefixes[n++]));
        }
    }
    return n;
}

void
bg_zebra_purge(struct bg_zebra *z, const char *vrf,
               const struct vx_prefix *prefix)
{
    char text[VX_PREFIX_STRLEN];

    assert_ptr_equal(z, &zebra);
    vx_buf_printf(&told, "purge %s %s;", vrf,
                  vx_prefix_format(prefix, text));
    fake_frr_say(vrf, text);
}

void
bg_zebra_hold_on(struct bg_zebra *z)
{
    assert_ptr_equal(z, &zebra);
    vx_buf_puts(&told, "hold on;");
}

void
bg_zebra_repeat(struct bg_zebra *z, const char *vrf)
{
    assert_ptr_equal(z, &zebra);
    vx_buf_printf(&told, "repeat %s;", vrf);
}

void
bg_zebra_says_again(struct bg_zebra *z)
{
    assert_ptr_equal(z, &zebra);
    vx_buf_puts(&told, "says again;");
}

void
bg_zebra_set(struct bg_zebra *z, const char *vrf, const struct bg_want *want,
             uint64_t token)
{
    (void) z;
    (void) want;
    (void) token;
    vx_buf_printf(&told, "set %s;", vrf);
}

void
bg_zebra_unset(struct bg_zebra *z, const char *vrf, const struct bg_want *key,
               uint64_t token)
{
    (void) z;
    (void) key;
    (void) token;
    vx_buf_printf(&told, "unset %s;", vrf);
}

/* --- What is wanted. */

static struct vx_gw_value *
new_value(enum vx_gw_type type)
{
    struct vx_gw_value *value = vx_xcalloc(1, sizeof *value);

    value->type = type;
    value->n_refs = 1;
    return value;
}

static void
set(struct vx_gw_app *app, const char *key, struct vx_gw_value *value)
{
    vx_gw_entries_set(app->entries, value->type, key, 1, value, key,
                      strlen(key));
}

void
fake_frr_tenant(struct vx_gw_app *app, const char *name, uint32_t vni)
{
    struct vx_gw_value *value = new_value(VX_GW_TENANT);
    char vrf[VX_GW_IFNAME_SIZE];

    value->tenant.vrf = vx_xstrdup(vx_gw_vrf_name(vni, vrf));
    value->tenant.vni = vni;
    set(app, name, value);
}

struct vx_gw_entry *
fake_frr_peering(struct vx_gw_app *app, const char *key, const char *peer,
                 bool bfd)
{
    struct vx_gw_value *value = new_value(VX_GW_PEERING);
    struct vx_gw_peering *peering = &value->peering;
    const char *slash = strchr(key, '/');

    peering->tenant = vx_xmemdup(key, (size_t) (slash - key) + 1);
    peering->tenant[slash - key] = '\0';
    peering->name = vx_xstrdup(slash + 1);
    assert_true(vx_ip_parse(peer, &peering->value.peer));
    peering->value.families = VX_AF_IPV4 | VX_AF_IPV6;
    peering->value.bfd = bfd;
    peering->value.device = vx_xstrdup("");
    set(app, key, value);
    return vx_gw_entries_find(app->entries, VX_GW_PEERING, key);
}

static void
name_socket(const char *name, char path[sizeof fake_frr.zserv])
{
    snprintf(path, sizeof fake_frr.zserv, "%s/%s", fake_frr.vty_dir, name);
}

static void
touch(const char *path, time_t when)
{
    const struct timespec times[2] = { { .tv_sec = when },
                                       { .tv_sec = when } };
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    assert_true(fd >= 0);
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
}

void
fake_frr_start(enum vx_gw_frr_daemon bgpd_or_zebra)
{
    char path[sizeof fake_frr.zserv];

    name_socket("bgpd.vty", path);
    touch(path, bgpd_or_zebra == VX_GW_BGPD ? 2000 : 1000);
    touch(fake_frr.zserv, bgpd_or_zebra == VX_GW_BGPD ? 1000 : 2000);
}

void
fake_frr_begin(struct vx_gw_app *app)
{
    struct vx_gw_value *gateway = new_value(VX_GW_GATEWAY);

    fake_frr = (struct fake_frr) {
        .now_ms = 1000000, .is_configured = true, .n_connects = 1,
        .vty_dir = "/tmp/frr-XXXXXX",
    };
    assert_non_null(mkdtemp(fake_frr.vty_dir));
    name_socket("zserv.api", fake_frr.zserv);
    n_jobs = n_unsaid = 0;
    *app = (struct vx_gw_app) {
        .entries = vx_gw_entries_new(),
        .node = (struct vx_gw_node *) (void *) &node,
        .zebra = (struct bg_zebra *) (void *) &zebra,
        .doubts_vty = &doubts,
    };
    app->options.route_type = route_type;
    app->options.zserv = fake_frr.zserv;
    app->options.vty_dir = fake_frr.vty_dir;
    fake_frr_start(VX_GW_BGPD);
    gateway->gateway.name = vx_xstrdup("g1");
    gateway->gateway.as = 65001;
    set(app, "g1", gateway);
}

void
fake_frr_end(struct vx_gw_app *app)
{
    char path[sizeof fake_frr.zserv];

    vx_gw_entries_free(app->entries);
    vx_gw_app_free_strays(app);
    vx_gw_sessions_fini(&app->tenant_sessions);
    vx_gw_sessions_fini(&app->fabric_sessions);
    free(app->missing);
    free(app->ghosts);
    free(app->zebra_vrfs);
    vx_buf_fini(&told);
    name_socket("bgpd.vty", path);
    unlink(path);
    unlink(fake_frr.zserv);
    rmdir(fake_frr.vty_dir);
}
