/* SPDX-License-Identifier: Apache-2.0 */
/* svg.h - the few shapes our pictures are made of. Colours are classes of audit_style. */
#ifndef TESSERA_REPORT_SVG_H
#define TESSERA_REPORT_SVG_H

#include <stdio.h>

enum svg_anchor { SVG_START, SVG_MIDDLE, SVG_END };

/* `label` is what a reader who cannot see the picture is told. */
void svg_open(FILE *f, double width, double height, const char *label);
void svg_close(FILE *f);

struct svg_rect {
    double x, y, width, height;
};

/* `hint` appears under the pointer; NULL: none. */
void svg_box(FILE *f, struct svg_rect r, const char *class_name, const char *hint);
void svg_line(FILE *f, double x1, double y1, double x2, double y2, const char *class_name);
void svg_dot(FILE *f, double x, double y, const char *class_name, const char *hint);
void svg_text(FILE *f, double x, double y, enum svg_anchor anchor, const char *class_name,
              const char *text);

/* A round step of an axis, which cuts `max` into 3 to 7 pieces. */
double svg_round_step(double max);

#endif
