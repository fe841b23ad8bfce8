/* SPDX-License-Identifier: Apache-2.0 */
/* audit_html.c - an audit as one page. */
#include "report/audit_out.h"
#include "report/speed_out.h"
#include "report/version.h"
#include "report/write.h"

#include <stdarg.h>
#include <string.h>

/* An element with text: <p class="note">text</p>. `open` is the name with its attributes. */
__attribute__((format(printf, 3, 4))) static void element(FILE *f, const char *open,
                                                          const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    (void)fprintf(f, "<%s>", open);
    html_text(f, text);
    (void)fprintf(f, "</%.*s>\n", (int)strcspn(open, " "), open);
}

static void raw(FILE *f, const char *markup)
{
    (void)fprintf(f, "%s\n", markup);
}

/* A small number that leads to the list of sources. */
static void reference(FILE *f, enum source_id id)
{
    (void)fprintf(f, "<sup><a href=\"#s%d\" title=\"", id);
    html_text(f, sources[id].title ? sources[id].title : "");
    (void)fprintf(f, "\">[%d]</a></sup>", id);
}

/* ---- top ---- */

static void write_top(const struct audit *a, FILE *f)
{
    const struct machine *m = a->machine;
    raw(f, "<h1>What was published about Kimi K2.6 on a wafer, and what can be checked</h1>");
    element(
        f, "p class=\"soft\"",
        "Every figure says where it comes from: executed (every tile of a layer emulated with the "
        "firmware), extrapolated (a like layer was), computed, published, inferred or assumed.");
    element(f, "p class=\"note\"",
            "Model %s, %.1f GB. Machine %s, %u x %u tiles, %.1f GB, %g GHz. Version %s.", a->model,
            (double)a->fit.weight_bytes / 1e9, m->name, m->fabric_width, m->fabric_height,
            (double)a->fit.wafer_bytes / 1e9, m->clock_hz / 1e9, version_digest());
    for (uint32_t i = 0; i < a->problems; i++)
        element(f, "p class=\"card problem\"", "This audit fails: %s", a->problem[i]);
}

/* One number in large digits. */
__attribute__((format(printf, 3, 4))) static void tile(FILE *f, const char *number, const char *fmt,
                                                       ...)
{
    char text[256];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    raw(f, "<div class=\"card\">");
    element(f, "b", "%s", number);
    element(f, "span", "%s", text);
    raw(f, "</div>");
}

static void write_tiles(const struct audit *a, FILE *f)
{
    char share[16];
    const struct speed *s = a->focus;
    raw(f, "<div class=\"tiles\">");
    tile(f, grouped(figure(FIGURE_CLAIM_SPEED)).text, "tokens/s per user, published");
    if (s) {
        (void)snprintf(share, sizeof share, "%.0f %%", 100 * s->part[SPEED_CROSSINGS] / s->cycles);
        tile(f, grouped(s->tokens_per_second).text,
             "tokens/s per user, ours at context %s on %u wafers; %s",
             grouped(s->query.context).text, s->query.wafers, label_name(s->label));
        tile(f, share, "of a token's time is between wafers");
    } else {
        tile(f, "?", "tokens/s per user, ours: %s", label_name(LABEL_NOT_EXECUTED));
    }
    tile(f, grouped(a->fit.wafers).text,
         "wafers hold its layers whole; %u are the least for its bytes", a->fit.wafers_by_bytes);
    raw(f, "</div>");
}

/* ---- claims ---- */

static const char *verdict_class(enum verdict v)
{
    switch (v) {
    case VERDICT_HOLDS:
    case VERDICT_PLAUSIBLE:
    case VERDICT_FITS:
        return "span class=\"verdict good\"";
    case VERDICT_NOT_REACHED:
    case VERDICT_NOT_EXECUTED:
    case VERDICT_TWO_THINGS:
    case VERDICT_OVERTAKEN:
        return "span class=\"verdict warn\"";
    case VERDICT_IMPOSSIBLE:
    case VERDICTS:
        break;
    }
    return "span class=\"verdict bad\"";
}

