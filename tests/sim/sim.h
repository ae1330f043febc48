/* SPDX-License-Identifier: Apache-2.0 */
/* The simulation: a whole controller against hosts made of paper.
 *
 *   client, operator, faults --\
 *   fake clock and event loop --+--> the controller's own code
 *   fake store                  |    (src/daemon, src/core, of_queue)
 *   machines <== connections ===/
 *
 * The seam is the contract headers: event2/event.h, store/store.h,
 * ovs-glue/of_session.h, of_codec.h, ovsdb_session.h, bootstrap.h,
 * daemon/hooks.h and lib/log.h are implemented a second time here, and the
 * linker takes these.
 * So the code of the controller is the one that ships, and nothing in it
 * knows that it is simulated.
 *
 * Everything that happens is a step chosen by a seeded generator: one
 * callback of the loop, one message delivered, one request, one fault.  The
 * same seed gives the same life.  After every step the judge looks
 * (judge.c).  One world at a time: the fakes act in the global `sim`. */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/diff.h"
#include "core/flow.h"
#include "core/punt.h"
#include "core/status.h"
#include "core/trace.h"
#include "daemon/app.h"
#include "lib/buf.h"
#include "ovs-glue/of_codec.h"
#include "ovs-glue/of_session.h"

enum {
    N_MACHINES = 4,             /* at most */
    N_ZONES = 2,
    N_TENANTS = 2,
    N_NETS = 3,                 /* the first of tenant 0, the others of 1 */
    N_PER_NET = 3,              /* ports; port k has the same MAC in each */
    N_IDS = N_NETS * N_PER_NET, /* iface-ids, one per port */
    N_GATEWAYS = 2,
    N_IFACES = N_IDS + N_TENANTS * N_GATEWAYS,  /* and of legs, by tenant */
    N_REMOTES = 2,              /* VTEPs of another fabric */
    N_VNIS = 6,
    N_ADDRESSES = N_MACHINES + 1,
    N_CLIENTS = 4,              /* requests under way */
    MAX_BATCH = 12,
    FIRST_VNI = 2000,
    LAST_VNI = FIRST_VNI + N_VNIS - 1,  /* of networks and of routers */
    QUARANTINE_MS = 300,
    EPOCH_MS = 1000000,         /* the clock starts here */
};

/* --- Rows as the fake codec knows them (fake_codec.c). */

struct srow {
    unsigned n_refs;
    struct vx_crow crow;        /* key and body point into bytes */
    struct vx_row row;          /* not of a row only known by its key */
    uint8_t bytes[];
};
struct srow *srow_new(const struct vx_row *row);
struct srow *srow_ref(struct srow *row);
void srow_unref(struct srow *row);
int srow_compare_key(const struct vx_crow *a, const struct vx_crow *b);

struct sop {
    bool add;
    bool modify;                /* a meter: add in its place */
    bool alone;                 /* outside of a bundle */
    struct srow *row;
};
/* Message of a set; borrowed. */
const struct sop *smsgs_get(const struct og_msgs *msgs, size_t i);
struct og_crows *scrows_new(struct srow *const *rows, size_t n);

/* --- Machines: hosts as they really are (machine.c). */

struct table {
    struct srow **rows;         /* sorted by key */
    size_t n, cap;
    struct vx_rows flat;        /* for the interpreter, when !stale */
    bool stale;
};

/* What the machine's OVSDB holds; a value, so that an update is a copy. */
struct db {
    bool joined;                /* ids are there */
    int name;                   /* of the host: machine index, mostly */
    unsigned incarnation;       /* makes the system-id */
    int address;                /* index of the VTEP in the ids */
    int zone;
    char status[360];
    uint32_t host_num;          /* bridges, 0 = none */
    int host_address;           /* of the tunnel port */
    uint32_t done_num;          /* ovs-vswitchd has done it */
    bool plugged[N_IFACES];
    uint32_t ofports[N_IFACES]; /* 0 = none yet */
};

