#include "chain.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_INTERVAL 50 /* ms; how often a harness that is starting looks whether its daemon lives */

static struct spec spec;
static struct chain chain;

/* While the chain is starting, the daemon is waiting for it; without a daemon nobody would take charge of it. */
static void end_without_daemon(void)
{
    struct pollfd daemon = {.fd = CONTROL_FD};
    if (poll(&daemon, 1, 0) > 0 && daemon.revents & (POLLHUP | POLLERR)) _exit(1);
}

static void report_started(void)
{
    chain.has_started = true;
    records_write(&chain);
    control_send("started");
    close(CONTROL_FD);
}

/* Reaps everything that has ended; false when no process is left. Processes that a daemon left behind when it moved to
 * the background are our children too, and keep the instance alive. */
static bool reap(void)
{
    for (;;) {
        siginfo_t ended = {0};
        if (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) < 0) return errno != ECHILD;
        if (!ended.si_pid) return true;
        chain_ended(&chain, ended.si_pid, ended.si_code == CLD_EXITED ? (ended.si_status & 0xFF) << 8 : ended.si_status);
        waitpid(ended.si_pid, NULL, WNOHANG);
    }
}

/* The next signal, or 0 when something is due; see signal(7). */
static int next_signal(const sigset_t *all, long long due)
{
    if (due == NEVER && chain.has_started) return sigwaitinfo(all, NULL);
    long long wait = due == NEVER ? LOOK_INTERVAL : due - now_ms();
    if (wait < 0) wait = 0;
    if (!chain.has_started && wait > LOOK_INTERVAL) wait = LOOK_INTERVAL;
    struct timespec time = {.tv_sec = wait / 1000, .tv_nsec = wait % 1000 * 1000000};
    int number = sigtimedwait(all, NULL, &time);
    return number < 0 ? 0 : number;
}

static bool is_forwarded(int number)
{
    switch (number) {
    case SIGINT: case SIGHUP: case SIGQUIT: case SIGUSR1: case SIGUSR2: case SIGWINCH:
        return true;
    default: /* SIGCHLD is answered by the next turn; the rest is not for us */
        return false;
    }
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
    records_clear();
    requests_clear();
    chain_load(&chain, &spec);

    for (;;) {
        bool is_populated = reap();
        long long due = chain_turn(&chain);
        if (!chain.has_started && chain_is_up(&chain)) report_started();
        if (!chain.has_started) end_without_daemon();
        if (chain.has_changed) records_write(&chain);
        if (!is_populated && !chain_lives(&chain)) return 0;
        int number = next_signal(&all, due);
        if (number == SIGTERM) chain_stop(&chain);
        else if (number == JOIN_SIGNAL) requests_take(&chain);
        else if (is_forwarded(number)) signal_children(&chain, number);
    }
}
