/* SPDX-License-Identifier: Apache-2.0 */
/* test_record.c - executed layers to files and back, and files that are no records. */
#include "fixture/record.h"
#include "harness.h"
#include "report/records.h"
#include "report/version.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct folder {
    char path[64];
};

static struct folder new_folder(void)
{
    struct folder f = {"/tmp/tessera-test-XXXXXX"};
    CHECK(mkdtemp(f.path));
    return f;
}

static void remove_folder(const struct folder *f)
{
    char command[128];
    (void)snprintf(command, sizeof command, "rm -r %s", f->path);
    CHECK_EQ(system(command), 0); /* NOLINT: a fixed command */
}

static void write_all(const struct folder *f, const struct record *r, size_t count)
{
    struct err e = {0};
    for (size_t i = 0; i < count; i++)
        CHECK_MSG(record_write(&r[i], f->path, &e) == 0, "%s", e.text);
}

TEST(record_comes_back)
{
    struct folder f = new_folder();
    struct err e = {0};
    struct record two[] = {fixture_record(RECORD_DENSE, 0, 0, 0, RECORD_PHASES_MAX),
                           fixture_record(RECORD_HEAD, 3, 3, 3, 0)};
    struct records got;
    two[0].phases[0].cycles = UINT64_C(500000000000); /* more than 32 bits */
    two[0].cycles = UINT64_C(600000000000);
    two[1].relative_error = 0.1 + 0.2;
    write_all(&f, two, 2);
    write_all(&f, two, 2); /* the same layers again: replaced */
    CHECK_MSG(records_load(&got, f.path, &e) == 0, "%s", e.text);
    CHECK_EQ(got.count, 2);
    CHECK(!memcmp(&got.record[0], &two[0], sizeof two[0]));
    CHECK(!memcmp(&got.record[1], &two[1], sizeof two[1]));
    records_close(&got);
    remove_folder(&f);
}

TEST(record_write_refuses_what_cannot_be_read)
{
    struct folder f = new_folder();
    struct err e = {0};
    struct records got;
    struct record r = fixture_record(RECORD_DENSE, 0, 0, 0, 2);
    r.cycles = 399;
    CHECK_EQ(record_write(&r, f.path, &e), -1);
    CHECK_EQ(records_load(&got, f.path, &e), 0); /* and left nothing behind */
    CHECK_EQ(got.count, 0);
    records_close(&got);
    remove_folder(&f);
}

TEST(record_names_stay_in_the_folder)
{
    struct folder f = new_folder();
    struct err e = {0};
    struct records got;
    struct record r = fixture_record(RECORD_DENSE, 0, 0, 0, 1);
    (void)snprintf(r.model, sizeof r.model, "../../m \"x\"");
    write_all(&f, &r, 1);
    CHECK_EQ(records_load(&got, f.path, &e), 0);
    CHECK_EQ(got.count, 1);
    CHECK_STR(got.record[0].model, r.model);
    records_close(&got);
    remove_folder(&f);
}

TEST(records_of_no_folder_are_none)
{
    struct err e = {0};
    struct records got;
    CHECK_EQ(records_load(&got, "/tmp/tessera-no-such-folder", &e), 0);
    CHECK_EQ(got.count, 0);
    records_close(&got);
    CHECK_EQ(records_load(&got, "host/report/record.c", &e), -1);
    CHECK(strstr(e.text, "host/report/record.c"));
}

TEST(records_about_the_same_layer_are_refused)
{
    struct folder f = new_folder();
    struct err e = {0};
    struct records got;
    struct record r = fixture_record(RECORD_EXPERTS, 1, 9, 4, 1);
    char command[256];
    write_all(&f, &r, 1);
    (void)snprintf(command, sizeof command, "cp %s/*.json %s/z.json", f.path, f.path);
    CHECK_EQ(system(command), 0); /* NOLINT: a fixed command */
    CHECK_EQ(records_load(&got, f.path, &e), -1);
    CHECK_EQ(e.kind, ERR_INPUT);
    CHECK_MSG(strstr(e.text, "z.json: executed_layer"), "%s", e.text);
    remove_folder(&f);
}

/* ---- hostile files ---- */

#define PHASE                                                                                      \
    "{\"name\":\"p\",\"cycles\":9,\"predicted\":0,\"compute\":1,\"hops\":2,\"ramps\":2,"           \
    "\"serialisation\":1,"                                                                         \
    "\"contention\":1,\"scheduler\":2,\"waiting\":2}"
static const char good[] =
    "{\"model\":\"m\",\"machine\":\"k\",\"version\":\"v\",\"kind\":\"experts\",\"layer_first\":1,"
    "\"layer_last\":60,\"alike\":\"\",\"executed_layer\":5,\"context\":1000,\"users\":1,\"wafers\":"
    "20,"
    "\"width\":4,\"height\":2,\"tiles\":8,\"cycles\":20,\"period\":7,\"relative_error\":0.5,"
    "\"crossings_before\":0,\"phases\":[" PHASE "," PHASE "]}";

