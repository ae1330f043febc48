/* SPDX-License-Identifier: Apache-2.0 */
/* Gateways of paper: vxgatewayd as the controller sees it, with peers that
 * tell it things.
 *
 *   feed --> lines --> entries: what it announces, its legs
 *   what its peers say --> report: learned, gone, how far it has come
 *
 * It does one thing at a time, so that everything else happens in between. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "daemon/gateways_priv.h"
#include "lib/xalloc.h"
#include "tests/sim/sim.h"

enum {
    RETRY_MS = 1000,
    REPORT_MS = 20,             /* between two of them, at least */
    HEARTBEAT_MS = 1000,
    /* What peers may say; by tenant or network. */
    ROUTES = 0, ROUTES5 = ROUTES + N_TENANTS * N_HEARD,
    ENDPOINTS = ROUTES5 + 2 * N_TENANTS * N_REMOTES,
    VTEPS = ENDPOINTS + 2 * N_NETS * N_REMOTES,
    RULES = VTEPS + N_NETS * N_REMOTES,
    N_ITEMS = RULES + N_TENANTS,
};

struct entry {
    struct entry *next;
    char type[16], key[VX_FEED_KEY_SIZE];
    char *value;
    bool stale;                 /* not told again since a full hello */
};

struct line {
    struct line *next;
    char *text;
};

struct leg {
    bool exists;
    struct vx_mac mac;
    struct vx_ip ip;
};

struct gateway {
    int index;
    unsigned boot;
    struct vx_api_feed *feed;   /* NULL: no stream */
    bool to_pump;
    bool replays;               /* it is told what was told before */
    struct line *first, **last;     /* not read yet */
    size_t unread;
    struct entry *entries;
    unsigned n_entries;
    char epoch[40];             /* of the stream; "" = none */
    char whole[40];             /* of which it has had all once */
    uint64_t read;              /* up to here */
    bool was_full, synced;
    bool is_there;              /* the controller knows of it */
    int64_t retry_ms, reported_ms, hangs_ms;
    struct leg legs[N_TENANTS];
    int host;                   /* machine that its entry names, or -1 */

    bool heard[N_ITEMS], said[N_ITEMS];
    uint32_t said_vni[N_ITEMS];
    int stage;                  /* 2: in full from the start, 1: the end */
    uint64_t acked;             /* told to the controller */
    char acked_epoch[40];
    struct vx_api_report_waiter *waiter;
    bool in_report;

    /* Since it knew all that there was to know the last time. */
    bool was_prompt;
    uint64_t n_late;
};

static const struct vx_api_gateways *
api(void)
{
    return sim->app->backend.gateways;
}

/* --- What peers say. */

struct vx_prefix
heard_prefix(int i)
{
    /* One that nobody else has, and others' own. */
    static const char *const prefixes[N_HEARD] = {
        "10.77.0.0/16", "10.0.1.0/24", "10.0.1.10/32", "10.9.0.0/24",
        "0.0.0.0/0", "10.0.1.8/30",
    };
    struct vx_prefix prefix;

    vx_prefix_parse(prefixes[i], &prefix);
    return prefix;
}

struct vx_ip
remote_vtep(int remote)
{
    return (struct vx_ip) { .family = 4,
                            .b = { 192, 0, 2, (uint8_t) (100 + remote) } };
}

struct vx_mac
remote_mac(int remote)
{
    return (struct vx_mac) { { 2, 0, 0, 0, 1, (uint8_t) remote } };
}

static struct entry *
find(const struct gateway *gw, const char *type, const char *key)
{
    for (struct entry *e = gw->entries; e; e = e->next) {
        if (!strcmp(e->type, type) && !strcmp(e->key, key)) {
            return e;
        }
    }
    return NULL;
}

/* As the gateway was told; 0: it was not. */
static uint32_t
vni_of(const struct gateway *gw, int net)
{
    char key[16];
    const struct entry *entry;
    const char *at;

    snprintf(key, sizeof key, "t%d/n%d", tenant_of_net(net), net);
    entry = find(gw, "network", key);
    at = entry ? strstr(entry->value, "\"vni\":") : NULL;
    return at ? (uint32_t) strtoul(at + 6, NULL, 10) : 0;
}

