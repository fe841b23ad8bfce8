/* SPDX-License-Identifier: Apache-2.0 */
/* train.h - words of one stream that nobody can hold up, advanced all at once.
 *
 * A train is what one tile issues on one colour (or what enters at one edge port) while every
 * router on the way lets each word through in the cycle in which it comes and every engine at the
 * end takes it at once. Then the time of a word at each place is the time of its issue plus a
 * constant, and nothing has to be done for it: a train knows when its words are issued (spans of
 * consecutive cycles), the routers (rails) and the tiles that take them (stations). What happens is
 * only: a first word comes to a station, whose thread gets aboard; a thread has had its last word;
 * a train has ended. A thread that takes words from one train and issues them again feeds another.
 *
 * A thread may also take words one by one and issue them to a train, as long as one comes in every
 * cycle; or take them from a train and issue them one by one, as long as there is room.
 *
 * Words are computed and written when somebody could look: when a thread ends, before the core of
 * its tile does a step, when the train stops.
 *
 * Whatever could hold up a word, or look at one, stops the train first, with all it feeds: the
 * words on their way get the places they have by now, the threads the beats they have done, and
 * from there they go on one by one (fast_step.c). That is: a wavelet of another stream in one of
 * its routers that wants the same output, or that waits there beside more than one train; any
 * wavelet on its rails; a station whose engine is not waiting for it; a descriptor or timer started
 * in a tile whose thread is aboard; a change of a route or binding on its way; the end of a run; a
 * look at the state. The thread that feeds a train that stops takes its own words as before.
 *
 * Strips (crew.h) have their own trains. Where rails lead to another strip words go over one by
 * one, and may get into a train there like those from an edge: nobody says how many will come, but
 * when each one came is known.
 *
 * A train is laid only on routers where no other train and nothing that waits uses the same
 * outputs, for streams of TRAIN_WORDS_MIN words or more. So in every cycle from its first word to
 * the last one taken, and in the one after, the plain engine has something to visit, and none may
 * be skipped.
 */
#ifndef TESSERA_FABRIC_TRAIN_H
#define TESSERA_FABRIC_TRAIN_H

#include "fabric/inside.h"

struct moment;
struct lane;

struct rail {
    uint32_t tile;
    uint16_t depth; /* links from the first router */
    uint8_t port, outputs;
};

struct station {
    uint32_t tile, depth;
    uint32_t next;    /* first word no finished thread took */
    uint32_t written; /* words from there on that are in SRAM */
};

/* Where rails lead to another strip (crew.h): there words go on one by one. */
struct crossing {
    uint32_t rail;
    uint8_t port;
    uint32_t gone; /* words */
};

/* Words issued in consecutive cycles, and what makes them; at an edge, in any cycles. */
struct span {
    uint64_t start; /* issue of the first */
    uint32_t first, count;
    uint32_t told;               /* stations that know of the first */
    uint32_t inlet, inlet_first; /* the train whose words a thread combines, or 0 */
    uint16_t src0;
    uint8_t op;
    bool loaded; /* made one by one, as they come out of a queue */
};

struct train {
    bool rolling, listed;
    bool edge;   /* its words come from outside: of the wafer, */
    bool border; /* or of the strip */
    uint8_t colour;
    uint32_t serial; /* of this ride */
    uint32_t next_free;
    uint32_t tile;
    struct rail *rail;
    uint32_t rails, rail_size;
    struct station *station;
    uint32_t stations, station_size;
    struct crossing *crossing;
    uint32_t crossings, crossing_size, across; /* across: place in the list of those that cross */
    struct span *span;
    uint32_t spans, span_size;
    uint32_t *word;
    uint64_t *entered;               /* edge: when each word came in */
    uint32_t words, made, word_size; /* promised; computed */
    uint32_t unsettled;              /* first word of the thread at work */
    uint32_t want;                   /* edge: some thread ends with the word before this one */
    bool split;                      /* edge: some station must be told of the next word */
};

/* Where in a cycle we are; what was done in the present one. */
enum train_phase {
    TRAINS_BETWEEN,  /* no cycle is being executed */
    TRAINS_ARRIVING, /* arrivals and routers: nothing has beaten yet */
    TRAINS_BEATING   /* from the engines on: all aboard have beaten */
};

struct trains {
    struct train **all;                     /* number n is all[n - 1] */
    uint32_t count, size, free;             /* free: the first of a list, or 0 */
    uint32_t *group, grouped, group_size;   /* trains being stopped */
    uint64_t until;                         /* no cycle before this one is skipped */
    uint64_t enter_again;                   /* first cycle to try a train at an edge in */
    uint32_t *across, leading, across_size; /* trains that lead to other strips */
    enum train_phase phase;
};

/* Looking for a way costs a visit to each router; at an edge, nobody says how many words will come.
 */
