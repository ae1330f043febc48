/* SPDX-License-Identifier: Apache-2.0 */
/* An ovsdb-server and ovs-vswitchd made of a view: applies the operations
 * our plans are made of (insert, update, mutate), collects rows nobody refers
 * to, and plays ovs-vswitchd's part (ofport, datapath_id).  Works through
 * og_ovsdb_apply, so the codec's differences are tested along with it. */
#ifndef FAKE_OVSDB_H
#define FAKE_OVSDB_H

#include "ovs-glue/ovsdb_view.h"

struct fake_ovsdb {
    struct og_ovsdb_view view;
    unsigned n_rows;        /* ever made; the next UUID */
};

/* With its Open_vSwitch row. */
void fake_init(struct fake_ovsdb *fake);
void fake_fini(struct fake_ovsdb *fake);
/* operations as og_ovsdb_session_transact takes them; "where" is empty or one
 * equality on _uuid or a string column.  Aborts on what it does not know. */
void fake_transact(struct fake_ovsdb *fake, const char *operations);
/* Interfaces get the OpenFlow port they ask for, or from 1 on; bridges their
 * datapath id. */
void fake_switch(struct fake_ovsdb *fake);

#endif
