/* SPDX-License-Identifier: Apache-2.0 */
/* What the model costs: ports put per second at growing sizes, memory per
 * port, nanoseconds per VNI.  Run by hand: bench_model [PORTS]. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/alloc.h"
#include "core/model.h"

enum { PORTS_PER_NETWORK = 1000, N_HOSTS = 1000, BATCH = 1000,
       N_PROBES = 10000 };

static double
now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static void
must(struct vx_model *model, const struct vx_op *ops, size_t n)
{
    struct vx_error err;
    size_t failed;

    if (!vx_model_apply(model, ops, n, 0, NULL, &failed, &err)) {
        fprintf(stderr, "operation %zu: %s\n", failed, err.message);
        exit(1);
    }
    vx_model_commit(model);
}

static void
put(struct vx_model *model, enum vx_kind kind, const char *network,
    const char *name)
{
    struct vx_op op = { .kind = kind, .key = { "acme", network, name } };

    if (kind == VX_HOST) {
        op.spec.host.zone = "z";
    } else if (kind == VX_SUBNET) {
        op.spec.subnet.no_route = true;     /* all have the same ones */
    }
    must(model, &op, 1);
}

static void
put_network(struct vx_model *model, size_t i)
{
    char name[32];

    snprintf(name, sizeof name, "net-%zu", i);
    put(model, VX_NETWORK, NULL, name);
    put(model, VX_SUBNET, name, "10.0.0.0/16");
    put(model, VX_SUBNET, name, "fd00::/64");
}

/* Ports first..first + n - 1, spread over hosts. */
static void
put_ports(struct vx_model *model, size_t first, size_t n)
{
    static char names[BATCH][32], networks[BATCH][32], hosts[BATCH][32];
    static struct vx_op ops[BATCH];

    for (size_t i = 0; i < n; i++) {
        size_t port = first + i;

        snprintf(names[i], sizeof names[i], "port-%07zu", port);
        snprintf(networks[i], sizeof networks[i], "net-%zu",
                 port / PORTS_PER_NETWORK);
        snprintf(hosts[i], sizeof hosts[i], "host-%zu", port % N_HOSTS);
        memset(&ops[i], 0, sizeof ops[i]);
        ops[i].kind = VX_PORT;
        ops[i].key = (struct vx_key) { "acme", networks[i], names[i] };
        ops[i].spec.port.host = hosts[i];
    }
    must(model, ops, n);
}

/* Single puts and deletes of ports beside n others. */
static void
measure_single(struct vx_model *model, size_t n)
{
    double start = now_s();
    char name[32];

    for (size_t i = 0; i < N_PROBES; i++) {
        struct vx_op op = { .kind = VX_PORT,
                            .key = { "acme", "net-0", name } };

        snprintf(name, sizeof name, "probe-%zu", i % 500);
        op.type = i / 500 % 2 ? VX_OP_DELETE : VX_OP_PUT;
        must(model, &op, 1);
    }
    printf("%8zu ports: %9.0f single puts and deletes a second\n", n,
           N_PROBES / (now_s() - start));
}

static void
bench_ports(size_t n)
{
    struct vx_model_config config = { .mac_prefix = 0x0a };
    struct vx_model *model = vx_model_new(&config);
    char name[32];
    double start;
    size_t memory;

    put(model, VX_TENANT, NULL, "acme");
    put(model, VX_ZONE, NULL, "z");
    for (size_t i = 0; i < N_HOSTS; i++) {
        snprintf(name, sizeof name, "host-%zu", i);
        put(model, VX_HOST, NULL, name);
    }
    for (size_t i = 0; i * PORTS_PER_NETWORK < n; i++) {
        put_network(model, i);
    }
    memory = mallinfo2().uordblks;
    start = now_s();
    for (size_t i = 0; i < n; i += BATCH) {
        put_ports(model, i, n - i < BATCH ? n - i : BATCH);
    }
    printf("%8zu ports: %9.0f a second in batches of %d, %.0f bytes a port "
           "(one IPv4, one IPv6)\n", n, (double) n / (now_s() - start),
           BATCH, (double) (mallinfo2().uordblks - memory) / (double) n);
    measure_single(model, n);
    vx_model_free(model);
}

static void
bench_vnis(void)
{
    struct vx_vni_pool *pool = vx_vni_pool_new();
    double start = now_s();
    uint32_t n = 0, vni;

    while ((vni = vx_vni_pool_lowest(pool, 1, VX_VNI_MAX))) {
        vx_vni_pool_take(pool, vni);
        n++;
    }
    printf("%8u VNIs: %.1f ns to find and take one\n", n,
           (now_s() - start) * 1e9 / n);
    vx_vni_pool_free(pool);
}

int
main(int argc, char **argv)
{
    size_t most = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;

    bench_vnis();
    for (size_t n = 10; n <= most; n = n == 10 ? 10000 : n * 100) {
        bench_ports(n);
    }
    return 0;
}
