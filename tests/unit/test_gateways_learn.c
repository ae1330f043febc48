/* SPDX-License-Identifier: Apache-2.0 */
/* What was learned, when the store refuses: the model and the planner are
 * real, submits are taken down, and the clock is the test's. */
#include "daemon/gateways_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/app.h"
#include "lib/clock.h"
#include "tests/lib/model_fixture.h"

static int64_t now_ms = 1000;
static char deleted[200];
static unsigned n_submits;

int64_t
vx_clock_ms(void)
{
    return now_ms;
}

void
vx_app_submit(void *app, const struct vx_op *ops, size_t n,
              void (*done)(void *aux, const struct vx_error *err,
                           const struct vx_obj *obj), void *aux)
{
    struct vx_error err;

    (void) app;
    n_submits++;
    assert_int_equal(n, 1);
    assert_int_equal(ops->type, VX_OP_DELETE);
    snprintf(deleted, sizeof deleted, "%s", ops->key.name);
    vx_fail(&err, VX_UNAVAILABLE, "", "disk full");
    done(aux, &err, NULL);
}

void
vx_gws_work_later(struct vx_gws *gws)
{
    (void) gws;
}

void
vx_gws_report_done(struct vx_gws *gws)
{
    (void) gws;
}

bool
vx_gws_admit(struct vx_gw_item *item)
{
    (void) item;
    return true;
}

void
vx_gws_leave(struct vx_gw_item *item)
{
    (void) item;
}

struct vx_gw *
vx_gws_find(const struct vx_gws *gws, uint64_t oid)
{
    (void) gws;
    (void) oid;
    return NULL;
}

static void
begin(struct vx_app *app, struct vx_gws *gws)
{
    n_submits = 0;
    *app = (struct vx_app) { .model = fx_small_fabric(), .gws = gws };
    *gws = (struct vx_gws) { .app = app };
    gws->queue_last = &gws->queue;
    vx_gws_learn_start(gws);
}

static void
end(struct vx_app *app, struct vx_gws *gws)
{
    vx_gws_learn_free(gws);
    vx_model_free(app->model);
}

/* Nobody says it any more, and it goes with something else: there is nothing
 * to be planned then. */
static void
what_was_to_go_with_a_refused_change_is_planned_again(void **state)
{
    (void) state;
    struct vx_app app;
    struct vx_gws gws;
    struct vx_change change = { 0 };

    begin(&app, &gws);
    change.old = fx_do(app.model, "put host far zone=z vtep=192.0.2.99 "
                                  "external=yes origin=learned");
    vx_gws_learn_undone(&gws, &change);
    assert_false(vx_gws_learn_work(&gws));
    vx_gws_learn_tick(&gws);
    assert_false(vx_gws_learn_work(&gws));
    assert_int_equal(n_submits, 0);         /* it is not hurried */
    for (unsigned i = 1; i <= 3; i++) {
        now_ms += 6000;
        vx_gws_learn_tick(&gws);
        assert_false(vx_gws_learn_work(&gws));
        assert_int_equal(n_submits, i);     /* the disk is still full */
        assert_string_equal(deleted, "far");
    }
    end(&app, &gws);
}

static void
what_operators_made_is_none_of_it(void **state)
{
    (void) state;
    struct vx_app app;
    struct vx_gws gws;
    struct vx_change change = { 0 };

    begin(&app, &gws);
    change.old = fx_do(app.model, "put host near zone=z vtep=192.0.2.98");
    vx_gws_learn_undone(&gws, &change);
    change.new = change.old;
    change.old = NULL;
    vx_gws_learn_undone(&gws, &change);
    now_ms += 6000;
    vx_gws_learn_tick(&gws);
    assert_false(vx_gws_learn_work(&gws));
    assert_int_equal(n_submits, 0);
    end(&app, &gws);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            what_was_to_go_with_a_refused_change_is_planned_again),
        cmocka_unit_test(what_operators_made_is_none_of_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
