# The functional core: decides, never acts. libc and src/lib only
# (tests/check-symbols.sh holds it to that).
noinst_LIBRARIES += src/core/libvxcore.a
src_core_libvxcore_a_SOURCES =
