/* SPDX-License-Identifier: Apache-2.0 */
/* test_speed.c - a token's time from made-up layers, beside sums done by hand. */
#include "fixture/record.h"
#include "harness.h"
#include "report/speed.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define CHECK_NEAR(a, b) CHECK_MSG(fabs((a) - (b)) < 1e-6 * (b) + 1e-9, "%s: %.9g", #a, (double)(a))

/* Model m: layer 0 dense, layers 1 to 4 with experts, hidden 100; machine k: 1 GHz, crossings of
 * 1 us, a link of one word a cycle. */
static const struct speed_shape shape = {"m", 5, 1, 100};
static const struct speed_query query = {"k", 1000, 1, 2};

static struct speed_options options(void)
{
    struct machine m = {.clock_hz = 1e9,
                        .hop_cycles = 1,
                        .wafer_link_latency_seconds = 1e-6,
                        .wafer_link_bits_per_second = 32e9};
    return speed_options_of(&m, query.wafers);
}

enum { DENSE = 50 + 2 * 200, EXPERTS = 50 + 3 * 200, HEAD = 50 + 200 };
enum { ALL = DENSE + 4 * EXPERTS + HEAD, PHASES = 2 + 4 * 3 + 1 };

/* Layer 0, layer 2 for all with experts, the head. */
static void usual(struct record r[3], struct records *set)
{
    r[0] = fixture_record(RECORD_DENSE, 0, 0, 0, 2);
    r[1] = fixture_record(RECORD_EXPERTS, 1, 4, 2, 3);
    r[2] = fixture_record(RECORD_HEAD, 5, 5, 5, 1);
    *set = (struct records){r, 3};
}

static const struct speed_term *term(const struct speed *s, const char *name)
{
    for (uint32_t i = 0; i < s->terms; i++)
        if (!strcmp(s->term[i].name, name))
            return &s->term[i];
    CHECK_MSG(false, "no term %s", name);
    return NULL;
}

TEST(speed_is_the_sum_of_its_terms)
{
    struct record r[3];
    struct records set;
    struct speed s;
    struct speed_options o = options();
    usual(r, &set);
    speed_of_token(&s, &set, &shape, &query, &o);
    CHECK(s.complete);
    CHECK_EQ(s.terms, 6);
    CHECK_NEAR(term(&s, "1 dense layer")->cycles, DENSE);
    CHECK_EQ(term(&s, "1 dense layer")->label, LABEL_EXECUTED);
    CHECK_NEAR(term(&s, "1 experts layer")->cycles, EXPERTS);
    CHECK_EQ(term(&s, "1 experts layer")->label, LABEL_EXECUTED);
    CHECK_NEAR(term(&s, "3 experts layers")->cycles, 3 * EXPERTS);
    CHECK_EQ(term(&s, "3 experts layers")->label, LABEL_EXTRAPOLATED);
    CHECK_STR(term(&s, "3 experts layers")->from, "layer 2 executed");
    CHECK_EQ(term(&s, "head")->label, LABEL_EXECUTED);
    CHECK_NEAR(term(&s, "2 wafer crossings")->cycles, 2 * 1000);
    CHECK_EQ(term(&s, "2 wafer crossings")->label, LABEL_ASSUMED);
    CHECK_NEAR(term(&s, "hidden vector over the links")->cycles, 2 * 100);
    CHECK_NEAR(s.cycles, ALL + 2200);
    CHECK_NEAR(s.tokens_per_second, 1e9 / (ALL + 2200));
    CHECK_EQ(s.label, LABEL_EXTRAPOLATED);
    CHECK_STR(s.from, "layer 0 executed, layer 2 executed, head executed");
}

TEST(speed_parts_sum_to_its_cycles)
{
    struct record r[3];
    struct records set;
    struct speed s;
    struct speed_options o = options();
    double sum = 0;
    usual(r, &set);
    speed_of_token(&s, &set, &shape, &query, &o);
    for (int k = 0; k < SPEED_PARTS; k++)
        sum += s.part[k];
    CHECK_NEAR(sum, s.cycles);
    CHECK_EQ(s.phases, PHASES);
    CHECK_NEAR(s.phases_rest, PHASES * (30 + 15 + 20));
    CHECK_NEAR(s.part[SPEED_COMPUTE], PHASES * 10);
    CHECK_NEAR(s.part[SPEED_HOPS], PHASES * 100);
    CHECK_NEAR(s.part[SPEED_SERIALISATION], PHASES * 20);
    CHECK_NEAR(s.part[SPEED_CONTENTION], PHASES * 5);
    CHECK_NEAR(s.part[SPEED_SCHEDULER], PHASES * 30);
    CHECK_NEAR(s.part[SPEED_WAITING], PHASES * 15);
    CHECK_NEAR(s.part[SPEED_UNATTRIBUTED], PHASES * 20 + 6 * 50);
}