/* What an item borrows. */
struct item_room {
    char tenant[8];
    struct vx_ip ip;
    struct vx_policy_spec rule;
};

static void
rule_item(int tenant, struct item_room *room, struct vx_learned *item)
{
    room->rule = (struct vx_policy_spec) {
        .action = VX_POLICY_DROP, .match = { .family = 4, .dscp = -1,
                                             .proto = IPPROTO_UDP },
    };
    room->rule.match.dst = (struct vx_prefix) {
        ip_of(first_id(tenant) + 1), 32 };
    item->type = VX_LEARNED_FLOWSPEC;
    item->rule = &room->rule;
    item->rule_hash = (uint64_t) (7 + tenant);
}

/* The place of an item among those of its type, by what it is of. */
static int
split(int *i, int n)
{
    int part = *i % n;

    *i /= n;
    return part;
}

/* False: the gateway cannot hear that now. */
static bool
make_item(const struct gateway *gw, int i, struct item_room *room,
          struct vx_learned *item)
{
    int tenant = 0, net = -1;

    memset(item, 0, sizeof *item);
    if (i >= RULES) {
        rule_item(tenant = i - RULES, room, item);
    } else if (i >= VTEPS) {
        i -= VTEPS;
        net = split(&i, N_NETS);
        item->type = VX_LEARNED_VTEP;
    } else if (i >= ENDPOINTS) {
        i -= ENDPOINTS;
        net = split(&i, N_NETS);
        item->type = VX_LEARNED_ENDPOINT;
        /* One of its own, or one of a port. */
        item->mac = split(&i, 2) ? mac_of(net * N_PER_NET + i)
                    : (struct vx_mac) { { 2, 0, 0, 0, (uint8_t) (2 + i),
                                          (uint8_t) net } };
        room->ip = gateway_ip(net);
        room->ip.b[3] = (uint8_t) ((item->mac.b[4] ? 50 : 60) + i);
        item->ips = &room->ip;
        item->n_ips = 1;
        item->seq = (uint32_t) i;
    } else if (i >= ROUTES5) {
        i -= ROUTES5;
        tenant = split(&i, N_TENANTS);
        item->type = VX_LEARNED_ROUTE5;
        vx_prefix_parse(split(&i, 2) ? "10.0.2.0/24" : "10.88.0.0/16",
                        &item->prefix);
        item->mac = remote_mac(i);
    } else {
        tenant = split(&i, N_TENANTS);
        item->type = VX_LEARNED_ROUTE;
        item->prefix = heard_prefix(i);
    }
    if (item->type != VX_LEARNED_ROUTE && item->type != VX_LEARNED_FLOWSPEC) {
        item->vtep = remote_vtep(i);
    }
    if (net >= 0) {
        item->vni = vni_of(gw, net);
        return item->vni;
    }
    snprintf(room->tenant, sizeof room->tenant, "t%d", tenant);
    item->tenant = room->tenant;
    return gw->legs[tenant].exists;
}

bool
gateway_says(int gateway, int tenant, const struct vx_prefix *prefix)
{
    const struct gateway *gw = sim->gateways[gateway];

    for (int i = 0; i < N_HEARD; i++) {
        struct vx_prefix other = heard_prefix(i);

        if (!vx_prefix_compare(prefix, &other)) {
            return gw->said[ROUTES + i * N_TENANTS + tenant];
        }
    }
    return false;
}

/* --- Reports. */

static bool
is_changed(const struct gateway *gw, int i, bool *ret_is)
{
    struct item_room room;
    struct vx_learned item;

    *ret_is = gw->heard[i] && make_item(gw, i, &room, &item);
    return *ret_is != gw->said[i]
           || (*ret_is && item.vni != gw->said_vni[i]);
}

static bool
has_news(const struct gateway *gw)
{
    bool is, news = gw->stage > 0 || gw->read != gw->acked
                    || strcmp(gw->epoch, gw->acked_epoch);

    for (int i = 0; i < N_ITEMS && !news; i++) {
        news = is_changed(gw, i, &is);
    }
    return news && gw->synced;
}

