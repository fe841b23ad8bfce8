/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - the program: finds the verb, runs it, prints its error, exits with its code. */
#include "cli/verbs.h"

#include <stdio.h>
#include <string.h>

static const struct verb *const verbs[] = {&verb_run,      &verb_eval,  &verb_plan,      &verb_info,
                                           &verb_validate, &verb_bench, &verb_translate, &verb_boot,
                                           &verb_audit,    &verb_layer, &verb_token};

static void print_help(FILE *out)
{
    (void)fprintf(
        out, "  tessera run --model host/models/kimi-nano --prompt \"Once upon a time\"\n\n"
             "Tessera emulates a wafer of RISC-V tiles running a mixture-of-experts model.\n\n");
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        (void)fprintf(out, "  %-8s %s\n", verbs[i]->name, verbs[i]->summary);
    (void)fprintf(out, "\ntessera VERB --help tells more. Exit codes: 0 ok, 1 a comparison failed, "
                       "2 usage, 3 bad\n"
                       "input, 4 tile fault or trap, 5 deadlock, 6 limit reached, 7 not "
                       "implemented, 70 our bug.\n");
}

int main(int argc, char **argv)
{
    struct err e = {.kind = ERR_OK};
    if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
        print_help(argc < 2 ? stderr : stdout);
        return argc < 2 ? ERR_USAGE : ERR_OK;
    }
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(argv[1], verbs[i]->name) != 0)
            continue;
        int result = verbs[i]->run(argc - 1, argv + 1, &e);
        if (fflush(stdout) != 0 && !result)
            result = err_set(&e, ERR_INPUT, "standard output: write failed");
        if (result < 0) {
            (void)fprintf(stderr, "tessera: %s\n", e.text);
            return e.kind == ERR_OK ? ERR_INTERNAL : (int)e.kind;
        }
        return 0;
    }
    (void)fprintf(stderr, "tessera: no verb '%s' (see tessera --help)\n", argv[1]);
    return ERR_USAGE;
}
