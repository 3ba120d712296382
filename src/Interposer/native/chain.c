#include "chain.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

void chain_load(struct chain *chain, struct spec *spec)
{
    chain->hostname = spec->hostname;
    chain->count = spec->program_count;
    for (size_t i = 0; i < spec->program_count; i++) {
        struct member *member = &chain->members[i];
        *member = (struct member){.program = spec->programs[i], .due = NEVER, .tester_status = -1};
        const struct readiness *ready = &member->program.ready;
        member->is_ready = !ready->port && !ready->file && !ready->argv;
        member->delay = member->program.restart.delay;
    }
}

struct member *chain_find(struct chain *chain, const char *name)
{
    for (size_t i = 0; i < chain->count; i++)
        if (!strcmp(chain->members[i].program.name, name)) return &chain->members[i];
    return NULL;
}

static void become(struct chain *chain, struct member *member, enum member_state state, long long due)
{
    member->state = state;
    member->due = due;
    chain->has_changed = true;
}

static bool comes_after(const struct member *member, const char *name)
{
    for (char **after = member->program.after; after && *after; after++)
        if (!strcmp(*after, name)) return true;
    return false;
}

bool member_start(struct chain *chain, struct member *member, char *error, size_t error_size)
{
    char log[256];
    snprintf(log, sizeof log, LOG_DIRECTORY "/%s.log", member->program.name);
    if (program_start(&member->program, chain->hostname, log, NULL, NULL, error, error_size) < 0) return false;
    member->since = now_ms();
    become(chain, member, member->is_ready ? RUNNING : STARTING, member->is_ready ? NEVER : member->since);
    if (!member->is_ready && !member->deadline) member->deadline = member->since + member->program.ready.timeout;
    return true;
}

/* Ends the start and with PID 1 all that was started. */
static void __attribute__((noreturn)) give_up(const struct member *member, const char *code, const char *detail)
{
    control_send("error %s %s %s", code, member->program.name, detail);
    _exit(1);
}

static void __attribute__((noreturn)) give_up_unready(const struct member *member, const char *why)
{
    char words[300], detail[1400];
    readiness_last_words(member, words, sizeof words);
    snprintf(detail, sizeof detail, "%s%s", why, words);
    give_up(member, "not_ready", detail);
}

static bool may_start(const struct chain *chain, const struct member *member)
{
    for (size_t i = 0; i < chain->count; i++) {
        const struct member *other = &chain->members[i];
        if (comes_after(member, other->program.name) && (other->state == PENDING || !other->is_ready)) return false;
    }
    return true;
}

static void start_first_time(struct chain *chain, struct member *member)
{
    char error[1024];
    if (member_start(chain, member, error, sizeof error)) return;
    char *detail = strchr(error, ' ');
    if (detail) *detail++ = 0;
    give_up(member, error, detail ? detail : "");
}

static void wait_for_restart(struct chain *chain, struct member *member)
{
    struct restart *restart = &member->program.restart;
    become(chain, member, WAITING, now_ms() + member->delay);
    member->delay = member->delay > restart->limit / 2 ? restart->limit : 2 * member->delay;
    member->in_a_row++;
}

static bool is_to_restart(const struct chain *chain, const struct member *member)
{
    const struct restart *restart = &member->program.restart;
    if (chain->is_stopping || restart->policy == RESTART_NEVER) return false;
    if (restart->policy == RESTART_ON_FAILURE && member->status == 0) return false;
    return restart->count < 0 || member->in_a_row < restart->count;
}

/* What a program that can no longer be executed says of it: in its log, because nobody waits for an answer. */
static void complain(const struct member *member, const char *error)
{
    char path[256], line[1200];
    snprintf(path, sizeof path, LOG_DIRECTORY "/%s.log", member->program.name);
    int length = snprintf(line, sizeof line, "appshot: it could not be started again: %s\n", error);
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    if (fd < 0) return;
    (void)!write(fd, line, (size_t)length);
    close(fd);
}

static void restart(struct chain *chain, struct member *member)
{
    char error[1024];
    member->restarts++;
    if (member_start(chain, member, error, sizeof error)) return;
    complain(member, error);
    member->status = 127 << 8; /* as a shell has it */
    if (is_to_restart(chain, member)) wait_for_restart(chain, member);
    else become(chain, member, ENDED, NEVER);
}

/* Of a start: is it ready, or too late? */
static void look_whether_ready(struct chain *chain, struct member *member)
{
    readiness_test(chain, member);
    if (member->is_ready) {
        become(chain, member, RUNNING, NEVER);
        return;
    }
    long long now = now_ms();
    if (now >= member->deadline) {
        char why[1024];
        readiness_why(member, why, sizeof why);
        give_up_unready(member, why);
    }
    member->due = now + member->program.ready.interval;
    if (member->due > member->deadline) member->due = member->deadline;
}

/* Its process group too: what a program leaves behind in the foreground would hold its ports and files. */
static void kill_group(pid_t pid)
{
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL);
}