static void
reported(void *gw_, uint64_t revision)
{
    struct gateway *gw = gw_;

    (void) revision;
    gw->waiter = NULL;
    gw->in_report = false;
}

struct items {
    struct vx_learned items[N_ITEMS];
    struct item_room rooms[N_ITEMS];
    size_t n;
};

static void
collect(struct gateway *gw, bool full, struct items *learned,
        struct items *gone)
{
    for (int i = 0; i < N_ITEMS; i++) {
        bool is, changed = is_changed(gw, i, &is);

        if (gw->said[i] && changed && !full) {
            make_item(gw, i, &gone->rooms[gone->n], &gone->items[gone->n]);
            gone->items[gone->n++].vni = gw->said_vni[i];
        }
        if (is && (changed || full)) {
            make_item(gw, i, &learned->rooms[learned->n],
                      &learned->items[learned->n]);
            gw->said_vni[i] = learned->items[learned->n++].vni;
        }
        gw->said[i] = is;
    }
}

static void
say_items(const char *what, const struct items *items)
{
    for (size_t i = 0; i < items->n; i++) {
        char key[VX_LEARNED_KEY_SIZE];

        vx_learned_key(&items->items[i], key);
        say("    %s: %s %s", what,
            vx_learned_type_name(items->items[i].type), key);
    }
}

static void
report(struct gateway *gw)
{
    static struct items learned, gone;
    char boot[16], name[4];
    struct vx_api_report r = {
        .gateway = name, .boot = boot, .epoch = gw->epoch,
        .acked = gw->read, .learned = learned.items, .gone = gone.items,
        .full = gw->stage == 2 ? VX_FULL_BEGIN
                : gw->stage == 1 ? VX_FULL_END : VX_FULL_NONE,
    };
    struct vx_error err;

    snprintf(boot, sizeof boot, "%u", gw->boot);
    snprintf(name, sizeof name, "g%d", gw->index);
    learned.n = gone.n = 0;
    collect(gw, gw->stage == 2, &learned, &gone);
    r.n_learned = learned.n;
    r.n_gone = gone.n;
    say("gateway %d reports: %zu learned, %zu gone, stage %d, up to %llu",
        gw->index, learned.n, gone.n, gw->stage,
        (unsigned long long) gw->read);
    say_items("learned", &learned);
    say_items("gone", &gone);
    gw->reported_ms = sim->now_ms;
    gw->in_report = true;
    gw->acked = gw->read;
    memcpy(gw->acked_epoch, gw->epoch, sizeof gw->epoch);
    if (!api()->report(api()->ctx, &r, reported, gw, &gw->waiter, &err)) {
        say("report of gateway %d: %s", gw->index, err.message);
        gw->in_report = false;
        gw->stage = 2;
    } else if (gw->stage) {
        gw->stage--;
    }
}

/* --- The feed. */

static size_t
pending(void *gw_)
{
    const struct gateway *gw = gw_;

    return gw->hangs_ms ? 1 << 24 : gw->unread;
}

static void
forget_lines(struct gateway *gw)
{
    struct line *line;

    while ((line = gw->first)) {
        gw->first = line->next;
        free(line->text);
        free(line);
    }
    gw->last = &gw->first;
    gw->unread = 0;
}

static const char *
text_of(const cJSON *json, const char *name)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItem(json, name));

    return s ? s : "";
}

static void
written(void *gw_, const char *data, size_t size)
{
    struct gateway *gw = gw_;
    struct line *line;
    cJSON *json;

    if (!outside()) {
        return;
    }
    line = vx_xcalloc(1, sizeof *line);
    line->text = vx_xasprintf("%.*s", (int) size, data);
    *gw->last = line;
    gw->last = &line->next;
    gw->unread += size;
    json = cJSON_Parse(line->text);
    if (!json) {
        violated("gateway %d is told what is no JSON: %s", gw->index,
                 line->text);
    } else if (cJSON_IsObject(cJSON_GetObjectItem(json, "value"))) {
        const char *type = text_of(json, "type"), *key = text_of(json, "key");

        say("gateway %d is told %s %s", gw->index, type, key);
        judge_told(gw, type, key, !gw->replays && !find(gw, type, key));
    }
    gw->replays &= !cJSON_HasObjectItem(json, "sync");
    cJSON_Delete(json);
}

