# Golden tests: rows as text, compared with the files here.
# UPDATE_GOLDEN=1 rewrites them: read the difference before you commit it.
GOLDEN_TESTS = tests/golden/test_golden

check_PROGRAMS += $(GOLDEN_TESTS)
TESTS += $(GOLDEN_TESTS)
tests_golden_test_golden_SOURCES = tests/golden/test_golden.c \
	tests/lib/rowtalk.c tests/lib/rowtalk.h
EXTRA_DIST += tests/golden/router-tier1.txt tests/golden/border-tier2.txt \
	tests/golden/behind-tier2.txt
EXTRA_DIST += tests/golden/host1-tier1.txt tests/golden/host1-tier2.txt \
	tests/golden/host3-tier2.txt doc/pipeline.md
