/* SPDX-License-Identifier: Apache-2.0 */
/* svg.c - shapes as elements. */
#include "report/svg.h"

#include "report/write.h"

#include <math.h>

void svg_open(FILE *f, double width, double height, const char *label)
{
    (void)fprintf(f, "<svg viewBox=\"0 0 %g %g\" role=\"img\" aria-label=\"", width, height);
    html_text(f, label);
    (void)fprintf(f, "\">\n");
}

void svg_close(FILE *f)
{
    (void)fprintf(f, "</svg>\n");
}

static void close_with_hint(FILE *f, const char *name, const char *hint)
{
    if (!hint) {
        (void)fprintf(f, "/>\n");
        return;
    }
    (void)fprintf(f, "><title>");
    html_text(f, hint);
    (void)fprintf(f, "</title></%s>\n", name);
}

void svg_box(FILE *f, struct svg_rect r, const char *class_name, const char *hint)
{
    (void)fprintf(f, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"%s\"", r.x,
                  r.y, r.width, r.height, class_name);
    close_with_hint(f, "rect", hint);
}

void svg_line(FILE *f, double x1, double y1, double x2, double y2, const char *class_name)
{
    (void)fprintf(f, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>\n", x1,
                  y1, x2, y2, class_name);
}

void svg_dot(FILE *f, double x, double y, const char *class_name, const char *hint)
{
    (void)fprintf(f, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\" class=\"%s\"", x, y, class_name);
    close_with_hint(f, "circle", hint);
}

void svg_text(FILE *f, double x, double y, enum svg_anchor anchor, const char *class_name,
              const char *text)
{
    static const char *const anchors[] = {"start", "middle", "end"};
    (void)fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">", x, y,
                  anchors[anchor], class_name);
    html_text(f, text);
    (void)fprintf(f, "</text>\n");
}

double svg_round_step(double max)
{
    double unit = pow(10, floor(log10(max)));
    if (max / unit < 1.5)
        return unit / 4;
    return max / unit < 3 ? unit / 2 : max / unit < 7 ? unit : 2 * unit;
}