static void
ended(void *gw_, const struct vx_error *why)
{
    struct gateway *gw = gw_;

    say("the stream of gateway %d ends: %s", gw->index, why->message);
    gw->feed = NULL;
    gw->was_prompt = false;
    forget_lines(gw);
}

static void
open_feed(struct gateway *gw)
{
    char name[4];
    struct vx_api_feed_demand demand = {
        .gateway = name, .epoch = gw->whole[0] ? gw->whole : NULL,
        .since = gw->read, .aux = gw, .pending = pending, .write = written,
        .end = ended,
    };
    struct vx_error err;

    snprintf(name, sizeof name, "g%d", gw->index);
    gw->retry_ms = sim->now_ms + RETRY_MS;
    gw->feed = api()->open(api()->ctx, &demand, &err);
    gw->is_there = gw->feed != NULL;
    gw->to_pump = gw->replays = gw->is_there;
    if (gw->feed) {
        say("gateway %d opens its feed", gw->index);
    }
}

static void
close_feed(struct gateway *gw)
{
    if (gw->feed) {
        api()->close(gw->feed);
        gw->feed = NULL;
    }
    gw->was_prompt = false;
    forget_lines(gw);
}

static void
drop(struct gateway *gw, struct entry *gone)
{
    struct entry **p = &gw->entries;

    while (*p != gone) {
        p = &(*p)->next;
    }
    *p = gone->next;
    gw->n_entries--;
    free(gone->value);
    free(gone);
}

static void
put(struct gateway *gw, const char *type, const char *key,
    const char *value)
{
    struct entry *entry = find(gw, type, key);

    if (!value) {
        if (entry) {
            drop(gw, entry);
        }
        return;
    }
    if (!entry) {
        entry = vx_xcalloc(1, sizeof *entry);
        snprintf(entry->type, sizeof entry->type, "%s", type);
        snprintf(entry->key, sizeof entry->key, "%s", key);
        entry->next = gw->entries;
        gw->entries = entry;
        gw->n_entries++;
    }
    free(entry->value);
    entry->value = vx_xstrdup(value);
    entry->stale = false;
}

/* The leg that a tenant's entry names, and the host of its own. */
static void
look_at_entries(struct gateway *gw)
{
    char key[8];
    const struct entry *own;
    const char *at;

    for (int t = 0; t < N_TENANTS; t++) {
        struct leg *leg = &gw->legs[t];
        const struct entry *entry;
        const cJSON *told;
        const char *ip;
        cJSON *json;
        char v4[40];

        snprintf(key, sizeof key, "t%d", t);
        entry = find(gw, "tenant", key);
        json = entry ? cJSON_Parse(entry->value) : NULL;
        told = cJSON_GetObjectItem(json, "leg");
        ip = cJSON_GetStringValue(cJSON_GetArrayItem(
            cJSON_GetObjectItem(told, "ips"), 0));
        snprintf(v4, sizeof v4, "%.*s", ip ? (int) strcspn(ip, "/") : 0,
                 ip ? ip : "");
        leg->exists = ip && vx_mac_parse(text_of(told, "mac"), &leg->mac)
                      && vx_ip_parse(v4, &leg->ip);
        cJSON_Delete(json);
    }
    snprintf(key, sizeof key, "g%d", gw->index);
    own = find(gw, "gateway", key);
    at = own ? strstr(own->value, "\"host\":\"h") : NULL;
    gw->host = at ? at[9] - '0' : -1;
}

static void
greeted(struct gateway *gw, const cJSON *hello)
{
    gw->was_full = cJSON_IsTrue(cJSON_GetObjectItem(hello, "full"));
    gw->synced = false;
    if (strcmp(gw->epoch, text_of(hello, "epoch"))) {
        snprintf(gw->epoch, sizeof gw->epoch, "%s", text_of(hello, "epoch"));
        gw->stage = 2;
    }
    for (struct entry *e = gw->entries; e && gw->was_full; e = e->next) {
        e->stale = true;
    }
    if (gw->was_full) {         /* so is what it has heard */
        gw->read = 0;
        gw->stage = 2;
    }
}

