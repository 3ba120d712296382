#include "chain.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Whether a TCP socket listens on the port, whatever its address; proc_pid_net(5). */
static bool listens(const char *table, int port)
{
    enum { TCP_LISTEN = 0x0A };
    FILE *sockets = fopen(table, "re");
    if (!sockets) return false;
    char line[512];
    bool found = false;
    while (!found && fgets(line, sizeof line, sockets)) {
        unsigned local, state;
        found = sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*s %x", &local, &state) == 2 && local == (unsigned)port && state == TCP_LISTEN;
    }
    fclose(sockets);
    return found;
}

/* The command runs beside PID 1, as the program's user and with its variables; what it prints goes nowhere. */
static void run_command(struct chain *chain, struct member *member)
{
    if (member->tester_status == 0) { member->is_ready = true; return; }
    if (member->tester) return;
    struct program command = member->program;
    command.argv = command.ready.argv;
    char error[1024];
    pid_t pid = program_start(&command, chain->hostname, NULL, NULL, NULL, error, sizeof error);
    if (pid > 0) member->tester = pid;
    else member->tester_status = 127 << 8;
}

void readiness_test(struct chain *chain, struct member *member)
{
    const struct readiness *ready = &member->program.ready;
    struct stat status;
    if (!member->program.pid) return;
    if (ready->port) member->is_ready = listens("/proc/net/tcp", ready->port) || listens("/proc/net/tcp6", ready->port);
    else if (ready->file) member->is_ready = stat(ready->file, &status) == 0;
    else run_command(chain, member);
}

void readiness_why(const struct member *member, char *text, size_t size)
{
    const struct readiness *ready = &member->program.ready;
    double seconds = (double)ready->timeout / 1000;
    if (ready->port) snprintf(text, size, "nothing listened on port %d within %g s", ready->port, seconds);
    else if (ready->file) snprintf(text, size, "file %s did not exist within %g s", ready->file, seconds);
    else if (member->tester_status < 0) snprintf(text, size, "its command %s did not end within %g s", ready->argv[0], seconds);
    else if (WIFSIGNALED(member->tester_status))
        snprintf(text, size, "its command %s was ended by signal %d, and not with status 0 within %g s", ready->argv[0], WTERMSIG(member->tester_status), seconds);
    else snprintf(text, size, "its command %s ended with status %d, and not with 0 within %g s", ready->argv[0], WEXITSTATUS(member->tester_status), seconds);
}

/* The log of a first start is gone with it, so its last line goes into the sentence. Empty when there is none. */
void readiness_last_words(const struct member *member, char *text, size_t size)
{
    char path[256], tail[257];
    struct stat status;
    text[0] = 0;
    snprintf(path, sizeof path, LOG_DIRECTORY "/%s.log", member->program.name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return;
    ssize_t length = 0;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
        length = pread(fd, tail, sizeof tail - 1, status.st_size > (off_t)sizeof tail - 1 ? status.st_size - ((off_t)sizeof tail - 1) : 0);
    close(fd);
    while (length > 0 && (tail[length - 1] == '\n' || tail[length - 1] == '\r')) length--;
    if (length <= 0) return;
    tail[length] = 0;
    char *line = strrchr(tail, '\n');
    line = line ? line + 1 : tail;
    while ((*line & 0xC0) == 0x80) line++; /* the rest of a character that was cut */
    for (char *at = line; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7F) *at = '?';
    snprintf(text, size, "; it last wrote: %s", line);
}