static void write_claim(const struct claim *c, FILE *f)
{
    (void)fprintf(f, "<div class=\"card\"><div class=\"head\"><span><q>");
    html_text(f, c->text);
    (void)fprintf(f, "</q>");
    reference(f, c->source);
    raw(f, "</span>");
    element(f, verdict_class(c->verdict), "%s", verdict_name(c->verdict));
    raw(f, "</div><ul>");
    for (uint32_t i = 0; i < c->count; i++) {
        (void)fprintf(f, "<li>");
        element(f, "span class=\"label\"", "%s", label_name(c->evidence[i].label));
        (void)fprintf(f, "<span>");
        html_text(f, c->evidence[i].text);
        reference(f, c->evidence[i].source);
        raw(f, "</span></li>");
    }
    raw(f, "</ul></div>");
}

/* ---- speeds ---- */

static void speed_row(const struct speed *s, FILE *f)
{
    raw(f, "<tr>");
    element(f, "td class=\"n\"", "%s", grouped(s->query.context).text);
    element(f, "td class=\"n\"", "%u", s->query.wafers);
    element(f, "td class=\"n\"", "%u", s->query.users);
    element(f, "td class=\"n\"", "%s", s->complete ? grouped(s->cycles).text : "-");
    element(f, "td class=\"n\"", "%s", s->complete ? grouped(s->tokens_per_second).text : "-");
    if (s->complete)
        element(f, "td", "%s (%s); crossings assumed", label_name(s->label), s->from);
    else
        element(f, "td", "%s", label_name(s->label));
    raw(f, "</tr>");
}

static void write_speeds(const struct audit *a, FILE *f)
{
    raw(f, "<h2>Our speed</h2>");
    element(f, "p class=\"soft\"", "One user, one token a pass: no speculation.");
    raw(f, "<div class=\"card wide\">");
    picture_speeds(a, f);
    raw(f, "</div><div class=\"wide\"><table><tr><th class=\"n\">context</th><th class=\"n\">wafers"
           "</th><th class=\"n\">users</th><th class=\"n\">cycles/token</th><th class=\"n\">"
           "tokens/s per user</th><th>from</th></tr>");
    for (uint32_t i = 0; i < a->speeds; i++)
        speed_row(&a->speed[i], f);
    raw(f, "</table></div>");
    if (!a->commands)
        return;
    element(f, "p class=\"note\"", "What is missing is executed by:");
    raw(f, "<pre>");
    for (uint32_t i = 0; i < a->commands; i++) {
        html_text(f, a->command[i]);
        raw(f, "");
    }
    raw(f, "</pre>");
}

/* ---- the focused speed, taken apart ---- */

static void write_key(FILE *f)
{
    raw(f, "<div class=\"key\">");
    for (int k = 0; k <= SPEED_UNATTRIBUTED; k++) {
        (void)fprintf(f,
                      "<span><svg viewBox=\"0 0 10 10\"><rect width=\"10\" height=\"10\" "
                      "class=\"c%d\"/></svg>",
                      k);
        html_text(f, speed_part_name((enum speed_part)k));
        raw(f, "</span>");
    }
    raw(f, "</div>");
}

static void write_terms(const struct speed *s, FILE *f)
{
    raw(f, "<div class=\"wide\"><table><tr><th>term</th><th class=\"n\">cycles</th><th "
           "class=\"n\">share</th><th>label</th><th>from</th></tr>");
    for (uint32_t i = 0; i < s->terms; i++) {
        const struct speed_term *t = &s->term[i];
        raw(f, "<tr>");
        element(f, "td", "%s", t->name);
        element(f, "td class=\"n\"", "%s", grouped(t->cycles).text);
        element(f, "td class=\"n\"", "%.1f %%", 100 * t->cycles / s->cycles);
        element(f, "td", "%s", label_name(t->label));
        element(f, "td", "%s", t->from);
        raw(f, "</tr>");
    }
    raw(f, "</table></div>");
}

