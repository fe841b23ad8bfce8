/* SPDX-License-Identifier: Apache-2.0 */
/* audit_out.h - an audit as text, JSON and HTML. All three say the same. */
#ifndef TESSERA_REPORT_AUDIT_OUT_H
#define TESSERA_REPORT_AUDIT_OUT_H

#include "report/audit.h"

#include <stdio.h>

void audit_text(const struct audit *a, FILE *out);
void audit_json(const struct audit *a, FILE *out);

/* One page that needs nothing else: no script, no other file; readable on light and dark screens,
 * well-formed as XML. */
void audit_html(const struct audit *a, FILE *out);

/* The pictures of the page, as inline SVG elements. */
void picture_speeds(const struct audit *a, FILE *out);    /* speed against context */
void picture_waterfall(const struct audit *a, FILE *out); /* where a token's cycles go; needs a
                                                             focus */
void picture_users(const struct audit *a, FILE *out);     /* tokens per second and user against
                                                             those of all users; needs complete users */
void picture_layer(const struct record *r, FILE *out);    /* one layer, phase by phase */

extern const char audit_style[]; /* CSS */

#endif
