# SPDX-License-Identifier: Apache-2.0
#
# Flags of our own sources: VX_CFLAGS, VX_LDFLAGS, and for the fuzz targets
# VX_FUZZ_LDFLAGS. They are kept out of CFLAGS, which belongs to the person who
# builds, and out of the configure tests.

# VX_TRY_FLAG(FLAG, [ACTION-IF-OK], [ACTION-IF-NOT])
AC_DEFUN([VX_TRY_FLAG],
  [AS_VAR_PUSHDEF([vx_cache], [vx_cv_flag_$1])
   AC_CACHE_CHECK([whether $CC takes $1], [vx_cache],
     [vx_save_cflags=$CFLAGS
      CFLAGS="$CFLAGS -Werror $1"
      AC_LINK_IFELSE([AC_LANG_PROGRAM()],
        [AS_VAR_SET([vx_cache], [yes])], [AS_VAR_SET([vx_cache], [no])])
      CFLAGS=$vx_save_cflags])
   AS_VAR_IF([vx_cache], [yes], [$2], [$3])
   AS_VAR_POPDEF([vx_cache])])

AC_DEFUN([VX_COMPILER_FLAGS],
  [AC_ARG_ENABLE([werror],
     [AS_HELP_STRING([--enable-werror], [warnings are errors])],
     [], [enable_werror=no])
   AC_ARG_ENABLE([sanitizers],
     [AS_HELP_STRING([--enable-sanitizers],
        [AddressSanitizer and UndefinedBehaviorSanitizer in all programs])],
     [], [enable_sanitizers=no])
   AC_ARG_ENABLE([fuzzer],
     [AS_HELP_STRING([--enable-fuzzer],
        [open-ended libFuzzer targets in tests/fuzz (needs CC=clang); without
         it the same targets replay their corpus in make check])],
     [], [enable_fuzzer=no])

   VX_CFLAGS="-std=gnu11 -Wall -Wextra -Wshadow -Wstrict-prototypes"
   VX_CFLAGS="$VX_CFLAGS -Wmissing-prototypes -Wpointer-arith -Wundef"
   VX_CFLAGS="$VX_CFLAGS -Wformat=2 -Wwrite-strings -fno-common"
   VX_LDFLAGS=
   VX_FUZZ_LDFLAGS=
   vx_warnings_summary="-Wall -Wextra and more"
   AS_IF([test "x$enable_werror" = xyes],
     [VX_CFLAGS="$VX_CFLAGS -Werror"
      vx_warnings_summary="$vx_warnings_summary, as errors"])

   AS_IF([test "x$enable_sanitizers" = xyes],
     [vx_san="-fsanitize=address,undefined"
      VX_TRY_FLAG([-fsanitize=address,undefined], [],
        [AC_MSG_ERROR([$CC has no -fsanitize=address,undefined])])
      VX_CFLAGS="$VX_CFLAGS $vx_san -fno-sanitize-recover=all"
      VX_CFLAGS="$VX_CFLAGS -fno-omit-frame-pointer"
      VX_LDFLAGS="$VX_LDFLAGS $vx_san"])

   vx_fuzzer_summary="replay of the corpus in make check"
   AS_IF([test "x$enable_fuzzer" = xyes],
     [VX_TRY_FLAG([-fsanitize=fuzzer-no-link], [],
        [AC_MSG_ERROR([--enable-fuzzer needs clang: configure with CC=clang])])
      VX_CFLAGS="$VX_CFLAGS -fsanitize=fuzzer-no-link"
      VX_FUZZ_LDFLAGS="-fsanitize=fuzzer"
      vx_fuzzer_summary="libFuzzer"])
   AM_CONDITIONAL([ENABLE_FUZZER], [test "x$enable_fuzzer" = xyes])
   AM_CONDITIONAL([ENABLE_SANITIZERS], [test "x$enable_sanitizers" = xyes])

   vx_compiler_version=`$CC -dumpversion 2>/dev/null`
   AC_SUBST([VX_CFLAGS])
   AC_SUBST([VX_LDFLAGS])
   AC_SUBST([VX_FUZZ_LDFLAGS])])
