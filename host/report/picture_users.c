/* SPDX-License-Identifier: Apache-2.0 */
/* picture_users.c - what a user gets against what all get together. */
#include "report/audit_out.h"
#include "report/svg.h"
#include "report/write.h"

#include <math.h>

enum { WIDTH = 860, LEFT = 90, RIGHT = 60, TOP = 30, BOTTOM = 290 };

struct axes {
    double total, per_user; /* tokens per second at the ends */
};

static double at_total(const struct axes *x, double total)
{
    return LEFT + (WIDTH - LEFT - RIGHT) * total / x->total;
}

static double at_per_user(const struct axes *x, double per_user)
{
    return BOTTOM - (BOTTOM - TOP) * per_user / x->per_user;
}

static void draw_axes(FILE *f, const struct axes *x)
{
    double step = svg_round_step(x->total);
    for (int i = 0; i * step <= x->total; i++) {
        double at = at_total(x, i * step);
        svg_line(f, at, TOP, at, BOTTOM, "grid");
        svg_text(f, at, BOTTOM + 18, SVG_MIDDLE, "faint", grouped(i * step).text);
    }
    step = svg_round_step(x->per_user);
    for (int i = 0; i * step <= x->per_user; i++) {
        double at = at_per_user(x, i * step);
        svg_line(f, LEFT, at, WIDTH - RIGHT, at, "grid");
        svg_text(f, LEFT - 8, at + 4, SVG_END, "faint", grouped(i * step).text);
    }
    svg_text(f, (WIDTH + LEFT - RIGHT) / 2.0, BOTTOM + 38, SVG_MIDDLE, "faint",
             "tokens/s of all users");
    svg_text(f, 4, TOP - 12, SVG_START, "faint", "tokens/s per user");
}

static void draw_row(FILE *f, const struct speed_users *u, uint32_t i, const struct axes *x)
{
    char name[48], hint[160];
    const struct users_row *r = &u->row[i];
    double cx = at_total(x, r->total), cy = at_per_user(x, r->per_user);
    if (i + 1 < u->rows)
        svg_line(f, cx, cy, at_total(x, r[1].total), at_per_user(x, r[1].per_user), "curve");
    (void)snprintf(hint, sizeof hint, "%u users: %s tokens/s each, %s in total, %s", r->users,
                   grouped(r->per_user).text, grouped(r->total).text, label_name(r->label));
    svg_dot(f, cx, cy, r->placed ? "c1" : "c4", hint);
    (void)snprintf(name, sizeof name, "%u", r->users);
    svg_text(f, cx, cy - 10, SVG_MIDDLE, "value", name);
}

void picture_users(const struct audit *a, FILE *out)
{
    const struct speed_users *u = &a->users;
    struct axes x = {1.1 * u->row[u->rows - 1].total, 1.2 * u->row[0].per_user};
    svg_open(out, WIDTH, BOTTOM + 50,
             "tokens per second of each user against those of all, by number of users");
    draw_axes(out, &x);
    for (uint32_t i = 0; i < u->rows; i++)
        draw_row(out, u, i, &x);
    svg_close(out);
}
