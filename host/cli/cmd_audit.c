/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_audit.c - `tessera audit`: published claims beside what is counted and executed here. */
#include "base/xalloc.h"
#include "cli/common.h"
#include "cli/verbs.h"
#include "report/audit_out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int run_audit(int argc, char **argv, struct err *e);
const struct verb verb_audit = {
    .name = "audit",
    .summary = "published claims beside what is counted and executed here",
    .example = "tessera audit --html audit.html",
    .run = run_audit,
};

struct options {
    const char *model, *machine, *records, *html;
    bool json;
};

static int write_html(const struct audit *a, const char *path, struct err *e)
{
    FILE *f = fopen(path, "w");
    if (!f)
        return err_input(e, "%s: %s", path, strerror(errno));
    audit_html(a, f);
    return fclose(f) ? err_input(e, "%s: %s", path, strerror(errno)) : 0;
}

static int show(const struct audit *a, const struct options *o, struct err *e)
{
    if (o->html && write_html(a, o->html, e))
        return -1;
    if (o->json)
        audit_json(a, stdout);
    else if (!o->html)
        audit_text(a, stdout);
    return audit_verdict(a, e);
}

/* With model and machine open. */
static int audit(const struct options *o, const struct checkpoint *ck, const char *model,
                 struct err *e)
{
    char folder[4096];
    struct machine machine;
    struct machine_sources inputs;
    struct records records;
    records_folder(folder, sizeof folder);
    if (machine_read(&machine, o->machine, e) || machine_sources_read(&inputs, o->machine, e) ||
        records_load(&records, o->records ? o->records : folder, e))
        return -1;
    struct audit *a = xcalloc(1, sizeof *a);
    a->model = model;
    a->checkpoint = ck;
    a->machine = &machine;
    a->inputs = &inputs;
    a->records = &records;
    int result = audit_make(a, e) || show(a, o, e) ? -1 : 0;
    records_close(&records);
    free(a);
    return result;
}

static int run_audit(int argc, char **argv, struct err *e)
{
    struct options o = {.model = "kimi-k2.6", .machine = "wse3"};
    const struct option table[] = {
        {"html", "FILE", "write one page with pictures instead of text", OPTION_TEXT, &o.html,
         NULL},
        {"json", NULL, "as JSON", OPTION_FLAG, &o.json, NULL},
        {"records", "DIR", "executed layers (default: records/ beside the program)", OPTION_TEXT,
         &o.records, NULL},
        {"model", "NAME", "default kimi-k2.6; see tessera info", OPTION_TEXT, &o.model, NULL},
        {"machine", "NAME", "default wse3; one with a fabric size", OPTION_TEXT, &o.machine, NULL},
        {0},
    };
    struct model_choice choice;
    struct checkpoint *ck;
    int result = options_parse(&verb_audit, table, argc, argv, e);
    if (result)
        return result < 0 ? -1 : 0;
    if (model_choose(&choice, o.model, NULL, e) || model_open(&ck, &choice, e))
        return -1;
    result = audit(&o, ck, model_label(choice.folder), e);
    checkpoint_close(ck);
    return result;
}
