/* SPDX-License-Identifier: Apache-2.0 */
/* pictures.c - the pictures of an audit. */
#include "report/audit_out.h"
#include "report/svg.h"
#include "report/write.h"

#include <math.h>

enum { WIDTH = 860, LEFT = 150, RIGHT = 150, ROW = 26, BAR = 16 };

static double plot_width(void)
{
    return WIDTH - LEFT - RIGHT;
}

static const char *part_class(int part)
{
    static const char *const names[SPEED_PARTS] = {"c0", "c1", "c2", "c3", "c4",
                                                   "c5", "c6", "c7", "c8"};
    return names[part];
}

/* ---- where a token's cycles go ---- */

static void draw_axis(FILE *f, double max, double top, double bottom)
{
    double step = svg_round_step(max);
    for (int i = 0; i * step <= max; i++) {
        double at = i * step, x = LEFT + plot_width() * at / max;
        svg_line(f, x, top, x, bottom, "grid");
        svg_text(f, x, bottom + 16, SVG_MIDDLE, "faint", grouped(at).text);
    }
}

static void draw_part(FILE *f, const struct speed *s, int k, double y, double max, double *before)
{
    char value[64], hint[96];
    const char *name = speed_part_name((enum speed_part)k);
    double x = LEFT + plot_width() * *before / max, w = plot_width() * s->part[k] / max;
    (void)snprintf(value, sizeof value, "%.1f %%", 100 * s->part[k] / s->cycles);
    (void)snprintf(hint, sizeof hint, "%s: %s cycles", name, grouped(s->part[k]).text);
    svg_text(f, LEFT - 10, y + 13, SVG_END, "name", name);
    svg_box(f, (struct svg_rect){x, y, fmax(w, 1), BAR}, part_class(k), hint);
    svg_text(f, WIDTH - 60, y + 13, SVG_END, "value", grouped(s->part[k]).text);
    svg_text(f, WIDTH - 4, y + 13, SVG_END, "faint", value);
    *before += s->part[k];
    svg_line(f, LEFT + plot_width() * *before / max, y, LEFT + plot_width() * *before / max,
             y + ROW + BAR, "step");
}

void picture_waterfall(const struct audit *a, FILE *out)
{
    const struct speed *s = a->focus;
    char label[96];
    double budget = a->machine->clock_hz / figure(FIGURE_CLAIM_SPEED);
    double max = fmax(s->cycles, budget) * 1.02, before = 0, top = 30;
    double y = top + 4, bottom = y + (SPEED_PARTS + 1) * ROW + 2;
    svg_open(out, WIDTH, bottom + 26,
             "cycles of a token, by what they go into, one after the other");
    draw_axis(out, max, top, bottom);
    for (int k = 0; k < SPEED_PARTS; k++, y += ROW)
        draw_part(out, s, k, y, max, &before);
    svg_text(out, LEFT - 10, y + 13, SVG_END, "name strong", "a token");
    svg_box(out, (struct svg_rect){LEFT, y, plot_width() * s->cycles / max, BAR}, "total", NULL);
    svg_text(out, WIDTH - 60, y + 13, SVG_END, "value strong", grouped(s->cycles).text);
    double x = LEFT + plot_width() * budget / max;
    (void)snprintf(label, sizeof label, "%g tokens/s: %s", figure(FIGURE_CLAIM_SPEED),
                   grouped(budget).text);
    svg_line(out, x, top - 8, x, bottom, "claim");
    svg_text(out, x + (x > WIDTH / 2.0 ? 30 : 0), top - 14, SVG_MIDDLE, "claimed", label);
    svg_close(out);
}

/* ---- speed against context ---- */

struct axes {
    double low, high; /* logarithms of the contexts at both ends */
    double most;      /* tokens per second at the top */
    double top, bottom;
};

enum { SPEEDS_LEFT = 70, SPEEDS_RIGHT = 130 };

static double at_context(const struct axes *x, double context)
{
    return SPEEDS_LEFT +
           (WIDTH - SPEEDS_LEFT - SPEEDS_RIGHT) * (log10(context) - x->low) / (x->high - x->low);
}

static double at_speed(const struct axes *x, double speed)
{
    return x->bottom - (x->bottom - x->top) * speed / x->most;
}

static struct axes speed_axes(const struct audit *a)
{
    struct axes x = {.top = 20, .bottom = 250, .most = figure(FIGURE_CLAIM_SPEED)};
    x.low = log10(audit_contexts[0]);
    x.high = log10(audit_contexts[CONTEXTS - 1]);
    for (uint32_t i = 0; i < a->speeds; i++) {
        x.low = fmin(x.low, log10(a->speed[i].query.context));
        x.high = fmax(x.high, log10(a->speed[i].query.context));
        x.most = fmax(x.most, a->speed[i].tokens_per_second);
    }
    x.most *= 1.15;
    x.low -= 0.08;
    x.high += 0.08;
    return x;
}

