/* SPDX-License-Identifier: Apache-2.0 */
/* What a change of the fabric costs before a byte is encoded: loading, one
 * port more and less, a first port on a host, a full compile.  CPU time.
 *
 *     bench_fabric [PORTS [HOSTS [PORTS PER NETWORK]]] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/fabric.h"
#include "lib/xalloc.h"

struct count {
    uint64_t deltas, rows, host_rows;
};

static void
count_rows(void *count_, const uint64_t *hosts, size_t n_hosts,
           const struct vx_delta *delta)
{
    struct count *count = count_;

    (void) hosts;
    count->deltas++;
    count->rows += delta->n_add + delta->n_del;
    count->host_rows += n_hosts * (delta->n_add + delta->n_del);
}

static double
now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return ts.tv_sec + ts.tv_nsec / 1e9;
}

struct size {
    unsigned n_ports, n_hosts, per_network;
};

static void
add(struct vx_fabric *fabric, struct vx_obj *obj)
{
    vx_fabric_change(fabric, NULL, obj);
    vx_obj_unref(obj);
}

static void
add_hosts_and_networks(struct vx_fabric *fabric, const struct size *size)
{
    for (unsigned i = 1; i <= size->n_hosts; i++) {
        struct vx_host *host = (struct vx_host *) vx_obj_new(VX_HOST);

        host->o.oid = i;
        host->num = i;
        host->vtep = (struct vx_ip) {
            .family = 4, .b = { 10, 255, i >> 8, i & 255 }
        };
        add(fabric, &host->o);
    }
    for (unsigned i = 0; i <= size->n_ports / size->per_network; i++) {
        struct vx_network *network
            = (struct vx_network *) vx_obj_new(VX_NETWORK);

        network->o.oid = 1000000 + i;
        network->vni = 1 + i;
        add(fabric, &network->o);
    }
}

/* Ports of a network are spread over neighbouring hosts. */
static struct vx_obj *
port(const struct size *size, unsigned i, unsigned host)
{
    struct vx_port *port = (struct vx_port *) vx_obj_new(VX_PORT);
    char name[16];

    snprintf(name, sizeof name, "if%u", i);
    port->o.oid = 2000000 + i;
    port->o.parent = 1000000 + i / size->per_network;
    port->mac = vx_mac_from_u64(UINT64_C(0x020000000000) + i);
    port->n_ips = 1;
    port->ips = vx_xcalloc(1, sizeof *port->ips);
    port->ips[0] = (struct vx_ip) {
        .family = 4, .b = { 10, i >> 16, i >> 8 & 255, i & 255 }
    };
    port->guard = true;
    port->host = 1 + host % size->n_hosts;
    free(port->iface_id);
    port->iface_id = vx_xstrdup(name);
    return &port->o;
}

static void
load(struct vx_fabric *fabric, const struct size *size)
{
    for (unsigned i = 0; i < size->n_ports; i++) {
        char name[16];

        snprintf(name, sizeof name, "if%u", i);
        vx_fabric_iface(fabric, 1 + i % size->n_hosts, name,
                        1 + i / size->n_hosts);
        add(fabric, port(size, i, i));
    }
}

static void
report(const char *what, double seconds, unsigned n,
       const struct count *count)
{
    printf("%-28s %9.0f /s  %8.2f us  %7.1f deltas  %9.1f rows made  "
           "%11.1f rows to hosts\n", what, n / seconds, 1e6 * seconds / n,
           (double) count->deltas / n, (double) count->rows / n,
           (double) count->host_rows / n);
}

static void
bench_ports(struct vx_fabric *fabric, struct count *count,
            const struct size *size)
{
    enum { N = 10000 };
    static struct vx_obj *ports[N];
    double start;

    /* One more port of the network on hosts that have it already. */
    for (unsigned i = 0; i < N; i++) {
        unsigned like = (uint64_t) i * 7919 % size->n_ports;

        ports[i] = port(size, like, like);
        ports[i]->oid = 5000000 + i;
        ((struct vx_port *) ports[i])->mac.b[1] = 1 + i / 256;
        ((struct vx_port *) ports[i])->mac.b[2] = i % 256;
    }
    *count = (struct count) { 0 };
    start = now();
    for (unsigned i = 0; i < N; i++) {
        vx_fabric_change(fabric, NULL, ports[i]);
    }
    report("port add", now() - start, N, count);
    *count = (struct count) { 0 };
    start = now();
    for (unsigned i = 0; i < N; i++) {
        vx_fabric_change(fabric, ports[i], NULL);
        vx_obj_unref(ports[i]);
    }
    report("port del", now() - start, N, count);
}

static void
bench_moves(struct vx_fabric *fabric, struct count *count,
            const struct size *size)
{
    enum { N = 1000 };
    double start = now();

    *count = (struct count) { 0 };
    for (unsigned i = 0; i < N; i++) {
        struct vx_obj *old = port(size, i, i);
        struct vx_obj *new = port(size, i, i + size->n_hosts / 2);

        vx_fabric_change(fabric, old, new);
        vx_fabric_change(fabric, new, old);
        vx_obj_unref(old);
        vx_obj_unref(new);
    }
    report("port move to a new host", now() - start, 2 * N, count);
}

static void
bench_compile(const struct vx_fabric *fabric, const struct size *size)
{
    double start = now();
    uint64_t n_rows = 0;
    unsigned n = size->n_hosts < 20 ? size->n_hosts : 20;

    for (unsigned i = 0; i < n; i++) {
        for (int tier = VX_TENANT_TIER; tier <= VX_FABRIC_TIER; tier++) {
            struct vx_rows rows;

            vx_fabric_compile(fabric, 1 + i, tier, &rows);
            n_rows += rows.n;
            vx_rows_fini(&rows);
        }
    }
    printf("%-28s %9.0f rows/s, %.0f rows and %.2f ms a host\n",
           "full compile", n_rows / (now() - start), (double) n_rows / n,
           1e3 * (now() - start) / n);
}

static unsigned
argument(int argc, char **argv, int i, unsigned or_else)
{
    unsigned long value = argc > i ? strtoul(argv[i], NULL, 10) : 0;

    return value && value < 1000000 ? value : or_else;
}

int
main(int argc, char **argv)
{
    struct size size = {
        .n_ports = argument(argc, argv, 1, 100000),
        .n_hosts = argument(argc, argv, 2, 1000),
        .per_network = argument(argc, argv, 3, 100),
    };
    struct count count = { 0 };
    struct vx_fabric_sink sink = { .ctx = &count };
    struct vx_fabric *fabric = vx_fabric_new(&sink);
    double start = now();

    printf("%u ports, %u hosts, %u ports a network\n", size.n_ports,
           size.n_hosts, size.per_network);
    add_hosts_and_networks(fabric, &size);
    load(fabric, &size);
    report("load (mute)", now() - start, size.n_ports, &count);
    sink.rows = count_rows;
    bench_ports(fabric, &count, &size);
    bench_moves(fabric, &count, &size);
    bench_compile(fabric, &size);
    vx_fabric_free(fabric);
    return 0;
}
