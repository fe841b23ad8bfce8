/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_machine.c - machine files: what is accepted is in range, and printed text reads back the
 * same. */
#include "fuzz.h"

#include "fabric/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print(char *text, size_t size, const struct machine *m)
{
    FILE *f = fmemopen(text, size, "w");
    FUZZ_CHECK(f);
    machine_print(m, f);
    FUZZ_CHECK(fclose(f) == 0);
}

void fuzz_one(const uint8_t *p, size_t n)
{
    struct machine m, again;
    struct err e = {0};
    char first[8192] = "", second[8192] = "";
    if (machine_parse(&m, (const char *)p, n, "fuzz", &e)) {
        FUZZ_CHECK(e.kind == ERR_INPUT && !strncmp(e.text, "fuzz:", 5) && !strchr(e.text, '\n'));
        return;
    }
    FUZZ_CHECK(m.hop_cycles >= 1 && m.ramp_cycles >= 1 && m.router_queue >= 2);
    FUZZ_CHECK(m.clock_hz >= 1e6 && m.clock_hz <= 1e11 && m.io_bits_per_second >= 1e3);
    FUZZ_CHECK(m.io_latency_seconds >= 0 && m.io_latency_seconds <= 1);
    FUZZ_CHECK(!m.fabric_width == !m.fabric_height);
    print(first, sizeof first, &m);
    FUZZ_CHECK(machine_parse(&again, first, strlen(first), "again", &e) == 0);
    print(second, sizeof second, &again);
    FUZZ_CHECK(!strcmp(first, second));
}

const char *fuzz_seed(size_t i, size_t *n)
{
    static const char *const seeds[] = {
        "name = a\nfabric_width = 8\nfabric_height = 4 # rows\nclock_hz = 1.1e9\n",
        "hop_cycles=1\nramp_cycles=2\nrouter_queue=4\ninput_queue=4\nstream_setup_cycles=4\n"
        "lanes_f32=1\nlanes_bf16=8\nlanes_int4=8\n",
        "io_bits_per_second = 1.2e12\r\nchannel_bits_per_second = 7e9\r\n"
        "io_latency_seconds = 5e-6\r\nwafer_link_bits_per_second = 1e9\r\n"
        "wafer_link_latency_seconds = 0.000005",
    };
    if (i >= sizeof seeds / sizeof seeds[0])
        return NULL;
    *n = strlen(seeds[i]);
    return seeds[i];
}
