/* SPDX-License-Identifier: Apache-2.0 */
/* tok_pre.h - cuts text into the pieces that byte-pair encoding never merges across. */
#ifndef TESSERA_MODEL_TOK_PRE_H
#define TESSERA_MODEL_TOK_PRE_H

#include <stddef.h>

/* The piece that starts at byte `at`. The pieces of a text follow each other without gaps:
 *   for (size_t at = 0; at < bytes; at = end) end = pretokenize_piece(text, bytes, at);
 *   text, bytes  any bytes. One that is not part of valid UTF-8 counts as a character of its own
 *                with no class, like U+FFFD: it joins punctuation. No byte is ever lost
 *   at           less than bytes; 0, or where the piece before ended
 * Returns where the piece ends, always more than `at`.
 * The end of `text` is the end of the text: white space before it is one piece.
 * Cost: linear in the length of the text, over all pieces together. */
size_t pretokenize_piece(const char *text, size_t bytes, size_t at);

#endif
