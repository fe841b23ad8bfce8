/* SPDX-License-Identifier: Apache-2.0 */
/* write.c - digits in groups, text for HTML. */
#include "report/write.h"

#include <string.h>

struct grouped grouped(double x)
{
    char digits[32];
    struct grouped g;
    size_t at = 0;
    (void)snprintf(digits, sizeof digits, "%.0f", x);
    size_t n = strnlen(digits, 24);
    for (size_t i = 0; i < n; i++) {
        g.text[at++] = digits[i];
        if (digits[i] != '-' && i + 1 < n && (n - i - 1) % 3 == 0)
            g.text[at++] = ',';
    }
    g.text[at] = 0;
    return g;
}

void html_text(FILE *f, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            (void)fputs("&amp;", f);
            break;
        case '<':
            (void)fputs("&lt;", f);
            break;
        case '>':
            (void)fputs("&gt;", f);
            break;
        case '"':
            (void)fputs("&quot;", f);
            break;
        default:
            (void)fputc(*text, f);
        }
    }
}
