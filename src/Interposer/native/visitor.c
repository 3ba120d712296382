#include "appshot.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static void enter_namespaces(pid_t target)
{
    int pidfd = (int)syscall(SYS_pidfd_open, target, 0);
    if (pidfd < 0) fail("pidfd_open", "the instance's first process");
    if (setns(pidfd, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWTIME) < 0)
        fail("setns", "the instance's namespaces");
    close(pidfd);
    if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) fail("setuid", "0");
    if (chdir("/") < 0) fail("chdir", "/");
}

static void send_terminal(int master)
{
    char text[] = "tty", control[CMSG_SPACE(sizeof master)] = {0};
    struct iovec content = {.iov_base = text, .iov_len = 3};
    struct msghdr message = {.msg_iov = &content, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof master);
    memcpy(CMSG_DATA(header), &master, sizeof master);
    if (sendmsg(CONTROL_FD, &message, MSG_NOSIGNAL) < 0) fail("sendmsg", "terminal");
}

/* In the child, which is in the instance's PID namespace and leads a session of its own. */
static void prepare(void *argument)
{
    const struct spec *spec = argument;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (spec->columns) {
        /* The instance's own devpts, so that ttyname(3) finds it in there. */
        int master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), unlock = 0;
        if (master < 0) fail("open", "/dev/pts/ptmx");
        if (ioctl(master, TIOCSPTLCK, &unlock) < 0) fail("ioctl", "TIOCSPTLCK");
        int terminal = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
        if (terminal < 0) fail("ioctl", "TIOCGPTPEER");
        struct winsize size = {.ws_col = (unsigned short)spec->columns, .ws_row = (unsigned short)spec->rows};
        ioctl(terminal, TIOCSWINSZ, &size);
        if (ioctl(terminal, TIOCSCTTY, 0) < 0) fail("ioctl", "TIOCSCTTY");
        for (int i = 0; i < 3; i++)
            if (dup2(terminal, i) < 0) fail("dup2", "terminal");
        if (terminal > 2) close(terminal);
        send_terminal(master);
        close(master);
    }
    drop_capabilities();
    close(CONTROL_FD);
}

int visitor_main(pid_t target, const char *spec_path)
{
    static struct spec spec;
    if (!spec_load(spec_path, &spec) || spec.program_count != 1) fail("read", spec_path);
    char error[1024], hostname[256] = "";
    for (size_t i = 0; i < spec.cgroup_count; i++) join_cgroup(spec.cgroups[i]);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    int signals = signalfd(-1, &all, SFD_CLOEXEC);
    if (signals < 0) fail("signalfd", "");
    enter_namespaces(target);
    gethostname(hostname, sizeof hostname - 1);

    struct program *program = &spec.programs[0];
    if (program_start(program, hostname, NULL, prepare, &spec, error, sizeof error) < 0) {
        control_send("error %s", error);
        return 1;
    }
    control_send("started");
    /* The visitor's streams are its own now: the reader sees their end when it closes them. */
    for (int i = 0; i < 3; i++) close(i);

    struct pollfd sources[2] = {{.fd = signals, .events = POLLIN}, {.fd = CONTROL_FD, .events = POLLIN}};
    for (;;) {
        int status;
        if (waitpid(program->pid, &status, WNOHANG) == program->pid)
            return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        if (poll(sources, 2, -1) < 0) continue;
        if (sources[1].revents) { /* the daemon is gone, and nobody watches the visitor any more */
            kill(program->pid, SIGKILL);
            sources[1].fd = -1;
        }
        struct signalfd_siginfo info;
        if (sources[0].revents && read(signals, &info, sizeof info) == sizeof info && info.ssi_signo != SIGCHLD) {
            /* A signal for the visitor is for all that it started in the foreground. */
            if (kill(-program->pid, (int)info.ssi_signo) < 0) kill(program->pid, (int)info.ssi_signo);
        }
    }
}
