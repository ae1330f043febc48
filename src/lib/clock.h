/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks, for the shell (daemons, sessions); the core is told the time.
 * Never negative, and the first two never go back. */
#ifndef VX_LIB_CLOCK_H
#define VX_LIB_CLOCK_H

#include <stdint.h>

int64_t vx_clock_ms(void);          /* monotonic */
int64_t vx_clock_us(void);
int64_t vx_clock_wall_ms(void);     /* since 1970, UTC */

#endif