/* `from` in the good text replaced once by `to`. */
static void replaced(char *out, size_t bytes, const char *from, const char *to)
{
    const char *at = strstr(good, from);
    CHECK_MSG(at, "no %s", from);
    (void)snprintf(out, bytes, "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
}

TEST(record_refuses_by_name)
{
    static const struct {
        const char *from, *to, *error;
    } bad[] = {
        {"\"model\":\"m\"", "\"model\":\"\"", "f: model: its length"},
        {"\"model\":\"m\"", "\"model\":7", "f: model: not a text"},
        {"\"machine\":\"k\"", "\"machine\":\"\\u0000\"", "f: machine: not a text"},
        {"\"kind\":\"experts\"", "\"kind\":\"moe\"", "f: kind: 'moe'"},
        {"\"kind\":\"experts\"", "\"kind\":\"sixteen letters.\"", "f: kind: its length"},
        {"\"executed_layer\":5", "\"executed_layer\":61", "f: executed_layer: 61"},
        {"\"executed_layer\":5", "\"executed_layer\":0", "f: executed_layer: 0"},
        {"\"alike\":\"\"", "\"alike\":\"01\"", "f: alike: not 0 or 1 for each of 60 layers"},
        {"\"layer_last\":60,\"alike\":\"\"", "\"layer_last\":5,\"alike\":\"1011x\"",
         "f: alike: not 0 or 1"},
        {"\"layer_last\":60,\"alike\":\"\"", "\"layer_last\":5,\"alike\":\"11110\"",
         "f: alike: not so of"},
        {"\"context\":1000,", "", "f: context: missing"},
        {"\"context\":1000", "\"context\":-1", "f: context: outside"},
        {"\"context\":1000", "\"context\":1e3", "f: context: not a whole number"},
        {"\"users\":1", "\"users\":-1", "f: users: outside"},
        {"\"users\":1", "\"users\":1,\"owner\":1", "f: owner: no such member"},
        {"\"users\":1", "\"users\":1,\"users\":1", "users"},
        {"\"tiles\":8", "\"tiles\":9", "f: tiles: 9"},
        {"\"cycles\":20", "\"cycles\":17", "f: cycles: 17, less"},
        {"\"cycles\":20", "\"cycles\":9223372036854775807", "f: cycles: outside"},
        {"\"period\":7", "\"period\":-7", "f: period: outside"},
        {"\"period\":7,", "", "f: period: missing"},
        {"\"relative_error\":0.5", "\"relative_error\":null", "f: relative_error: not a number"},
        {"\"relative_error\":0.5", "\"relative_error\":-1", "f: relative_error: outside"},
        {"\"crossings_before\":0", "\"crossings_before\":2", "f: crossings_before: outside"},
        {"\"phases\":[", "\"phases\":[7,", "f: phases[0]: not an object"},
        {"\"hops\":2", "\"hops\":3", "f: phases[0].cycles: 9, less"},
        {"\"hops\":2,", "", "f: phases[0].hops: missing"},
        {"\"ramps\":2", "\"ramps\":3", "f: phases[0].ramps: 3, more than its hops, 2"},
        {"\"hops\":2", "\"hops\":2,\"hop\":1", "f: phases[0].hop: no such member"},
        {"," PHASE "]", ",[]]", "f: phases[1]: not an object"},
        {"{\"model\"", "[{\"model\"", "f:"},
    };
    char text[4096];
    struct record r;
    struct err fine = {0};
    CHECK_MSG(record_parse(&r, "f", good, strlen(good), &fine) == 0, "%s", fine.text);
    CHECK_EQ(r.phase_count, 2);
    CHECK_EQ(r.phases[1].waiting, 2);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e = {0};
        replaced(text, sizeof text, bad[i].from, bad[i].to);
        CHECK_MSG(record_parse(&r, "f", text, strlen(text), &e) == -1, "accepted: %s", bad[i].to);
        CHECK_EQ(e.kind, ERR_INPUT);
        CHECK_MSG(strstr(e.text, bad[i].error), "%s, not %s", e.text, bad[i].error);
    }
}

TEST(record_takes_at_most_so_many_phases)
{
    char text[32768];
    struct record r;
    struct err e = {0};
    size_t at = 0;
    const char *list = strstr(good, PHASE);
    at += (size_t)snprintf(text, sizeof text, "%.*s", (int)(list - good), good);
    for (int i = 0; i <= RECORD_PHASES_MAX; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s" PHASE, i ? "," : "");
    at += (size_t)snprintf(text + at, sizeof text - at, "]}");
    CHECK_EQ(record_parse(&r, "f", text, at, &e), -1);
    CHECK_MSG(strstr(e.text, "f: phases: too many"), "%s", e.text);
}

TEST(version_is_fnv_1a)
{
    CHECK_EQ(version_add(VERSION_SEED, "", 0), UINT64_C(0xcbf29ce484222325));
    CHECK_EQ(version_add(VERSION_SEED, "a", 1), UINT64_C(0xaf63dc4c8601ec8c));
    CHECK_EQ(version_add(VERSION_SEED, "foobar", 6), UINT64_C(0x85944171f73967e8));
    CHECK_EQ(strlen(version_digest()), 16);
    CHECK(version_is_ours(version_digest()));
    CHECK(!version_is_ours("0123456789abcdef"));
    CHECK(!version_is_ours("unknown"));
}
