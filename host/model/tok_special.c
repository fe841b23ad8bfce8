/* SPDX-License-Identifier: Apache-2.0 */
/* tok_special.c - reads added_tokens_decoder; finds control tokens by narrowing a sorted list. */
#include "model/tok_special.h"

#include <stdlib.h>
#include <string.h>
#include "base/json.h"

static int read_id(const char *key, uint32_t *id)
{
    uint64_t value = 0;
    size_t digits = strlen(key);
    if (digits == 0 || digits > 9)
        return -1;
    for (; *key; key++) {
        if (*key < '0' || *key > '9')
            return -1;
        value = value * 10 + (uint64_t)(*key - '0');
    }
    *id = (uint32_t)value;
    return 0;
}

static int add_member(struct specials *s, const char *path, const struct json *member,
                      struct err *e)
{
    uint32_t id;
    const struct json *content = json_member(member, "content");
    if (read_id(member->key, &id) || id < s->first || id - s->first >= s->count)
        return err_input(e, "%s: added_tokens_decoder: \"%.40s\" is no id in %u..%u", path,
                         member->key, s->first, s->first + s->count - 1);
    struct special *special = &s->by_id[id - s->first];
    if (special->text)
        return err_input(e, "%s: added_tokens_decoder: id %u appears twice", path, id);
    if (!content || content->kind != JSON_STRING || content->bytes == 0 ||
        content->bytes > SPECIAL_BYTES_MAX || content->has_nul)
        return err_input(
            e, "%s: added_tokens_decoder: id %u: \"content\" must be a text of 1..%d bytes", path,
            id, SPECIAL_BYTES_MAX);
    special->text = content->text;
    special->bytes = content->bytes;
    return 0;
}

static int compare_text(const void *a, const void *b)
{
    const struct special *x = a, *y = b;
    return strcmp(x->text, y->text);
}

static int sort_by_text(struct specials *s, const char *path, struct err *e)
{
    s->by_text = arena_alloc(s->arena, s->count, sizeof *s->by_text);
    if (s->count)
        memcpy(s->by_text, s->by_id, s->count * sizeof *s->by_text);
    qsort(s->by_text, s->count, sizeof *s->by_text, compare_text);
    for (uint32_t i = 1; i < s->count; i++)
        if (!strcmp(s->by_text[i - 1].text, s->by_text[i].text))
            return err_input(e, "%s: added_tokens_decoder: ids %u and %u are both \"%.80s\"", path,
                             s->by_text[i - 1].id, s->by_text[i].id, s->by_text[i].text);
    return 0;
}

static int name_all(struct specials *s, const char *path, struct err *e)
{
    const struct json *config;
    if (json_load(&config, s->arena, path, e))
        return -1;
    const struct json *added = json_member(config, "added_tokens_decoder");
    if (added && added->kind != JSON_OBJECT)
        return err_input(e, "%s: added_tokens_decoder is %s, not an object", path,
                         json_kind_name(added->kind));
    for (const struct json *m = added ? added->first : NULL; m; m = m->next)
        if (add_member(s, path, m, e))
            return -1;
    for (uint32_t i = 0; i < s->count; i++) {
        struct special *special = &s->by_id[i];
        special->id = s->first + i;
        if (!special->text) {
            special->text = arena_printf(s->arena, "<|reserved_token_%u|>", special->id);
            special->bytes = strlen(special->text);
        }
    }
    return sort_by_text(s, path, e);
}

int specials_load(struct specials *out, const char *path, uint32_t first, uint32_t count,
                  struct err *e)
{
    *out = (struct specials){0};
    if (count > SPECIALS_MAX || count > UINT32_MAX - first)
        return err_input(e, "%s: %u control tokens above id %u, at most %d are allowed", path,
                         count, first, SPECIALS_MAX);
    *out = (struct specials){.first = first, .count = count, .arena = arena_open()};
    out->by_id = arena_alloc(out->arena, count, sizeof *out->by_id);
    if (name_all(out, path, e)) {
        specials_close(out);
        return -1;
    }
    return 0;
}

void specials_close(struct specials *s)
{
    arena_close(s->arena);
    *s = (struct specials){0};
}

/* The first of by_text[low..high) whose byte `at` is not less than `byte`; before `at` they are all
 * the same. */
static uint32_t narrow(const struct specials *s, uint32_t low, uint32_t high, size_t at,
                       unsigned byte)
{
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if ((unsigned char)s->by_text[mid].text[at] < byte)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

const struct special *specials_match(const struct specials *s, const char *text, size_t bytes)
{
    const struct special *longest = NULL;
    uint32_t low = 0, high = s->count;
    for (size_t at = 0; at < bytes && low < high; at++) {
        unsigned byte = (unsigned char)text[at];
        if (byte == 0)
            break;
        low = narrow(s, low, high, at, byte);
        high = narrow(s, low, high, at, byte + 1);
        /* a text that ends here sorts before its extensions */
        if (low < high && s->by_text[low].bytes == at + 1)
            longest = &s->by_text[low];
    }
    return longest;
}
