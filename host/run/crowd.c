/* SPDX-License-Identifier: Apache-2.0 */
/* crowd.c - the loop of push, answer, sample, push for any number of users. */
#include "run/crowd.h"

#include "base/xalloc.h"

#include <math.h>
#include <stdlib.h>

int crowd_open(struct crowd *c, const struct crowd_cfg *cfg, struct err *e)
{
    *c = (struct crowd){.cfg = *cfg};
    c->users = xcalloc(cfg->users, sizeof *c->users);
    c->prompt_left = xcalloc(cfg->users, sizeof *c->prompt_left);
    c->room = (size_t)cfg->users * cfg->prompt_count;
    c->owner = xcalloc(c->room, sizeof *c->owner);
    c->gaps = xcalloc((size_t)cfg->users * cfg->tokens, sizeof *c->gaps);
    c->logits = xcalloc(cfg->config->vocab, sizeof *c->logits);
    for (uint32_t u = 0; u < cfg->users; u++) {
        struct sampler_config sampling = cfg->sampling;
        sampling.seed += u;
        if (sampler_open(&c->users[u].sampler, &sampling, e))
            return -1;
    }
    return 0;
}

void crowd_close(struct crowd *c)
{
    for (uint32_t u = 0; c->users && u < c->cfg.users; u++) {
        sampler_close(&c->users[u].sampler);
        free(c->users[u].text.data);
    }
    free(c->users);
    free(c->prompt_left);
    free(c->owner);
    free(c->gaps);
    free(c->logits);
}

static int push(struct crowd *c, uint32_t user, uint32_t token, struct err *e)
{
    c->owner[(c->oldest + c->in_flight++) % c->room] = user;
    return session_push(c->cfg.session, user, token, e);
}

static bool is_end(const struct crowd *c, uint32_t token)
{
    const struct model_config *k = c->cfg.config;
    for (uint32_t i = 0; i < k->eos_count && !c->cfg.ignore_eos; i++) {
        if (k->eos[i] == token)
            return true;
    }
    return false;
}

static void note_time(struct crowd *c, struct crowd_user *u, uint64_t cycle)
{
    if (u->tokens == 0)
        u->first_cycle = cycle;
    else
        c->gaps[c->gap_count++] = cycle - u->last_cycle;
    u->last_cycle = cycle;
    u->tokens++;
    c->tokens++;
}

static int say(struct crowd *c, uint32_t user, uint32_t token, struct err *e)
{
    struct crowd_user *u = &c->users[user];
    size_t from = u->text.bytes;
    if (tokenizer_decode_one(c->cfg.tokenizer, token, &u->decoder, &u->text))
        return err_set(e, ERR_INTERNAL, "token %u cannot be decoded", token);
    if (c->cfg.show && u->text.bytes > from)
        c->cfg.show(c->cfg.show_self, user, u->text.data + from, u->text.bytes - from);
    return 0;
}

/* The user's next token, from the logits that have just come; it goes back in if more are wanted.
 */
static int next_token(struct crowd *c, uint32_t user, struct err *e)
{
    struct crowd_user *u = &c->users[user];
    uint32_t token;
    if (u->tokens == c->cfg.tokens)
        return 0;
    if (sampler_next(&u->sampler, c->logits, c->cfg.config->vocab, &token, e))
        return -1;
    if (is_end(c, token))
        return 0;
    note_time(c, u, session_cycle(c->cfg.session));
    if (say(c, user, token, e))
        return -1;
    return u->tokens < c->cfg.tokens ? push(c, user, token, e) : 0;
}

static int answer(struct crowd *c, struct err *e)
{
    uint32_t user = c->owner[c->oldest];
    if (session_output(c->cfg.session, c->logits, e))
        return -1;
    c->oldest = (c->oldest + 1) % c->room;
    c->in_flight--;
    if (c->prompt_left[user] > 1) {
        c->prompt_left[user]--;
        return 0;
    }
    c->prompt_left[user] = 0;
    return next_token(c, user, e);
}

static int ascending(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

int crowd_run(struct crowd *c, struct err *e)
{
    c->start_cycle = session_cycle(c->cfg.session);
    for (uint32_t u = 0; u < c->cfg.users; u++) {
        c->prompt_left[u] = c->cfg.prompt_count;
        for (uint32_t i = 0; i < c->cfg.prompt_count; i++) {
            if (push(c, u, c->cfg.prompt[i], e))
                return -1;
        }
    }
    while (c->in_flight) {
        if (answer(c, e))
            return -1;
    }
    c->end_cycle = session_cycle(c->cfg.session);
    for (uint32_t u = 0; u < c->cfg.users; u++) {
        size_t from = c->users[u].text.bytes;
        tok_decoder_end(&c->users[u].decoder, &c->users[u].text);
        if (c->cfg.show && c->users[u].text.bytes > from)
            c->cfg.show(c->cfg.show_self, u, c->users[u].text.data + from,
                        c->users[u].text.bytes - from);
    }
    qsort(c->gaps, c->gap_count, sizeof *c->gaps, ascending);
    return session_check(c->cfg.session, e);
}

double crowd_ttft_mean(const struct crowd *c)
{
    double sum = 0;
    uint32_t n = 0;
    for (uint32_t u = 0; u < c->cfg.users; u++) {
        if (c->users[u].tokens == 0)
            continue;
        sum += (double)(c->users[u].first_cycle - c->start_cycle);
        n++;
    }
    return n ? sum / n : 0;
}

double crowd_tpot_mean(const struct crowd *c)
{
    double sum = 0;
    for (size_t i = 0; i < c->gap_count; i++)
        sum += (double)c->gaps[i];
    return c->gap_count ? sum / (double)c->gap_count : 0;
}

double crowd_tpot_quantile(const struct crowd *c, double q)
{
    if (c->gap_count == 0)
        return 0;
    size_t rank = (size_t)ceil(q * (double)c->gap_count);
    return (double)c->gaps[rank > 0 ? rank - 1 : 0];
}
