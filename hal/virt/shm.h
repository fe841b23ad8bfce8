/* SPDX-License-Identifier: Apache-2.0 */
/* shm.h - finding the shared memory of a live tile. */
#ifndef TESSERA_HAL_VIRT_SHM_H
#define TESSERA_HAL_VIRT_SHM_H

#include "hal/virt/ring.h"
#include "hal/virt/tile.h"

/* Map the ivshmem device and check what lies in it. Prints a line and ends the machine if it is
 * missing or of another version. */
struct ring_header *shm_open(void);

/* Report RING_STARTED and wait until the host says go. */
void shm_wait_for_go(const struct virt_tile *t);

/* Tell the host how far the tile is. */
void shm_report(const struct virt_tile *t, enum ring_state state);

#endif