struct conn;
struct item;

struct machine {
    int index;
    struct db db;
    int address;                /* the underlay's, really */
    struct table tables[VX_FABRIC_TIER + 1];
    struct conn *ovsdb, *of[VX_FABRIC_TIER + 1];    /* its end is open */
    bool cut;                   /* from the controller */
    bool has_manager;
    uint32_t last_ofport;
    unsigned n_refusals;        /* injected: bundles to refuse */
    int64_t retry_ms[VX_FABRIC_TIER + 1];   /* backoff, 0: OVSDB */
    int64_t helped_ms;          /* by the operator, the last time */
    bool tampered[VX_FABRIC_TIER + 1];  /* by hand, and nobody was told */
    bool is_member;             /* its host is admitted; for the judge */
    /* At the last look the controller believed to have realized all there. */
    bool was_realized[VX_FABRIC_TIER + 1];
};

void machine_init(struct machine *machine, int index);
void machine_fini(struct machine *machine);
/* One thing that its processes do by themselves; false: nothing to do. */
bool machine_work(struct machine *machine);
bool machine_has_work(const struct machine *machine);
int64_t machine_next_ms(const struct machine *machine);
void machine_plug(struct machine *machine, int id);
void machine_unplug(struct machine *machine, int id);
void machine_join(struct machine *machine);     /* netctl host join */
void machine_restart_ovs(struct machine *machine);
void machine_reinstall(struct machine *machine);
void machine_cut(struct machine *machine, bool cut);
void machine_drift(struct machine *machine);    /* rows changed by hand */
/* The same in the midst of it, and the epoch is left as it was: only an audit
 * can find it. */
void machine_tamper(struct machine *machine);
bool machine_is_tampered(void);                 /* any */
/* Judges the epoch; what was changed by hand may be right again. */
void machine_look(struct machine *machine, enum vx_tier tier);
void machine_told(struct machine *machine);     /* its OVSDB has changed */
/* A packet that a machine behind the interface really sends. */
void machine_talks(struct machine *machine, const struct vx_packet *packet,
                   const uint8_t *frame, size_t size);
/* As ovs-vswitchd does; NULL, or why it refuses, and nothing is changed if it
 * was a bundle. */
const char *machine_bundle(struct machine *machine, enum vx_tier tier,
                           const struct item *item);
const struct vx_rows *machine_rows(struct machine *machine,
                                   enum vx_tier tier);

/* --- Connections (wire.c). */

enum item_type {
    /* to the controller */
    ITEM_READY, ITEM_DONE, ITEM_REFUSED, ITEM_DUMPED,
    ITEM_UPDATE, ITEM_ANSWER, ITEM_PACKET_IN, ITEM_COUNTED, ITEM_ECHOED,
    ITEM_CLOSED,
    /* to the machine */
    ITEM_BUNDLE, ITEM_DUMP, ITEM_COUNT, ITEM_PACKET_OUT, ITEM_ECHO,
    ITEM_TRANSACT, ITEM_EOF,
};

struct item {
    struct item *next;
    enum item_type type;
    int64_t not_before_ms;
    uint64_t dpid;
    struct og_of_part part;     /* DUMP, COUNT */
    struct sop *ops;            /* BUNDLE */
    bool bundled;               /* BUNDLE: atomic */
    struct srow **rows;         /* DUMPED */
    size_t n;                   /* of either; bytes of the frame */
    uint8_t *frame;             /* PACKET_OUT, PACKET_IN */
    struct vx_packet_in in;     /* PACKET_IN, without the frame */
    struct vx_row *acts;        /* PACKET_OUT */
    struct db *db;              /* UPDATE */
    char *text;                 /* REFUSED, TRANSACT */
    bool wanted_done;           /* TRANSACT, ANSWER */
};

struct fifo {
    struct item *first, **last;
};

