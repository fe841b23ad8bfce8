/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - the host's time, for reports only: nothing that is computed may depend on it. */
#ifndef TESSERA_BASE_CLOCK_H
#define TESSERA_BASE_CLOCK_H

/* Seconds of a clock that only goes forward. */
double wall_seconds(void);

#endif
