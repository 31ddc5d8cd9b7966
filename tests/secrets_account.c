/* The account of a run: what everybody should see, at every version, folded from the base by itself. */
#include "secrets_inside.h"

/* ---- the account: views folded from scratch */

/* Whose view: a client's id, "" for the public one, NULL for the one in which everything is revealed. */
static const secrets_half *pick(const secrets_noted *entry, const char *viewer)
{
    bool knows = !viewer || (viewer[0] && strcmp(viewer, entry->author) == 0);
    return entry->hides && knows ? &entry->hidden : &entry->shown;
}

/* MOVEX_ACCEPT, or why it has no effect there. */
static int fold_one(const secrets_run *r, secrets *state, const secrets_noted *entry, const char *viewer)
{
    const secrets_half *half = pick(entry, viewer);
    movex_random_source random = {.seed = half->seed};
    movex_context       context = {entry->author, entry->version, entry->now_ms, &random};
    secrets             scratch;
    return movex_apply(r->rules, state, half->action, half->has_payload ? &half->payload : NULL, &context, &scratch);
}

void secrets_fold(const secrets_run *r, const char *viewer, secrets *state)
{
    *state = r->base;
    for (uint32_t i = 0; i < r->noted_count; i++) fold_one(r, state, &r->noted[i], viewer);
}

static bool has_hidden(const secrets_run *r, const char *viewer)
{
    for (uint32_t i = 0; i < r->noted_count; i++)
        if (r->noted[i].hides && (!viewer || strcmp(r->noted[i].author, viewer) == 0)) return true;
    return false;
}

/* What a viewer is to hold, of the fold that it may know. */
static void show(const secrets_run *r, const char *viewer, secrets *state)
{
    if (!viewer || !r->type->redact) return;
    r->type->redact(state, viewer);
    movex_codec_settle(movex_rules_state(r->rules), state, NULL);
}

/* The master agrees with the account in what `viewer` may know. */
static void check_view(secrets_run *r, const char *viewer, uint64_t *checksum)
{
    const movex_codec *codec = movex_rules_state(r->rules);
    secrets            expected, held;
    uint64_t           said;
    secrets_fold(r, viewer, &expected);
    show(r, viewer, &expected);
    require(r, movex_master_view(r->master, r->type, secrets_id, viewer, &held, &said) == MOVEX_OK);
    require(r, movex_codec_equal(codec, &held, &expected));
    *checksum = movex_codec_checksum(codec, &expected);
    require(r, said == *checksum);
}

void secrets_check_views(secrets_run *r)
{
    for (int i = 0; i < SECRETS_VIEWERS; i++) check_view(r, secrets_viewer(i), &r->checksums[r->version][i]);
    for (int i = 0; i < SECRETS_CLIENTS; i++) r->events->diverged += has_hidden(r, secrets_name(i));
}

/* ---- the account: what is ordered */

static secrets_half decode_half(secrets_run *r, uint32_t action, const void *bytes, size_t length, uint64_t seed)
{
    secrets_half       half = {.action = action, .seed = seed};
    const movex_codec *codec = movex_rules_payload(r->rules, action);
    half.has_payload = codec != NULL;
    if (r->type->actions[action].flags & MOVEX_MASTER_ONLY)
        half.payload = secrets_master_only;
    else if (codec)
        require(r, movex_codec_decode(codec, &half.payload, bytes, length, NULL) == MOVEX_OK);
    return half;
}

static secrets_half hidden_half(secrets_run *r, const movex_master_resource *resource, const movex_entry *entry)
{
    const movex_hidden     *hidden = resource->hidden;
    const movex_disclosure *of = entry->reveals ? &hidden->last : &hidden->next;
    const movex_pair       *pair = &of->pairs[of->pair_count - 1];
    require(r, pair->version == r->version);
    return decode_half(r, pair->action, hidden->payloads.bytes + pair->payload_at, pair->payload_length, pair->seed);
}

static void count_dispatch(secrets_run *r, const secrets_noted *noted, int by)
{
    const secrets_half *half = noted->hides ? &noted->hidden : &noted->shown;
    if (!noted->dispatched) return;
    require(r, half->has_payload && half->payload.id < r->move_count);
    r->moves[half->payload.id].in_log += (uint32_t)by;
}

