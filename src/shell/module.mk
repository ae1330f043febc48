# What the daemons have in common: the process, its options, requests beside
# the loop. No product knowledge.
noinst_LIBRARIES += src/shell/libvxshell.a
src_shell_libvxshell_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) \
	$(CURL_CFLAGS)
src_shell_libvxshell_a_SOURCES = \
	src/shell/conf.c src/shell/conf.h \
	src/shell/curl.c src/shell/curl.h \
	src/shell/process.c src/shell/process.h