struct conn {
    struct conn *next;
    unsigned number;
    char peer[32];
    struct machine *machine;
    enum vx_tier tier;          /* 0: OVSDB */
    bool machine_open;
    bool accepted;              /* by this life of the controller */
    bool told_ready;
    bool out_of_step;           /* a bundle was refused: those on their way
                                 * behind it may be too */
    struct fifo to_machine, to_controller;
    struct og_of_session *of;
    struct og_ovsdb_session *ovsdb;
};

struct conn *conn_new(struct machine *machine, enum vx_tier tier);
struct item *conn_push(struct fifo *fifo, enum item_type type);
void conn_machine_closes(struct conn *conn, bool silent);
void conn_controller_gone(struct conn *conn);
/* What switches send to the controller of a frame. */
struct arrivals;
void wire_punts(const struct arrivals *arrivals, const uint8_t *frame,
                size_t size);
bool conn_can_deliver(const struct conn *conn);
void conn_deliver(struct conn *conn);
bool conn_can_pump(const struct conn *conn);
void conn_pump(struct conn *conn);
void conns_collect(void);
void conns_free(void);

/* Their controller's ends (fake_of.c, fake_ovsdb.c). */
void of_receive(struct og_of_session *session, struct item *item);
bool of_can_pump(const struct og_of_session *session);
void of_pump(struct og_of_session *session);
bool of_is_idle(const struct og_of_session *session);   /* all is sent */
void ovsdb_receive(struct og_ovsdb_session *session, struct item *item);

/* --- Clock and loop (fake_event.c). */

struct event_base *loop_new(void);
void loop_free(struct event_base *base);
bool loop_has_active(const struct event_base *base);
void loop_run_one(struct event_base *base);
int64_t loop_next_ms(const struct event_base *base);    /* INT64_MAX: none */
void loop_expire(struct event_base *base);

/* --- Store (fake_store.c): what survives the controller.  It reads what it
 * is given: a host that is draining gets no port. */

struct disk;
struct disk *disk_new(void);
void disk_free(struct disk *disk);
/* Whether a host with the system-id is admitted / there is one of this oid. */
bool disk_has_member(const struct disk *disk, const char *system_id);
bool disk_has_host(const struct disk *disk, uint64_t oid);

/* --- Planted bugs (plant.c): only this program has them. */

enum plant {
    PLANT_NONE, PLANT_BUNDLE_ORDER, PLANT_LOST_DEPENDENCY,
    PLANT_EARLY_REPLY, PLANT_EARLY_RELEASE, N_PLANTS
};
extern const char *const plant_names[N_PLANTS];
extern enum plant plant;

/* --- The client and what it was promised (client.c). */

struct wish {                   /* intent of one object */
    bool exists;
    uint32_t vni;               /* network: asked for, 0 = any */
    int host;                   /* port: -1 = anywhere */
    bool migrate;               /* port: from the host `from`, live */
    int from;
    bool hold;
    enum { HOST_KEEP, HOST_DRAIN, HOST_UNDRAIN, HOST_RESET } what;
    bool force;                 /* delete a host */
    uint32_t variant;           /* all else, by kind (intent.c) */
    bool any;                   /* all else is not known */
};

struct promise {
    struct wish wish;           /* acknowledged */
    bool busy;                  /* a request about it is under way */
    bool lost;                  /* its reply was lost in a crash */
    int draining;               /* host: acknowledged; -1: unknown */
};

enum { N_ROUTES = 3, N_POLICIES = 3 };  /* of a tenant */
/* KEY_SUBNET: one of each network.  Networks of different tenants have the
 * same prefix. */
enum { KEY_TENANT = 0, KEY_NET = KEY_TENANT + N_TENANTS,
       KEY_SUBNET = KEY_NET + N_NETS, KEY_PORT = KEY_SUBNET + N_NETS,
       KEY_ROUTE = KEY_PORT + N_IDS,
       KEY_POLICY = KEY_ROUTE + N_TENANTS * N_ROUTES,
       KEY_GATEWAY = KEY_POLICY + N_TENANTS * N_POLICIES,
       KEY_UPLINK = KEY_GATEWAY + N_GATEWAYS,
       KEY_PEERING = KEY_UPLINK + N_GATEWAYS,   /* of tenants, by tenant */
       KEY_ZONE = KEY_PEERING + N_TENANTS * N_GATEWAYS,
       KEY_HOST = KEY_ZONE + N_ZONES, N_KEYS = KEY_HOST + N_MACHINES };

