/* SPDX-License-Identifier: Apache-2.0 */
/* units.h - inside host/place: routed experts in whole groups of weights.
 *
 * An INT4 weight shares its scale with 31 others along the inputs. Cut finer than that a scale is
 * stored many times, so on large regions an expert is cut into units of whole groups instead, and
 * not every tile has a part of every expert:
 *
 *   columns   hidden is `columns` units of `inputs` elements (a multiple of 32); an expert's units
 *             lie on that many of the region's columns, in order
 *   rows      the expert's width is `groups` groups of 32; each lies on a group of `rows` rows
 *             next to each other, of which the region has `places`
 *   tile      32 / rows outputs of gate and of up over a unit's inputs, and inputs / rows outputs
 *             of down over a group: one block of `bytes`
 *
 * Which columns and places an expert leaves out turns with its number, so that all tiles hold about
 * as many blocks: experts * columns / w * groups / places. A column therefore meets one of two
 * units, and works with the window of both. What it adds to a unit's elements may be part of a sum
 * that its neighbour has the rest of; the sum along the row at the end of the layer joins them.
 *
 * The down product needs all 32 values of a group, so the rows of a place gather them along each
 * column: top_k * 32 words, one reduction and one broadcast over `rows` tiles. */
#ifndef TESSERA_PLACE_UNITS_H
#define TESSERA_PLACE_UNITS_H

#include "place/layer.h"

struct units {
    bool used;
    uint32_t columns, inputs; /* units along hidden, elements of each */
    uint32_t groups, rows;    /* groups of 32 along the width, rows of each */
    uint32_t places;          /* row groups of the region */
    uint32_t width;           /* columns of the region */
    uint32_t up, down;        /* outputs of a tile: of gate and up each, of down */
    uint32_t bytes;           /* of a block */
};

/* How a strip holds the experts of a stage; used: false where experts are cut (cut_experts.c): on a
 * fabric that is not split, where weights are not INT4 or not whole groups, and where experts are
 * chosen by groups of them. */
struct units units_of(const struct plan *p, const struct strip *s, uint32_t stage);

/* The unit of an expert that a column holds, the group of one that a place holds; false: none. */
bool unit_of_column(const struct units *u, uint32_t expert, uint32_t column, uint32_t *unit);
bool group_of_place(const struct units *u, uint32_t expert, uint32_t place, uint32_t *group);

/* What a tile holds, for kernel select_units: table[experts], or NULL to count only. Returns how
 * many blocks it has room for, which is how many it holds, but for those left free where more than
 * UNIT_FEWER_MAX experts before one are not here. */
uint32_t units_table(const struct units *u, uint32_t experts, uint32_t column, uint32_t place,
                     uint8_t *table);

/* The place of a column that holds the most blocks of `experts`, and the column of a place. */
uint32_t units_fullest_place(const struct units *u, uint32_t experts, uint32_t column);
uint32_t units_fullest_column(const struct units *u, uint32_t experts, uint32_t place);

/* The elements of hidden that a column of this tile's region works with. */
struct slice units_window(const struct tile *t, uint32_t column);

#endif