static void stop_member(struct chain *chain, struct member *member)
{
    become(chain, member, STOPPING, member->program.grace < 0 ? NEVER : now_ms() + member->program.grace);
    kill(member->program.pid, member->program.stop_signal);
}

/* Each program is told when all that come after it have ended. */
static void go_on_stopping(struct chain *chain)
{
    bool all_ended = true;
    for (size_t i = 0; i < chain->count; i++) {
        struct member *member = &chain->members[i];
        if (member->state == ENDED) continue;
        all_ended = false;
        if (member->state == STOPPING) continue;
        bool is_needed = false;
        for (size_t j = 0; j < chain->count; j++)
            if (chain->members[j].state != ENDED && comes_after(&chain->members[j], member->program.name)) is_needed = true;
        if (!is_needed) stop_member(chain, member);
    }
    if (!all_ended || chain->rest_is_told) return;
    chain->rest_is_told = true;
    signal_children(chain, SIGTERM);
}

static void do_what_is_due(struct chain *chain, struct member *member)
{
    switch (member->state) {
    case PENDING:
        if (!chain->is_stopping && may_start(chain, member)) start_first_time(chain, member);
        break;
    case STARTING:
        if (!chain->is_stopping && member->due <= now_ms()) look_whether_ready(chain, member);
        break;
    case WAITING:
        if (!member->is_ready && !chain->has_started && member->deadline <= now_ms()) look_whether_ready(chain, member);
        else if (member->due <= now_ms()) restart(chain, member);
        break;
    case STOPPING:
        if (member->due != NEVER && member->due <= now_ms()) {
            kill_group(member->program.pid);
            member->due = NEVER;
        }
        break;
    case RUNNING: case ENDED:
        break;
    }
}

long long chain_turn(struct chain *chain)
{
    long long next = NEVER;
    bool again;
    do {
        again = false;
        for (size_t i = 0; i < chain->count; i++) {
            struct member *member = &chain->members[i];
            bool was_pending = member->state == PENDING, was_ready = member->is_ready;
            do_what_is_due(chain, member);
            /* It may be what one that was looked at before has waited for. */
            if ((was_pending && member->state != PENDING) || was_ready != member->is_ready) again = true;
        }
    } while (again);
    if (chain->is_stopping) go_on_stopping(chain);
    for (size_t i = 0; i < chain->count; i++) {
        long long due = chain->members[i].due;
        if (due != NEVER && (next == NEVER || due < next)) next = due;
    }
    return next;
}

static void tester_ended(struct member *member, int status)
{
    member->tester = 0;
    member->tester_status = status;
    if (member->state == STARTING && status == 0) member->due = now_ms();
}

void chain_ended(struct chain *chain, pid_t pid, int status)
{
    for (size_t i = 0; i < chain->count; i++) {
        struct member *member = &chain->members[i];
        if (member->tester == pid) tester_ended(member, status);
        if (member->program.pid != pid) continue;
        member->program.pid = 0;
        member->has_ended = true;
        member->status = status;
        if (now_ms() - member->since >= member->program.restart.reset) {
            member->in_a_row = 0;
            member->delay = member->program.restart.delay;
        }
        if (is_to_restart(chain, member)) {
            kill(-pid, SIGKILL);
            wait_for_restart(chain, member);
            continue;
        }
        become(chain, member, ENDED, NEVER);
        if (member->is_ready || chain->has_started) continue;
        char why[128];
        if (WIFSIGNALED(status)) snprintf(why, sizeof why, "signal %d ended it before it was ready", WTERMSIG(status));
        else snprintf(why, sizeof why, "it ended with status %d before it was ready", WEXITSTATUS(status));
        give_up_unready(member, why);
    }
}

void chain_stop(struct chain *chain)
{
    chain->is_stopping = true;
    for (size_t i = 0; i < chain->count; i++) {
        struct member *member = &chain->members[i];
        if (member->state == PENDING || member->state == WAITING) become(chain, member, ENDED, NEVER);
    }
}

bool chain_is_up(const struct chain *chain)
{
    for (size_t i = 0; i < chain->count; i++)
        if (chain->members[i].state == PENDING || !chain->members[i].is_ready) return false;
    return true;
}

bool chain_lives(const struct chain *chain)
{
    for (size_t i = 0; i < chain->count; i++)
        if (chain->members[i].state != ENDED) return true;
    return false;
}

/* Direct children are the chain and what moved to the background; each passes the signal on as it sees fit. */
void signal_children(const struct chain *chain, int number)
{
    FILE *children = fopen("/proc/1/task/1/children", "re");
    int pid;
    if (children) {
        while (fscanf(children, "%d", &pid) == 1) kill(pid, number);
        fclose(children);
        return;
    }
    for (size_t i = 0; i < chain->count; i++)
        if (chain->members[i].program.pid) kill(chain->members[i].program.pid, number);
}