TEST(speed_of_layers_all_executed_is_executed)
{
    struct record r[6];
    struct speed s;
    struct speed_options o = options();
    r[0] = fixture_record(RECORD_DENSE, 0, 0, 0, 2);
    for (uint32_t layer = 1; layer < 5; layer++)
        r[layer] = fixture_record(RECORD_EXPERTS, 1, 4, layer, layer);
    r[5] = fixture_record(RECORD_HEAD, 5, 5, 5, 1);
    speed_of_token(&s, &(struct records){r, 6}, &shape, &query, &o);
    CHECK_EQ(s.label, LABEL_EXECUTED);
    CHECK_NEAR(term(&s, "4 experts layers")->cycles, 4 * 50 + (1 + 2 + 3 + 4) * 200);
    CHECK_STR(term(&s, "4 experts layers")->from, "4 layers executed, 1 to 4");
}

TEST(speed_takes_the_nearest_layer_of_the_same_shape)
{
    struct record r[5];
    struct records set = {r, 5};
    usual(r, &set);
    r[1] = fixture_record(RECORD_EXPERTS, 1, 3, 1, 3);
    r[3] = fixture_record(RECORD_EXPERTS, 1, 3, 3, 7);
    r[4] = fixture_record(RECORD_EXPERTS, 4, 4, 4, 9); /* another shape */
    set.count = 5;
    CHECK_EQ(speed_record(&set, &shape, &query, 1)->phase_count, 3);
    CHECK_EQ(speed_record(&set, &shape, &query, 2)->phase_count, 3); /* equally near: the first */
    CHECK_EQ(speed_record(&set, &shape, &query, 3)->phase_count, 7);
    CHECK_EQ(speed_record(&set, &shape, &query, 4)->phase_count, 9);
    CHECK_STR(speed_record(&set, &shape, &query, 0)->kind, "dense");
    CHECK_STR(speed_record(&set, &shape, &query, 5)->kind, "head");
}

TEST(speed_takes_a_layer_of_the_same_shape_before_a_nearer_one)
{
    struct record r[2] = {fixture_record(RECORD_EXPERTS, 1, 4, 1, 1),
                          fixture_record(RECORD_EXPERTS, 2, 4, 2, 2)};
    struct records set = {r, 2};
    (void)snprintf(r[0].alike, sizeof r[0].alike, "1001");
    (void)snprintf(r[1].alike, sizeof r[1].alike, "110");
    for (uint32_t layer = 1; layer <= 4; layer++)
        CHECK_EQ(speed_record(&set, &shape, &query, layer)->executed_layer,
                 layer == 2 || layer == 3 ? 2 : 1);
}

TEST(speed_without_a_layer_is_no_figure)
{
    struct record r[3];
    struct records set;
    struct speed s;
    struct speed_options o = options();
    usual(r, &set);
    r[1].layer_last = 3; /* a strip of another shape stands for layer 4 */
    speed_of_token(&s, &set, &shape, &query, &o);
    CHECK(s.complete);
    CHECK_EQ(speed_record(&set, &shape, &query, 4)->executed_layer, r[1].executed_layer);
    r[1].context++; /* nobody speaks for the expert layers */
    speed_of_token(&s, &set, &shape, &query, &o);
    CHECK(!s.complete && s.missing[RECORD_EXPERTS] && !s.missing[RECORD_HEAD]);
    CHECK_EQ(s.label, LABEL_NOT_EXECUTED);
    CHECK(s.cycles == 0 && s.tokens_per_second == 0);
}

TEST(speed_uses_only_records_of_its_query)
{
    struct record r = fixture_record(RECORD_DENSE, 0, 0, 0, 1), other = r;
    CHECK(speed_uses(&r, &shape, &query));
    other.context++;
    CHECK(!speed_uses(&other, &shape, &query));
    other = r;
    other.users++;
    CHECK(!speed_uses(&other, &shape, &query));
    other = r;
    other.wafers++;
    CHECK(!speed_uses(&other, &shape, &query));
    other = r;
    other.model[0] = 'x';
    CHECK(!speed_uses(&other, &shape, &query));
    other = r;
    other.machine[0] = 'x';
    CHECK(!speed_uses(&other, &shape, &query));
}

static double cycles_with(const struct speed_options *o)
{
    struct record r[3];
    struct records set;
    struct speed s;
    usual(r, &set);
    speed_of_token(&s, &set, &shape, &query, o);
    return s.cycles;
}

TEST(speed_options_change_what_they_name)
{
    double before = ALL + 2200;
    struct speed_options o = options();
    o.clock_hz = 2e9; /* layers keep their cycles, crossings their seconds */
    CHECK_NEAR(cycles_with(&o), ALL + 2 * 2200);
    o = options();
    o.crossing_seconds = 3e-6;
    CHECK_NEAR(cycles_with(&o), before + 2 * 2000);
    o = options();
    o.crossings = 5;
    CHECK_NEAR(cycles_with(&o), ALL + 5 * 1100);
    o = options();
    o.hop_scale = 2;
    CHECK_NEAR(cycles_with(&o), before + PHASES * (100 - FIXTURE_PHASE_RAMPS));
    o = options();
    o.phase_extra = 7;
    CHECK_NEAR(cycles_with(&o), before + PHASES * 7);
}

TEST(speed_counts_accepted_tokens)
{
    struct record r[3];
    struct records set;
    struct speed s;
    struct speed_options o = options();
    usual(r, &set);
    o.accepted = 3;
    speed_of_token(&s, &set, &shape, &query, &o);
    CHECK_NEAR(s.cycles, ALL + 2200);
    CHECK_NEAR(s.tokens_per_second, 3e9 / (ALL + 2200));
}