static void write_layer(const struct record *r, FILE *f)
{
    if (!strcmp(r->kind, record_kind_name(RECORD_HEAD)))
        element(f, "h3", "The head, phase by phase");
    else
        element(f, "h3", "Layer %u (%s), phase by phase", r->executed_layer, r->kind);
    element(f, "p class=\"note\"",
            "%s of %u x %u tiles, %s cycles, output within %.1e of the reference.",
            grouped(r->tiles).text, r->width, r->height, grouped((double)r->cycles).text,
            r->relative_error);
    raw(f, "<div class=\"card wide\">");
    picture_layer(r, f);
    write_key(f);
    raw(f, "</div>");
}

static void write_token(const struct audit *a, FILE *f)
{
    const struct speed *s = a->focus;
    element(f, "h2", "Where a token's time goes");
    element(
        f, "p class=\"soft\"",
        "Context %s on %u wafers: %s cycles, %.0f us at %g GHz. The dashed line is what a token "
        "may take at the published speed.",
        grouped(s->query.context).text, s->query.wafers, grouped(s->cycles).text,
        1e6 * s->cycles / a->machine->clock_hz, a->machine->clock_hz / 1e9);
    raw(f, "<div class=\"card wide\">");
    picture_waterfall(a, f);
    raw(f, "</div>");
    write_terms(s, f);
    const struct record *before = NULL;
    for (uint32_t layer = 0; layer <= a->shape.layers; layer++) {
        const struct record *r = speed_record(a->records, &a->shape, &s->query, layer);
        if (!before || strcmp(r->kind, before->kind) != 0) /* the first of each kind */
            write_layer(r, f);
        before = r;
    }
}

/* ---- many users ---- */

static void users_row(const struct users_row *r, FILE *f)
{
    raw(f, "<tr>");
    element(f, "td class=\"n\"", "%s", grouped(r->users).text);
    element(f, "td class=\"n\"", "%s", grouped(r->per_user).text);
    element(f, "td class=\"n\"", "%s", grouped(r->total).text);
    element(f, "td class=\"n\"", "%.3f", 1e3 * r->tpot);
    element(f, "td", "%s%s", label_name(r->label),
            r->placed ? "" : "; more than the placement has caches for");
    raw(f, "</tr>");
}

static void write_prompts(const struct speed_users *u, FILE *f)
{
    raw(f, "<div class=\"wide\"><table><tr><th class=\"n\">prompt, tokens</th><th class=\"n\">"
           "TTFT, ms</th><th>label</th></tr>");
    for (int i = 0; i < PROMPTS; i++) {
        raw(f, "<tr>");
        element(f, "td class=\"n\"", "%s", grouped(u->prompt[i].tokens).text);
        element(f, "td class=\"n\"", "%.2f", 1e3 * u->prompt[i].ttft);
        element(f, "td", "%s", label_name(u->prompt[i].label));
        raw(f, "</tr>");
    }
    raw(f, "</table></div>");
}

static void write_users(const struct audit *a, FILE *f)
{
    char basis[512];
    const struct speed_users *u = &a->users;
    speed_users_basis(u, basis, sizeof basis);
    raw(f, "<h2>Many users and prompts</h2>");
    element(f, "p class=\"soft\"", "Context %s on %u wafers. %s",
            grouped(a->users_query.context).text, a->users_query.wafers, basis);
    raw(f, "<div class=\"card wide\">");
    picture_users(a, f);
    raw(f, "</div><div class=\"wide\"><table><tr><th class=\"n\">users</th><th class=\"n\">"
           "tokens/s per user</th><th class=\"n\">tokens/s in total</th><th class=\"n\">TPOT, ms"
           "</th><th>label</th></tr>");
    for (uint32_t i = 0; i < u->rows; i++)
        users_row(&u->row[i], f);
    raw(f, "</table></div>");
    element(f, "p class=\"note\"",
            "Time per output token (TPOT): mean, p50 and p99 are equal. A prompt is streamed back "
            "to back; TTFT is the time to its first output token.");
    write_prompts(u, f);
}

