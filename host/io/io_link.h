/* SPDX-License-Identifier: Apache-2.0 */
/* io_link.h - an edge of a wafer whose ports do not go to the host. For link.c only. */
#ifndef TESSERA_IO_IO_LINK_H
#define TESSERA_IO_IO_LINK_H

#include "io/io.h"
#include "io/pacer.h"

/* Where a side's wavelets go. */
struct io_link {
    void *self;
    /* a wavelet crosses in this cycle, at this row or column */
    void (*crossed)(void *self, uint32_t index, struct wavelet v, uint64_t cycle);
    struct pacer wire; /* shared by the ports of the side */
};

/* From now on the side belongs to the link; it must not be linked and not have been used. */
void io_link_attach(struct io *io, enum fabric_port side, const struct io_link *link);

/* A wavelet from the link, that may enter from this cycle on. */
void io_link_arrive(struct io *io, struct edge_port port, struct wavelet v, uint64_t cycle);

bool io_is_linked(const struct io *io, enum fabric_port side);
uint32_t io_side_ports(const struct io *io, enum fabric_port side);
uint64_t io_cycle(const struct io *io);

#endif
