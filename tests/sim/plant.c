/* SPDX-License-Identifier: Apache-2.0 */
/* Bugs on purpose, in this program only: real sources are compiled once more
 * here with one function wrapped, and the linker prefers them to those of the
 * libraries.  As long as nothing is planted the wrapper does nothing. */
#include "tests/sim/sim.h"

enum plant plant;

const char *const plant_names[N_PLANTS] = {
    [PLANT_NONE] = "nothing",
    [PLANT_BUNDLE_ORDER] = "wrong order in a bundle",
    [PLANT_LOST_DEPENDENCY] = "lost dependency",
    [PLANT_EARLY_REPLY] = "reply before commit",
    [PLANT_EARLY_RELEASE] = "number of a network given away too early",
};
