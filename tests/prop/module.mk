# Property tests: random sequences with a seed that is printed on failure.
# VX_PROP_SEED replays one, VX_PROP_STEPS makes them longer. cmocka, TAP.
PROP_TESTS = tests/prop/test_fabric_prop

check_PROGRAMS += $(PROP_TESTS)
TESTS += $(PROP_TESTS)
tests_prop_test_fabric_prop_SOURCES = \
	tests/prop/gateways.c \
	tests/prop/switches.c \
	tests/prop/test_fabric_prop.c \
	tests/prop/world.h
