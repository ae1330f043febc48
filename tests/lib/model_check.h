/* SPDX-License-Identifier: Apache-2.0 */
/* The model, read in full: as text, and each index against the objects. */
#ifndef VX_TESTS_MODEL_CHECK_H
#define VX_TESTS_MODEL_CHECK_H

#include "core/model.h"

/* Everything that can be seen, and the pools behind it.  To be freed. */
char *mc_dump(const struct vx_model *model);
/* Fails the test unless every index holds what it should, and nothing
 * else. */
void mc_check_indexes(const struct vx_model *model);

#endif
