/* SPDX-License-Identifier: Apache-2.0 */
/* main() of a fuzz target where libFuzzer is not linked: replays the corpus
 * of that target, tests/fuzz/corpus/NAME, one TAP line per file, NAME being
 * the program's own. Files given as arguments are replayed instead. A crash
 * ends the program early, which the harness counts as a failure. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        printf("# %s: %s\n", path, strerror(errno));
        return false;
    }
    /* Exactly as long as the input: ASan then sees the first byte over. */
    size_t capacity = 1 << 20;
    uint8_t *buffer = malloc(capacity);
    size_t size = buffer ? fread(buffer, 1, capacity, file) : 0;
    fclose(file);
    uint8_t *exact = malloc(size ? size : 1);
    if (!buffer || !exact) {
        abort();
    }
    memcpy(exact, buffer, size);
    free(buffer);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return true;
}

static int n_run;
static int n_failed;

static void
report(const char *path)
{
    const char *slash = strrchr(path, '/');
    fflush(stdout);
    bool ok = replay(path);
    n_failed += !ok;
    printf("%s %d - survives %s\n", ok ? "ok" : "not ok", ++n_run,
           slash ? slash + 1 : path);
}

static int
is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void
replay_folder(const char *folder)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, is_input, alphasort);

    if (n < 0) {
        printf("# %s: %s\n", folder, strerror(errno));
        n = 0;
    }
    for (int i = 0; i < n; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        report(path);
        free(entries[i]);
    }
    if (n > 0) {
        free(entries);
    }
}

int
main(int argc, char **argv)
{
    if (argc > 1) {
        for (int i = 1; i < argc; i++) {
            report(argv[i]);
        }
    } else {
        const char *slash = strrchr(argv[0], '/');
        const char *srcdir = getenv("srcdir");
        char folder[4096];
        snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/%s",
                 srcdir ? srcdir : ".", slash ? slash + 1 : argv[0]);
        replay_folder(folder);
    }
    if (!n_run) {
        printf("not ok 1 - has a corpus to replay\n");
        n_run = n_failed = 1;
    }
    printf("1..%d\n", n_run);
    return n_failed ? 1 : 0;
}
