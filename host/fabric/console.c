/* SPDX-License-Identifier: Apache-2.0 */
/* console.c - what tiles print: whole lines, with the tile in front, so that tiles do not mix. */
#include "fabric/crew.h"

#include "base/xalloc.h"

#include <stdlib.h>

enum { CONSOLE_LINE_MAX = 240 }; /* longer lines are broken */

struct console {
    unsigned used;
    char line[CONSOLE_LINE_MAX];
};

static void print_line(struct wafer *w, uint32_t tile)
{
    struct console *c = w->tile[tile].console;
    (void)fprintf(w->console, "(%u,%u) %.*s\n", wafer_x(w, tile), wafer_y(w, tile), (int)c->used,
                  c->line);
    c->used = 0;
}

void console_put(struct wafer *w, uint32_t tile, char ch)
{
    struct tile *t = &w->tile[tile];
    if (!w->console || ch == '\r')
        return;
    if (w->notes) {
        crew_note(w, tile, NOTE_PRINT, (unsigned char)ch);
        return;
    }
    if (!t->console)
        t->console = xcalloc(1, sizeof *t->console);
    if (ch != '\n')
        t->console->line[t->console->used++] = ch;
    if (ch == '\n' || t->console->used == CONSOLE_LINE_MAX)
        print_line(w, tile);
}

void console_close(struct wafer *w, uint32_t tile)
{
    struct tile *t = &w->tile[tile];
    if (t->console && t->console->used)
        print_line(w, tile);
    free(t->console);
}

void wafer_set_console(struct wafer *w, FILE *out)
{
    w->console = out;
}
