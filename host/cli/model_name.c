/* SPDX-License-Identifier: Apache-2.0 */
/* model_name.c - finding a model by name or folder. */
#include "cli/model_name.h"

#include "cli/common.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_folder(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

static bool has_file(const char *folder, const char *name)
{
    char path[4200];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

/* The project's models: beside a program in its build folder, else in the tree we stand in. */
static void models_folder(char *out, size_t bytes)
{
    beside_program(out, bytes, "../host/models");
    if (!is_folder(out))
        (void)snprintf(out, bytes, "host/models");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum { NAMES_MAX = 64 };

/* The names of the project's models, sorted, as one text. */
static void list_models(const char *folder, char *out, size_t bytes)
{
    char *names[NAMES_MAX];
    size_t count = 0, at = 0;
    DIR *d = opendir(folder);
    for (struct dirent *f; d && (f = readdir(d)) && count < NAMES_MAX;) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%.3000s/%s", folder, f->d_name);
        if (f->d_name[0] != '.' && has_file(path, "config.json"))
            names[count++] = strdup(f->d_name);
    }
    if (d)
        (void)closedir(d);
    if (count)
        qsort(names, count, sizeof names[0], by_name);
    *out = 0;
    for (size_t i = 0; i < count; i++) {
        if (at < bytes)
            at += (size_t)snprintf(out + at, bytes - at, "%s%s", i ? ", " : "", names[i]);
        free(names[i]);
    }
}

/* A model of the project: its folder, synthetic if it is a shape. */
static int choose_known(struct model_choice *m, const char *name, struct err *e)
{
    char models[4000], known[600];
    models_folder(models, sizeof models);
    int n = snprintf(m->folder, sizeof m->folder, "%s/%s", models, name);
    if (*name && name[0] != '.' && (size_t)n < sizeof m->folder &&
        has_file(m->folder, "config.json")) {
        m->synthetic = !has_file(m->folder, "model.safetensors") &&
                       !has_file(m->folder, "model.safetensors.index.json");
        return 0;
    }
    list_models(models, known, sizeof known);
    return err_input(e, "model '%.100s': no such folder here, and the project's models are: %s",
                     name, *known ? known : "(none found)");
}

static int choose_weights(struct model_choice *m, const char *weights, struct err *e)
{
    static const char word[] = "synthetic";
    size_t length = sizeof word - 1;
    m->seed = 1;
    if (!weights)
        return 0;
    m->synthetic = true;
    if (!strcmp(weights, word))
        return 0;
    if (!strncmp(weights, word, length) && weights[length] == ':' && weights[length + 1] >= '0' &&
        weights[length + 1] <= '9') {
        char *end;
        errno = 0;
        m->seed = strtoull(weights + length + 1, &end, 0);
        if (!*end && !errno)
            return 0;
    }
    return err_set(e, ERR_USAGE, "--weights: '%.100s' is not synthetic or synthetic:SEED", weights);
}

int model_choose(struct model_choice *out, const char *name, const char *weights, struct err *e)
{
    *out = (struct model_choice){.seed = 0};
    if (!name || (!strchr(name, '/') && !is_folder(name))) {
        if (choose_known(out, name ? name : "kimi-nano", e))
            return -1;
    } else if ((size_t)snprintf(out->folder, sizeof out->folder, "%s", name) >=
               sizeof out->folder) {
        return err_set(e, ERR_USAGE, "--model: the name is too long");
    }
    return choose_weights(out, weights, e);
}

const char *model_label(const char *folder)
{
    const char *slash = strrchr(folder, '/');
    return slash && slash[1] ? slash + 1 : folder;
}

int model_open(struct checkpoint **out, const struct model_choice *m, struct err *e)
{
    struct model_config config;
    if (!m->synthetic)
        return checkpoint_open(out, m->folder, e);
    if (config_load(&config, m->folder, e) || checkpoint_open_synthetic(out, &config, m->seed, e))
        return -1;
    (void)fprintf(stderr,
                  "%s: assumed weights, made by rule from seed %llu; only shapes are real\n",
                  model_label(m->folder), (unsigned long long)m->seed);
    return 0;
}
