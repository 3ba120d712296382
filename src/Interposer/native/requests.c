#include "chain.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The daemon puts a request into the instance and sends JOIN_SIGNAL; it can take it back as long as it has this name. */
#define REQUEST_PATH "/.vni/request"
#define TAKEN_PATH "/.vni/request.taken"

void requests_clear(void)
{
    unlink(REQUEST_PATH);
    unlink(TAKEN_PATH);
    unlink("/.vni/answer");
}

static bool answer(const char *request, const char *text)
{
    char line[1200];
    int length = snprintf(line, sizeof line, "%s %s\n", request, text);
    if (length < 0) return false;
    return write_record("answer", line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
}

/* That of a former one of its name, a new one, or that of one that has joined and ended, and is forgotten now. */
static struct member *find_place(struct chain *chain, const char *name)
{
    struct member *former = chain_find(chain, name);
    if (former) return former->joined && former->state == ENDED ? former : NULL;
    if (chain->count < MAX_MEMBERS) return &chain->members[chain->count];
    for (size_t i = 0; i < chain->count; i++)
        if (chain->members[i].joined && chain->members[i].state == ENDED) return &chain->members[i];
    return NULL;
}

/* False when nothing came of it, with "CODE DETAIL" in error. */
static bool join(struct chain *chain, struct spec *spec, char *error, size_t error_size)
{
    struct member member = {.program = spec->programs[0], .joined = spec, .is_ready = true, .due = NEVER, .tester_status = -1};
    member.delay = member.program.restart.delay;
    struct member *place = find_place(chain, member.program.name);
    if (chain->is_stopping) snprintf(error, error_size, "wrong_state");
    else if (!place) snprintf(error, error_size, "name_in_use");
    else if (member_start(chain, &member, error, error_size)) {
        char text[32];
        struct member former = *place;
        size_t former_count = chain->count;
        snprintf(text, sizeof text, "started %d", member.program.pid);
        if (place == &chain->members[chain->count]) chain->count++;
        *place = member;
        records_write(chain); /* whoever has the answer finds it there */
        if (answer(spec->request, text)) {
            if (former.joined) {
                spec_free(former.joined);
                free(former.joined);
            }
            return true;
        }
        /* The disk is full: nobody would know of it. */
        kill(member.program.pid, SIGKILL);
        *place = former;
        chain->count = former_count;
        chain->has_changed = true;
        snprintf(error, error_size, "internal");
    }
    answer(spec->request, error);
    return false;
}

/* Whoever could write such a file is the instance's root, and could start programs anyway. */
static bool is_trusted(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == 0 && !(status.st_mode & 077);
}

void requests_take(struct chain *chain)
{
    char error[1024];
    if (!chain->has_started || rename(REQUEST_PATH, TAKEN_PATH) < 0) return;
    struct spec *spec = is_trusted(TAKEN_PATH) ? calloc(1, sizeof *spec) : NULL;
    bool is_whole = spec && spec_load(TAKEN_PATH, spec) && spec->request && spec->program_count == 1 && spec->programs[0].argv;
    if (spec && (!is_whole || !join(chain, spec, error, sizeof error))) {
        spec_free(spec);
        free(spec);
    }
    /* After the answer: who finds neither has been refused. */
    unlink(TAKEN_PATH);
}
