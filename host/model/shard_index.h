/* SPDX-License-Identifier: Apache-2.0 */
/* shard_index.h - model.safetensors.index.json: which file holds a tensor. File names are checked
 * to be plain names, so that an index cannot reach outside its folder. */
#ifndef TESSERA_MODEL_SHARD_INDEX_H
#define TESSERA_MODEL_SHARD_INDEX_H

#include "base/err.h"

#include <stddef.h>

struct shard_index;

/* Read an index; `name` is what errors call it. */
int shard_index_parse(struct shard_index **out, const char *name, const char *text, size_t bytes,
                      struct err *e);
int shard_index_load(struct shard_index **out, const char *path, struct err *e);
void shard_index_close(struct shard_index *x); /* NULL is fine */

size_t shard_index_count(const struct shard_index *x);
/* The i-th tensor's name, in order of name. */
const char *shard_index_tensor(const struct shard_index *x, size_t i);
/* The name of the file that holds `tensor`, or NULL. Belongs to the index. Cost: log n. */
const char *shard_index_file(const struct shard_index *x, const char *tensor);

#endif
