/* SPDX-License-Identifier: Apache-2.0 */
/* token_folder.h - what is kept of a token on its way, so that it can go on another day.
 *
 * A folder of stage-N.f32 (what stage N gave, floats.h), stage-N.json (its record; report/record.h)
 * and made-with.txt. Every file appears whole or not at all, a stage's record last: whatever ends
 * the program, what is there counts. */
#ifndef TESSERA_RUN_TOKEN_FOLDER_H
#define TESSERA_RUN_TOKEN_FOLDER_H

#include "report/records.h"

#include <stdbool.h>

struct token_folder {
    char folder[4000];
    int lock;               /* the folder, open: one run at a time */
    uint32_t stages;        /* of the model: layers and head */
    struct records records; /* of stages 0 .. count - 1, which are finished */
};

/* Find what is there, or begin; `made_with` is one line that tells two tokens' states apart. The
 * folder is made if its parent is there. `restart` removes what is there. On success:
 * token_folder_close. ERR_INPUT: another version's or another token's state, a bad record,
 * another run at work in the folder. */
int token_folder_open(struct token_folder *s, const char *folder, uint32_t stages,
                      const char *made_with, bool restart, struct err *e);
void token_folder_close(struct token_folder *s);

/* Add the next stage. */
int token_folder_add(struct token_folder *s, const struct record *r, const float *output,
                     size_t count, struct err *e);

/* What a finished stage gave. */
int token_folder_output(const struct token_folder *s, uint32_t stage, float *out, size_t count,
                        struct err *e);

#endif
