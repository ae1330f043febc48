/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of the zebra API per release; see zapi_numbers.h. */
#include "bgp/zapi_numbers.h"

#define C(NAME) [BG_ZAPI_##NAME]

/* Interfaces are the only messages that have never moved. */
#define INTERFACES                                                      \
    C(INTERFACE_ADD) = 0, C(INTERFACE_DELETE) = 1,                      \
    C(INTERFACE_ADDRESS_ADD) = 2, C(INTERFACE_ADDRESS_DELETE) = 3,      \
    C(INTERFACE_UP) = 4, C(INTERFACE_DOWN) = 5

#define PROTOS_8                                                        \
    { [BG_PROTO_SYSTEM] = 0, [BG_PROTO_KERNEL] = 1,                     \
      [BG_PROTO_CONNECTED] = 2, [BG_PROTO_STATIC] = 3,                  \
      [BG_PROTO_BGP] = 9, [BG_PROTO_TABLE] = 15,                        \
      [BG_PROTO_BABEL] = 22, [BG_PROTO_SHARP] = 23,                     \
      [BG_PROTO_OPENFABRIC] = 26 }
/* 10.0 has put "local" after "connected". */
#define PROTOS_10                                                       \
    { [BG_PROTO_SYSTEM] = 0, [BG_PROTO_KERNEL] = 1,                     \
      [BG_PROTO_CONNECTED] = 2, [BG_PROTO_STATIC] = 4,                  \
      [BG_PROTO_BGP] = 10, [BG_PROTO_TABLE] = 16,                       \
      [BG_PROTO_BABEL] = 23, [BG_PROTO_SHARP] = 24,                     \
      [BG_PROTO_OPENFABRIC] = 27 }

#define LOW_8                                                           \
    INTERFACES,                                                         \
    C(ROUTE_ADD) = 8, C(ROUTE_DELETE) = 9, C(ROUTE_NOTIFY_OWNER) = 10,  \
    C(REDISTRIBUTE_ADD) = 11, C(REDISTRIBUTE_DELETE) = 12,              \
    C(ROUTER_ID_ADD) = 15, C(ROUTER_ID_UPDATE) = 17,                    \
    C(HELLO) = 18, C(CAPABILITIES) = 19,                                \
    C(REDISTRIBUTE_ROUTE_ADD) = 30, C(REDISTRIBUTE_ROUTE_DEL) = 31
#define LOW_10                                                          \
    INTERFACES,                                                         \
    C(ROUTE_ADD) = 9, C(ROUTE_DELETE) = 10, C(ROUTE_NOTIFY_OWNER) = 11, \
    C(REDISTRIBUTE_ADD) = 12, C(REDISTRIBUTE_DELETE) = 13,              \
    C(ROUTER_ID_ADD) = 16, C(ROUTER_ID_UPDATE) = 18,                    \
    C(HELLO) = 19, C(CAPABILITIES) = 20,                                \
    C(REDISTRIBUTE_ROUTE_ADD) = 31, C(REDISTRIBUTE_ROUTE_DEL) = 32

static const struct bg_zapi_row rows[BG_ZAPI_N_ROWS] = {
    [BG_ZAPI_8_2] = {
        .name = "FRR 8.2 to 9.0",
        .commands = {
            LOW_8, C(VRF_ADD) = 33, C(VRF_DELETE) = 34,
            C(RULE_ADD) = 85, C(RULE_DELETE) = 86,
            C(RULE_NOTIFY_OWNER) = 87,
            C(ERROR) = 118, C(CLIENT_CAPABILITIES) = 119,
            C(ROUTE_NOTIFY_REQUEST) = 124, C(CLIENT_CLOSE_NOTIFY) = 125,
        },
        .protos = PROTOS_8,
        .hello_has_notify = true,
        .may_have_label_type = true,
        .capabilities_sizes = { 10 },
    },
    [BG_ZAPI_9_1] = {
        .name = "FRR 9.1",
        .commands = {
            LOW_8, C(VRF_ADD) = 33, C(VRF_DELETE) = 34,
            C(RULE_ADD) = 84, C(RULE_DELETE) = 85,
            C(RULE_NOTIFY_OWNER) = 86,
            C(ERROR) = 117, C(CLIENT_CAPABILITIES) = 118,
            C(ROUTE_NOTIFY_REQUEST) = 123, C(CLIENT_CLOSE_NOTIFY) = 124,
        },
        .protos = PROTOS_8,
        .hello_has_notify = true,
        .rule_has_filter = true,
        .interface_has_txqlen = true,
        .must_have_label_type = true,
        .capabilities_sizes = { 11 },
    },
    [BG_ZAPI_10_0] = {
        .name = "FRR 10.0 and 10.1",
        .commands = {
            LOW_10, C(VRF_ADD) = 34, C(VRF_DELETE) = 35,
            C(RULE_ADD) = 85, C(RULE_DELETE) = 86,
            C(RULE_NOTIFY_OWNER) = 87,
            C(ERROR) = 118, C(CLIENT_CAPABILITIES) = 119,
            C(ROUTE_NOTIFY_REQUEST) = 124, C(CLIENT_CLOSE_NOTIFY) = 125,
        },
        .protos = PROTOS_10,
        .rule_has_filter = true,
        .interface_has_txqlen = true,
        .must_have_label_type = true,
        .may_have_wide_weight = true,
        .capabilities_sizes = { 11 },
    },
    [BG_ZAPI_10_2] = {
        .name = "FRR 10.2 to 10.7",
        .commands = {
            LOW_10, C(VRF_ADD) = 33, C(VRF_DELETE) = 34,
            C(RULE_ADD) = 84, C(RULE_DELETE) = 85,
            C(RULE_NOTIFY_OWNER) = 86,
            C(ERROR) = 120, C(CLIENT_CAPABILITIES) = 121,
            C(ROUTE_NOTIFY_REQUEST) = 126, C(CLIENT_CLOSE_NOTIFY) = 127,
        },
        .protos = PROTOS_10,
        .rule_has_filter = true,
        .interface_has_txqlen = true,
        .wants_table_flag = true,
        .must_have_label_type = true,
        .must_have_wide_weight = true,
        .capabilities_sizes = { 12, 9 },
    },
};

