# Benchmarks: built by `make bench`, run by hand.
BENCHMARKS =

EXTRA_PROGRAMS = $(BENCHMARKS)
.PHONY: bench
bench: all $(BENCHMARKS)
