/* SPDX-License-Identifier: Apache-2.0 */
/* test_kernels_cross.c - x86 computes the checksums of random kernel runs that the firmware unit
 * tests get on QEMU and on our core. */
#include "harness.h"

#include "hal/native/native.h"

#include "tests/firmware/cross_kernels.c" /* NOLINT(bugprone-suspicious-include): its only user */

struct call {
    enum kernel kernel;
    uint32_t sum;
};

static void call_kernel(void *arg)
{
    struct call *c = arg;
    c->sum = cross_kernel_run(c->kernel);
}

TEST(kernels_cross_checksums)
{
    for (unsigned k = KERNEL_none; k < KERNEL_COUNT; k++) {
        struct native_tile n;
        struct call c = {(enum kernel)k, 0};
        native_open(&n, NULL, 0);
        enum native_end end = native_run(&n, call_kernel, &c);
        native_close(&n);
        CHECK_EQ(end, NATIVE_RETURNED);
        CHECK_MSG(c.sum == cross_kernel_expected[k], "kernel %u: 0x%08x, not 0x%08x", k, c.sum,
                  cross_kernel_expected[k]);
    }
}