/* All that was hidden is known from here on: the base moves up. */
static void reveal(secrets_run *r)
{
    secrets state = r->base;
    r->revealed_count = 0;
    for (uint32_t i = 0; i < r->noted_count; i++) {
        const secrets_noted *entry = &r->noted[i];
        int                  answer = fold_one(r, &state, entry, NULL);
        if (entry->hides) {
            memcpy(r->revealed_authors[r->revealed_count], entry->author, MOVEX_NAME_SIZE);
            r->revealed_names[r->revealed_count++].version = entry->version;
        }
        if (answer == MOVEX_ACCEPT || !entry->dispatched) continue;
        r->moves[(entry->hides ? &entry->hidden : &entry->shown)->payload.id].overturned = true;
        r->events->overturned++;
    }
    r->base = state;
    r->noted_count = 0;
    r->revealed = r->version;
    r->events->reveals++;
}

static void check_acceptance(secrets_run *r, const secrets_noted *noted)
{
    secrets own, public_state;
    secrets_fold(r, has_hidden(r, noted->author) || noted->hides ? noted->author : "", &own);
    secrets_fold(r, "", &public_state);
    require(r, fold_one(r, &own, noted, noted->dispatched ? noted->author : "") == MOVEX_ACCEPT);
    r->events->noops += fold_one(r, &public_state, noted, "") != MOVEX_ACCEPT;
}

/* The account goes on by one version. */
static void account(secrets_run *r, const secrets_event *event)
{
    secrets public_state;
    if (event->put) {
        r->base = event->state;
        r->noted_count = 0;
        r->revealed = r->version;
        r->revealed_count = 0;
        return;
    }
    require(r, r->noted_count < SECRETS_NOTED);
    r->noted[r->noted_count++] = event->entry;
    bool any = has_hidden(r, NULL);
    secrets_fold(r, "", &public_state);
    if (any && r->type->can_reconcile(&public_state)) reveal(r);
    if (any || !r->noted_count) return;
    r->base = public_state; /* nobody can see it otherwise any more */
    r->noted_count = 0;
}

/* Told of every entry, right after it was ordered. */
void secrets_ordered(void *user, movex_master *master, const movex_ordered *told)
{
    secrets_run                 *r = user;
    const movex_master_resource *resource = movex_master_resource_named(master, told->type, told->id);
    require(r, resource && told->version == r->version + 1 && told->version < SECRETS_VERSIONS);
    r->version = told->version;
    secrets_event *event = &r->history[told->version];
    *event = (secrets_event){.put = told->replaced, .state = r->put_state};
    if (!told->replaced) {
        const movex_entry *entry = movex_log_find(&resource->log, told->version);
        secrets_noted     *noted = &event->entry;
        require(r, entry);
        *noted = (secrets_noted){.version = told->version,
                                 .now_ms = entry->now_ms,
                                 .dispatched = entry->session != 0,
                                 .hides = entry->hides};
        memcpy(noted->author, movex_log_author(&resource->log, entry), entry->author_length);
        noted->shown =
            decode_half(r, entry->action, movex_log_payload(&resource->log, entry), entry->payload_length, entry->seed);
        if (entry->hides) noted->hidden = hidden_half(r, resource, entry);
        if (entry->hides) require(r, noted->shown.seed != noted->hidden.seed);
        check_acceptance(r, noted);
        count_dispatch(r, noted, 1);
        r->events->hidden += noted->hides;
        require(r, told->reveals == entry->reveals);
    }
    uint64_t revealed = r->revealed;
    account(r, event);
    if (!told->replaced) require(r, told->reveals == (r->revealed != revealed));
    secrets_check_views(r);
    if (r->observer.ordered) r->observer.ordered(r->observer.user, master, told);
}

/* The master has forgotten what came after `version`: nobody may have been told of it. */
void secrets_go_back(secrets_run *r, uint64_t version)
{
    require(r, version <= r->version);
    for (int i = 0; i < r->client_count; i++)
        if (r->bound[i] && r->bound[i]->has_state) require(r, movex_version(r->bound[i]) <= version);
    require(r, r->told <= version);
    for (uint64_t undone = version + 1; undone <= r->version; undone++) {
        if (!r->history[undone].put) count_dispatch(r, &r->history[undone].entry, -1);
        r->events->undone++;
    }
    movex_rules_init(r->rules, &r->base);
    r->noted_count = r->revealed_count = 0;
    r->revealed = 0;
    for (r->version = 1; r->version <= version; r->version++) account(r, &r->history[r->version]);
    r->version = version;
}
