# Fuzz targets: tests/fuzz/fuzz_X.c with LLVMFuzzerTestOneInput, corpus in
# tests/fuzz/corpus/fuzz_X/. Three lines each:
#   FUZZ_TARGETS += tests/fuzz/fuzz_X
#   tests_fuzz_fuzz_X_SOURCES = tests/fuzz/fuzz_X.c $(FUZZ_DRIVER)
#   tests_fuzz_fuzz_X_LDFLAGS = $(AM_LDFLAGS) $(VX_FUZZ_LDFLAGS)
# and LDADD, CPPFLAGS as for a unit test. Without --enable-fuzzer each one
# replays its corpus in make check, a TAP line per file; with it, it is an
# open-ended libFuzzer program and `make fuzz` runs them in turn.
FUZZ_TARGETS =
FUZZ_SECONDS = 60

FUZZ_TARGETS += tests/fuzz/fuzz_addr
tests_fuzz_fuzz_addr_SOURCES = tests/fuzz/fuzz_addr.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_addr_LDFLAGS = $(AM_LDFLAGS) $(VX_FUZZ_LDFLAGS)

FUZZ_TARGETS += tests/fuzz/fuzz_punt
tests_fuzz_fuzz_punt_SOURCES = tests/fuzz/fuzz_punt.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_punt_LDFLAGS = $(AM_LDFLAGS) $(VX_FUZZ_LDFLAGS)

if ENABLE_FUZZER
FUZZ_DRIVER =
noinst_PROGRAMS += $(FUZZ_TARGETS)
else
FUZZ_DRIVER = tests/fuzz/replay.c
check_PROGRAMS += $(FUZZ_TARGETS)
TESTS += $(FUZZ_TARGETS)
endif
EXTRA_DIST += tests/fuzz/replay.c

.PHONY: fuzz
fuzz: $(FUZZ_TARGETS)
if ENABLE_FUZZER
	@for t in $(FUZZ_TARGETS); do \
	    n=`basename $$t`; $(MKDIR_P) tests/fuzz/found/$$n; \
	    echo "$$n: $(FUZZ_SECONDS) s"; \
	    ./$$t -max_total_time=$(FUZZ_SECONDS) \
	        -artifact_prefix=tests/fuzz/found/ \
	        tests/fuzz/found/$$n $(srcdir)/tests/fuzz/corpus/$$n || exit 1; \
	done
else
	@echo "configure with CC=clang --enable-fuzzer --enable-sanitizers"; exit 1
endif

FUZZ_TARGETS += tests/fuzz/fuzz_of_session
tests_fuzz_fuzz_of_session_SOURCES = tests/fuzz/fuzz_of_session.c \
	$(FUZZ_DRIVER)
tests_fuzz_fuzz_of_session_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_fuzz_fuzz_of_session_LDADD = $(LIBS_OVS)
tests_fuzz_fuzz_of_session_LDFLAGS = $(AM_LDFLAGS) $(VX_FUZZ_LDFLAGS)

FUZZ_TARGETS += tests/fuzz/fuzz_ovsdb
tests_fuzz_fuzz_ovsdb_SOURCES = tests/fuzz/fuzz_ovsdb.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_ovsdb_CPPFLAGS = $(OVS_GLUE_CPPFLAGS)
tests_fuzz_fuzz_ovsdb_LDADD = $(LIBS_OVS)
tests_fuzz_fuzz_ovsdb_LDFLAGS = $(AM_LDFLAGS) $(VX_FUZZ_LDFLAGS)

FUZZ_TARGETS += tests/fuzz/fuzz_cli_reply
tests_fuzz_fuzz_cli_reply_SOURCES = tests/fuzz/fuzz_cli_reply.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_cli_reply_CPPFLAGS = $(AM_CPPFLAGS) $(CJSON_CFLAGS)
tests_fuzz_fuzz_cli_reply_LDADD = $(LIBS_CLI)
tests_fuzz_fuzz_cli_reply_LDFLAGS = $(AM_LDFLAGS) $(VX_FUZZ_LDFLAGS)

FUZZ_TARGETS += tests/fuzz/fuzz_api_codec
tests_fuzz_fuzz_api_codec_SOURCES = tests/fuzz/fuzz_api_codec.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_api_codec_LDADD = $(LIBS_CODEC)
tests_fuzz_fuzz_api_codec_LDFLAGS = $(AM_LDFLAGS) $(VX_FUZZ_LDFLAGS)

FUZZ_TARGETS += tests/fuzz/fuzz_zapi
tests_fuzz_fuzz_zapi_SOURCES = tests/fuzz/fuzz_zapi.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_zapi_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_fuzz_fuzz_zapi_LDADD = $(LIBS_BGP)
tests_fuzz_fuzz_zapi_LDFLAGS = $(AM_LDFLAGS) $(VX_FUZZ_LDFLAGS)

FUZZ_TARGETS += tests/fuzz/fuzz_gw_feed
tests_fuzz_fuzz_gw_feed_SOURCES = tests/fuzz/fuzz_gw_feed.c $(GW_WORLD) \
	$(FUZZ_DRIVER)
tests_fuzz_fuzz_gw_feed_LDADD = $(LIBS_GATEWAY)
tests_fuzz_fuzz_gw_feed_LDFLAGS = $(AM_LDFLAGS) $(VX_FUZZ_LDFLAGS)

FUZZ_TARGETS += tests/fuzz/fuzz_bgp
tests_fuzz_fuzz_bgp_SOURCES = tests/fuzz/fuzz_bgp.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_bgp_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_fuzz_fuzz_bgp_LDADD = $(LIBS_BGP)
tests_fuzz_fuzz_bgp_LDFLAGS = $(AM_LDFLAGS) $(VX_FUZZ_LDFLAGS)
