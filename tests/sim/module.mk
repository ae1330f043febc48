# The deterministic simulation: the controller's own code on a fake loop,
# store and hosts (tests/sim/sim.h). `make check` lives through a fixed set
# of seeds, `make soak` through many: make soak SEEDS=100000.
# VX_SIM_SEED=n tests/sim/test_sim replays one; VX_SIM_KIND=gateways,
# moves or absences makes all of that kind (with the same seed others).
check_PROGRAMS += tests/sim/test_sim
TESTS += tests/sim/test_sim
tests_sim_test_sim_SOURCES = \
	tests/sim/client.c \
	tests/sim/fake_codec.c \
	tests/sim/fake_event.c \
	tests/sim/fake_hooks.c \
	tests/sim/fake_log.c \
	tests/sim/fake_of.c \
	tests/sim/fake_ovsdb.c \
	tests/sim/fake_store.c \
	tests/sim/gateways.c \
	tests/sim/intent.c \
	tests/sim/judge.c \
	tests/sim/judge_gateways.c \
	tests/sim/judge_routed.c \
	tests/sim/machine.c \
	tests/sim/plant.c \
	tests/sim/plant_commit.c \
	tests/sim/plant_emit.c \
	tests/sim/plant_order.c \
	tests/sim/plant_retired.c \
	tests/sim/sim.c tests/sim/sim.h \
	tests/sim/test_sim.c \
	tests/sim/wire.c
tests_sim_test_sim_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
# No libevent and no libopenvswitch: what the controller calls is here. Of
# ovs-glue only of_queue.c, which is bookkeeping, is taken from the library.
tests_sim_test_sim_LDADD = src/daemon/libvxdaemon.a src/api/libvxapi.a \
	src/shell/libvxshell.a ovs-glue/libovsglue.a $(LIBS_CORE) $(CJSON_LIBS)

.PHONY: soak
soak: tests/sim/test_sim
	SEEDS='$(SEEDS)' tests/sim/test_sim
SEEDS = 100000
