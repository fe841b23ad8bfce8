/* SPDX-License-Identifier: Apache-2.0 */
/* boot.h - from an initialised core to a running tile program. */
#ifndef TESSERA_FIRMWARE_BOOT_H
#define TESSERA_FIRMWARE_BOOT_H

/* Set the tile up as its program says and run it for ever. A tile without a program sleeps. Faults:
 * PROGRAM, and those of sched_run. */
_Noreturn void boot_main(void);

#endif
