/* SPDX-License-Identifier: Apache-2.0 */
/* rope.c - RoPE frequencies with YaRN stretching, and the scales that come with it (config.h).
 *
 * YaRN divides slow frequencies by `factor`, keeps fast ones, and blends linearly between the pair
 * that turns beta_fast times over the original window and the one that turns beta_slow times. */
#include "model/config.h"

#include <math.h>

static const double two_pi = 6.283185307179586476925286766559;

/* The (fractional) pair number that makes `turns` turns over the original window. */
static double pair_of_turns(const struct model_config *c, double turns)
{
    double window = c->yarn_original_positions;
    return c->rope_dim * log(window / (two_pi * turns)) / (2.0 * log(c->rope_theta));
}

void rope_frequencies(const struct model_config *c, double *inv_freq)
{
    double low = 0.0, high = 0.0;
    if (c->yarn) {
        low = fmax(floor(pair_of_turns(c, c->yarn_beta_fast)), 0.0);
        /* rope_dim - 1, not the number of pairs: that is how the models were trained */
        high = fmin(ceil(pair_of_turns(c, c->yarn_beta_slow)), c->rope_dim - 1.0);
        if (low == high)
            high += 0.001;
    }
    for (uint32_t i = 0; i < c->rope_dim / 2; i++) {
        double f = pow(c->rope_theta, -2.0 * i / c->rope_dim);
        if (c->yarn) {
            double ramp = fmin(fmax((i - low) / (high - low), 0.0), 1.0);
            f = f * (1.0 - ramp) + f / c->yarn_factor * ramp;
        }
        inv_freq[i] = f;
    }
}

static double magnitude(double factor, double mscale)
{
    return factor <= 1.0 ? 1.0 : 0.1 * mscale * log(factor) + 1.0;
}

double rope_multiplier(const struct model_config *c)
{
    if (!c->yarn)
        return 1.0;
    return magnitude(c->yarn_factor, c->yarn_mscale) /
           magnitude(c->yarn_factor, c->yarn_mscale_all_dim);
}

double attention_scale(const struct model_config *c)
{
    double m = c->yarn ? magnitude(c->yarn_factor, c->yarn_mscale_all_dim) : 1.0;
    return m * m / sqrt((double)config_query_dim(c));
}
