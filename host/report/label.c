/* SPDX-License-Identifier: Apache-2.0 */
/* label.c - the names of labels. */
#include "report/label.h"

const char *label_name(enum label label)
{
    static const char *const names[LABELS] = {
#define LABEL(id, name) [LABEL_##id] = (name),
#include "report/label.def"
    };
    return names[label];
}
