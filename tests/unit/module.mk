# Unit tests: tests/unit/test_X.c, cmocka, no root, no network, no clock.
# One line per test of lib or core:
#   UNIT_TESTS += tests/unit/test_X
# A test of another layer also says what it links:
#   tests_unit_test_X_LDADD = $(LIBS_STORE) $(CMOCKA_LIBS)
# and, where it includes a foreign header, its CPPFLAGS
# ($(OVS_GLUE_CPPFLAGS), or $(AM_CPPFLAGS) $(CJSON_CFLAGS)).
# Each cmocka test case counts as one test (TAP).
UNIT_TESTS = tests/unit/test_tree
UNIT_TESTS += tests/unit/test_diff
UNIT_TESTS += tests/unit/test_fabric
UNIT_TESTS += tests/unit/test_fabric_move
UNIT_TESTS += tests/unit/test_legs
UNIT_TESTS += tests/unit/test_flow
UNIT_TESTS += tests/unit/test_alloc
UNIT_TESTS += tests/unit/test_status
UNIT_TESTS += tests/unit/test_counts
UNIT_TESTS += tests/unit/test_hookq
UNIT_TESTS += tests/unit/test_punt
UNIT_TESTS += tests/unit/test_rt

MODEL_FIXTURE = tests/lib/model_fixture.c tests/lib/model_fixture.h
UNIT_TESTS += tests/unit/test_model
tests_unit_test_model_SOURCES = tests/unit/test_model.c $(MODEL_FIXTURE)

UNIT_TESTS += tests/unit/test_export
tests_unit_test_export_SOURCES = tests/unit/test_export.c $(MODEL_FIXTURE)

UNIT_TESTS += tests/unit/test_learned
tests_unit_test_learned_SOURCES = tests/unit/test_learned.c $(MODEL_FIXTURE)

UNIT_TESTS += tests/unit/test_migrate
tests_unit_test_migrate_SOURCES = tests/unit/test_migrate.c $(MODEL_FIXTURE)

UNIT_TESTS += tests/unit/test_model_prop
tests_unit_test_model_prop_SOURCES = tests/unit/test_model_prop.c \
	tests/lib/model_lines.c tests/lib/model_lines.h \
	$(MODEL_FIXTURE) \
	tests/lib/model_check.c tests/lib/model_check.h \
	tests/lib/model_reference.c tests/lib/model_reference.h
UNIT_TESTS += tests/unit/test_model_bgp
tests_unit_test_model_bgp_SOURCES = tests/unit/test_model_bgp.c \
	tests/lib/model_check.c \
	tests/lib/model_check.h \
	tests/lib/model_reference.c \
	tests/lib/model_reference.h \
	$(MODEL_FIXTURE)
UNIT_TESTS += tests/unit/test_model_vni
tests_unit_test_model_vni_SOURCES = tests/unit/test_model_vni.c \
	$(MODEL_FIXTURE)
UNIT_TESTS += tests/unit/test_audit_core
tests_unit_test_audit_core_SOURCES = tests/unit/test_audit_core.c \
	$(MODEL_FIXTURE)
UNIT_TESTS += tests/unit/test_validate
tests_unit_test_validate_SOURCES = tests/unit/test_validate.c \
	$(MODEL_FIXTURE)

UNIT_TESTS += tests/unit/test_order
UNIT_TESTS += tests/unit/test_compile
tests_unit_test_compile_SOURCES = tests/unit/test_compile.c \
	tests/lib/rowtalk.c tests/lib/rowtalk.h

check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)

UNIT_TESTS += tests/unit/test_store
tests_unit_test_store_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_store_LDADD = $(LIBS_STORE) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_of_codec
tests_unit_test_of_codec_SOURCES = tests/unit/test_of_codec.c \
	tests/lib/of_decode.h tests/lib/rowtalk.c tests/lib/rowtalk.h \
	tests/lib/sample.c tests/lib/sample.h
