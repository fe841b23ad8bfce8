/* SPDX-License-Identifier: Apache-2.0 */
/* speed_out.h - a token's time as text and JSON: its terms, and what its cycles go into; and many
 * users. */
#ifndef TESSERA_REPORT_SPEED_OUT_H
#define TESSERA_REPORT_SPEED_OUT_H

#include "base/json.h"
#include "report/speed_users.h"

#include <stdio.h>

/* A complete speed. */
void speed_text(const struct speed *s, FILE *out);

/* Members of an open object: terms and parts; of any speed. */
void speed_json(const struct speed *s, struct json_out *o);

/* Of complete ones. */
void speed_users_text(const struct speed_users *s, FILE *out);
void speed_users_json(const struct speed_users *s, struct json_out *o); /* members */

/* One line that says what the rows rest on. */
void speed_users_basis(const struct speed_users *s, char *out, size_t bytes);

#endif
