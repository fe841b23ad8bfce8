/* SPDX-License-Identifier: Apache-2.0 */
/* audit_json.c - an audit for programs. */
#include "base/json.h"
#include "report/audit_out.h"
#include "report/speed_out.h"
#include "report/version.h"

static void write_claims(struct json_out *o, const struct audit *a)
{
    json_out_array(o, "claims");
    for (size_t i = 0; i < CLAIMS; i++) {
        const struct claim *c = &a->claim[i];
        json_out_object(o, NULL);
        json_out_string(o, "id", c->id);
        json_out_string(o, "text", c->text);
        json_out_string(o, "source", sources[c->source].key);
        json_out_string(o, "verdict", verdict_name(c->verdict));
        json_out_array(o, "evidence");
        for (uint32_t k = 0; k < c->count; k++) {
            json_out_object(o, NULL);
            json_out_string(o, "label", label_name(c->evidence[k].label));
            json_out_string(o, "text", c->evidence[k].text);
            json_out_string(o, "source", sources[c->evidence[k].source].key);
            json_out_end(o);
        }
        json_out_end(o);
        json_out_end(o);
    }
    json_out_end(o);
}

static void number_or_null(struct json_out *o, const char *key, double x)
{
    if (x > 0)
        json_out_double(o, key, x);
    else
        json_out_null(o, key);
}

static void write_label(struct json_out *o, const struct speed *s)
{
    char text[256];
    (void)snprintf(text, sizeof text, "%s (%s); crossings assumed", label_name(s->label), s->from);
    json_out_string(o, "label", s->complete ? text : label_name(s->label));
}

static void write_speeds(struct json_out *o, const struct audit *a)
{
    json_out_array(o, "speeds");
    for (uint32_t i = 0; i < a->speeds; i++) {
        const struct speed *s = &a->speed[i];
        json_out_object(o, NULL);
        json_out_string(o, "model", a->model);
        json_out_string(o, "machine", a->machine->name);
        json_out_uint(o, "wafers", s->query.wafers);
        json_out_uint(o, "context", s->query.context);
        json_out_uint(o, "users", s->query.users);
        number_or_null(o, "tokens_per_second_per_user", s->tokens_per_second);
        number_or_null(o, "cycles_per_token", s->cycles);
        write_label(o, s);
        json_out_end(o);
    }
    json_out_end(o);
}

static void write_focus(struct json_out *o, const struct speed *s)
{
    json_out_object(o, "token");
    json_out_uint(o, "wafers", s->query.wafers);
    json_out_uint(o, "context", s->query.context);
    json_out_uint(o, "users", s->query.users);
    speed_json(s, o);
    json_out_end(o);
}

static void write_users(struct json_out *o, const struct audit *a)
{
    json_out_object(o, "many_users");
    json_out_uint(o, "wafers", a->users_query.wafers);
    json_out_uint(o, "context", a->users_query.context);
    json_out_uint(o, "placed_users", a->users_query.users);
    speed_users_json(&a->users, o);
    json_out_end(o);
}

static void write_changes(struct json_out *o, const struct audit *a)
{
    json_out_array(o, "changes");
    for (uint32_t i = 0; i < a->changes; i++) {
        const struct change *c = &a->change[i];
        json_out_object(o, NULL);
        json_out_string(o, "group", c->group);
        json_out_string(o, "what", c->what);
        json_out_string(o, "source", sources[c->source].key);
        number_or_null(o, "wafers", c->wafers);
        number_or_null(o, "cycles_per_token", c->cycles);
        number_or_null(o, "tokens_per_second_per_user", c->tokens_per_second);
        json_out_end(o);
    }
    json_out_end(o);
}

static void write_inputs(struct json_out *o, const struct audit *a)
{
    json_out_array(o, "figures");
    for (int i = 0; i < FIGURES; i++) {
        json_out_object(o, NULL);
        json_out_string(o, "name", figures[i].name);
        json_out_double(o, "value", figures[i].value);
        json_out_string(o, "unit", figures[i].unit);
        json_out_string(o, "label", label_name(figures[i].label));
        json_out_string(o, "source", sources[figures[i].source].key);
        json_out_string(o, "what", figures[i].what);
        json_out_end(o);
    }
    json_out_end(o);
    json_out_array(o, "machine_values");
    for (size_t i = 0; i < a->inputs->count; i++) {
        const struct machine_value *v = &a->inputs->value[i];
        json_out_object(o, NULL);
        json_out_string(o, "key", v->key);
        json_out_string(o, "value", v->value);
        json_out_string(o, "label", v->label == LABEL_NOT_EXECUTED ? NULL : label_name(v->label));
        json_out_string(o, "note", v->note);
        json_out_end(o);
    }
    json_out_end(o);
    json_out_array(o, "sources");
    for (int i = SOURCE_NONE + 1; i < SOURCES; i++) {
        json_out_object(o, NULL);
        json_out_string(o, "key", sources[i].key);
        json_out_string(o, "title", sources[i].title);
        json_out_string(o, "where", sources[i].where);
        json_out_end(o);
    }
    json_out_end(o);
}

static void write_texts(struct json_out *o, const char *key, const char *text, size_t stride,
                        uint32_t count)
{
    json_out_array(o, key);
    for (uint32_t i = 0; i < count; i++)
        json_out_string(o, NULL, text + i * stride);
    json_out_end(o);
}

void audit_json(const struct audit *a, FILE *out)
{
    struct json_out o;
    json_out_file(&o, out);
    json_out_object(&o, NULL);
    json_out_string(&o, "model", a->model);
    json_out_string(&o, "machine", a->machine->name);
    json_out_string(&o, "version", version_digest());
    write_texts(&o, "problems", a->problem[0], sizeof a->problem[0], a->problems);
    write_claims(&o, a);
    write_speeds(&o, a);
    write_texts(&o, "missing", a->command[0], sizeof a->command[0], a->commands);
    if (a->focus)
        write_focus(&o, a->focus);
    else
        json_out_null(&o, "token");
    if (a->users.complete)
        write_users(&o, a);
    else
        json_out_null(&o, "many_users");
    write_changes(&o, a);
    write_inputs(&o, a);
    json_out_end(&o);
}