const struct bg_zapi_row *
bg_zapi_row(enum bg_zapi_version version)
{
    return &rows[version];
}

enum bg_zapi_command
bg_zapi_command_of(const struct bg_zapi_row *row, uint16_t number)
{
    for (int i = 0; i < BG_ZAPI_N_COMMANDS; i++) {
        if (row->commands[i] == number) {
            return (enum bg_zapi_command) i;
        }
    }
    return BG_ZAPI_OTHER;
}

enum bg_proto
bg_proto_of(const struct bg_zapi_row *row, uint8_t number)
{
    for (int i = 0; i < BG_N_PROTOS; i++) {
        if (row->protos[i] == number) {
            return (enum bg_proto) i;
        }
    }
    return BG_PROTO_OTHER;
}

const char *
bg_zapi_command_name(enum bg_zapi_command command)
{
    static const char *const names[BG_ZAPI_N_COMMANDS] = {
        C(INTERFACE_ADD) = "INTERFACE_ADD",
        C(INTERFACE_DELETE) = "INTERFACE_DELETE",
        C(INTERFACE_ADDRESS_ADD) = "INTERFACE_ADDRESS_ADD",
        C(INTERFACE_ADDRESS_DELETE) = "INTERFACE_ADDRESS_DELETE",
        C(INTERFACE_UP) = "INTERFACE_UP",
        C(INTERFACE_DOWN) = "INTERFACE_DOWN",
        C(ROUTE_ADD) = "ROUTE_ADD",
        C(ROUTE_DELETE) = "ROUTE_DELETE",
        C(ROUTE_NOTIFY_OWNER) = "ROUTE_NOTIFY_OWNER",
        C(REDISTRIBUTE_ADD) = "REDISTRIBUTE_ADD",
        C(REDISTRIBUTE_DELETE) = "REDISTRIBUTE_DELETE",
        C(ROUTER_ID_ADD) = "ROUTER_ID_ADD",
        C(ROUTER_ID_UPDATE) = "ROUTER_ID_UPDATE",
        C(HELLO) = "HELLO",
        C(CAPABILITIES) = "CAPABILITIES",
        C(REDISTRIBUTE_ROUTE_ADD) = "REDISTRIBUTE_ROUTE_ADD",
        C(REDISTRIBUTE_ROUTE_DEL) = "REDISTRIBUTE_ROUTE_DEL",
        C(VRF_ADD) = "VRF_ADD",
        C(VRF_DELETE) = "VRF_DELETE",
        C(RULE_ADD) = "RULE_ADD",
        C(RULE_DELETE) = "RULE_DELETE",
        C(RULE_NOTIFY_OWNER) = "RULE_NOTIFY_OWNER",
        C(ERROR) = "ERROR",
        C(CLIENT_CAPABILITIES) = "CLIENT_CAPABILITIES",
        C(ROUTE_NOTIFY_REQUEST) = "ROUTE_NOTIFY_REQUEST",
        C(CLIENT_CLOSE_NOTIFY) = "CLIENT_CLOSE_NOTIFY",
    };
    return command < BG_ZAPI_N_COMMANDS ? names[command] : "OTHER";
}

const char *
bg_proto_name(enum bg_proto proto)
{
    static const char *const names[BG_N_PROTOS] = {
        [BG_PROTO_SYSTEM] = "system",
        [BG_PROTO_KERNEL] = "kernel",
        [BG_PROTO_CONNECTED] = "connected",
        [BG_PROTO_STATIC] = "static",
        [BG_PROTO_BGP] = "bgp",
        [BG_PROTO_TABLE] = "table",
        [BG_PROTO_BABEL] = "babel",
        [BG_PROTO_SHARP] = "sharp",
        [BG_PROTO_OPENFABRIC] = "openfabric",
    };
    return proto < BG_N_PROTOS ? names[proto] : "other";
}

const char *
bg_zapi_known(void)
{
    return "FRR 8.2 to 9.0, 9.1, 10.0 and 10.1, 10.2 to 10.7";
}
