/* SPDX-License-Identifier: Apache-2.0 */
/* See clock.h. */
#include "lib/clock.h"

#include <time.h>

static int64_t
read_us(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (int64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
vx_clock_ms(void)
{
    return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t
vx_clock_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t
vx_clock_wall_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}
