# Session tests: tests/session/test_X.c, cmocka; a session of ovs-glue or bgp
# and a scripted peer at the two ends of a bufferevent pair. No network.
SESSION_TESTS = tests/session/test_of_session
tests_session_test_of_session_SOURCES = tests/session/test_of_session.c \
	tests/session/of_pair.c tests/session/of_pair.h
tests_session_test_of_session_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_session_test_of_session_LDADD = $(LIBS_OVS) $(CMOCKA_LIBS)

check_PROGRAMS += $(SESSION_TESTS)
TESTS += $(SESSION_TESTS)

SESSION_TESTS += tests/session/test_ovsdb_session
tests_session_test_ovsdb_session_CPPFLAGS = $(OVS_GLUE_CPPFLAGS)
tests_session_test_ovsdb_session_LDADD = $(LIBS_OVS) $(CMOCKA_LIBS)

SESSION_TESTS += tests/session/test_of_counts
tests_session_test_of_counts_SOURCES = tests/session/test_of_counts.c \
	tests/session/of_pair.c tests/session/of_pair.h
tests_session_test_of_counts_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_session_test_of_counts_LDADD = $(LIBS_OVS) $(CMOCKA_LIBS)

SESSION_TESTS += tests/session/test_zebra_session
tests_session_test_zebra_session_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_session_test_zebra_session_LDADD = $(LIBS_BGP) $(CMOCKA_LIBS)

SESSION_TESTS += tests/session/test_bgp_session
tests_session_test_bgp_session_SOURCES = tests/session/test_bgp_session.c \
	$(BGP_SAMPLE)
tests_session_test_bgp_session_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_session_test_bgp_session_LDADD = $(LIBS_BGP) $(CMOCKA_LIBS)
SESSION_TESTS += tests/session/test_gw_frr_session
tests_session_test_gw_frr_session_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_session_test_gw_frr_session_LDADD = $(LIBS_GATEWAY) $(CMOCKA_LIBS)
SESSION_TESTS += tests/session/test_gw_remains
tests_session_test_gw_remains_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_session_test_gw_remains_LDADD = $(LIBS_GATEWAY) $(CMOCKA_LIBS)
SESSION_TESTS += tests/session/test_gw_vty
tests_session_test_gw_vty_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_session_test_gw_vty_LDADD = $(LIBS_GATEWAY) $(CMOCKA_LIBS)
