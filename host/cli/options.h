/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - command line options of a verb, from one table that also prints --help. */
#ifndef TESSERA_CLI_OPTIONS_H
#define TESSERA_CLI_OPTIONS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum option_kind {
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_TEXT_OR_NOT, /* the value may be left out: then it is "" */
    OPTION_COUNT,
    OPTION_NUMBER,
    OPTION_PAIR,
    OPTION_WORDS /* named "": the arguments that are no options */
};

enum { OPTION_WORDS_MAX = 32 };
struct option_words {
    const char *word[OPTION_WORDS_MAX];
    uint32_t count;
};

struct option {
    const char *name;  /* without "--"; NULL ends a table */
    const char *value; /* what the value is called in --help; NULL for a flag */
    const char *help;
    enum option_kind kind;
    void *out;   /* bool, const char *, uint64_t, double, uint32_t[2] ("WxH" or "X,Y"), words */
    bool *given; /* may be NULL */
};

struct verb {
    const char *name, *summary;
    const char *example; /* shown first */
    int (*run)(int argc, char **argv, struct err *e);
};

/* Parse argv[1..]. Prints --help and returns 1; 0 when done; -1 with ERR_USAGE. `verb` heads the
 * help. */
int options_parse(const struct verb *verb, const struct option *table, int argc, char **argv,
                  struct err *e);

#endif
