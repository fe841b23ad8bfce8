/* SPDX-License-Identifier: Apache-2.0 */
/* write.h - small things every way of showing a report needs. */
#ifndef TESSERA_REPORT_WRITE_H
#define TESSERA_REPORT_WRITE_H

#include <stdint.h>
#include <stdio.h>

/* A number in words of three digits: 1,234,567. */
struct grouped {
    char text[40];
};
struct grouped grouped(double x); /* rounded to a whole number */

/* Text inside an element or an attribute of HTML and SVG. */
void html_text(FILE *f, const char *text);

#endif
