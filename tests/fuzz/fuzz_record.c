/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_record.c - executed layers: what is accepted adds up and is written back the same. */
#include "fuzz.h"

#include "report/record.h"

#include <string.h>

void fuzz_one(const uint8_t *p, size_t n)
{
    static struct record r;
    struct err e = {0};
    uint64_t sum = 0;
    if (record_parse(&r, "fuzz", (const char *)p, n, &e)) {
        FUZZ_CHECK(e.kind == ERR_INPUT && !strncmp(e.text, "fuzz:", 5) && !strchr(e.text, '\n'));
        return;
    }
    FUZZ_CHECK(r.executed_layer >= r.layer_first && r.executed_layer <= r.layer_last);
    FUZZ_CHECK(r.phase_count <= RECORD_PHASES_MAX && r.users && r.wafers);
    FUZZ_CHECK(r.tiles && r.tiles <= (uint64_t)r.width * r.height);
    FUZZ_CHECK(memchr(r.model, 0, sizeof r.model) && memchr(r.kind, 0, sizeof r.kind));
    for (uint32_t i = 0; i < r.phase_count; i++) {
        const struct record_phase *h = &r.phases[i];
        sum += h->cycles;
        FUZZ_CHECK(memchr(h->name, 0, sizeof h->name));
        FUZZ_CHECK(h->compute + h->hops + h->serialisation + h->contention + h->scheduler +
                       h->waiting <=
                   h->cycles);
        FUZZ_CHECK(h->ramps <= h->hops);
    }
    FUZZ_CHECK(sum <= r.cycles);
}

const char *fuzz_seed(size_t i, size_t *n)
{
    static const char *const seeds[] = {
        "{\"model\":\"m\",\"machine\":\"k\",\"version\":\"v\",\"kind\":\"experts\",\"layer_first\":"
        "1,\"layer_last\":60,\"alike\":\"\",\"executed_layer\":5,\"context\":1000,\"users\":1,"
        "\"wafers\":20,"
        "\"width\":4,\"height\":2,\"tiles\":8,\"cycles\":20,\"period\":7,\"relative_error\":0.5,"
        "\"crossings_before\":0,\"phases\":[{\"name\":\"p\",\"cycles\":9,\"predicted\":0,"
        "\"compute\":1,\"hops\":2,\"ramps\":1,\"serialisation\":1,\"contention\":1,\"scheduler\":2,"
        "\"waiting\":2}]}",
        "{\"model\":\"m\",\"phases\":[]}",
    };
    if (i >= sizeof seeds / sizeof seeds[0])
        return NULL;
    *n = strlen(seeds[i]);
    return seeds[i];
}
