/* SPDX-License-Identifier: Apache-2.0 */
/* reference_product.c - the small pieces of the forward pass: rows, products, norms. */
#include "model/reference_internal.h"

#include <math.h>

double work_dot(const float *a, const float *b, uint32_t n)
{
    double sum[8] = {0};
    uint32_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (uint32_t k = 0; k < 8; k++)
            sum[k] += (double)a[i + k] * (double)b[i + k];
    for (; i < n; i++)
        sum[0] += (double)a[i] * (double)b[i];
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

struct weight work_weight(const struct reference_work *w, enum weight_role role, uint32_t layer,
                          uint32_t expert)
{
    struct weight m;
    (void)checkpoint_weight(w->ck, role, layer, expert, &m);
    return m;
}

const float *work_row(const struct reference_work *w, unsigned worker, const struct weight *m,
                      uint32_t row)
{
    float *out = w->rows + worker * w->widest;
    weight_row_f32(m, row, 0, m->cols, out);
    return out;
}

/* ---- products ---- */

struct product {
    const struct reference_work *work;
    const struct weight *m;
    const float *x;
    float *y;
    double factor, *sum;
};

static double row_product(const struct product *p, unsigned worker, uint32_t row)
{
    return work_dot(work_row(p->work, worker, p->m, row), p->x, p->m->cols);
}

static void set_rows(void *self, unsigned worker, uint32_t first, uint32_t count)
{
    struct product *p = self;
    for (uint32_t i = first; i < first + count; i++)
        p->y[i] = (float)row_product(p, worker, i);
}

static void add_rows(void *self, unsigned worker, uint32_t first, uint32_t count)
{
    struct product *p = self;
    for (uint32_t i = first; i < first + count; i++)
        p->sum[i] += p->factor * row_product(p, worker, i);
}

void work_product(const struct reference_work *w, const struct weight *m, const float *x, float *y)
{
    struct product p = {.work = w, .m = m, .x = x, .y = y};
    split_run(w->threads, m->rows, set_rows, &p);
}

void work_add_product(const struct reference_work *w, const struct weight *m, const float *x,
                      double factor, double *sum)
{
    struct product p = {.work = w, .m = m, .x = x, .factor = factor, .sum = sum};
    split_run(w->threads, m->rows, add_rows, &p);
}

/* ---- norms ---- */

void work_norm(const struct reference_work *w, enum weight_role role, uint32_t layer,
               const float *x, float *y)
{
    struct weight m = work_weight(w, role, layer, 0);
    double mean = work_dot(x, x, m.cols) / m.cols, factor = 1.0 / sqrt(mean + w->config->norm_eps);
    const float *weights = work_row(w, 0, &m, 0);
    for (uint32_t i = 0; i < m.cols; i++)
        y[i] = (float)((double)x[i] * factor * (double)weights[i]);
}
