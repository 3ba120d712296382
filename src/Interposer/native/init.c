#include "appshot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct spec spec;

static void append_line(const char *path, int flags, const char *format, const char *name, int value)
{
    char line[256];
    int length = snprintf(line, sizeof line, format, name, value);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0644);
    if (fd < 0) return;
    (void)!write(fd, line, (size_t)length);
    close(fd);
}

static void start_chain(void)
{
    unlink(EXITS_PATH);
    unlink(PIDS_PATH);
    unlink(PIDS_PATH ".new");
    for (size_t i = 0; i < spec.program_count; i++) {
        struct program *program = &spec.programs[i];
        char log[256], error[1024];
        snprintf(log, sizeof log, LOG_DIRECTORY "/%s.log", program->name);
        if (program_start(program, spec.hostname, log, NULL, NULL, error, sizeof error) < 0) {
            char *detail = strchr(error, ' ');
            control_send("error %.*s %s%s", (int)strcspn(error, " "), error, program->name, detail ? detail : "");
            _exit(1); /* and with PID 1 all others that were started */
        }
        append_line(PIDS_PATH ".new", O_APPEND, "%s %d\n", program->name, program->pid);
    }
    /* Its existence says that the whole chain has started: a daemon that comes later goes by that. */
    rename(PIDS_PATH ".new", PIDS_PATH);
}

/* Reaps everything that has ended; false when no process is left. Processes that a daemon left behind when it moved to
 * the background are our children too, and keep the instance alive. */
static bool reap(void)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < spec.program_count; i++) {
            struct program *program = &spec.programs[i];
            if (program->pid != pid) continue;
            program->pid = 0;
            if (WIFSIGNALED(status)) append_line(EXITS_PATH, O_APPEND, "%s signal %d\n", program->name, WTERMSIG(status));
            else append_line(EXITS_PATH, O_APPEND, "%s exit %d\n", program->name, WEXITSTATUS(status));
        }
    }
    return pid == 0 || errno != ECHILD;
}

/* Direct children are the chain and what moved to the background; each passes the signal on as it sees fit. */
static void forward(int number)
{
    FILE *children = fopen("/proc/1/task/1/children", "re");
    int pid;
    if (children) {
        while (fscanf(children, "%d", &pid) == 1) kill(pid, number);
        fclose(children);
        return;
    }
    for (size_t i = 0; i < spec.program_count; i++)
        if (spec.programs[i].pid) kill(spec.programs[i].pid, number);
}

static void open_standard_streams(void)
{
    int fd = open("/dev/null", O_RDWR | O_NOCTTY);
    if (fd < 0) fail("open", "/dev/null");
    for (int i = 0; i < 3; i++)
        if (fd != i && dup2(fd, i) < 0) fail("dup2", "/dev/null");
    if (fd > 2) close(fd);
}

int init_main(void)
{
    for (int fd = CONTROL_FD + 1; fd < 1024; fd++) close(fd);
    fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC); /* the chain must not inherit it */
    open_standard_streams();
    if (!spec_load(SPEC_PATH, &spec) || !spec.hostname || !spec.program_count) fail("read", SPEC_PATH);
    umask(022);
    mkdir("/var/log", 0755);
    mkdir(LOG_DIRECTORY, 0755);
    /* The usual soft limit of a service: programs that walk all descriptors would be slow under the daemon's. */
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != 1024 && files.rlim_max >= 1024) {
        files.rlim_cur = 1024;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    drop_capabilities();
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    start_chain();
    control_send("started");
    close(CONTROL_FD);

    while (reap()) {
        int number = sigwaitinfo(&all, NULL);
        switch (number) {
        case SIGTERM: case SIGINT: case SIGHUP: case SIGQUIT: case SIGUSR1: case SIGUSR2: case SIGWINCH:
            forward(number);
            break;
        default: /* SIGCHLD is answered by the next turn; the rest is not for us */
            break;
        }
    }
    return 0;
}
