/* SPDX-License-Identifier: Apache-2.0 */
/* speed_users_out.c - many users shown. */
#include "report/speed_out.h"
#include "report/write.h"

void speed_users_basis(const struct speed_users *s, char *out, size_t bytes)
{
    (void)snprintf(out, bytes,
                   "A token is in the pipeline for %s cycles; the slowest stage, %s, takes one "
                   "every %s cycles (%s).%s",
                   grouped(s->latency).text, s->slowest, grouped(s->period).text,
                   label_name(s->period_label),
                   s->measured ? ""
                               : " Where a period was not executed, a stage is assumed to take the "
                                 "next token when it has handed on the last one.");
}

void speed_users_text(const struct speed_users *s, FILE *out)
{
    char basis[512];
    speed_users_basis(s, basis, sizeof basis);
    (void)fprintf(out, "%s\n\n%9s %18s %18s %14s  %s\n", basis, "users", "tokens/s per user",
                  "tokens/s in total", "TPOT, ms", "mean, p50 and p99 are equal");
    for (uint32_t i = 0; i < s->rows; i++) {
        const struct users_row *r = &s->row[i];
        (void)fprintf(out, "%9s %18s %18s %14.3f  %s%s\n", grouped(r->users).text,
                      grouped(r->per_user).text, grouped(r->total).text, 1e3 * r->tpot,
                      label_name(r->label),
                      r->placed ? "" : "; more than the placement has caches for");
    }
    (void)fprintf(out, "\n%9s %18s\n", "prompt", "TTFT, ms");
    for (int i = 0; i < PROMPTS; i++)
        (void)fprintf(out, "%9s %18.3f  %s\n", grouped(s->prompt[i].tokens).text,
                      1e3 * s->prompt[i].ttft, label_name(s->prompt[i].label));
}

static void row_json(const struct users_row *r, struct json_out *o)
{
    json_out_object(o, NULL);
    json_out_uint(o, "users", r->users);
    json_out_bool(o, "placed", r->placed);
    json_out_double(o, "tokens_per_second_per_user", r->per_user);
    json_out_double(o, "output_tokens_per_second", r->total);
    json_out_double(o, "tpot_seconds_mean", r->tpot);
    json_out_double(o, "tpot_seconds_p50", r->tpot);
    json_out_double(o, "tpot_seconds_p99", r->tpot);
    json_out_string(o, "label", label_name(r->label));
    json_out_end(o);
}

void speed_users_json(const struct speed_users *s, struct json_out *o)
{
    json_out_double(o, "latency_cycles", s->latency);
    json_out_double(o, "period_cycles", s->period);
    json_out_string(o, "slowest", s->slowest);
    json_out_string(o, "period_label", label_name(s->period_label));
    json_out_bool(o, "every_period_executed", s->measured);
    json_out_array(o, "users");
    for (uint32_t i = 0; i < s->rows; i++)
        row_json(&s->row[i], o);
    json_out_end(o);
    json_out_array(o, "prompts");
    for (int i = 0; i < PROMPTS; i++) {
        json_out_object(o, NULL);
        json_out_uint(o, "tokens", s->prompt[i].tokens);
        json_out_double(o, "ttft_seconds", s->prompt[i].ttft);
        json_out_string(o, "label", label_name(s->prompt[i].label));
        json_out_end(o);
    }
    json_out_end(o);
}
