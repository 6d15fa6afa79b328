/*
 * One input from its bytes to its rows: reads, scans and hands the rows on in order, with one thread or several.
 *
 * With several, each thread in turn takes the next stretch of the input, cut where a record probably ends; they scan
 * side by side and hand on in turn.  The guess is checked when a stretch is handed on: where the one before it did
 * not end there, the stretch is scanned again from the true place.  So the answer is always that of one thread.
 */
#ifndef DM_TEXT_PIPELINE_H
#define DM_TEXT_PIPELINE_H

#include "text/scan.h"
#include "text/source.h"
#include "text/spark_schema.h"

struct dm_text_pipeline {
    struct dm_text_source *source;
    const struct dm_text_plan *plan;
    const struct dm_text_scan *scan;
    bool spark;
    unsigned threads;
    /* Takes the rows that were found in `bytes`; `line`: line ends of the input before them.  Called in order, by
       one thread at a time; negative ends the run. */
    int (*commit)(void *arg, const struct dm_text_rows *rows, const uint8_t *bytes, uint64_t line,
                  struct dm_text_err *reterr);
    void *arg;
};

/* `head`: what has been read of the input already, behind the header; `line`: line ends before that. */
int dm_text_pipeline_run(const struct dm_text_pipeline *p, struct dm_text_bytes *head,
                         uint64_t line, struct dm_text_err *reterr) dm_text_nodiscard;

#endif
