/* SPDX-License-Identifier: Apache-2.0 */
/* test_facts.c - figures have sources, machine files say theirs, and bytes fit into wafers. */
#include "harness.h"
#include "report/facts.h"
#include "report/fit.h"
#include "report/machine_sources.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TEST(facts_all_have_sources)
{
    struct err e = {0};
    CHECK_MSG(figures_check(figures, FIGURES, sources, SOURCES, &e) == 0, "%s", e.text);
    CHECK_EQ(sources[SOURCE_NONE].title == NULL, 1);
}

TEST(facts_without_source_are_named)
{
    struct source who[] = {{0}, {"A", "a title", "a place"}, {"B", "a title", ""}, {"C", "", "x"}};
    struct figure what[] = {{"FINE", 1, "", "", LABEL_PUBLISHED, (enum source_id)1},
                            {"TESTED", 1, "", "", LABEL_PUBLISHED, (enum source_id)1}};
    static const struct {
        int source;
        const char *error;
    } bad[] = {{SOURCE_NONE, "TESTED: no source"},
               {4, "TESTED: no source"},
               {2, "TESTED: source B has no title or no place"},
               {3, "TESTED: source C has no title or no place"}};
    struct err fine = {0};
    CHECK_EQ(figures_check(what, 2, who, 4, &fine), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e = {0};
        what[1].source = (enum source_id)bad[i].source;
        CHECK_EQ(figures_check(what, 2, who, 4, &e), -1);
        CHECK_EQ(e.kind, ERR_COMPARE);
        CHECK_STR(e.text, bad[i].error);
    }
}

/* ---- machine files ---- */

static const struct machine_value *value(const struct machine_sources *s, const char *key)
{
    for (size_t i = 0; i < s->count; i++)
        if (!strcmp(s->value[i].key, key))
            return &s->value[i];
    CHECK_MSG(false, "no key %s", key);
    return NULL;
}

TEST(machine_presets_say_where_values_come_from)
{
    static const char *const names[] = {"wse2", "wse3"};
    static struct machine_sources s;
    struct err e = {0};
    for (size_t n = 0; n < 2; n++) {
        CHECK_EQ(machine_sources_read(&s, names[n], &e), 0);
        CHECK_EQ(s.count, 16);
        for (size_t i = 0; i < s.count; i++)
            CHECK_MSG(s.value[i].label != LABEL_NOT_EXECUTED, "%s: %s", names[n], s.value[i].key);
    }
    CHECK_EQ(value(&s, "fabric_height")->label, LABEL_PUBLISHED); /* the comment above its width */
    CHECK_EQ(value(&s, "lanes_f32")->label, LABEL_INFERRED);
    CHECK_EQ(value(&s, "router_queue")->label, LABEL_ASSUMED);
    CHECK_STR(value(&s, "clock_hz")->value, "1.1e9");
    CHECK_EQ(machine_sources_read(&s, "small", &e), 0);
    CHECK_EQ(value(&s, "lanes_f32")->label, LABEL_INFERRED); /* "as wse3" */
    CHECK_EQ(value(&s, "fabric_width")->label, LABEL_NOT_EXECUTED);
}

TEST(machine_values_without_comment_have_no_source)
{
    static struct machine_sources s;
    char path[] = "/tmp/tessera-test-XXXXXX";
    static const char text[] = "# a machine\n\n# public: of two values\nfabric_width = 8\n"
                               "fabric_height = 4\nclock_hz = 2e9 # assumed: fast\nhop_cycles = 1\n"
                               "\nramp_cycles = 2\n# as wse3\nrouter_queue = 4 # as nowhere\n";
    struct err e = {0};
    int fd = mkstemp(path);
    CHECK(fd >= 0 && write(fd, text, sizeof text - 1) == (ssize_t)(sizeof text - 1));
    (void)close(fd);
    CHECK_MSG(machine_sources_read(&s, path, &e) == 0, "%s", e.text);
    CHECK_EQ(value(&s, "fabric_width")->label, LABEL_PUBLISHED);
    CHECK_EQ(value(&s, "fabric_height")->label, LABEL_PUBLISHED);
    CHECK_EQ(value(&s, "clock_hz")->label, LABEL_ASSUMED);
    CHECK_STR(value(&s, "clock_hz")->note, "assumed: fast");
    CHECK_EQ(value(&s, "hop_cycles")->label, LABEL_PUBLISHED); /* still under the block */
    CHECK_EQ(value(&s, "ramp_cycles")->label, LABEL_NOT_EXECUTED);
    CHECK_EQ(value(&s, "router_queue")->label, LABEL_NOT_EXECUTED);
    CHECK_EQ(value(&s, "lanes_int4")->label, LABEL_NOT_EXECUTED); /* a default */
    (void)unlink(path);
}

/* ---- wafers ---- */

TEST(fit_of_the_trillion_parameter_model)
{
    struct model_config k;
    struct checkpoint *ck;
    struct machine m;
    struct fit f;
    struct err e = {0};
    CHECK_MSG(config_load(&k, "host/models/kimi-k2.6", &e) == 0, "%s", e.text);
    CHECK_EQ(checkpoint_open_synthetic(&ck, &k, 1, &e), 0);
    CHECK_EQ(machine_read(&m, "wse3", &e), 0);
    fit_model(&f, ck, &m, 1000, 1);
    CHECK_EQ(f.weight_bytes, 594205351936);
    CHECK_EQ(f.wafer_bytes, 762LL * 1172 * 49152);
    CHECK_EQ(f.wafers_by_bytes, 14);
    CHECK_EQ(f.wafers, 20);
    CHECK_EQ(f.cache_bytes, 61LL * 576 * 4 * 1000);
    CHECK_EQ(f.largest_layer, 9808545280 + 576 * 4 * 1000);
    m.fabric_height = 200; /* no layer fits */
    fit_model(&f, ck, &m, 1000, 1);
    CHECK_EQ(f.wafers, 0);
    checkpoint_close(ck);
}

TEST(fit_counts_every_user)
{
    struct checkpoint *ck;
    struct machine m;
    struct fit one, many;
    struct err e = {0};
    CHECK_MSG(checkpoint_open(&ck, "host/models/kimi-nano", &e) == 0, "%s", e.text);
    CHECK_EQ(machine_read(&m, "wse3", &e), 0);
    fit_model(&one, ck, &m, 256, 1);
    fit_model(&many, ck, &m, 256, 4);
    CHECK_EQ(one.wafers, 1);
    CHECK_EQ(many.cache_bytes, 4 * one.cache_bytes);
    checkpoint_close(ck);
}
