/* SPDX-License-Identifier: Apache-2.0 */
/* validate_cast.c - a corner's words to every tile of a rectangle. */
#include "place/collective.h"
#include "run/rig.h"
#include "run/validate.h"

enum { COLOUR_CAST = 0 };

struct cast_work {
    uint32_t width, height, words;
};

static void emit(void *self, struct image *m, uint32_t x, uint32_t y)
{
    const struct cast_work *c = self;
    const struct rect area = {0, 0, c->width, c->height};
    struct rect_place p = rect_place(&area, x, y, 0, 0);
    p.cast = COLOUR_CAST;
    rect_broadcast(m, &p, image_words(m, PART_BUFFERS, c->words),
                   (struct length){.plus = c->words});
}

int validate_broadcast_2d(struct validation *v, const struct machine *k, struct err *e)
{
    static const struct cast_work sizes[] = {{8, 8, 64}, {16, 32, 256}, {32, 32, 1}, {64, 64, 256}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0] - v->quick; i++) {
        struct cast_work c = sizes[i];
        struct rig r = {.machine = k,
                        .images = v->images,
                        .width = c.width,
                        .height = c.height,
                        .emit = emit,
                        .self = &c};
        struct rig_result result;
        if (rig_run(&r, &result, e))
            return -1;
        validate_add(
            v,
            (struct validate_row){.unit = "cycles",
                                  .published = model_broadcast_2d(c.words, c.width, c.height),
                                  .ours = (double)result.cycles,
                                  .source = SOURCE_MODEL,
                                  .limit = 0.04},
            "%u x %u tiles, %u words", c.width, c.height, c.words);
    }
    return 0;
}