tests_unit_test_of_codec_CPPFLAGS = $(OVS_GLUE_CPPFLAGS)
tests_unit_test_of_codec_LDADD = $(LIBS_OVS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_of_hostile
tests_unit_test_of_hostile_SOURCES = tests/unit/test_of_hostile.c \
	tests/lib/of_decode.h tests/lib/rowtalk.c tests/lib/rowtalk.h
tests_unit_test_of_hostile_CPPFLAGS = $(OVS_GLUE_CPPFLAGS)
tests_unit_test_of_hostile_LDADD = $(LIBS_OVS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_of_explain
tests_unit_test_of_explain_LDADD = $(LIBS_OVS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_bootstrap
tests_unit_test_bootstrap_SOURCES = tests/unit/test_bootstrap.c \
	tests/lib/fake_ovsdb.c tests/lib/fake_ovsdb.h
tests_unit_test_bootstrap_CPPFLAGS = $(OVS_GLUE_CPPFLAGS)
tests_unit_test_bootstrap_LDADD = $(LIBS_OVS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_records
tests_unit_test_records_SOURCES = tests/unit/test_records.c \
	tests/lib/model_check.c tests/lib/model_check.h \
	tests/lib/model_reference.c tests/lib/model_reference.h \
	$(MODEL_FIXTURE)
tests_unit_test_records_LDADD = $(LIBS_CODEC) $(CMOCKA_LIBS)
UNIT_TESTS += tests/unit/test_api_codec
tests_unit_test_api_codec_SOURCES = tests/unit/test_api_codec.c \
	tests/lib/codec_case.h
tests_unit_test_api_codec_LDADD = $(LIBS_CODEC) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_api_peering
tests_unit_test_api_peering_SOURCES = tests/unit/test_api_peering.c \
	tests/lib/codec_case.h
tests_unit_test_api_peering_LDADD = $(LIBS_CODEC) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_api_routing
tests_unit_test_api_routing_SOURCES = tests/unit/test_api_routing.c \
	tests/lib/codec_case.h
tests_unit_test_api_routing_LDADD = $(LIBS_CODEC) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_cli
tests_unit_test_cli_CPPFLAGS = $(AM_CPPFLAGS) $(CJSON_CFLAGS)
tests_unit_test_cli_LDADD = $(LIBS_CLI) $(CMOCKA_LIBS)
UNIT_TESTS += tests/unit/test_options
tests_unit_test_options_LDADD = src/daemon/libvxdaemon.a \
	src/api/libvxapi.a src/shell/libvxshell.a $(LIBS_CORE) \
	$(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_receipts
tests_unit_test_receipts_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_unit_test_receipts_LDADD = src/daemon/libvxdaemon.a $(LIBS_CORE) \
	$(LIBEVENT_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_commit
tests_unit_test_commit_SOURCES = tests/unit/test_commit.c \
	tests/lib/deaf_receipts.h
tests_unit_test_commit_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_unit_test_commit_LDADD = src/daemon/libvxdaemon.a \
	src/api/libvxapi.a src/shell/libvxshell.a $(LIBS_CORE) \
	$(LIBEVENT_LIBS) $(CJSON_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_gateways_learn
tests_unit_test_gateways_learn_SOURCES = \
	tests/unit/test_gateways_learn.c $(MODEL_FIXTURE)
tests_unit_test_gateways_learn_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_unit_test_gateways_learn_LDADD = src/daemon/libvxdaemon.a \
	$(LIBS_CORE) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_audits
tests_unit_test_audits_SOURCES = tests/unit/test_audits.c \
	$(MODEL_FIXTURE)
tests_unit_test_audits_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_unit_test_audits_LDADD = src/daemon/libvxdaemon.a $(LIBS_CORE) \
	$(LIBEVENT_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_counters
tests_unit_test_counters_SOURCES = tests/unit/test_counters.c \
	$(MODEL_FIXTURE)
tests_unit_test_counters_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_unit_test_counters_LDADD = src/daemon/libvxdaemon.a \
	src/api/libvxapi.a $(LIBS_CORE) \
	$(LIBEVENT_LIBS) $(CJSON_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_switch_audit
tests_unit_test_switch_audit_SOURCES = tests/unit/test_switch_audit.c \
	tests/sim/fake_codec.c tests/sim/sim.h
tests_unit_test_switch_audit_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_unit_test_switch_audit_LDADD = src/daemon/libvxdaemon.a $(LIBS_CORE) \
	$(LIBEVENT_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_switch
tests_unit_test_switch_SOURCES = tests/unit/test_switch.c \
	tests/sim/fake_codec.c tests/sim/sim.h tests/lib/deaf_receipts.h
tests_unit_test_switch_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_unit_test_switch_LDADD = src/daemon/libvxdaemon.a $(LIBS_CORE) \
	$(LIBEVENT_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_probe
tests_unit_test_probe_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_unit_test_probe_LDADD = src/daemon/libvxdaemon.a $(LIBS_CORE) \
	$(LIBEVENT_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_api_http
tests_unit_test_api_http_SOURCES = tests/unit/test_api_http.c \
	tests/lib/api_case.h \
	tests/lib/fake_audits.c tests/lib/fake_counters.c \
	tests/lib/fake_gateways.c \
	tests/lib/fake_backend.c tests/lib/fake_backend.h
tests_unit_test_api_http_CPPFLAGS = $(AM_CPPFLAGS) $(CJSON_CFLAGS) \
	$(LIBEVENT_CFLAGS)
tests_unit_test_api_http_LDADD = $(LIBS_CODEC) $(LIBEVENT_LIBS) \
	$(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_api_watch
tests_unit_test_api_watch_SOURCES = tests/unit/test_api_watch.c \
	tests/lib/api_case.h \
	tests/lib/fake_audits.c tests/lib/fake_counters.c \
	tests/lib/fake_gateways.c \
	tests/lib/fake_backend.c tests/lib/fake_backend.h
tests_unit_test_api_watch_CPPFLAGS = $(AM_CPPFLAGS) $(CJSON_CFLAGS) \
	$(LIBEVENT_CFLAGS)
tests_unit_test_api_watch_LDADD = $(LIBS_CODEC) $(LIBEVENT_LIBS) \
	$(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_host_plan
tests_unit_test_host_plan_CPPFLAGS = $(AM_CPPFLAGS) $(CJSON_CFLAGS)
tests_unit_test_host_plan_LDADD = $(LIBS_CLI) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_store_hooks
tests_unit_test_store_hooks_LDADD = $(LIBS_STORE) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_api_hooks
tests_unit_test_api_hooks_SOURCES = tests/unit/test_api_hooks.c \
	tests/lib/api_case.h \
	tests/lib/fake_audits.c tests/lib/fake_counters.c \
	tests/lib/fake_gateways.c \
	tests/lib/fake_backend.c tests/lib/fake_backend.h
tests_unit_test_api_hooks_CPPFLAGS = $(AM_CPPFLAGS) $(CJSON_CFLAGS) \
	$(LIBEVENT_CFLAGS)
tests_unit_test_api_hooks_LDADD = $(LIBS_CODEC) $(LIBEVENT_LIBS) \
	$(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_api_counters
tests_unit_test_api_counters_SOURCES = tests/unit/test_api_counters.c \
	tests/lib/api_case.h \
	tests/lib/fake_audits.c tests/lib/fake_counters.c \
	tests/lib/fake_gateways.c \
	tests/lib/fake_backend.c tests/lib/fake_backend.h
tests_unit_test_api_counters_CPPFLAGS = $(AM_CPPFLAGS) $(CJSON_CFLAGS) \
	$(LIBEVENT_CFLAGS)
tests_unit_test_api_counters_LDADD = $(LIBS_CODEC) $(LIBEVENT_LIBS) \
	$(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_hooks
tests_unit_test_hooks_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_unit_test_hooks_LDADD = $(LIBS_DAEMON) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_routers
tests_unit_test_routers_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_unit_test_routers_LDADD = src/daemon/libvxdaemon.a $(LIBS_CORE) \
	$(LIBEVENT_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_borders
tests_unit_test_borders_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_unit_test_borders_LDADD = src/daemon/libvxdaemon.a $(LIBS_CORE) \
	$(LIBEVENT_LIBS) $(CMOCKA_LIBS)

BGP_SAMPLE = tests/lib/bgp_sample.c tests/lib/bgp_sample.h
UNIT_TESTS += tests/unit/test_bgp_codec
tests_unit_test_bgp_codec_SOURCES = tests/unit/test_bgp_codec.c $(BGP_SAMPLE)
tests_unit_test_bgp_codec_LDADD = $(LIBS_BGP) $(CMOCKA_LIBS)
UNIT_TESTS += tests/unit/test_bgp_flowspec
tests_unit_test_bgp_flowspec_SOURCES = tests/unit/test_bgp_flowspec.c \
	$(BGP_SAMPLE)
tests_unit_test_bgp_flowspec_LDADD = $(LIBS_BGP) $(CMOCKA_LIBS)
UNIT_TESTS += tests/unit/test_bgp_rib
tests_unit_test_bgp_rib_SOURCES = tests/unit/test_bgp_rib.c $(BGP_SAMPLE)
tests_unit_test_bgp_rib_LDADD = $(LIBS_BGP) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_bgp_learned
tests_unit_test_bgp_learned_LDADD = $(LIBS_BGP) $(CMOCKA_LIBS)
UNIT_TESTS += tests/unit/test_zapi_codec
tests_unit_test_zapi_codec_LDADD = $(LIBS_BGP) $(CMOCKA_LIBS)
UNIT_TESTS += tests/unit/test_route_sync
tests_unit_test_route_sync_LDADD = $(LIBS_BGP) $(CMOCKA_LIBS)
UNIT_TESTS += tests/unit/test_pbr_sync
tests_unit_test_pbr_sync_LDADD = $(LIBS_BGP) $(CMOCKA_LIBS)

GW_WORLD = tests/lib/gw_world.c tests/lib/gw_world.h
UNIT_TESTS += tests/unit/test_gw_wanted
tests_unit_test_gw_wanted_SOURCES = tests/unit/test_gw_wanted.c $(GW_WORLD)
tests_unit_test_gw_wanted_LDADD = $(LIBS_GATEWAY) $(CMOCKA_LIBS)
UNIT_TESTS += tests/unit/test_gw_learned
tests_unit_test_gw_learned_LDADD = $(LIBS_GATEWAY) $(CMOCKA_LIBS)
UNIT_TESTS += tests/unit/test_gw_moves
tests_unit_test_gw_moves_LDADD = $(LIBS_GATEWAY) $(CMOCKA_LIBS)
UNIT_TESTS += tests/unit/test_gw_kernel_plan
tests_unit_test_gw_kernel_plan_LDADD = $(LIBS_GATEWAY) $(CMOCKA_LIBS)
UNIT_TESTS += tests/unit/test_gw_audit
tests_unit_test_gw_audit_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_unit_test_gw_audit_LDADD = $(LIBS_GATEWAY) $(CMOCKA_LIBS)
UNIT_TESTS += tests/unit/test_gw_gather
tests_unit_test_gw_gather_LDADD = $(LIBS_GATEWAY) $(CMOCKA_LIBS)
UNIT_TESTS += tests/unit/test_gw_frr
tests_unit_test_gw_frr_LDADD = $(LIBS_GATEWAY) $(CMOCKA_LIBS)
FAKE_FRR = tests/lib/fake_frr.c tests/lib/fake_frr.h
UNIT_TESTS += tests/unit/test_gw_strays
tests_unit_test_gw_strays_SOURCES = tests/unit/test_gw_strays.c $(FAKE_FRR)
tests_unit_test_gw_strays_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_unit_test_gw_strays_LDADD = $(LIBS_GATEWAY) $(CMOCKA_LIBS)
UNIT_TESTS += tests/unit/test_gw_bfd
tests_unit_test_gw_bfd_SOURCES = tests/unit/test_gw_bfd.c $(FAKE_FRR)
tests_unit_test_gw_bfd_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_unit_test_gw_bfd_LDADD = $(LIBS_GATEWAY) $(CMOCKA_LIBS)
UNIT_TESTS += tests/unit/test_gw_peers
tests_unit_test_gw_peers_SOURCES = tests/unit/test_gw_peers.c $(FAKE_FRR)
tests_unit_test_gw_peers_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_unit_test_gw_peers_LDADD = $(LIBS_GATEWAY) $(CMOCKA_LIBS)