static void
synced(struct gateway *gw, uint64_t seq)
{
    struct entry *next;

    for (struct entry *e = gw->entries; e && gw->was_full; e = next) {
        next = e->next;
        if (e->stale) {
            drop(gw, e);
        }
    }
    gw->was_full = false;
    gw->synced = true;
    memcpy(gw->whole, gw->epoch, sizeof gw->whole);
    gw->read = seq;
}

static void
read_line(struct gateway *gw)
{
    struct line *line = gw->first;
    cJSON *json = cJSON_Parse(line->text);
    const cJSON *hello = cJSON_GetObjectItem(json, "hello");
    const cJSON *sync = cJSON_GetObjectItem(json, "sync");
    const cJSON *value = cJSON_GetObjectItem(json, "value");

    gw->first = line->next;
    if (!gw->first) {
        gw->last = &gw->first;
        gw->to_pump = true;
    }
    gw->unread -= strlen(line->text);
    if (hello) {
        greeted(gw, hello);
    } else if (sync) {
        synced(gw, (uint64_t) sync->valuedouble);
    } else if (value) {
        char *text = cJSON_IsNull(value) ? NULL
                                         : cJSON_PrintUnformatted(value);

        put(gw, text_of(json, "type"), text_of(json, "key"), text);
        if (gw->synced) {
            gw->read = (uint64_t)
                cJSON_GetObjectItem(json, "seq")->valuedouble;
        }
        free(text);
    }
    look_at_entries(gw);
    cJSON_Delete(json);
    free(line->text);
    free(line);
}

/* --- Legs. */

/* One that is to be plugged, or not to be. */
static struct machine *
wrong_leg(const struct gateway *gw, int *ret_iface)
{
    const struct machine *at = machine_named(gw->host);

    for (int t = 0; t < N_TENANTS; t++) {
        *ret_iface = leg_iface(t, gw->index);
        for (int m = 0; m < sim->n_machines; m++) {
            struct machine *machine = &sim->machines[m];
            bool want = machine == at && gw->legs[t].exists;

            if (machine->db.plugged[*ret_iface] != want
                && (!want || machine->db.host_num)) {
                return machine;
            }
        }
    }
    return NULL;
}

bool
gateway_leg(int gateway, int tenant, struct vx_mac *ret_mac,
            struct vx_ip *ret_ip)
{
    const struct leg *leg = &sim->gateways[gateway]->legs[tenant];

    *ret_mac = leg->mac;
    *ret_ip = leg->ip;
    return leg->exists;
}

/* --- What it does. */

static bool
hangs(struct gateway *gw)
{
    if (gw->hangs_ms && (sim->calm || gw->hangs_ms <= sim->now_ms)) {
        gw->hangs_ms = 0;
        gw->to_pump = gw->feed != NULL;
    }
    return gw->hangs_ms;
}

static void
look_if_prompt(struct gateway *gw)
{
    const struct vx_gw *real = gw->feed
        ? vx_gws_by_name(sim->app->gws, gw->index ? "g1" : "g0") : NULL;

    if (!real || !real->connected) {
        gw->was_prompt = false;
    } else if (!gw->first && gw->synced
               && gw->read == vx_feedlog_seq(real->log)) {
        gw->was_prompt = true;
        gw->n_late = sim->app->gws->n_withdrawn_late;
    }
}

bool
gateway_is_prompt(const struct gateway *gw)
{
    return gw->was_prompt && gw->n_late == sim->app->gws->n_withdrawn_late;
}

bool
gateway_work(struct gateway *gw)
{
    bool reports = gw->feed && gw->synced && !gw->in_report
                   && gw->reported_ms + REPORT_MS <= sim->now_ms;
    struct machine *machine;
    int iface;

    if (!sim->app || sim->dying || hangs(gw)) {
        return false;
    }
    if (!gw->feed && gw->retry_ms <= sim->now_ms) {
        open_feed(gw);
        return gw->feed;
    } else if (gw->feed && gw->to_pump) {
        gw->to_pump = false;
        api()->pump(gw->feed);
    } else if (gw->first) {
        for (int n = chance(2) ? 1 : 1000; n-- > 0 && gw->first;) {
            read_line(gw);
        }
    } else if ((machine = wrong_leg(gw, &iface))) {
        if (machine->db.plugged[iface]) {
            machine_unplug(machine, iface);
        } else {
            machine_plug(machine, iface);
        }
    } else if (reports && (has_news(gw) || gw->reported_ms + HEARTBEAT_MS
                                           <= sim->now_ms)) {
        report(gw);
    } else {
        return false;
    }
    if (!sim->dying) {
        look_if_prompt(gw);
    }
    return true;
}

