/* SPDX-License-Identifier: Apache-2.0 */
/* aot.c - loads a translated image and sees that it belongs to this image and program. */
#include "core/aot_image.h"

#include "base/rng.h"
#include "base/xalloc.h"

#include <dlfcn.h>
#include <stdlib.h>

struct aot {
    void *object;
    const struct aot_image *image;
};

uint64_t aot_hash(const uint8_t *code, uint32_t bytes)
{
    uint64_t hash = bytes;
    for (uint32_t at = 0; at < bytes; at++)
        hash = rng_mix(hash ^ code[at]) + at;
    return hash;
}

const struct aot_image *aot_image_of(const struct aot *a)
{
    return a->image;
}

static bool host_can(const struct aot_image *image)
{
#if FAST_FP
    return !image->fma || __builtin_cpu_supports("fma");
#else
    return !image->fma;
#endif
}

static const char *misfit(const struct aot_image *image, uint32_t base, const uint8_t *code,
                          uint32_t bytes)
{
    static const struct aot_version version = AOT_VERSION;
    if (memcmp(&image->version, &version, sizeof version) != 0)
        return "made for another version of this program";
    if (image->base != base || image->bytes != bytes || image->hash != aot_hash(code, bytes))
        return "made from another image";
    return host_can(image) ? NULL : "needs FMA instructions, which this host does not have";
}

struct aot *aot_open(const char *path, uint32_t base, const uint8_t *code, uint32_t bytes,
                     struct err *e)
{
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct aot_image *image = object ? dlsym(object, "aot_image") : NULL;
    const char *why = image ? misfit(image, base, code, bytes) : "not a translated image";
    if (why) {
        if (object)
            (void)dlclose(object);
        (void)err_input(e, "%s: %s", path, why);
        return NULL;
    }
    struct aot *a = xcalloc(1, sizeof *a);
    *a = (struct aot){object, image};
    return a;
}

void aot_close(struct aot *a)
{
    if (!a)
        return;
    (void)dlclose(a->object);
    free(a);
}
