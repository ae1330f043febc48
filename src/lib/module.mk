# Leaf helpers: no product knowledge, libc only.
noinst_LIBRARIES += src/lib/libvxlib.a
src_lib_libvxlib_a_SOURCES = \
	src/lib/addr.c src/lib/addr.h \
	src/lib/buf.c src/lib/buf.h \
	src/lib/clock.c src/lib/clock.h \
	src/lib/dueq.c src/lib/dueq.h \
	src/lib/err.c src/lib/err.h \
	src/lib/log.c src/lib/log.h \
	src/lib/rt.c src/lib/rt.h \
	src/lib/tree.c src/lib/tree.h \
	src/lib/xalloc.c src/lib/xalloc.h