bool
gateway_has_work(const struct gateway *gw)
{
    int iface;

    return gw->hangs_ms || (gw->is_there && !gw->feed) || gw->first
           || (gw->feed && (gw->to_pump || !gw->synced || gw->in_report
                            || has_news(gw)))
           || wrong_leg(gw, &iface);
}

int64_t
gateway_next_ms(const struct gateway *gw)
{
    return gw->hangs_ms ? gw->hangs_ms : !gw->feed ? gw->retry_ms
           : gw->reported_ms + (has_news(gw) ? REPORT_MS : HEARTBEAT_MS);
}

/* --- Life. */

struct gateway *
gateway_new(int index)
{
    struct gateway *gw = vx_xcalloc(1, sizeof *gw);

    gw->index = index;
    gw->last = &gw->first;
    gw->host = -1;
    gw->stage = 2;
    gw->is_there = true;
    for (int i = 0; i < N_ITEMS; i++) {
        gw->heard[i] = chance(2);
    }
    return gw;
}

static void
forget_all(struct gateway *gw)
{
    forget_lines(gw);
    while (gw->entries) {
        drop(gw, gw->entries);
    }
    memset(gw->said, 0, sizeof gw->said);
    gw->epoch[0] = gw->acked_epoch[0] = gw->whole[0] = '\0';
    gw->read = gw->acked = 0;
    gw->synced = false;
    gw->stage = 2;
    gw->boot++;
}

void
gateway_free(struct gateway *gw)
{
    forget_all(gw);
    free(gw);
}

void
gateways_crashed(void)
{
    for (int g = 0; sim->gatewayed && g < N_GATEWAYS; g++) {
        struct gateway *gw = sim->gateways[g];

        if (gw->waiter) {
            api()->cancel(api()->ctx, gw->waiter);
        }
        gw->waiter = NULL;
        gw->in_report = false;
        close_feed(gw);
        gw->is_there = true;
    }
}

void
gateway_fault(struct gateway *gw)
{
    unsigned what = roll(8);

    if (!sim->app || sim->dying) {
        return;
    }
    if (what < 4) {             /* its peers change their minds */
        for (unsigned n = 1 + roll(6); n > 0; n--) {
            int i = (int) roll(N_ITEMS);

            gw->heard[i] = !gw->heard[i];
        }
    } else if (what < 6) {
        say("gateway %d hangs", gw->index);
        gw->hangs_ms = sim->now_ms + 1 + roll(8000);
    } else if (what < 7) {
        say("the stream of gateway %d is lost", gw->index);
        close_feed(gw);
    } else {
        say("vxgatewayd of gateway %d starts again", gw->index);
        close_feed(gw);
        if (gw->waiter) {
            api()->cancel(api()->ctx, gw->waiter);
        }
        gw->waiter = NULL;
        gw->in_report = false;
        forget_all(gw);
    }
}

void
gateway_calm(struct gateway *gw)
{
    gw->is_there = true;
    gw->retry_ms = 0;
}

bool
gateway_is_up(int gateway)
{
    const struct gateway *gw = sim->gateways[gateway];

    return gw->feed && gw->synced && !gw->hangs_ms;
}

int
gateway_index(const struct gateway *gw)
{
    return gw->index;
}

unsigned
gateway_n_entries(const struct gateway *gw)
{
    return gw->n_entries;
}

void
gateway_each(const struct gateway *gw,
             void (*f)(void *aux, const char *type, const char *key,
                       const char *value), void *aux)
{
    for (const struct entry *e = gw->entries; e; e = e->next) {
        f(aux, e->type, e->key, e->value);
    }
}
