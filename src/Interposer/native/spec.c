#include "appshot.h"

#include <fcntl.h>
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

bool spec_load(const char *path, struct spec *spec)
{
    memset(spec, 0, sizeof *spec);
    size_t size = 0;
    char *at = read_all(path, &size), *end = at + size;
    if (!at) return false;
    struct program *program = NULL;
    while (at < end) {
        char *key = at, *value = key + strlen(key) + 1;
        if (value >= end) return false;
        at = value + strlen(value) + 1;
        if (!strcmp(key, "end")) return true;
        else if (!strcmp(key, "hostname")) spec->hostname = value;
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
            *program = (struct program){.name = value, .user = "root", .workdir = "/"};
        } else if (!program) return false;
        else if (!strcmp(key, "user")) program->user = value;
        else if (!strcmp(key, "workdir")) program->workdir = value;
        else if (!strcmp(key, "env")) { if (!append(&program->env, value)) return false; }
        else if (!strcmp(key, "arg")) { if (!append(&program->argv, value)) return false; }
        else return false;
    }
    return false; /* no end: the file was cut */
}
