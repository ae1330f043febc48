# HTTP API: codec (JSON <-> structs, pure, shared with the CLI), handlers,
# server. cJSON is included here and in src/cli only.
noinst_LIBRARIES += src/api/libvxapi.a
src_api_libvxapi_a_CPPFLAGS = $(AM_CPPFLAGS) $(CJSON_CFLAGS) \
	$(LIBEVENT_CFLAGS)
src_api_libvxapi_a_SOURCES = \
	src/api/backend.h \
	src/api/codec.h src/api/codec_fields.c src/api/codec_parse.c \
	src/api/codec_path.c src/api/codec_record.c src/api/codec_write.c \
	src/api/json.c src/api/json.h src/api/server.h src/api/watch.h
