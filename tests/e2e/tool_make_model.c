/* SPDX-License-Identifier: Apache-2.0 */
/* tool_make_model.c - writes a small random model: tool_make_model FOLDER [key=value ...]
 * The folder is made if it is not there. Keys and defaults: tests/fixture/model_fields.def.
 * "random=N" first draws every field with seed N; later keys still change them. */
#include "tests/fixture/model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int apply(struct fixture_model *m, const char *setting, struct err *e)
{
    char key[64];
    const char *value = strchr(setting, '=');
    if (!value || (size_t)(value - setting) >= sizeof key)
        return err_set(e, ERR_USAGE, "%s: key=value expected", setting);
    memcpy(key, setting, (size_t)(value - setting));
    key[value - setting] = 0;
    if (!strcmp(key, "random")) {
        struct rng r = {strtoull(value + 1, NULL, 0)};
        *m = fixture_random(&r);
        return 0;
    }
    return fixture_set(m, key, value + 1, e);
}

int main(int argc, char **argv)
{
    struct fixture_model m = fixture_default();
    struct err e = {0};
    if (argc < 2 || argv[1][0] == '-')
        (void)err_set(&e, ERR_USAGE, "usage: tool_make_model FOLDER [key=value ...]");
    for (int i = 2; i < argc && e.kind == ERR_OK; i++)
        (void)apply(&m, argv[i], &e);
    if (e.kind == ERR_OK && mkdir(argv[1], 0777) && errno != EEXIST)
        (void)err_input(&e, "%s: %s", argv[1], strerror(errno));
    if (e.kind == ERR_OK)
        (void)fixture_write(argv[1], &m, &e);
    if (e.kind != ERR_OK)
        (void)fprintf(stderr, "tool_make_model: %s\n", e.text);
    return (int)e.kind;
}
