/* SPDX-License-Identifier: Apache-2.0 */
/* The ordered tree against what it promises in its header. */
#include "lib/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define N_ITEMS 1000

struct item {
    struct vx_tree_node node;
    int key;
};

static int
compare(const void *key, const struct vx_tree_node *node)
{
    int a = *(const int *) key;
    int b = VX_CONTAINER(node, struct item, node)->key;
    return a < b ? -1 : a > b;
}

static int
key_of(const struct vx_tree_node *node)
{
    return VX_CONTAINER(node, struct item, node)->key;
}

/* Even keys 0, 2, 4 ... in an order that is neither up nor down. */
static void
fill(struct vx_tree *tree, struct item *items)
{
    vx_tree_init(tree, compare);
    for (int i = 0; i < N_ITEMS; i++) {
        items[i].key = 2 * (i * 617 % N_ITEMS);
        assert_null(vx_tree_insert(tree, &items[i].key, &items[i].node));
    }
    assert_int_equal(tree->count, N_ITEMS);
}

static void
iterates_in_key_order(void **state)
{
    (void) state;
    static struct item items[N_ITEMS];
    struct vx_tree tree;
    int expected = 0;

    fill(&tree, items);
    VX_TREE_FOR_EACH(node, &tree) {
        assert_int_equal(key_of(node), expected);
        expected += 2;
    }
    assert_int_equal(expected, 2 * N_ITEMS);
}

static void
refuses_a_key_it_holds_and_names_the_holder(void **state)
{
    (void) state;
    static struct item items[N_ITEMS];
    struct vx_tree tree;
    struct item again = { .key = 10 };

    fill(&tree, items);
    struct vx_tree_node *holder = vx_tree_insert(&tree, &again.key,
                                                 &again.node);
    assert_non_null(holder);
    assert_int_equal(key_of(holder), 10);
    assert_int_equal(tree.count, N_ITEMS);
}

static void
finds_the_neighbours_of_a_key_it_does_not_hold(void **state)
{
    (void) state;
    static struct item items[N_ITEMS];
    struct vx_tree tree;
    int between = 101, below = -1, above = 2 * N_ITEMS;

    fill(&tree, items);
    assert_null(vx_tree_find(&tree, &between));
    assert_int_equal(key_of(vx_tree_ceil(&tree, &between)), 102);
    assert_int_equal(key_of(vx_tree_floor(&tree, &between)), 100);
    assert_null(vx_tree_floor(&tree, &below));
    assert_null(vx_tree_ceil(&tree, &above));
}

static void
forgets_what_was_removed_and_nothing_else(void **state)
{
    (void) state;
    static struct item items[N_ITEMS];
    struct vx_tree tree;

    fill(&tree, items);
    VX_TREE_FOR_EACH_SAFE(node, next, &tree) {
        if (key_of(node) % 4 == 0) {
            vx_tree_remove(&tree, node);
        }
    }
    assert_int_equal(tree.count, N_ITEMS / 2);
    for (int key = 0; key < 2 * N_ITEMS; key += 2) {
        assert_int_equal(vx_tree_find(&tree, &key) != NULL, key % 4 != 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(iterates_in_key_order),
        cmocka_unit_test(refuses_a_key_it_holds_and_names_the_holder),
        cmocka_unit_test(finds_the_neighbours_of_a_key_it_does_not_hold),
        cmocka_unit_test(forgets_what_was_removed_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
