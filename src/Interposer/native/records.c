#include "chain.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DIRECTORY "/.vni/"

struct text {
    char content[MAX_MEMBERS * 128];
    size_t length;
};

static void __attribute__((format(printf, 2, 3))) add(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text->content + text->length, sizeof text->content - text->length, format, arguments);
    va_end(arguments);
    if (length > 0 && (size_t)length < sizeof text->content - text->length) text->length += (size_t)length;
}

/* A reader finds the whole file, the former one or none. */
bool write_record(const char *name, const char *text, size_t length)
{
    char path[64], draft[64];
    snprintf(path, sizeof path, DIRECTORY "%s", name);
    snprintf(draft, sizeof draft, DIRECTORY "%s.new", name);
    unlink(draft);
    int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) return false;
    bool written = write(fd, text, length) == (ssize_t)length;
    close(fd);
    return written && rename(draft, path) == 0;
}

void records_clear(void)
{
    unlink(DIRECTORY "pids");
    unlink(DIRECTORY "exits");
    unlink(DIRECTORY "chain");
}

void records_write(struct chain *chain)
{
    static const char *const states[] = {"pending", "starting", "running", "waiting", "stopping", "ended"};
    static struct text pids, exits, members;
    pids.length = exits.length = members.length = 0;
    for (size_t i = 0; i < chain->count; i++) {
        const struct member *member = &chain->members[i];
        const char *name = member->program.name;
        if (member->program.pid) add(&pids, "%s %d\n", name, member->program.pid);
        if (member->has_ended && WIFSIGNALED(member->status)) add(&exits, "%s signal %d\n", name, WTERMSIG(member->status));
        else if (member->has_ended) add(&exits, "%s exit %d\n", name, WEXITSTATUS(member->status));
        add(&members, "%s %s %ld\n", name, states[member->state], member->restarts);
    }
    write_record("exits", exits.content, exits.length);
    write_record("chain", members.content, members.length);
    /* Last: its existence says that the whole chain has started, and a daemon that comes later goes by that. */
    if (chain->has_started) write_record("pids", pids.content, pids.length);
    chain->has_changed = false;
}