static void draw_speed_axes(FILE *f, const struct axes *x)
{
    double step = svg_round_step(x->most);
    for (int i = 0; i * step <= x->most; i++) {
        double v = i * step;
        svg_line(f, SPEEDS_LEFT, at_speed(x, v), WIDTH - SPEEDS_RIGHT, at_speed(x, v), "grid");
        svg_text(f, SPEEDS_LEFT - 8, at_speed(x, v) + 4, SVG_END, "faint", grouped(v).text);
    }
    for (int i = 0; i < CONTEXTS; i++) {
        double at = at_context(x, audit_contexts[i]);
        svg_line(f, at, x->bottom, at, x->bottom + 5, "step");
        svg_text(f, at, x->bottom + 20, SVG_MIDDLE, "faint", grouped(audit_contexts[i]).text);
    }
    svg_text(f, (WIDTH + SPEEDS_LEFT - SPEEDS_RIGHT) / 2.0, x->bottom + 40, SVG_MIDDLE, "faint",
             "context, positions");
    svg_text(f, 4, x->top - 6, SVG_START, "faint", "tokens/s per user");
}

/* The next complete speed of the same users and wafers after speed i, or NULL. */
static const struct speed *next_speed(const struct audit *a, uint32_t i)
{
    const struct speed *s = &a->speed[i];
    for (uint32_t k = i + 1; k < a->speeds; k++) {
        const struct speed *t = &a->speed[k];
        if (t->complete && t->query.users == s->query.users && t->query.wafers == s->query.wafers)
            return t;
    }
    return NULL;
}

static void draw_speed(FILE *f, const struct audit *a, uint32_t i, const struct axes *x)
{
    char text[96], hint[160];
    const struct speed *s = &a->speed[i], *next = next_speed(a, i);
    double cx = at_context(x, s->query.context), cy = at_speed(x, s->tokens_per_second);
    bool main_curve = s->query.wafers == figure(FIGURE_FORUM_WAFERS);
    if (next)
        svg_line(f, cx, cy, at_context(x, next->query.context),
                 at_speed(x, next->tokens_per_second), "curve");
    (void)snprintf(hint, sizeof hint, "%s tokens/s at context %s, %u wafers, %u users, %s",
                   grouped(s->tokens_per_second).text, grouped(s->query.context).text,
                   s->query.wafers, s->query.users, label_name(s->label));
    svg_dot(f, cx, cy, main_curve ? "c1" : "c4", hint);
    svg_text(f, cx, main_curve ? cy - 10 : cy + 20, SVG_MIDDLE, "value strong",
             grouped(s->tokens_per_second).text);
    (void)snprintf(text, sizeof text, "%u wafers", s->query.wafers);
    if (!next)
        svg_text(f, cx + 12, cy + 4, SVG_START, "value", text);
}

void picture_speeds(const struct audit *a, FILE *out)
{
    char label[64];
    struct axes x = speed_axes(a);
    double claim = at_speed(&x, figure(FIGURE_CLAIM_SPEED));
    bool any = false;
    svg_open(out, WIDTH, x.bottom + 50, "tokens per second and user against context");
    draw_speed_axes(out, &x);
    svg_line(out, SPEEDS_LEFT, claim, WIDTH - SPEEDS_RIGHT, claim, "claim");
    (void)snprintf(label, sizeof label, "published: %g", figure(FIGURE_CLAIM_SPEED));
    svg_text(out, WIDTH - SPEEDS_RIGHT + 8, claim + 4, SVG_START, "claimed", label);
    svg_dot(out, at_context(&x, figure(FIGURE_CLAIM_PROMPT)), claim, "claimdot",
            "the published measurement");
    for (uint32_t i = 0; i < a->speeds; i++) {
        any |= a->speed[i].complete;
        if (a->speed[i].complete)
            draw_speed(out, a, i, &x);
    }
    if (!any)
        svg_text(out, (WIDTH + SPEEDS_LEFT - SPEEDS_RIGHT) / 2.0, (x.bottom + claim) / 2,
                 SVG_MIDDLE, "name", "ours: not executed");
    svg_close(out);
}

/* ---- one layer ---- */

static void draw_phase(FILE *f, const struct record_phase *p, double start, double all, double y)
{
    char hint[128], value[64];
    double x = LEFT + plot_width() * start / all;
    svg_text(f, LEFT - 10, y + 13, SVG_END, "name", p->name);
    for (int k = 0; k <= SPEED_UNATTRIBUTED; k++) {
        double cycles = speed_phase_part(p, (enum speed_part)k), w = plot_width() * cycles / all;
        (void)snprintf(hint, sizeof hint, "%s, %s: %s cycles", p->name,
                       speed_part_name((enum speed_part)k), grouped(cycles).text);
        if (cycles > 0)
            svg_box(f, (struct svg_rect){x, y, w, BAR}, part_class(k), hint);
        x += w;
    }
    (void)snprintf(value, sizeof value, "%s", grouped((double)p->cycles).text);
    svg_text(f, WIDTH - 80, y + 13, SVG_END, "value", value);
    if (p->predicted)
        svg_text(f, WIDTH - 4, y + 13, SVG_END, "faint", grouped((double)p->predicted).text);
}

void picture_layer(const struct record *r, FILE *out)
{
    double y = 26, start = 0, all = (double)r->cycles, bottom = y + r->phase_count * ROW;
    svg_open(out, WIDTH, bottom + 26, "phases of a layer, one after the other");
    draw_axis(out, all, y - 6, bottom);
    svg_text(out, WIDTH - 80, y - 12, SVG_END, "faint", "cycles");
    svg_text(out, WIDTH - 4, y - 12, SVG_END, "faint", "predicted");
    for (uint32_t i = 0; i < r->phase_count; i++, y += ROW) {
        draw_phase(out, &r->phases[i], start, all, y);
        start += (double)r->phases[i].cycles;
    }
    svg_close(out);
}
