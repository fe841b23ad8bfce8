/* SPDX-License-Identifier: Apache-2.0 */
/* verbs.h - the verbs of the program, one file each. A verb's run() returns 0, or -1 with the error
 * set. */
#ifndef TESSERA_CLI_VERBS_H
#define TESSERA_CLI_VERBS_H

#include "cli/options.h"

extern const struct verb verb_run, verb_eval, verb_plan, verb_info, verb_validate, verb_bench,
    verb_translate, verb_boot, verb_audit, verb_layer, verb_token;

#endif
