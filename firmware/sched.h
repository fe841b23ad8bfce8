/* SPDX-License-Identifier: Apache-2.0 */
/* sched.h - the dataflow scheduler: events count tasks up, full tasks run. */
#ifndef TESSERA_FIRMWARE_SCHED_H
#define TESSERA_FIRMWARE_SCHED_H

#include "hal/program.h"

#include <stdint.h>

/* Run a start list: `count` entries at this SRAM offset (program.h). Cost: 8 cycles an entry. */
void sched_start(uint32_t starts, uint32_t count);

/* Run a task table for ever. A task without a kernel runs the moment its last event is taken off
 * the queue; tasks with kernels wait until the queue is empty, then the lowest number runs and the
 * queue is asked again. Between two runs of a task with a kernel its counter already counts for the
 * next. Keeps program_task.have and the TASK register. Faults: EVENT, JOIN, KERNEL, STACK. */
_Noreturn void sched_run(struct program_task *task, uint32_t task_count);

#endif
