/* SPDX-License-Identifier: Apache-2.0 */
/* levels.c - groups of groups on a line, by arithmetic on the distance to its root. */
#include "place/levels.h"

enum { STEP_MAX = 1 << 20 }; /* longer than any line */

uint32_t levels_count(const struct levels *v)
{
    return v->shape->levels ? v->shape->levels : 1;
}

int32_t levels_step(const struct levels *v, uint32_t level)
{
    int64_t step = 1;
    for (uint32_t i = 0; i < level && step < STEP_MAX; i++)
        step *= v->shape->group[i];
    return step < STEP_MAX ? (int32_t)step : STEP_MAX;
}

uint32_t levels_group(const struct levels *v, uint32_t level)
{
    if (level + 1 >= levels_count(v)) /* one group, with room for both sides */
        return 2 * (uint32_t)(v->low > v->high ? v->low : v->high) + 2;
    return v->shape->group[level];
}

uint32_t levels_roots(const struct levels *v, uint32_t level, uint32_t tiles)
{
    uint32_t n = tiles / levels_group(v, level);
    uint32_t limit = level + 1 < levels_count(v) ? v->shape->limit[level] : 0;
    return limit && n >= limit ? limit - 1 : n;
}

static int32_t divide_down(int32_t a, int32_t b)
{
    return a / b - (a % b < 0);
}

/* The level at work, in units of its step: active tiles and group roots on either side. */
struct view {
    int32_t step, group, low, high;
    int32_t low_roots, high_roots;
    bool centred;
};

static struct view view_of(const struct levels *v, uint32_t level)
{
    uint32_t low = (uint32_t)v->low, high = (uint32_t)v->high;
    for (uint32_t i = 0; i < level; i++) {
        low = levels_roots(v, i, low);
        high = levels_roots(v, i, high);
    }
    return (struct view){.step = levels_step(v, level),
                         .group = (int32_t)levels_group(v, level),
                         .low = (int32_t)low,
                         .high = (int32_t)high,
                         .low_roots = (int32_t)levels_roots(v, level, low),
                         .high_roots = (int32_t)levels_roots(v, level, high),
                         .centred = v->shape->centred};
}

static bool exists(const struct view *w, int32_t q)
{
    return q >= -w->low && q <= w->high;
}

/* The root of the group of active tile q. */
static int32_t root_of(const struct view *w, int32_t q)
{
    int32_t block = w->centred ? divide_down(q + w->group / 2, w->group) : q / w->group;
    if (block > w->high_roots)
        block = w->high_roots;
    if (block < -w->low_roots)
        block = -w->low_roots;
    return block * w->group;
}

struct level_role levels_role(const struct levels *v, uint32_t level, int32_t u)
{
    struct view w = view_of(v, level);
    int32_t q = divide_down(u, w.step), root = root_of(&w, q);
    bool above = exists(&w, q + 1) && root_of(&w, q + 1) == root;
    struct level_role role = {0};
    if (!exists(&w, q))
        return role;
    if (q * w.step != u) {
        if (!above)
            return role;
        role.pass = q < root ? 1 : -1;
        role.receiver = (q < root ? q + 1 : q) * w.step;
        return role;
    }
    role.take_low = q <= root && exists(&w, q - 1) && root_of(&w, q - 1) == root;
    role.take_high = q >= root && above;
    role.send = (q < root) - (q > root);
    role.receiver = (q + role.send) * w.step;
    return role;
}

int levels_direction(const struct levels *v, int32_t u)
{
    int send = 0;
    for (uint32_t level = 0; level < levels_count(v) && !send; level++)
        send = levels_role(v, level, u).send;
    return send;
}

unsigned levels_turn(const struct levels *v, uint32_t set, int32_t receiver, int direction)
{
    uint32_t end = (set + 1) * LEVELS_PER_SET, messages = 0;
    if (end > levels_count(v))
        end = levels_count(v);
    for (uint32_t level = 0; level < end; level++) {
        struct view w = view_of(v, level);
        int32_t q = receiver / w.step, root = root_of(&w, q);
        if (root == q)
            continue;
        if ((root > q) != (direction > 0))
            break;
        messages += (uint32_t)(root > q ? root - q : q - root);
        receiver = root * w.step;
    }
    return messages & 1;
}
