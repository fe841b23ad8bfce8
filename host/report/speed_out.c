/* SPDX-License-Identifier: Apache-2.0 */
/* speed_out.c - a token's time shown. */
#include "report/speed_out.h"

#include "report/write.h"

enum { BAR_CHARS = 40 };

static void print_part(const struct speed *s, int k, double *before, FILE *out)
{
    int from = (int)(BAR_CHARS * *before / s->cycles);
    int to = (int)(BAR_CHARS * (*before + s->part[k]) / s->cycles + 0.5);
    *before += s->part[k];
    (void)fprintf(out, "%-14s %12s %5.1f %%  |%*s", speed_part_name((enum speed_part)k),
                  grouped(s->part[k]).text, 100 * s->part[k] / s->cycles, from, "");
    for (int i = from; i < to; i++)
        (void)fputc('#', out);
    (void)fprintf(out, "%*s|\n", BAR_CHARS - (to > from ? to : from), "");
}

void speed_text(const struct speed *s, FILE *out)
{
    double before = 0;
    for (uint32_t i = 0; i < s->terms; i++)
        (void)fprintf(out, "%-30s %12s %5.1f %%  %s (%s)\n", s->term[i].name,
                      grouped(s->term[i].cycles).text, 100 * s->term[i].cycles / s->cycles,
                      label_name(s->term[i].label), s->term[i].from);
    (void)fprintf(out, "%-30s %12s\n\nwhere its cycles go\n", "sum", grouped(s->cycles).text);
    for (int k = 0; k < SPEED_PARTS; k++)
        print_part(s, k, &before, out);
}

void speed_json(const struct speed *s, struct json_out *o)
{
    json_out_array(o, "terms");
    for (uint32_t i = 0; i < s->terms; i++) {
        json_out_object(o, NULL);
        json_out_string(o, "name", s->term[i].name);
        json_out_double(o, "cycles", s->term[i].cycles);
        json_out_string(o, "label", label_name(s->term[i].label));
        json_out_string(o, "from", s->term[i].from);
        json_out_end(o);
    }
    json_out_end(o);
    json_out_object(o, "parts");
    for (int k = 0; k < SPEED_PARTS; k++)
        json_out_double(o, speed_part_name((enum speed_part)k), s->part[k]);
    json_out_end(o);
}
