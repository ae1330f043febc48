# Benchmarks: built by `make bench`, run by hand.
BENCHMARKS =
BENCHMARKS += tests/bench/bench_fabric
BENCHMARKS += tests/bench/bench_model

EXTRA_PROGRAMS = $(BENCHMARKS)
.PHONY: bench
bench: all $(BENCHMARKS)

BENCHMARKS += tests/bench/bench_of_codec
tests_bench_bench_of_codec_SOURCES = tests/bench/bench_of_codec.c \
	tests/lib/sample.c tests/lib/sample.h
tests_bench_bench_of_codec_LDADD = $(LIBS_OVS)

# Ports through the API, on two hosts in namespaces. Needs root.
EXTRA_DIST += tests/bench/bench_ports.py
.PHONY: bench-ports
bench-ports: all
	VXFABRIC_BIN='$(abs_builddir)/bin' \
	    $(PYTHON3) $(srcdir)/tests/bench/bench_ports.py $(BENCH_ARGS)

# 10,000 ports over four hosts: what reconnects cost the switches. Needs root.
EXTRA_DIST += tests/bench/scale.py
.PHONY: scale
scale: all
	VXFABRIC_BIN='$(abs_builddir)/bin' \
	    $(PYTHON3) $(srcdir)/tests/bench/scale.py $(SCALE_ARGS)

# What the benchmarks of the datapath share: traffic between machines, bridges
# by hand, figures. They need root.
BENCH_TOOLS = tests/bench/traffic
tests_bench_traffic_SOURCES = tests/bench/traffic.c
tests_bench_traffic_LDADD =
EXTRA_PROGRAMS += $(BENCH_TOOLS)
EXTRA_DIST += tests/bench/bare.py tests/bench/measure.py
BENCH_RUN = VXFABRIC_BIN='$(abs_builddir)/bin' \
	VXFABRIC_TESTS='$(abs_builddir)/tests' $(PYTHON3)

# Routing at the source host alone or at both, by hand: doc/decisions/irb.md.
EXTRA_DIST += tests/bench/irb.py
.PHONY: bench-irb
bench-irb: $(BENCH_TOOLS)
	$(BENCH_RUN) $(srcdir)/tests/bench/irb.py $(IRB_ARGS)

# The product's datapath against one bridge by hand: ratios in the same run.
EXTRA_DIST += tests/bench/datapath.py tests/bench/fabric.py
.PHONY: bench-datapath
bench-datapath: all $(BENCH_TOOLS)
	$(BENCH_RUN) $(srcdir)/tests/bench/datapath.py $(DATAPATH_ARGS)

# A list of 1,000 policies with port ranges: rows, megaflows, masks, slow path.
EXTRA_DIST += tests/bench/policies.py
.PHONY: bench-policies
bench-policies: all $(BENCH_TOOLS)
	$(BENCH_RUN) $(srcdir)/tests/bench/policies.py $(POLICIES_ARGS)

# A tenant in burst next to another one, with and without budgets.
EXTRA_DIST += tests/bench/burst.py
.PHONY: burst
burst: all $(BENCH_TOOLS)
	$(BENCH_RUN) $(srcdir)/tests/bench/burst.py $(BURST_ARGS)

# Minutes of random life on four hosts: nothing is wrong at the end. Needs
# root.
EXTRA_DIST += tests/bench/run_churn.py
MINUTES = 30
.PHONY: churn
churn: all
	VXFABRIC_BIN='$(abs_builddir)/bin' \
	    $(PYTHON3) $(srcdir)/tests/bench/run_churn.py \
	    --minutes '$(MINUTES)' $(CHURN_ARGS)

# Tenant routes of a gateway, until a VPNv4 peer has them: ours and FRR's ways.
EXTRA_DIST += tests/bench/gateway_routes.py
.PHONY: bench-gateway-routes
bench-gateway-routes: tests/netns/zebra_driver
	$(BENCH_RUN) $(srcdir)/tests/bench/gateway_routes.py \
	    $(GATEWAY_ROUTES_ARGS)
