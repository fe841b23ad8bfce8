/* SPDX-License-Identifier: Apache-2.0 */
/* machine.h - a machine description: the numbers of a wafer and its system, from commented `key =
 * value` text.
 *
 * Presets live in host/machines/ and are built into the program; any other file can be given by
 * path. Keys are listed once, in machine_keys.def (name, range, default, unit and sentence). */
#ifndef TESSERA_FABRIC_MACHINE_H
#define TESSERA_FABRIC_MACHINE_H

#include "base/err.h"
#include "hal/stream.h"

#include <stdint.h>
#include <stdio.h>

struct machine {
    char name[64];
    uint32_t fabric_width, fabric_height; /* tiles; 0 0: sized to the model */
    double clock_hz;
    uint32_t hop_cycles;          /* per link, >= 1 */
    uint32_t ramp_cycles;         /* T_R, each way, >= 1 */
    uint32_t router_queue;        /* wavelets per input port and colour, >= 2 */
    uint32_t input_queue;         /* wavelets per tile input queue, >= 2 */
    uint32_t stream_setup_cycles; /* from doorbell (or `next`) to the first possible beat, >= 1 */
    struct stream_lanes lanes;
    double io_bits_per_second;      /* all edges together, each direction */
    double channel_bits_per_second; /* one edge port, each direction */
    double io_latency_seconds;      /* host to edge, and edge to host */
    double wafer_link_bits_per_second, wafer_link_latency_seconds; /* wafer to wafer */
};

/* Read a preset by name, or a file by path (a name with '/' or '.' in it). Errors are ERR_INPUT and
 * name file, line and the nearest known key. */
int machine_read(struct machine *m, const char *name_or_path, struct err *e);

/* Parse text; `origin` names it in errors. */
int machine_parse(struct machine *m, const char *text, size_t bytes, const char *origin,
                  struct err *e);

/* Print the resolved machine as a machine file with comments. */
void machine_print(const struct machine *m, FILE *out);

#endif
