/* SPDX-License-Identifier: Apache-2.0 */
/* label.h - what every figure of a report says about itself. */
#ifndef TESSERA_REPORT_LABEL_H
#define TESSERA_REPORT_LABEL_H

enum label {
#define LABEL(id, name) LABEL_##id,
#include "report/label.def"
    LABELS
};

const char *label_name(enum label label);

#endif
