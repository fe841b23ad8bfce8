/* SPDX-License-Identifier: Apache-2.0 */
/* published.h - what others have published about wafer-scale machines, as numbers to compare with.
 *
 * [HPDC24]    Luczynski et al., "Near-Optimal Wafer-Scale Reduce", HPDC 2024, arXiv 2404.15888:
 *             formulas, said to be within 4 % of a CS-2; its measured points are only in figures.
 * [WaferLLM]  He et al., "WaferLLM: Large Language Model Inference at Wafer Scale", OSDI 2025,
 *             arXiv 2502.04563, and the measurements in its public repository. Its cycles are times
 *             the 1.1 GHz it states.
 * B words, P tiles, T_R = 2 in all formulas. */
#ifndef TESSERA_RUN_PUBLISHED_H
#define TESSERA_RUN_PUBLISHED_H

#include <stddef.h>
#include <stdint.h>

/* How a number came about. */
enum source_kind {
    SOURCE_MEASURED, /* on hardware */
    SOURCE_MODEL,    /* of a paper */
    SOURCE_INFERRED  /* by arithmetic from measured values */
};
const char *source_kind_name(enum source_kind kind);

/* [HPDC24] */
double model_message(double words, double tiles); /* a broadcast too */
double model_star(double words, double tiles);
double model_chain(double words, double tiles);
double model_tree(double words, double tiles);
double model_two_phase(double words, double tiles);
double model_ring(double words, double tiles); /* an all-reduction */
double model_broadcast_2d(double words, double width, double height);

/* [HPDC24] Auto-Gen, the best tree that its generator finds: the least over D of
 * B E(P, D) / (P - 1) + P - 1 + D (2 T_R + 1), where E(P, D), the word-hops of one word over a tree
 * of depth D, is the least over s of E(s, D - 1) + E(P - s, D) + P - s, and E(1, D) = 0. It is the
 * paper's lower bound too. tiles <= 512. */
double model_auto_gen(double words, uint32_t tiles);

/* [WaferLLM] one decoder layer on WSE-3, instrumented: ten all-reductions over lines of `tiles`,
 * groups of `group`. */
struct layer_point {
    uint32_t tiles, group;
    double communication; /* cycles, all ten */
};
extern const struct layer_point wse3_layers[2];
enum { LAYER_REDUCTIONS = 10 };
extern const uint32_t wse3_payload[LAYER_REDUCTIONS]; /* fp16 elements a tile */

/* [WaferLLM] decode of LLaMA3-8B (32 layers) on WSE-2 on a mesh of tiles x tiles: tokens per
 * second; 20, 20 and 22 groups. */
struct decode_point {
    uint32_t tiles, group;
    double tokens_per_second;
};
extern const struct decode_point wse2_decode[3];

/* [WaferLLM] y = W x, fp16, on WSE-2: n x n matrix, seconds. */
struct gemv_point {
    uint32_t n;
    double seconds;
};
extern const struct gemv_point wse2_gemv[2];

#define WAFERLLM_CLOCK_HZ 1.1e9

#endif
