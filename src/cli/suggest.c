/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": the nearest of the words that would have been right. Pure;
 * prints nothing. Distance is Levenshtein's with swaps of neighbours counted
 * as one, on words of at most 31 bytes (nothing in the table is longer). */
#include "cli/table.h"

#include <string.h>

enum { WORD_MAX = 31 };

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;

    return ab < c ? ab : c;
}

static unsigned
distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
    unsigned d[WORD_MAX + 1][WORD_MAX + 1];

    for (size_t i = 0; i <= n_a; i++) {
        d[i][0] = (unsigned) i;
    }
    for (size_t j = 0; j <= n_b; j++) {
        d[0][j] = (unsigned) j;
    }
    for (size_t i = 1; i <= n_a; i++) {
        for (size_t j = 1; j <= n_b; j++) {
            unsigned cost = a[i - 1] != b[j - 1];

            d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1,
                           d[i - 1][j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
                a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < d[i][j]) {
                d[i][j] = d[i - 2][j - 2] + 1;
            }
        }
    }
    return d[n_a][n_b];
}

void
vx_cli_nearest_init(struct vx_cli_nearest *nearest, const char *word)
{
    size_t length = strlen(word);

    /* Up to a third of the word may be wrong, one letter at least. */
    *nearest = (struct vx_cli_nearest) {
        .word = word,
        .distance = length < 6 ? 2 : (unsigned) length / 3 + 1,
    };
    if (length > WORD_MAX) {
        nearest->distance = 0;
    }
}

void
vx_cli_nearest_offer(struct vx_cli_nearest *nearest, const char *candidate)
{
    size_t n_word = strlen(nearest->word);
    size_t n_candidate = strlen(candidate);
    unsigned d;

    if (!nearest->distance || n_candidate > WORD_MAX) {
        return;
    }
    /* The start of a word ("net", "desc") means that word, and so does a
     * longer one ("delete"). */
    if (n_word >= 2 && n_candidate >= 2 &&
        !strncmp(candidate, nearest->word,
                 n_word < n_candidate ? n_word : n_candidate)) {
        d = 1;
    } else {
        d = distance(nearest->word, n_word, candidate, n_candidate);
    }
    if (d < nearest->distance) {
        nearest->distance = d;
        nearest->best = candidate;
    }
}

const char *
vx_cli_synonym(const char *word)
{
    static const char *const synonyms[][2] = {
        { "create", "add" }, { "new", "add" },    { "remove", "del" },
        { "rm", "del" },     { "update", "set" }, { "edit", "set" },
        { "get", "show" },   { "ls", "list" },    { "info", "show" },
    };

    for (size_t i = 0; i < sizeof synonyms / sizeof *synonyms; i++) {
        if (!strcmp(synonyms[i][0], word)) {
            return synonyms[i][1];
        }
    }
    return NULL;
}
