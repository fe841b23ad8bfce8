/* SPDX-License-Identifier: Apache-2.0 */
/* alone.c - opening a model that is run strip by strip. */
#include "cli/alone.h"

#include <stdlib.h>
#include <string.h>

enum { TOKENS_MAX = 4096 };

int alone_open(struct alone *a, const struct alone_options *o, struct err *e)
{
    struct plan_cfg plan;
    enum wafer_engine engine;
    struct place_options place = o->place;
    if (o->tokens == 0 || o->tokens == 2 || o->tokens > TOKENS_MAX)
        return err_set(e, ERR_USAGE, "--tokens: 1, or 3 to %d: one alone and at least two together",
                       TOKENS_MAX);
    if (place.context > UINT32_MAX / 2)
        return err_set(e, ERR_USAGE, "--context: too many positions");
    place.users = (uint32_t)o->tokens;
    place.context++; /* the token's own */
    if (stage_engine(&place, &engine, e) || stage_open_model(&a->stage, &place, e) ||
        firmware_load(&a->stage.images, place.firmware, e) ||
        stage_plan_cfg(&a->stage, &place, 0, &plan, e) || plan_open(&a->plan, &plan, e))
        return -1;
    a->cfg = (struct layer_cfg){.plan = a->plan,
                                .images = &a->stage.images,
                                .context = (uint32_t)o->place.context,
                                .threads = (uint32_t)place.threads,
                                .engine = engine,
                                .max_cycles = place.max_cycles,
                                .progress = show_placing};
    return 0;
}

void alone_close(struct alone *a)
{
    plan_close(a->plan);
    stage_close(&a->stage);
}

const char *alone_stage(const struct alone *a, const char *text, uint32_t *out)
{
    char *end;
    uint32_t head = a->plan->config->layers;
    if (!strncmp(text, "head", 4)) {
        *out = head;
        return text + 4;
    }
    unsigned long n = strtoul(text, &end, 10);
    *out = n < head ? (uint32_t)n : head;
    return *text < '0' || *text > '9' || n > head ? NULL : end;
}