enum { TRAIN_WORDS_MIN = 8, TRAIN_SPANS_MAX = 255, TRAIN_ENTER_AGAIN = 16 /* cycles */ };

/* ---- train.c ---- */
void trains_close(struct trains *s);
bool trains_allowed(const struct wafer *w);
void trains_tell(struct wafer *w, struct moment *m); /* first words come to stations */
void trains_end(struct wafer *w, struct moment *m);  /* after the engines */
void trains_sync(struct wafer *w, uint32_t tile);    /* before its core looks at the SRAM */

/* A new train for what is issued at a port, or 0; room for words; a span of them. */
uint32_t train_set_out(struct wafer *w, uint32_t tile, unsigned colour, unsigned port);
void train_reserve(struct train *r, uint32_t words);
bool train_has_span_left(const struct train *r);
void train_add_span(struct wafer *w, uint32_t number, struct span s);
/* See to it that no cycle is skipped; that the visit after a thread's last beat comes. */
void train_keep_awake(struct wafer *w, const struct train *r);
void train_call_finish(struct wafer *w, uint32_t tile);

/* ---- train_board.c ---- */
/* A SEND that is alone on its engine, past its setup, may issue its first word in this cycle. True:
 * it is aboard and beats by itself. */
bool trains_depart(struct wafer *w, uint32_t tile);
/* The same for a thread that finds its first words in the queue and issues the next cycle. */
bool trains_load(struct wafer *w, uint32_t tile);
/* The engine of a tile with something of a train is visited. True: there is nothing else to do. */
bool trains_visit(struct wafer *w, uint32_t tile);

/* ---- train_edge.c ---- */
/* A wavelet comes in at an edge. True: it is in a train. */
bool trains_enter(struct wafer *w, uint32_t tile, unsigned port, struct wavelet v);
/* The same for a word that came from another strip and waits in its queue. */
bool trains_come(struct wafer *w, uint32_t key);
/* Words that pass to other strips: whether they can, before the arrivals; and that they do. */
void trains_look_across(struct wafer *w);
void trains_cross(struct wafer *w);

/* ---- train_stop.c ---- */
void trains_stop(struct wafer *w, uint32_t number);
void trains_stop_lane(struct wafer *w, uint32_t tile, unsigned colour); /* if one is there */
void trains_stop_tile(struct wafer *w, uint32_t tile);                  /* if a thread is aboard */
void trains_stop_all(const struct wafer *w);
/* A wavelet of no train comes to a router that trains use. */
void trains_meet(struct wafer *w, uint32_t tile, unsigned colour, unsigned port);
/* The thread of the tile leaves its trains with the beats it did. True: one in the last cycle. */
bool train_settle(struct wafer *w, uint32_t tile);
/* A thread that loads takes its next word. */
void train_load_word(struct wafer *w, uint32_t tile, struct input_queue *q);
/* The same without a beat in this cycle, of a tile whose engine is yet to be visited. */
void train_leave_before(struct wafer *w, uint32_t tile);

/* ---- train_track.c ---- */
/* The turn of a router in which words wait beside one train: what the train did to it before a
 * cycle; and in the present one, after the visit that began with `first` and moved other words or
 * not. */
void train_turn(struct wafer *w, uint32_t tile, uint64_t before);
void train_turn_now(struct wafer *w, uint32_t tile, unsigned first, bool moved);
/* Find the way of what is issued at this port, and take it; false if a train cannot go there. */
bool train_lay(struct wafer *w, uint32_t number, uint32_t tile, unsigned port);
void train_release(struct wafer *w, uint32_t number);

/* ---- train_words.c ---- */
/* The last cycle whose beats are done. */
int64_t trains_beaten(const struct wafer *w);
uint32_t train_issued(const struct wafer *w, const struct train *r); /* words, so far */
/* Words issued by cycle `at`, that one counted; the cycle of a word's issue. */
uint32_t train_words_by(const struct train *r, int64_t at);
bool train_issues(const struct train *r, int64_t first, int64_t last); /* some, in these cycles */
uint64_t train_time(const struct train *r, uint32_t word);
/* Cycles from issue to this router, and to the queue of a station. */
uint64_t train_way(const struct wafer *w, const struct train *r, uint32_t depth);
uint64_t train_whole_way(const struct wafer *w, const struct train *r, const struct station *s);
/* Words of the thread at a station it has taken by cycle `at`. */
uint32_t train_taken(const struct wafer *w, uint32_t tile, int64_t at);
/* The first cycle after the one in which the last word is taken at the last station. */
uint64_t train_gone(const struct wafer *w, const struct train *r);
void train_make(struct wafer *w, struct train *r, uint32_t upto); /* compute words */
void train_write(struct wafer *w, uint32_t tile, uint32_t upto);  /* into the station's SRAM */

#endif