/* --- What routing, policies, zones and rates are asked for (intent.c). */

/* What an operation borrows. */
struct name {
    char tenant[16], network[16], name[32], iface_id[32], host[16];
    char from[16];
    struct vx_ip ips[4];
    char border_names[N_MACHINES][4];
    const char *borders[N_MACHINES];
    struct vx_port_range ranges[2];
    struct vx_prefix local;
};
extern const char *const zone_names[N_ZONES];
struct vx_ip ip_of(int id);
struct vx_ip gateway_ip(int net);
struct vx_mac mac_of(int id);
int first_id(int tenant);
int n_ids(int tenant);
/* Key of a subnet, route, policy or zone. */
void intent_key(int key, struct name *name, struct vx_key *k,
                enum vx_kind *ret_kind);
void intent_op(int key, const struct wish *wish, struct name *name,
               struct vx_op *op);
bool intent_is(const struct vx_obj *obj, int key, const struct wish *wish);

struct request {
    bool used;
    unsigned generation;
    int64_t submitted_ms;
    int keys[MAX_BATCH];
    struct wish wishes[MAX_BATCH];
    /* As it was submitted: the controller may come back to it. */
    struct vx_op ops[MAX_BATCH];
    struct name names[MAX_BATCH];
    size_t n;
};

void client_request(void);
void client_churn(void);                        /* a network goes or comes */
void client_delete_host(int host);              /* and what is there */
void client_crashed(void);
/* After a start: all that was acknowledged is there. */
void client_check(void);
void client_operator(void);     /* brings refused hosts back, at the end */
void client_put(int key);
bool client_restore(void);
bool client_is_idle(void);
const struct vx_obj *client_find(int key);
/* Of a port, as numbers of hosts, -1: none.  The target of a migration. */
int client_location(int id, bool *ret_migrates);
int client_target(int id);

/* A migration that nobody disturbs: until it is over each packet for the
 * port gets to one of the two machines. */
struct move {
    struct machine *from, *to;  /* NULL: none is watched */
    int64_t killed_ms;          /* the controller was, the first time; 0 */
};

/* --- The world (sim.c). */

struct gateway;

struct sim {
    uint64_t seed, random;
    unsigned n_steps;           /* so far */
    int64_t now_ms;
    bool verbose;
    bool failed;
    char failure[600];
    bool dirty;                 /* a packet may go another way now */
    unsigned active_bits;       /* ports active at the last look */
    struct move moves[N_IDS];
    /* Where ports were active the last time, and nothing has happened to
     * them since, but that the controller may have been killed. */
    struct machine *senders[N_IDS];
    uint64_t n_moves;           /* that were watched to their end */
    uint32_t grace_ms;
    bool tampering;             /* somebody changes rows by hand */
    int n_machines;             /* in this life */
    bool routed;                /* tenants have routers in this life */
    bool bordered;              /* zones may talk by borders in this life */
    bool gatewayed;             /* there may be gateways in this life */
    bool moving;                /* ports change places all the time in it */
    struct gateway *gateways[N_GATEWAYS];
    int vni_tenants[N_VNIS];    /* whose a VNI is, or was the last; or -1 */
    /* The network that has a VNI, or had it last; of a router its tenant. */
    uint64_t vni_holders[N_VNIS];
    uint32_t n_remote;          /* packets of the other fabric so far */
    bool leg_was_in[N_IFACES];  /* once it had its rows */
    /* Of gateways' hosts: the most that they had confirmed at a time. */
    uint64_t confirmed[N_GATEWAYS];
    uint64_t confirmed_by[N_GATEWAYS];          /* the host */
    bool deaf[N_IFACES];        /* answers no questions */
    unsigned n_restores;        /* requests for what is missing */
    bool plugs;                 /* machines are to be switched on */
    bool silent;                /* after a restart nobody has anything to do */
    uint32_t n_routed;          /* routed packets so far */

