/* Holds things that cannot be saved, or seem so, and serves lines like static.c so that one sees it live on.
 *
 *   undumpable KIND[=VALUE]...    the kinds are in the table at the end */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_alg.h>
#include <linux/io_uring.h>
#include <linux/netlink.h>
#include <linux/userfaultfd.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static void die(const char *what) { perror(what); exit(1); }
static int must(int result, const char *what) { if (result < 0) die(what); return result; }

static void uring(const char *value) {
    struct io_uring_params parameters; memset(&parameters, 0, sizeof parameters);
    int fd = must((int)syscall(SYS_io_uring_setup, 8, &parameters), "io_uring_setup");
    size_t size = parameters.sq_off.array + parameters.sq_entries * sizeof(unsigned);
    if (mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQ_RING) == MAP_FAILED) die("mmap of the ring");
    if (value && strcmp(value, "mapped") == 0) close(fd);
}

static void device(const char *path) { must(open(path, O_RDWR | O_NONBLOCK), path); }

static void traced(const char *value) {
    (void)value;
    pid_t child = fork();
    if (child == 0) { ptrace(PTRACE_TRACEME, 0, 0, 0); raise(SIGSTOP); for (;;) pause(); }
    int status;
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) die("waitpid");
    if (ptrace(PTRACE_CONT, child, 0, 0)) die("ptrace");
}

static void gone(const char *which) {
    char path[] = "/var/tmp/gone.XXXXXX";
    if (!mkdtemp(path)) die("mkdtemp");
    if (strcmp(which, "cwd") == 0) must(chdir(path), path);
    else if (strcmp(which, "file") == 0) {
        char file[64]; snprintf(file, sizeof file, "%s/x", path);
        must(open(file, O_RDWR | O_CREAT, 0600), file);
        must(unlink(file), file);
    } else must(open(path, O_RDONLY | O_DIRECTORY), path);
    must(rmdir(path), path);
}

static int inet(int type, int protocol) { return must(socket(AF_INET, type, protocol), "socket"); }

static void mptcp(const char *value) {
    (void)value;
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(7001) };
    int fd = inet(SOCK_STREAM, IPPROTO_MPTCP);
    must(bind(fd, (struct sockaddr *)&any, sizeof any), "bind"); must(listen(fd, 8), "listen");
}

static void family(const char *value) {
    int number = atoi(value), type = number == AF_ALG ? SOCK_SEQPACKET : number == AF_PACKET ? SOCK_RAW : SOCK_STREAM;
    must(socket(number, type, 0), "socket");
}

static void raw(const char *value) { inet(SOCK_RAW, atoi(value)); }
static void ping(const char *value) { (void)value; inet(SOCK_DGRAM, IPPROTO_ICMP); }
static void netlink(const char *value) { must(socket(AF_NETLINK, SOCK_RAW, atoi(value)), "netlink"); }

static void corked(const char *value) {
    (void)value;
    int fd = inet(SOCK_DGRAM, 0);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    must(connect(fd, (struct sockaddr *)&to, sizeof to), "connect");
    must((int)send(fd, "x", 1, MSG_MORE), "send");
}

static struct sockaddr_un named(const char *path) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    return address;
}

/* listen: nobody accepts. queued: and somebody has connected. sent: and sent. left: and gone away. */
static void local(const char *value) {
    struct sockaddr_un address = named("/var/tmp/local");
    int listener = must(socket(AF_UNIX, SOCK_STREAM, 0), "socket");
    must(bind(listener, (struct sockaddr *)&address, sizeof address), "bind"); must(listen(listener, 8), "listen");
    if (strcmp(value, "listen") == 0) return;
    int peer = must(socket(AF_UNIX, SOCK_STREAM, 0), "socket");
    must(connect(peer, (struct sockaddr *)&address, sizeof address), "connect");
    if (strcmp(value, "queued") != 0) must((int)send(peer, "x", 1, 0), "send");
    if (strcmp(value, "left") == 0) close(peer);
}

