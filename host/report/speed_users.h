/* SPDX-License-Identifier: Apache-2.0 */
/* speed_users.h - many users, and prompts, from executed latencies and periods. Pure.
 *
 * The layers are a pipeline: a token is in it for the latency (speed.h), and no stage takes tokens
 * closer together than its period. With U users in flight, each waiting for its token before it
 * sends the next one, at saturation or below:
 *
 *   tokens per cycle, in total = min(U / latency, 1 / the longest period)
 *
 * A prompt of n tokens is streamed back to back: its last one is answered (n - 1) periods after
 * the first, so the time to the first token is latency + (n - 1) * the longest period.
 *
 * Every token takes the same, so the mean and all quantiles of a time are equal. A stage whose
 * period was not executed is assumed to take the next token when it has handed on the last one.
 * Latency and periods are those of the records' context, and of users as close as it gets. */
#ifndef TESSERA_REPORT_SPEED_USERS_H
#define TESSERA_REPORT_SPEED_USERS_H

#include "report/speed.h"

enum { USERS_ROWS_MAX = 32, PROMPTS = 3 };
extern const uint32_t speed_prompts[PROMPTS]; /* tokens */

struct users_row {
    uint32_t users;
    bool placed; /* the executed placement holds the cache of so many */
    enum label label;
    double per_user, total; /* tokens per second */
    double tpot;            /* seconds per output token */
};

struct prompt_row {
    uint32_t tokens;
    enum label label;
    double ttft; /* seconds */
};

struct speed_users {
    bool complete;          /* else there is no figure */
    bool measured;          /* every stage's period was executed, or a like stage's */
    double latency, period; /* cycles; the longest period */
    enum label period_label;
    char slowest[64]; /* the stage of that period */
    uint32_t rows;
    struct users_row row[USERS_ROWS_MAX]; /* 1, 2, 4, ... users, until the slowest stage is full */
    struct prompt_row prompt[PROMPTS];
};

void speed_of_users(struct speed_users *out, const struct records *records,
                    const struct speed_shape *s, const struct speed_query *q,
                    const struct speed_options *o);

#endif
