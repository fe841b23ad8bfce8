/* SPDX-License-Identifier: Apache-2.0 */
/* records.h - all records of a folder. */
#ifndef TESSERA_REPORT_RECORDS_H
#define TESSERA_REPORT_RECORDS_H

#include "report/record.h"

struct records {
    struct record *record; /* in the order of their file names */
    size_t count;
};

/* The folder used when none is named: beside the program, build/records. */
void records_folder(char *out, size_t bytes);

/* Read every *.json of a folder; no such folder is an empty one. Two files about the same layer are
 * an error, as is a file that is no record. On success: records_close. */
int records_load(struct records *out, const char *folder, struct err *e);
void records_close(struct records *r);

#endif
