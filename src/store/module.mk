# Durable intent. The only folder that includes sqlite3.h.
noinst_LIBRARIES += src/store/libvxstore.a
src_store_libvxstore_a_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
src_store_libvxstore_a_SOURCES = \
	src/store/migrations.c src/store/schema.h \
	src/store/store.h src/store/store_sqlite.c \
	src/store/store_hooks.c src/store/store_hooks.h
