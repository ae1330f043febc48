# HTTP API: codec (JSON <-> structs, pure, shared with the CLI), handlers,
# server. cJSON is included here and in src/cli only.
noinst_LIBRARIES += src/api/libvxapi.a
src_api_libvxapi_a_CPPFLAGS = $(AM_CPPFLAGS) $(CJSON_CFLAGS) \
	$(LIBEVENT_CFLAGS)
src_api_libvxapi_a_SOURCES = \
	src/api/audits.h src/api/backend.h \
	src/api/burst_write.c \
	src/api/counters.h src/api/handle_counters.c \
	src/api/codec.h src/api/codec_batch.c src/api/codec_fields.c \
	src/api/codec_parse.c src/api/codec_path.c \
	src/api/codec_peering.c src/api/codec_peering.h \
	src/api/codec_policy.c src/api/codec_policy.h \
	src/api/codec_record.c src/api/codec_write.c \
	src/api/event_names.c \
	src/api/feed_write.c src/api/feed_write.h \
	src/api/gateways.h \
	src/api/handle_audit.c src/api/handle_bgp.c \
	src/api/handle_feed.c src/api/handle_report.c \
	src/api/handle_change.c src/api/handle_hooks.c \
	src/api/handle_read.c \
	src/api/handle_watch.c src/api/handlers.h \
	src/api/hooks.h src/api/http.c src/api/http.h \
	src/api/http_parse.c src/api/http_parse.h \
	src/api/idempotency.c src/api/idempotency.h \
	src/api/json.c src/api/json.h \
	src/api/listen.c src/api/listen.h \
	src/api/query.c src/api/query.h \
	src/api/server.c src/api/server.h \
	src/api/stream.c src/api/stream.h \
	src/api/watch.c src/api/watch.h
nodist_src_api_libvxapi_a_SOURCES = src/api/openapi.c

# The document as a string; tests/unit/test_api_http compares it with the
# code.
EXTRA_DIST += src/api/openapi.json doc/api.md doc/gateway-feed.md
CLEANFILES += src/api/openapi.c
src/api/openapi.c: $(srcdir)/src/api/openapi.json
	@$(MKDIR_P) src/api
	$(AM_V_GEN)(echo '#include "api/handlers.h"'; \
	    echo 'const char vx_api_openapi[] ='; \
	    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' \
	        -e 's/$$/\\n"/' $(srcdir)/src/api/openapi.json; \
	    echo '    ;') > $@.tmp && mv $@.tmp $@
