/* SPDX-License-Identifier: Apache-2.0 */
/* facts.c - the tables of figures and sources. */
#include "report/facts.h"

const struct source sources[SOURCES] = {
#define SOURCE(key, title, where) [SOURCE_##key] = {#key, title, where},
#include "report/sources.def"
};

const struct figure figures[FIGURES] = {
#define FIGURE(id, value, unit, label, source, what)                                               \
    [FIGURE_##id] = {#id, value, unit, what, LABEL_##label, SOURCE_##source},
#include "report/figures.def"
};

int source_check(const struct source *table, size_t count, enum source_id id, const char *what,
                 struct err *e)
{
    if (id == SOURCE_NONE || (size_t)id >= count)
        return err_set(e, ERR_COMPARE, "%s: no source", what);
    const struct source *s = &table[id];
    if (!s->title || !*s->title || !s->where || !*s->where)
        return err_set(e, ERR_COMPARE, "%s: source %s has no title or no place", what,
                       s->key ? s->key : "?");
    return 0;
}

int figures_check(const struct figure *f, size_t count, const struct source *s,
                  size_t sources_count, struct err *e)
{
    for (size_t i = 0; i < count; i++)
        if (source_check(s, sources_count, f[i].source, f[i].name, e))
            return -1;
    return 0;
}
