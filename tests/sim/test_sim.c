/* SPDX-License-Identifier: Apache-2.0 */
/* Seeds. VX_SIM_SEED=n replays one with its log, SEEDS=n sets how many. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/sim/sim.h"

static double
cpu_seconds(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double) usage.ru_utime.tv_sec + (double) usage.ru_stime.tv_sec
           + (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static uint64_t
number(const char *name, uint64_t or_else)
{
    const char *s = getenv(name);

    return s && *s ? strtoull(s, NULL, 10) : or_else;
}

struct total {
    uint64_t n_seeds, n_steps, n_traces, n_bundles, n_crashes, n_judged;
    uint64_t n_moves, n_arrived, n_silent, n_legs, n_remotes, n_entries;
};

static void
sum_up(struct total *total, const struct sim_result *result)
{
    total->n_seeds++;
    total->n_steps += result->n_steps;
    total->n_traces += result->n_traces;
    total->n_bundles += result->n_bundles;
    total->n_crashes += result->n_crashes;
    total->n_judged += result->n_judged;
    total->n_moves += result->n_moves;
    total->n_arrived += result->n_arrived;
    total->n_silent += result->n_silent;
    total->n_legs += result->n_legs;
    total->n_remotes += result->n_remotes;
    total->n_entries += result->n_entries;
}

/* The first seed that fails, 0 if none does. */
static uint64_t
first_failure(uint64_t first, uint64_t n, struct total *total,
              struct sim_result *ret_result)
{
    for (uint64_t seed = first; seed < first + n; seed++) {
        sim_run(seed, false, ret_result);
        sum_up(total, ret_result);
        if (ret_result->failed) {
            return seed;
        }
    }
    return 0;
}

static bool
nothing_is_violated(uint64_t first, uint64_t n)
{
    struct sim_result result;
    struct total total = { 0 };
    double start = cpu_seconds();
    uint64_t seed = first_failure(first, n, &total, &result);
    double seconds = cpu_seconds() - start;

    printf("# %llu seeds in %.1f s: %.0f a minute; %llu steps, %llu "
           "bundles, %llu crashes, %llu migrations, %llu judgements, "
           "%llu packets, %llu routed and arrived, %llu silent restarts, "
           "%llu packets by legs, %llu of another fabric, %llu entries of "
           "feeds\n",
           (unsigned long long) total.n_seeds, seconds,
           (double) total.n_seeds / seconds * 60,
           (unsigned long long) total.n_steps,
           (unsigned long long) total.n_bundles,
           (unsigned long long) total.n_crashes,
           (unsigned long long) total.n_moves,
           (unsigned long long) total.n_judged,
           (unsigned long long) total.n_traces,
           (unsigned long long) total.n_arrived,
           (unsigned long long) total.n_silent,
           (unsigned long long) total.n_legs,
           (unsigned long long) total.n_remotes,
           (unsigned long long) total.n_entries);
    if (seed) {
        printf("# seed %llu: %s\n# its life:\n", (unsigned long long) seed,
               result.failure);
        sim_run(seed, true, &result);
        printf("# replay: VX_SIM_SEED=%llu\n", (unsigned long long) seed);
    }
    return !seed;
}

static bool
plant_is_found(enum plant which)
{
    struct total total = { 0 };
    struct sim_result result = { 0 };
    uint64_t seed;

    plant = which;
    seed = first_failure(1, 4000, &total, &result);
    plant = PLANT_NONE;
    printf("# planted %s: found by seed %llu: %s\n", plant_names[which],
           (unsigned long long) seed, seed ? result.failure : "by none");
    return seed;
}

static bool
same_seed_same_life(void)
{
    struct sim_result a, b;

    sim_run(4711, false, &a);
    sim_run(4711, false, &b);
    return a.n_steps == b.n_steps && a.n_traces == b.n_traces
           && a.n_bundles == b.n_bundles
           && !strcmp(a.failure, b.failure);
}

static int
report(int number_, bool ok, const char *name)
{
    printf("%sok %d - %s\n", ok ? "" : "not ", number_, name);
    fflush(stdout);
    return !ok;
}

static enum plant
planted(void)
{
    const char *name = getenv("VX_SIM_PLANT");

    for (int i = 1; name && i < N_PLANTS; i++) {
        if (!strcmp(name, plant_names[i])) {
            return (enum plant) i;
        }
    }
    return PLANT_NONE;
}

int
main(void)
{
    uint64_t seed = number("VX_SIM_SEED", 0);
    int n_failed = 0, n = 0;

    if (seed) {
        struct sim_result result;

        plant = planted();
        sim_run(seed, true, &result);
        printf("# seed %llu, %u steps: %s\n", (unsigned long long) seed,
               result.n_steps, result.failed ? result.failure : "right");
        printf("1..1\n%sok 1 - replayed\n", result.failed ? "not " : "");
        return result.failed;
    }
    if (getenv("SEEDS")) {
        printf("1..1\n");
        return report(1, nothing_is_violated(number("FIRST", 1),
                                             number("SEEDS", 0)),
                      "nothing is violated in many lives");
    }
    printf("1..%d\n", 1 + N_PLANTS);
    n_failed += report(++n, same_seed_same_life(),
                       "the same seed gives the same life");
    n_failed += report(++n, nothing_is_violated(1, 150),
                       "nothing is violated in the fixed set of lives");
    for (int i = 1; i < N_PLANTS; i++) {
        char name[100];

        snprintf(name, sizeof name, "the planted bug is found: %s",
                 plant_names[i]);
        n_failed += report(++n, plant_is_found((enum plant) i), name);
    }
    return n_failed > 0;
}