/* Accepts from whoever connects to /var/tmp/accepting, and keeps what comes as a descriptor (mapped: in memory alone). */
static void *accepting(void *value) {
    struct sockaddr_un address = named("/var/tmp/accepting");
    int listener = must(socket(AF_UNIX, SOCK_STREAM, 0), "socket");
    must(bind(listener, (struct sockaddr *)&address, sizeof address), "bind"); must(listen(listener, 8), "listen");
    for (;;) {
        int fd = must(accept(listener, NULL, NULL), "accept"), passed = -1;
        char byte, control[CMSG_SPACE(sizeof passed)];
        struct iovec content = { .iov_base = &byte, .iov_len = 1 };
        struct msghdr message = { .msg_iov = &content, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
        if (recvmsg(fd, &message, 0) <= 0) continue;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        if (header) memcpy(&passed, CMSG_DATA(header), sizeof passed);
        if (passed >= 0 && strcmp(value, "mapped") == 0) {
            if (mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, passed, 0) == MAP_FAILED) die("mmap");
            close(passed);
        }
        if (strcmp(value, "keep") != 0) close(fd);
        else must((int)send(fd, "k", 1, 0), "send");
    }
    return NULL;
}

static void outside(const char *value) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, accepting, (void *)value)) die("pthread_create");
}

static void hold(const char *value) {
    int fd = must(open("/var/tmp/held", O_RDWR | O_CREAT, 0666), "/var/tmp/held");
    if (strcmp(value, "flock") == 0) must(flock(fd, LOCK_EX), "flock");
    if (strcmp(value, "posix") == 0) { struct flock lock = { .l_type = F_WRLCK }; must(fcntl(fd, F_SETLK, &lock), "fcntl"); }
    if (strcmp(value, "ofd") == 0) { struct flock lock = { .l_type = F_WRLCK }; must(fcntl(fd, F_OFD_SETLK, &lock), "fcntl"); }
    if (strcmp(value, "lease") == 0) must(fcntl(fd, F_SETLEASE, F_WRLCK), "F_SETLEASE");
    if (strcmp(value, "wait") == 0 && fork() == 0) { int second = open("/var/tmp/held", O_RDWR); flock(second, LOCK_EX); for (;;) pause(); }
}

static void own(const char *value) {
    int kind = strcmp(value, "user") == 0 ? CLONE_NEWUSER : strcmp(value, "pid") == 0 ? CLONE_NEWPID | CLONE_NEWUSER : strcmp(value, "net") == 0 ? CLONE_NEWNET | CLONE_NEWUSER
        : strcmp(value, "ipc") == 0 ? CLONE_NEWIPC : strcmp(value, "uts") == 0 ? CLONE_NEWUTS : strcmp(value, "mnt") == 0 ? CLONE_NEWNS : CLONE_NEWCGROUP;
    if (fork() == 0) { must(unshare(kind), "unshare"); if (kind & CLONE_NEWPID && fork()) for (;;) pause(); for (;;) pause(); }
}

static void *serve_on(void *argument) { (void)argument; for (;;) pause(); return NULL; }

static void leader(const char *value) {
    (void)value;
    if (fork() == 0) { pthread_t thread; pthread_create(&thread, NULL, serve_on, NULL); syscall(SYS_exit, 0); }
}

/* A session whose leader has ended. */
static void orphan(const char *value) {
    (void)value;
    pid_t child = fork();
    if (child == 0) { setsid(); if (fork()) { usleep(50000); _exit(0); } setpgid(0, 0); for (;;) pause(); }
    waitpid(child, NULL, 0);
}

static void halfborn(const char *value) {
    (void)value;
    if (fork() == 0) { if (vfork() == 0) { for (;;) pause(); } for (;;) pause(); }
}

