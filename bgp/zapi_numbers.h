/* SPDX-License-Identifier: Apache-2.0 */
/* What zebra's protocol calls things, per release of FRR.
 *
 * The version byte of the zebra API has been 6 since FRR 6, while command
 * and route-type numbers moved under it: a number is only worth something
 * together with a row of this table.  Which row a zebra speaks is found out
 * at connect (zebra_session.h), and one that is in no row is refused: a
 * client that guesses deletes routes when it means to add them.
 *
 * Source: lib/zclient.h, lib/route_types.txt and zebra/zapi_msg.c of the
 * tags frr-8.2 .. frr-10.7; rows were run against 8.4.4 and 10.2. */
#ifndef BG_ZAPI_NUMBERS_H
#define BG_ZAPI_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BG_ZAPI_VERSION = 6,
    BG_ZAPI_MARKER = 254,
    BG_ZAPI_PROBE = 0xfffe,     /* a command that no release has */
};

enum bg_zapi_command {
    BG_ZAPI_INTERFACE_ADD, BG_ZAPI_INTERFACE_DELETE,
    BG_ZAPI_INTERFACE_ADDRESS_ADD, BG_ZAPI_INTERFACE_ADDRESS_DELETE,
    BG_ZAPI_INTERFACE_UP, BG_ZAPI_INTERFACE_DOWN,
    BG_ZAPI_ROUTE_ADD, BG_ZAPI_ROUTE_DELETE, BG_ZAPI_ROUTE_NOTIFY_OWNER,
    BG_ZAPI_REDISTRIBUTE_ADD, BG_ZAPI_REDISTRIBUTE_DELETE,
    BG_ZAPI_ROUTER_ID_ADD, BG_ZAPI_ROUTER_ID_UPDATE,
    BG_ZAPI_HELLO, BG_ZAPI_CAPABILITIES,
    BG_ZAPI_REDISTRIBUTE_ROUTE_ADD, BG_ZAPI_REDISTRIBUTE_ROUTE_DEL,
    BG_ZAPI_VRF_ADD, BG_ZAPI_VRF_DELETE,
    BG_ZAPI_RULE_ADD, BG_ZAPI_RULE_DELETE, BG_ZAPI_RULE_NOTIFY_OWNER,
    BG_ZAPI_ERROR, BG_ZAPI_CLIENT_CAPABILITIES,
    BG_ZAPI_ROUTE_NOTIFY_REQUEST, BG_ZAPI_CLIENT_CLOSE_NOTIFY,
    BG_ZAPI_N_COMMANDS,
    BG_ZAPI_OTHER = BG_ZAPI_N_COMMANDS      /* none of them: skipped */
};

/* Route types (who originates) that we use or may hear of. */
enum bg_proto {
    BG_PROTO_SYSTEM, BG_PROTO_KERNEL, BG_PROTO_CONNECTED, BG_PROTO_STATIC,
    BG_PROTO_BGP, BG_PROTO_TABLE, BG_PROTO_BABEL, BG_PROTO_SHARP,
    BG_PROTO_OPENFABRIC,
    BG_N_PROTOS,
    BG_PROTO_OTHER = BG_N_PROTOS
};

/* Several layouts may hide in one row, since the numbers do not tell them
 * apart: the decoder tries them, and takes the one that uses up a message
 * exactly. */
struct bg_zapi_row {
    const char *name;               /* "FRR 8.2 to 9.0" */
    uint16_t commands[BG_ZAPI_N_COMMANDS];
    uint8_t protos[BG_N_PROTOS];
    bool hello_has_notify;          /* to 9.1; then ROUTE_NOTIFY_REQUEST */
    bool rule_has_filter;           /* the RULE body of 9.1 */
    bool interface_has_txqlen;      /* from 9.1, before the MTU */
    bool wants_table_flag;          /* ZEBRA_FLAG_TABLEID with a table id */
    bool may_have_label_type;       /* 9.0: a u8 before the labels */
    bool must_have_label_type;
    bool may_have_wide_weight;      /* 10.1: u64 */
    bool must_have_wide_weight;
    uint8_t capabilities_sizes[2];  /* bytes of a CAPABILITIES body; 0 none */
};

enum bg_zapi_version {
    BG_ZAPI_8_2, BG_ZAPI_9_1, BG_ZAPI_10_0, BG_ZAPI_10_2, BG_ZAPI_N_ROWS
};

const struct bg_zapi_row *bg_zapi_row(enum bg_zapi_version version);

/* What a number on the wire means in a row; _OTHER if nothing. O(n). */
enum bg_zapi_command bg_zapi_command_of(const struct bg_zapi_row *row,
                                        uint16_t number);
enum bg_proto bg_proto_of(const struct bg_zapi_row *row, uint8_t number);

const char *bg_zapi_command_name(enum bg_zapi_command command);
const char *bg_proto_name(enum bg_proto proto);

/* "FRR 8.2 to 9.0, 9.1, 10.0 and 10.1, 10.2 to 10.7": for the refusal. */
const char *bg_zapi_known(void);

#endif
