/* SPDX-License-Identifier: Apache-2.0 */
/* published.c - the published formulas and constants. */
#include "run/published.h"

#include <math.h>

enum { RAMP = 2, DEPTH = 2 * RAMP + 1 }; /* what passing through one tile costs */

const char *source_kind_name(enum source_kind kind)
{
    static const char *const names[] = {"measured", "model", "inferred"};
    return names[kind];
}

double model_message(double words, double tiles)
{
    return words + tiles + 2 * RAMP;
}

double model_star(double words, double tiles)
{
    return words * (tiles - 1) + DEPTH;
}

double model_chain(double words, double tiles)
{
    return words + (2 * RAMP + 2) * (tiles - 1);
}

double model_tree(double words, double tiles)
{
    double levels = log2(tiles);
    double traffic = words * tiles * levels / (2 * (tiles - 1)) + tiles - 1;
    return fmax(words * levels, traffic) + DEPTH * levels;
}

double model_two_phase(double words, double tiles)
{
    double group = sqrt(tiles);
    double traffic = 2 * words * (tiles - group) / (tiles - 1) + tiles - 1;
    return fmax(2 * words, traffic) + DEPTH * (2 * group - 2);
}

double model_ring(double words, double tiles)
{
    return 2 * (tiles - 1) * words / tiles + 4 * tiles - 6 + 2 * (tiles - 1) * DEPTH;
}

double model_broadcast_2d(double words, double width, double height)
{
    return words + width + height - 2 + DEPTH;
}

/* One more row of E, that of depth d, from the one before; both indexed by tiles, from 1. */
static void deepen(const double *before, double *now, uint32_t tiles)
{
    now[1] = 0;
    for (uint32_t r = 2; r <= tiles; r++) {
        now[r] = HUGE_VAL;
        for (uint32_t s = 1; s < r; s++)
            now[r] = fmin(now[r], before[s] + now[r - s] + (r - s));
    }
}

double model_auto_gen(double words, uint32_t tiles)
{
    enum { TILES_MAX = 512 };
    double energy[2][TILES_MAX + 1], best = HUGE_VAL;
    for (uint32_t r = 0; r <= TILES_MAX; r++)
        energy[0][r] = r == 1 ? 0 : HUGE_VAL;
    for (uint32_t d = 1; d < tiles; d++) {
        deepen(energy[(d - 1) & 1], energy[d & 1], tiles);
        best = fmin(best, words * energy[d & 1][tiles] / (tiles - 1) + tiles - 1 + DEPTH * d);
    }
    return best;
}

const struct layer_point wse3_layers[2] = {{240, 24, 11982}, {360, 24, 14459}};
/* norm, q k v, scores, maximum, sum, output, o, norm, up and gate, down */
const uint32_t wse3_payload[LAYER_REDUCTIONS] = {1, 27, 9, 1, 1, 9, 9, 1, 60, 9};

const struct decode_point wse2_decode[3] = {
    {420, 21, 2699.9}, {540, 27, 2501.5}, {660, 30, 2243.3}};

const struct gemv_point wse2_gemv[2] = {{16384, 1.20e-6}, {32768, 2.03e-6}};