static void kernel(const char *value) {
    if (strcmp(value, "secret") == 0) {
        int fd = must((int)syscall(SYS_memfd_secret, 0), "memfd_secret");
        must(ftruncate(fd, 4096), "ftruncate");
        if (mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED) die("mmap");
        close(fd);
    } else if (strcmp(value, "userfault") == 0) must((int)syscall(SYS_userfaultfd, UFFD_USER_MODE_ONLY), "userfaultfd");
    else if (strcmp(value, "fanotify") == 0) {
        int fd = must(fanotify_init(FAN_REPORT_FID, O_RDONLY), "fanotify_init");
        must(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "/var/tmp"), "fanotify_mark");
    } else if (strcmp(value, "bpf") == 0) {
        union bpf_attr map = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1 };
        must((int)syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof map), "bpf");
    } else if (strcmp(value, "pidfd") == 0) must((int)syscall(SYS_pidfd_open, getpid(), 0), "pidfd_open");
    else if (strcmp(value, "inotify") == 0) { must(inotify_add_watch(inotify_init(), "/var/tmp", IN_CREATE), "inotify"); }
    else if (strcmp(value, "inotify-gone") == 0) {
        int fd = must(open("/var/tmp/watched", O_CREAT | O_RDWR, 0600), "watched");
        must(inotify_add_watch(inotify_init(), "/var/tmp/watched", IN_MODIFY), "inotify");
        must(unlink("/var/tmp/watched"), "unlink"); (void)fd;
    } else if (strcmp(value, "ns") == 0) must(open("/proc/self/ns/net", O_RDONLY), "ns");
    else if (strcmp(value, "proc") == 0) must(open("/proc/self/status", O_RDONLY), "status");
    else if (strcmp(value, "landlock") == 0) { unsigned long long access = 1; must((int)syscall(444, &access, sizeof access, 0), "landlock"); }
    else if (strcmp(value, "path") == 0) must(open("/var/tmp", O_PATH), "O_PATH");
    else if (strcmp(value, "sys") == 0) must(open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY), "sys");
    else if (strcmp(value, "memfd") == 0) must(memfd_create("m", 0), "memfd");
    else if (strcmp(value, "perf") == 0) {
        char attribute[128] = {0}; *(unsigned *)attribute = 1; *(unsigned *)(attribute + 4) = 128; *(unsigned long *)(attribute + 40) = 1 << 5 | 1 << 6;
        must((int)syscall(SYS_perf_event_open, attribute, 0, -1, -1, 0), "perf_event_open");
    } else { fprintf(stderr, "unknown kernel object %s\n", value); exit(2); }
}

/* A file on a mount of a namespace that has ended. */
static void stray(const char *value) {
    int pair[2], passed = -1;
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
    char byte = 'x', control[CMSG_SPACE(sizeof passed)] = {0};
    struct iovec content = { .iov_base = &byte, .iov_len = 1 };
    struct msghdr message = { .msg_iov = &content, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
    pid_t child = fork();
    if (child == 0) {
        must(unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare");
        must(mount("none", "/var/tmp", "tmpfs", 0, NULL), "mount");
        passed = must(open("/var/tmp", O_RDONLY | O_DIRECTORY), "open");
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET; header->cmsg_type = SCM_RIGHTS; header->cmsg_len = CMSG_LEN(sizeof passed);
        memcpy(CMSG_DATA(header), &passed, sizeof passed);
        must((int)sendmsg(pair[1], &message, 0), "sendmsg");
        _exit(0);
    }
    must((int)recvmsg(pair[0], &message, 0), "recvmsg");
    waitpid(child, NULL, 0); close(pair[0]); close(pair[1]);
    memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof passed);
    if (strcmp(value, "cwd") == 0) { must(fchdir(passed), "fchdir"); close(passed); }
}

static const struct { const char *name; void (*hold)(const char *); } kinds[] = {
    {"uring", uring}, {"device", device}, {"traced", traced}, {"gone", gone}, {"mptcp", mptcp}, {"family", family}, {"raw", raw}, {"ping", ping},
    {"netlink", netlink}, {"corked", corked}, {"local", local}, {"outside", outside}, {"hold", hold}, {"own", own}, {"leader", leader}, {"orphan", orphan},
    {"halfborn", halfborn}, {"kernel", kernel}, {"stray", stray},
};

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        char *equals = strchr(argv[i], '='); size_t j = 0;
        if (equals) *equals = 0;
        while (j < sizeof kinds / sizeof *kinds && strcmp(kinds[j].name, argv[i]) != 0) j++;
        if (j == sizeof kinds / sizeof *kinds) { fprintf(stderr, "undumpable: there is no kind %s\n", argv[i]); return 2; }
        kinds[j].hold(equals ? equals + 1 : "");
    }

    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1; unsigned long count = 0; char text[64];
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(7000) };
    if (bind(listener, (struct sockaddr *)&any, sizeof any) || listen(listener, 8)) die("listen");
    printf("serving on 7000\n"); fflush(stdout);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        while (read(fd, text, sizeof text) > 0) {
            int length = snprintf(text, sizeof text, "%lu\n", ++count);
            if (send(fd, text, (size_t)length, MSG_NOSIGNAL) != length) break;
        }
        close(fd);
    }
}