/* ---- changes ---- */

static void change_row(const struct audit *a, const struct change *c, bool first, FILE *f)
{
    raw(f, "<tr>");
    element(f, "td", "%s", first ? c->group : "");
    (void)fprintf(f, "<td>");
    html_text(f, c->what);
    reference(f, c->source);
    raw(f, "</td>");
    if (c->wafers)
        element(f, "td class=\"n\"", "%u", c->wafers);
    else
        element(f, "td class=\"n\"", "a layer is larger than a wafer");
    element(f, "td class=\"n\"", "%s", c->cycles > 0 ? grouped(c->cycles).text : "-");
    element(f, "td class=\"n\"", "%s", c->cycles > 0 ? grouped(c->tokens_per_second).text : "-");
    if (a->focus && c->cycles > 0 && c->tokens_per_second != a->focus->tokens_per_second)
        element(f, "td class=\"n\"", "%+.0f %%",
                100 * (c->tokens_per_second / a->focus->tokens_per_second - 1));
    else
        raw(f, "<td></td>");
    raw(f, "</tr>");
}

static void write_changes(const struct audit *a, FILE *f)
{
    raw(f, "<h2>If one thing were different</h2>");
    if (!a->focus)
        element(f, "p class=\"soft\"", "Speeds of other clocks, crossings, hops and phases: %s.",
                label_name(LABEL_NOT_EXECUTED));
    raw(f, "<div class=\"wide\"><table><tr><th></th><th></th><th class=\"n\">wafers</th><th "
           "class=\"n\">cycles/pass</th><th class=\"n\">tokens/s</th><th class=\"n\"></th></tr>");
    for (uint32_t i = 0; i < a->changes; i++)
        change_row(a, &a->change[i], !i || strcmp(a->change[i - 1].group, a->change[i].group) != 0,
                   f);
    raw(f, "</table></div>");
    element(
        f, "p class=\"note\"",
        "Wafers of a precision: whole layers with their cache for %s positions, beside code and "
        "stack; the layers' cycles stay those executed.",
        grouped(audit_contexts[CONTEXTS - 1]).text);
}

/* ---- inputs and sources ---- */

static void write_inputs(const struct audit *a, FILE *f)
{
    raw(f,
        "<h2>Inputs</h2><div class=\"wide\"><table><tr><th>machine</th><th class=\"n\">value</th>"
        "<th>label</th><th>source</th></tr>");
    for (size_t i = 0; i < a->inputs->count; i++) {
        const struct machine_value *v = &a->inputs->value[i];
        raw(f, "<tr>");
        element(f, "td", "%s", v->key);
        element(f, "td class=\"n\"", "%s", v->value);
        element(f, "td", "%s", v->label == LABEL_NOT_EXECUTED ? "no source" : label_name(v->label));
        element(f, "td class=\"note\"", "%s", v->note);
        raw(f, "</tr>");
    }
    raw(f, "</table></div><h2>Sources</h2><ol>");
    for (int i = SOURCE_NONE + 1; i < SOURCES; i++) {
        (void)fprintf(f, "<li id=\"s%d\">", i);
        html_text(f, sources[i].title);
        (void)fprintf(f, "<br/>");
        element(f, "code", "%s", sources[i].where);
        raw(f, "</li>");
    }
    raw(f, "</ol>");
}

void audit_html(const struct audit *a, FILE *out)
{
    raw(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>");
    element(out, "title", "Audit of %s on %s", a->model, a->machine->name);
    (void)fprintf(out, "<style>\n%s</style></head><body><main>\n", audit_style);
    write_top(a, out);
    write_tiles(a, out);
    raw(out, "<h2>The claims</h2>");
    for (size_t i = 0; i < CLAIMS; i++)
        write_claim(&a->claim[i], out);
    write_speeds(a, out);
    if (a->focus)
        write_token(a, out);
    if (a->users.complete)
        write_users(a, out);
    write_changes(a, out);
    write_inputs(a, out);
    raw(out, "</main></body></html>");
}