    struct machine machines[N_MACHINES];
    struct conn *conns;
    unsigned last_conn;
    struct conn *accepting;

    struct disk *disk;
    struct vx_app *app;         /* NULL: not running */
    struct event *tick;
    unsigned lives;
    bool dying;                 /* crashed: nothing it does counts */
    unsigned crash_in;          /* I/O calls from now; 0 = no plan */
    int64_t restart_ms;

    struct promise promises[N_KEYS];
    struct request requests[N_CLIENTS];
    unsigned last_request;
    bool asking;                /* a request is being submitted */

    size_t max_bundle;          /* messages */
    bool calm;                  /* no faults any more */
    uint64_t n_traces, n_bundles, n_crashes, n_judged;
    uint64_t n_arrived, n_silent;
    uint64_t n_legs, n_remotes, n_entries;
};
extern struct sim *sim;

uint32_t last_vni(void);
uint32_t roll(uint32_t n);                      /* 0 .. n-1 */
bool chance(uint32_t one_in);
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void violated(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A step of the controller that the outside can see: it may crash just
 * before.  False: it has. */
bool outside(void);

struct sim_result {
    bool failed;
    char failure[600];
    unsigned n_steps;
    uint64_t n_traces, n_bundles, n_crashes, n_judged, n_moves;
    uint64_t n_arrived, n_silent;
    uint64_t n_legs;            /* packets that came out at legs */
    uint64_t n_remotes;         /* packets from and to the other fabric */
    uint64_t n_entries;         /* of feeds that were judged */
};
void sim_run(uint64_t seed, bool verbose, struct sim_result *ret_result);

/* --- Judge (judge.c). */

/* Whether the table is what the controller wants now. */
void judge_say_places(void);
/* NULL, or how the table differs from that. */
const char *judge_rows(struct machine *machine, enum vx_tier tier);
bool judge_is_right(struct machine *machine, enum vx_tier tier);
void judge_step(void);
/* Something happens that may cost packets: no migration is watched. */
void judge_disturbed(void);
void judge_changed(int key);    /* the same: intent of an object */
void client_migrate(void);
/* A packet-out at a machine. */
void judge_packet_out(struct machine *machine, const struct vx_row *acts,
                      const uint8_t *frame, struct arrivals *arrivals);
/* NULL if everything has converged, else what has not. */
const char *judge_converged(void);
/* Such a text; valid until the next. */
const char *flaw(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Where packets get to. */
struct punt {
    struct machine *machine;
    enum vx_tier tier;
    struct vx_packet_in in;         /* without a frame */
};
enum { MAX_PUNTS = 16 };
struct arrivals {
    int tenant;                     /* whose packet it is; -1: nobody's */
    unsigned n[N_MACHINES][N_IFACES];
    unsigned remotes[N_REMOTES];
    struct punt punts[MAX_PUNTS];
    unsigned n_punts;
    unsigned depth, max_depth;      /* tunnels on the way */
};
/* A packet that an interface sends. */
void judge_walk(struct machine *machine, const struct vx_packet *packet,
                struct arrivals *arrivals);
struct machine *judge_active_at(int id);

/* --- Routed packets (judge_routed.c). */

/* From id to the gateway, for an address, TTL as given. */
void routed_packet(int id, const struct vx_ip *dst, uint8_t ttl,
                   struct vx_packet *ret_packet);
/* The same as a frame; returns its size. */
enum { FRAME_MAX = 64 };
size_t routed_frame(int id, const struct vx_ip *dst, uint8_t ttl,
                    uint8_t frame[FRAME_MAX]);
/* Whether no policy says anything about where such packets get to. */
bool routed_may_pass(int id, const struct vx_ip *dst);
struct vx_ip routed_somewhere(uint32_t n);  /* addresses of interest */
/* What a machine answers to an ARP question. */
void arp_answer(int id, struct vx_packet *ret_packet,
                uint8_t frame[FRAME_MAX]);
void judge_routed(struct machine *machine, int id);
void judge_routed_converged(void);

/* --- Gateways, as far as the controller sees them (gateways.c): they read
 * their feeds, carry out what they read, and report; they plug their legs,
 * and answer for them.  Peers tell them things, true ones and others. */

struct gateway *gateway_new(int index);
void gateway_free(struct gateway *gateway);
/* One thing that it does by itself; false: nothing to do. */
bool gateway_work(struct gateway *gateway);
bool gateway_has_work(const struct gateway *gateway);
int64_t gateway_next_ms(const struct gateway *gateway);
/* What its peers tell it changes; it restarts, hangs, is cut off. */
void gateway_fault(struct gateway *gateway);
void gateway_calm(struct gateway *gateway);
/* The controller is about to be no more. */
void gateways_crashed(void);
/* Leg and tenant: its addresses, as the gateway was told; false: none. */
bool gateway_leg(int gateway, int tenant, struct vx_mac *ret_mac,
                 struct vx_ip *ret_ip);
/* Whether it hears a prefix from the tenant's peers, and says so. */
bool gateway_says(int gateway, int tenant, const struct vx_prefix *prefix);
bool gateway_is_up(int gateway);
struct vx_ip remote_vtep(int remote);
struct vx_mac remote_mac(int remote);
enum { N_HEARD = 6 };           /* prefixes that a peer may tell */
struct vx_prefix heard_prefix(int i);

/* What has to hold of them (judge_gateways.c). */

/* The entry is told now. */
void judge_told(struct gateway *gateway, const char *type, const char *key,
                bool is_new);
/* A request was carried out: nobody announces what is gone by it. */
void judge_withdrawn(int64_t submitted_ms);
void judge_vnis(void);
void judge_confirmed(void);
/* A packet comes to a VTEP of the other fabric, or to nobody. */
void judge_tunnel(const struct machine *from,
                  const struct vx_packet *packet,
                  struct arrivals *arrivals);
void judge_leg(struct machine *machine, int iface);
void judge_remotes(void);
void judge_enter(struct machine *machine, const struct vx_packet *packet,
                 int tenant, struct arrivals *arrivals);
const char *judge_gateways_converged(void);
/* Calls f with each entry that the gateway goes by. */
void gateway_each(const struct gateway *gateway,
                  void (*f)(void *aux, const char *type, const char *key,
                            const char *value), void *aux);
bool gateway_is_prompt(const struct gateway *gateway);
int gateway_index(const struct gateway *gateway);
unsigned gateway_n_entries(const struct gateway *gateway);

struct vx_ip address_of(int index);
void id_name(int id, char *buf, size_t size);
struct machine *machine_named(int name);
/* What the controller believes of the machine is not out of date: nothing
 * has happened there that is still on its way. */
bool machine_is_known(const struct machine *machine, uint64_t host);
static inline int
net_of_id(int id)
{
    return id / N_PER_NET;
}
static inline int
tenant_of_net(int net)
{
    return net ? 1 : 0;
}
/* Of an interface: a port's, or a leg's. */
static inline int
tenant_of_iface(int iface)
{
    return iface < N_IDS ? tenant_of_net(net_of_id(iface))
                         : (iface - N_IDS) / N_GATEWAYS;
}
/* A leg is in the network of its tenant's router. */
static inline int
net_of_iface(int iface)
{
    return iface < N_IDS ? net_of_id(iface)
                         : N_NETS + tenant_of_iface(iface);
}
static inline int
leg_iface(int tenant, int gateway)
{
    return N_IDS + tenant * N_GATEWAYS + gateway;
}

#endif
