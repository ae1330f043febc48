# How tests run. Every test speaks TAP, so that each case counts.
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) \
	$(top_srcdir)/build-aux/tap-driver.sh
TEST_EXTENSIONS = .sh
SH_LOG_DRIVER = $(LOG_DRIVER)
SH_LOG_COMPILER = $(SHELL)
AM_TESTS_ENVIRONMENT = \
	CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	NM='$(NM)'; export NM; \
	PYTHON3='$(PYTHON3)'; export PYTHON3; \
	OVS_SOURCE='$(OVS_SOURCE)'; export OVS_SOURCE; \
	ASAN_OPTIONS="$${ASAN_OPTIONS-detect_leaks=1}"; export ASAN_OPTIONS; \
	UBSAN_OPTIONS="$${UBSAN_OPTIONS-print_stacktrace=1}"; \
	export UBSAN_OPTIONS;

# Programs that such tests drive.
NETNS_TOOLS = tests/netns/of_driver tests/netns/loss/udp_stream \
	tests/netns/gw_driver tests/netns/frr_driver
tests_netns_frr_driver_SOURCES = tests/netns/frr_driver.c
tests_netns_frr_driver_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_netns_frr_driver_LDADD = $(LIBS_GATEWAY)
tests_netns_gw_driver_SOURCES = tests/netns/gw_driver.c
tests_netns_gw_driver_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_netns_gw_driver_LDADD = $(LIBS_GATEWAY)
tests_netns_of_driver_SOURCES = tests/netns/of_driver.c \
	tests/lib/rowtalk.c tests/lib/rowtalk.h \
	tests/lib/sample.c tests/lib/sample.h
tests_netns_of_driver_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_netns_of_driver_LDADD = $(LIBS_OVS)
tests_netns_loss_udp_stream_SOURCES = tests/netns/loss/udp_stream.c
tests_netns_loss_udp_stream_LDADD =
NETNS_TOOLS += tests/netns/zebra_driver
tests_netns_zebra_driver_SOURCES = tests/netns/zebra_driver.c
tests_netns_zebra_driver_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_netns_zebra_driver_LDADD = $(LIBS_BGP)
NETNS_TOOLS += tests/netns/bgp_driver
tests_netns_bgp_driver_SOURCES = tests/netns/bgp_driver.c $(BGP_SAMPLE)
tests_netns_bgp_driver_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_netns_bgp_driver_LDADD = $(LIBS_BGP)
EXTRA_PROGRAMS += $(NETNS_TOOLS)

# Tests with packets: real Open vSwitch in network namespaces. Needs root.
# PYTEST_ARGS chooses, for example PYTEST_ARGS='-k facts -x'.
# Several run side by side: mostly they wait (tests/lib/shares.py).
NETNS_JOBS = 3
.PHONY: check-netns
check-netns: all $(NETNS_TOOLS)
	@test "`id -u`" = 0 || { echo "check-netns needs root" >&2; exit 1; }
	VXFABRIC_BIN='$(abs_builddir)/bin' \
	VXFABRIC_TESTS='$(abs_builddir)/tests' PYTHONDONTWRITEBYTECODE=1 \
	    $(PYTHON3) -m pytest -p no:cacheprovider -n $(NETNS_JOBS) \
	    --dist loadfile $(PYTEST_ARGS) $(srcdir)/tests/netns

# What restarts cost, in packets. Needs root, and minutes; the first time it
# also builds the other vxfabricd to upgrade to: the same sources with another
# version and other compiler flags.
# LOSS_ARGS chooses, for example LOSS_ARGS='--rounds 5 --only vswitchd'.
LOSS_OTHER = tests/netns/loss/other
.PHONY: loss
loss: all $(NETNS_TOOLS)
	@test "`id -u`" = 0 || { echo "loss needs root" >&2; exit 1; }
	@$(MKDIR_P) $(LOSS_OTHER)
	@test -f $(LOSS_OTHER)/Makefile || { top=`cd '$(srcdir)' && pwd` && \
	    cd $(LOSS_OTHER) && "$$top/configure" -q \
	    --with-ovs-source='$(OVS_SOURCE)' CFLAGS='-O1' \
	    PACKAGE_VERSION='$(PACKAGE_VERSION)-other'; }
	@$(MAKE) -s -C $(LOSS_OTHER) bin/vxfabricd
	VXFABRIC_BIN='$(abs_builddir)/bin' \
	VXFABRIC_TESTS='$(abs_builddir)/tests' PYTHONDONTWRITEBYTECODE=1 \
	    $(PYTHON3) $(srcdir)/tests/netns/loss/table.py \
	    --other-build='$(abs_builddir)/$(LOSS_OTHER)/bin/vxfabricd' \
	    $(LOSS_ARGS)

# The same of gateways: zebra, bgpd, reflector, vxgatewayd, vxfabricd.
.PHONY: loss-gateways
loss-gateways: all
	@test "`id -u`" = 0 || { echo "loss-gateways needs root" >&2; exit 1; }
	VXFABRIC_BIN='$(abs_builddir)/bin' PYTHONDONTWRITEBYTECODE=1 \
	    $(PYTHON3) $(srcdir)/tests/netns/loss/gateways.py $(LOSS_ARGS)

# A controller without hosts against callers of every kind. Needs no root.
.PHONY: check-api
check-api: all
	VXFABRIC_BIN='$(abs_builddir)/bin' PYTHONDONTWRITEBYTECODE=1 \
	    $(PYTHON3) -m pytest -p no:cacheprovider $(PYTEST_ARGS) \
	    $(srcdir)/tests/api

# What the sources and the archives must keep to.
CHECKS = tests/check-layers.sh tests/check-symbols.sh tests/check-source.sh \
	tests/check-man.sh tests/check-examples.sh
TESTS += $(CHECKS)

EXTRA_DIST += tests/tap.sh $(CHECKS) tests/run_all.py tests/reasons.py

# What tests in namespaces run beside the programs; built by make, so that
# check-netns finds it.
noinst_PROGRAMS += tests/lib/ovsdb_driver
tests_lib_ovsdb_driver_SOURCES = tests/lib/ovsdb_driver.c
tests_lib_ovsdb_driver_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_lib_ovsdb_driver_LDADD = $(LIBS_OVS)
