/* SPDX-License-Identifier: Apache-2.0 */
/* explain.c - stub */
#include "fabric/inside.h"

void explain_quiet(struct wafer *w, struct err *e)
{
    (void)err_set(e, ERR_DEADLOCK, "deadlock in cycle %llu", (unsigned long long)w->cycle);
}
