/* SPDX-License-Identifier: Apache-2.0 */
/* test_speed_users.c - many users and prompts from made-up layers, beside sums done by hand. */
#include "fixture/record.h"
#include "harness.h"
#include "report/speed_users.h"

#include <math.h>

#define CHECK_NEAR(a, b) CHECK_MSG(fabs((a) - (b)) < 1e-9 * (b), "%s: %.9g", #a, (double)(a))

/* Layer 0 dense, layers 1 to 4 with experts, hidden 100; 1 GHz, crossings of 1 us, a link of one
 * word a cycle: 5500 cycles a token, periods of 250, 350 and (the head) 150. */
static const struct speed_shape shape = {"m", 5, 1, 100};
static const struct speed_query query = {"k", 1000, 1, 2};
enum { LATENCY = (50 + 2 * 200) + 4 * (50 + 3 * 200) + (50 + 200) + 2 * (1000 + 100) };
enum { PERIOD = 50 + 3 * FIXTURE_PERIOD_CYCLES };
static const double clock_hz = 1e9;

static struct speed_options options(void)
{
    struct machine m = {.clock_hz = clock_hz,
                        .hop_cycles = 1,
                        .wafer_link_latency_seconds = 1e-6,
                        .wafer_link_bits_per_second = 32e9};
    return speed_options_of(&m, query.wafers);
}

static struct records usual(struct record r[3])
{
    r[0] = fixture_record(RECORD_DENSE, 0, 0, 0, 2);
    r[1] = fixture_record(RECORD_EXPERTS, 1, 4, 2, 3);
    r[2] = fixture_record(RECORD_HEAD, 5, 5, 5, 1);
    return (struct records){r, 3};
}

static struct speed_users users_of(const struct records *set, const struct speed_options *o)
{
    struct speed_users u;
    speed_of_users(&u, set, &shape, &query, o);
    return u;
}

TEST(users_share_the_pipeline_until_it_is_full)
{
    struct record r[3];
    struct records set = usual(r);
    struct speed_options o = options();
    struct speed_users u = users_of(&set, &o);
    CHECK(u.complete && u.measured);
    CHECK_NEAR(u.latency, LATENCY);
    CHECK_NEAR(u.period, PERIOD);
    CHECK_STR(u.slowest, "layer 2 (experts)"); /* not one it stands for */
    CHECK_EQ(u.period_label, LABEL_EXECUTED);
    CHECK_EQ(u.rows, 5); /* 5500 / 350 is 15.7 */
    for (uint32_t i = 0; i < 4; i++) {
        CHECK_EQ(u.row[i].users, 1u << i);
        CHECK_NEAR(u.row[i].per_user, clock_hz / LATENCY);
        CHECK_NEAR(u.row[i].total, (1u << i) * clock_hz / LATENCY);
        CHECK_NEAR(u.row[i].tpot, LATENCY / clock_hz);
        CHECK_EQ(u.row[i].placed, i == 0);
        CHECK_EQ(u.row[i].label, LABEL_EXTRAPOLATED);
    }
    CHECK_NEAR(u.row[4].total, clock_hz / PERIOD);
    CHECK_NEAR(u.row[4].per_user, clock_hz / PERIOD / 16);
    CHECK_NEAR(u.row[4].tpot, 16 * PERIOD / clock_hz);
}

TEST(users_prompts_are_streamed_back_to_back)
{
    struct record r[3];
    struct records set = usual(r);
    struct speed_options o = options();
    struct speed_users u = users_of(&set, &o);
    CHECK_EQ(u.prompt[0].tokens, 256);
    CHECK_EQ(u.prompt[1].tokens, 1000);
    CHECK_EQ(u.prompt[2].tokens, 10000);
    CHECK_NEAR(u.prompt[0].ttft, (LATENCY + 255 * PERIOD) / clock_hz);
    CHECK_NEAR(u.prompt[2].ttft, (LATENCY + 9999 * PERIOD) / clock_hz);
    CHECK_EQ(u.prompt[2].label, LABEL_EXTRAPOLATED);
}

TEST(users_alone_are_labelled_as_their_token)
{
    struct record r[6];
    struct records set = {r, 6};
    struct speed_options o = options();
    r[0] = fixture_record(RECORD_DENSE, 0, 0, 0, 2);
    for (uint32_t layer = 1; layer < 5; layer++)
        r[layer] = fixture_record(RECORD_EXPERTS, 1, 4, layer, layer);
    r[5] = fixture_record(RECORD_HEAD, 5, 5, 5, 1);
    struct speed_users u = users_of(&set, &o);
    CHECK_EQ(u.row[0].label, LABEL_EXECUTED);
    CHECK_EQ(u.row[1].label, LABEL_EXTRAPOLATED);
    CHECK_STR(u.slowest, "layer 4 (experts)");
}

TEST(users_of_periods_not_executed_are_assumed)
{
    struct record r[3];
    struct records set = usual(r);
    struct speed_options o = options();
    r[0].period = 0; /* 450 cycles, the slowest then */
    struct speed_users u = users_of(&set, &o);
    CHECK(!u.measured);
    CHECK_NEAR(u.period, 450);
    CHECK_STR(u.slowest, "layer 0 (dense)");
    CHECK_EQ(u.period_label, LABEL_ASSUMED);
    CHECK_EQ(u.row[1].label, LABEL_ASSUMED);
    CHECK_EQ(u.prompt[0].label, LABEL_ASSUMED);
    r[0].period = 250;
    r[2].period = 0; /* 250 cycles: not what it depends on */
    u = users_of(&set, &o);
    CHECK(!u.measured);
    CHECK_NEAR(u.period, PERIOD);
    CHECK_EQ(u.row[1].label, LABEL_EXTRAPOLATED);
}

TEST(users_may_wait_for_a_link)
{
    struct record r[3];
    struct records set = usual(r);
    struct speed_options o = options();
    o.link_bits_per_second = 3.2e9; /* ten cycles a word */
    struct speed_users u = users_of(&set, &o);
    CHECK_NEAR(u.period, 1000);
    CHECK_STR(u.slowest, "a link between wafers");
    CHECK_EQ(u.row[1].label, LABEL_ASSUMED);
}

TEST(users_without_a_layer_are_no_figure)
{
    struct record r[3];
    struct records set = usual(r);
    struct speed_options o = options();
    set.count = 2;
    struct speed_users u = users_of(&set, &o);
    CHECK(!u.complete);
    CHECK_EQ(u.rows, 0);
}
