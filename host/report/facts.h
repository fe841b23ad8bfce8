/* SPDX-License-Identifier: Apache-2.0 */
/* facts.h - figures that come from outside, and their sources. */
#ifndef TESSERA_REPORT_FACTS_H
#define TESSERA_REPORT_FACTS_H

#include "base/err.h"
#include "report/label.h"

#include <stddef.h>

enum source_id {
    SOURCE_NONE, /* says nothing: a figure or evidence without source is an error */
#define SOURCE(key, title, where) SOURCE_##key,
#include "report/sources.def"
    SOURCES
};

struct source {
    const char *key, *title, *where;
};
extern const struct source sources[SOURCES]; /* [SOURCE_NONE] is empty */

enum figure_id {
#define FIGURE(id, value, unit, label, source, what) FIGURE_##id,
#include "report/figures.def"
    FIGURES
};

struct figure {
    const char *name;
    double value;
    const char *unit, *what;
    enum label label;
    enum source_id source;
};
extern const struct figure figures[FIGURES];

static inline double figure(enum figure_id id)
{
    return figures[id].value;
}

/* Is the source one that says who and where? */
int source_check(const struct source *table, size_t count, enum source_id id, const char *what,
                 struct err *e);

/* Every figure of a table has a source, and that one a title and a place. ERR_COMPARE names the
 * figure. */
int figures_check(const struct figure *f, size_t count, const struct source *s,
                  size_t sources_count, struct err *e);

#endif
