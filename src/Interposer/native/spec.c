#include "appshot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The whole file, with a NUL after it; the tokens stay where they are for as long as the process lives. */
static char *read_all(const char *path, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return NULL;
    struct stat status;
    if (fstat(fd, &status) < 0) { close(fd); return NULL; }
    char *content = malloc((size_t)status.st_size + 1);
    size_t done = 0;
    while (content && done < (size_t)status.st_size) {
        ssize_t n = read(fd, content + done, (size_t)status.st_size - done);
        if (n <= 0) break;
        done += (size_t)n;
    }
    close(fd);
    if (content) content[done] = 0;
    *size = done;
    return content;
}

static bool append(char ***list, char *item)
{
    size_t count = 0;
    while (*list && (*list)[count]) count++;
    char **longer = realloc(*list, (count + 2) * sizeof *longer);
    if (!longer) return false;
    longer[count] = item;
    longer[count + 1] = NULL;
    *list = longer;
    return true;
}

static bool to_number(const char *text, long least, long most, long *number)
{
    char *end;
    errno = 0;
    *number = strtol(text, &end, 10);
    return *text && !*end && !errno && *number >= least && *number <= most;
}

static bool to_policy(const char *text, enum restart_policy *policy)
{
    static const char *const names[] = {"never", "on-failure", "always"};
    for (int i = 0; i < 3; i++)
        if (!strcmp(text, names[i])) return *policy = (enum restart_policy)i, true;
    return false;
}

/* One key of a program; false when it is unknown or its value is not understood. */
static bool set_program(struct program *program, const char *key, char *value)
{
    long number;
    if (!strcmp(key, "user")) program->user = value;
    else if (!strcmp(key, "workdir")) program->workdir = value;
    else if (!strcmp(key, "env")) return append(&program->env, value);
    else if (!strcmp(key, "arg")) return append(&program->argv, value);
    else if (!strcmp(key, "after")) return append(&program->after, value);
    else if (!strcmp(key, "restart")) return to_policy(value, &program->restart.policy);
    else if (!strcmp(key, "restart-delay")) return to_number(value, 1, LONG_MAX / 4, &program->restart.delay);
    else if (!strcmp(key, "restart-limit")) return to_number(value, 1, LONG_MAX / 4, &program->restart.limit);
    else if (!strcmp(key, "restart-reset")) return to_number(value, 0, LONG_MAX / 4, &program->restart.reset);
    else if (!strcmp(key, "restart-count")) return to_number(value, 0, LONG_MAX / 4, &program->restart.count);
    else if (!strcmp(key, "ready-port")) return to_number(value, 1, 65535, &number) && (program->ready.port = (int)number);
    else if (!strcmp(key, "ready-file")) program->ready.file = value;
    else if (!strcmp(key, "ready-arg")) return append(&program->ready.argv, value);
    else if (!strcmp(key, "ready-interval")) return to_number(value, 1, LONG_MAX / 4, &program->ready.interval);
    else if (!strcmp(key, "ready-timeout")) return to_number(value, 1, LONG_MAX / 4, &program->ready.timeout);
    else if (!strcmp(key, "stop-signal")) return to_number(value, 1, NSIG - 1, &number) && (program->stop_signal = (int)number);
    else if (!strcmp(key, "grace")) return to_number(value, 0, LONG_MAX / 4, &program->grace);
    else return false;
    return true;
}

static bool load(const char *path, struct spec *spec)
{
    size_t size = 0;
    char *at = spec->text = read_all(path, &size), *end = at + size;
    if (!at) return false;
    struct program *program = NULL;
    while (at < end) {
        char *key = at, *value = key + strlen(key) + 1;
        if (value >= end) return false;
        at = value + strlen(value) + 1;
        if (!strcmp(key, "end")) return true;
        else if (!strcmp(key, "hostname")) spec->hostname = value;
        else if (!strcmp(key, "request")) spec->request = value;
        else if (!strcmp(key, "lower")) spec->lower = value;
        else if (!strcmp(key, "upper")) spec->upper = value;
        else if (!strcmp(key, "work")) spec->work = value;
        else if (!strcmp(key, "root")) spec->root = value;
        else if (!strcmp(key, "terminal")) { if (sscanf(value, "%dx%d", &spec->columns, &spec->rows) != 2) return false; }
        else if (!strcmp(key, "cgroup")) {
            if (spec->cgroup_count == MAX_CGROUPS) return false;
            spec->cgroups[spec->cgroup_count++] = value;
        } else if (!strcmp(key, "process")) {
            if (spec->program_count == MAX_PROCESSES) return false;
            program = &spec->programs[spec->program_count++];
            *program = (struct program){
                .name = value, .user = "root", .workdir = "/", .stop_signal = SIGTERM, .grace = -1,
                .restart = {.delay = 1000, .limit = 60000, .reset = 60000, .count = -1},
                .ready = {.interval = 200, .timeout = 60000},
            };
        } else if (!program || !set_program(program, key, value)) return false;
    }
    return false; /* no end: the file was cut */
}

bool spec_load(const char *path, struct spec *spec)
{
    memset(spec, 0, sizeof *spec);
    if (load(path, spec)) return true;
    spec_free(spec);
    return false;
}

void spec_free(struct spec *spec)
{
    for (size_t i = 0; i < spec->program_count; i++) {
        struct program *program = &spec->programs[i];
        free(program->argv);
        free(program->env);
        free(program->after);
        free(program->ready.argv);
    }
    free(spec->text);
    memset(spec, 0, sizeof *spec);
}
