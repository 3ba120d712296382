/* One program of a chain of three; holds one of everything that a snapshot must carry.
 *
 *   chain alpha|beta|gamma DIRECTORY
 *
 * All three have threads, timers, a pending signal and a TCP listener (7001, 7002, 7003). alpha makes the System V
 * objects and listens on a unix socket, beta talks to a child through pipes, gamma has a POSIX shared memory object, a
 * deleted file and a connection to alpha. Over TCP, one line each: REPORT answers with one line of JSON that says every
 * id and value; INCR answers with the next number of this connection. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif
#define CHECK(x) ({ __typeof__(x) r_ = (x); if (r_ == (__typeof__(x))-1) { perror(#x); exit(1); } r_; })

enum { SEM_KEY = 0x5193, SHM_KEY = 0x1999, MSG_KEY = 0x2000, SHM_SIZE = 256 << 10, WORKERS = 2, TICK_MS = 20 };

struct message { long type; char text[32]; };

static const char *role, *directory;
static volatile unsigned long worker_ticks[WORKERS], itimer_ticks, posix_ticks, timerfd_ticks;
static volatile int worker_tids[WORKERS + 1];
static int semaphore, segment, queue, unread[2], to_child[2], from_child[2], deleted_fd = -1, to_alpha = -1;
static pid_t child;
static unsigned char *shared, *posix_shared;
static pthread_mutex_t exchange = PTHREAD_MUTEX_INITIALIZER;

static void nap(int ms) { struct timespec t = { ms / 1000, ms % 1000 * 1000000L }; while (nanosleep(&t, &t) && errno == EINTR) {} }
static void on_itimer(int n) { (void)n; itimer_ticks++; }
static void on_posix(int n) { (void)n; posix_ticks++; }

static __attribute__((noreturn)) void *worker(void *arg) {
    long n = (long)arg;
    worker_tids[n] = (int)syscall(SYS_gettid);
    for (;;) { worker_ticks[n]++; nap(TICK_MS); }
}

static __attribute__((noreturn)) void *timer_reader(void *arg) {
    worker_tids[WORKERS] = (int)syscall(SYS_gettid);
    uint64_t expired;
    for (;;) if (read((int)(long)arg, &expired, sizeof expired) == sizeof expired) timerfd_ticks += expired;
}

/* Blocks two signals and raises them: they stay pending for good, one of them queued with a value. */
static void pend_signals(void) {
    sigset_t set; sigemptyset(&set); sigaddset(&set, SIGUSR1); sigaddset(&set, SIGRTMIN + 3);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL));
    CHECK(kill(getpid(), SIGUSR1));
    CHECK(sigqueue(getpid(), SIGRTMIN + 3, (union sigval){ .sival_int = 42 }));
}

static void start_timers(void) {
    signal(SIGALRM, on_itimer);
    struct itimerval every = { { 0, TICK_MS * 1000 }, { 0, TICK_MS * 1000 } };
    CHECK(setitimer(ITIMER_REAL, &every, NULL));
    signal(SIGRTMIN + 1, on_posix);
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1 };
    struct itimerspec spec = { { 0, TICK_MS * 1000000L }, { 0, TICK_MS * 1000000L } };
    timer_t timer; CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer)); CHECK(timer_settime(timer, 0, &spec, NULL));
    int fd = CHECK(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)); CHECK(timerfd_settime(fd, 0, &spec, NULL));
    pthread_t t; pthread_create(&t, NULL, timer_reader, (void *)(long)fd);
    for (long n = 0; n < WORKERS; n++) pthread_create(&t, NULL, worker, (void *)n);
    for (int n = 0; n <= WORKERS; n++) while (!worker_tids[n]) nap(1); /* a report names all of them */
}

static struct sockaddr_un unix_name(void) {
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    snprintf(name.sun_path, sizeof name.sun_path, "%s/chain.sock", directory);
    return name;
}

static void *answer_unix(void *arg) {
    char text[64]; ssize_t n; int fd = (int)(long)arg;
    while ((n = read(fd, text, sizeof text)) > 0) { text[1] = 'o'; if (write(fd, text, (size_t)n) != n) break; } /* ping, pong */
    close(fd);
    return NULL;
}

static __attribute__((noreturn)) void *accept_unix(void *arg) {
    for (;;) {
        int fd = accept((int)(long)arg, NULL, NULL); pthread_t t;
        if (fd >= 0) { pthread_create(&t, NULL, answer_unix, (void *)(long)fd); pthread_detach(t); }
    }
}

static void be_alpha(void) {
    for (int i = 0; i < 3; i++) { /* so that the ids below are not those that any fresh kernel would give out first */
        CHECK(semctl(CHECK(semget(IPC_PRIVATE, 1, 0600)), 0, IPC_RMID));
        CHECK(shmctl(CHECK(shmget(IPC_PRIVATE, 4096, 0600)), IPC_RMID, NULL));
        CHECK(msgctl(CHECK(msgget(IPC_PRIVATE, 0600)), IPC_RMID, NULL));
    }
    semaphore = CHECK(semget(SEM_KEY, 1, IPC_CREAT | 0600)); CHECK(semctl(semaphore, 0, SETVAL, 7));
    segment = CHECK(shmget(SHM_KEY, SHM_SIZE, IPC_CREAT | 0600));
    shared = CHECK(shmat(segment, NULL, 0));
    for (int i = 0; i < SHM_SIZE; i++) shared[i] = (unsigned char)(i * 31 + 7);
    queue = CHECK(msgget(MSG_KEY, IPC_CREAT | 0600));
    for (int i = 1; i <= 3; i++) {
        struct message m = { .type = i }; snprintf(m.text, sizeof m.text, "message %d", i);
        CHECK(msgsnd(queue, &m, sizeof m.text, 0));
    }
    struct sockaddr_un name = unix_name(); unlink(name.sun_path);
    int fd = CHECK(socket(AF_UNIX, SOCK_STREAM, 0)); CHECK(bind(fd, (struct sockaddr *)&name, sizeof name)); CHECK(listen(fd, 8));
    pthread_t t; pthread_create(&t, NULL, accept_unix, (void *)(long)fd);
}

static void await_alpha(void) {
    while ((semaphore = semget(SEM_KEY, 1, 0)) < 0 || (segment = shmget(SHM_KEY, 0, 0)) < 0 || (queue = msgget(MSG_KEY, 0)) < 0) nap(5);
    shared = CHECK(shmat(segment, NULL, SHM_RDONLY));
    struct msqid_ds ds; /* all three messages are there */
    while (msgctl(queue, IPC_STAT, &ds) || ds.msg_qnum < 3) nap(5);
}

/* The child answers every number with itself times two; it lives in read(2) on a pipe. */
static void be_beta(void) {
    await_alpha(); CHECK(pipe(to_child)); CHECK(pipe(from_child));
    child = CHECK(fork());
    if (child == 0) {
        int n;
        while (read(to_child[0], &n, sizeof n) == sizeof n) { n *= 2; if (write(from_child[1], &n, sizeof n) != sizeof n) break; }
        _exit(0);
    }
}

static void be_gamma(void) {
    char path[256];
    await_alpha();
    int fd = CHECK(shm_open("/chain", O_CREAT | O_RDWR, 0600)); CHECK(ftruncate(fd, 4096));
    posix_shared = CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    strcpy((char *)posix_shared, "posix shared memory");
    snprintf(path, sizeof path, "%s/deleted", directory);
    deleted_fd = CHECK(open(path, O_CREAT | O_RDWR | O_TRUNC, 0600));
    CHECK(write(deleted_fd, "nobody can open this any more", 29)); CHECK(lseek(deleted_fd, 7, SEEK_SET)); CHECK(unlink(path));
    struct sockaddr_un name = unix_name();
    to_alpha = CHECK(socket(AF_UNIX, SOCK_STREAM, 0));
    while (connect(to_alpha, (struct sockaddr *)&name, sizeof name)) nap(5);
}

struct text { char data[4096]; size_t length; };
static void say(struct text *t, const char *format, ...) {
    va_list args; va_start(args, format);
    t->length += (size_t)vsnprintf(t->data + t->length, sizeof t->data - t->length, format, args);
    va_end(args);
}

static void report(struct text *t) {
    char host[65] = "", text[64] = ""; sigset_t pending; const char *comma = "";
    gethostname(host, sizeof host - 1); sigpending(&pending);
    pthread_mutex_lock(&exchange);
    say(t, "{\"role\":\"%s\",\"hostname\":\"%s\",\"pid\":%d,\"parent\":%d,\"group\":%d,\"session\":%d,\"child\":%d,", role, host, getpid(), getppid(), getpgrp(), getsid(0), child);
    say(t, "\"threads\":[%d,%d,%d],\"pending\":[", worker_tids[0], worker_tids[1], worker_tids[2]);
    for (int n = 1; n < 65; n++) if (sigismember(&pending, n) == 1) { say(t, "%s%d", comma, n); comma = ","; }
    int waiting = 0; ioctl(unread[0], FIONREAD, &waiting);
    say(t, "],\"pipeUnread\":%d,\"semaphore\":%d,\"semaphoreValue\":%d,", waiting, semaphore, semctl(semaphore, 0, GETVAL));
    uint32_t sum = 0; for (int i = 0; i < SHM_SIZE; i++) sum = sum * 33 + shared[i];
    say(t, "\"segment\":%d,\"segmentSum\":%u,\"segmentAddress\":\"%p\",\"queue\":%d,\"messages\":[", segment, sum, (void *)shared, queue);
    struct message m;
    for (int i = 0; msgrcv(queue, &m, sizeof m.text, i, MSG_COPY | IPC_NOWAIT) >= 0; i++) say(t, "%s\"%ld %s\"", i ? "," : "", m.type, m.text);
    say(t, "]");
    if (child) {
        int n = 21, ok = write(to_child[1], &n, sizeof n) == sizeof n && read(from_child[0], &n, sizeof n) == sizeof n;
        say(t, ",\"childAnswer\":%d", ok ? n : -1);
    }
    if (to_alpha >= 0) {
        ssize_t n = write(to_alpha, "ping", 4) == 4 ? read(to_alpha, text, sizeof text - 1) : -1;
        say(t, ",\"unix\":\"%.*s\"", n < 0 ? 0 : (int)n, text);
        n = pread(deleted_fd, text, sizeof text - 1, 0); struct stat st; fstat(deleted_fd, &st);
        say(t, ",\"deleted\":\"%.*s\",\"deletedOffset\":%ld,\"deletedLinks\":%lu", n < 0 ? 0 : (int)n, text, (long)lseek(deleted_fd, 0, SEEK_CUR), (unsigned long)st.st_nlink);
        say(t, ",\"posixShared\":\"%s\"", posix_shared);
    }
    pthread_mutex_unlock(&exchange);
    struct timespec now; clock_gettime(CLOCK_MONOTONIC, &now);
    say(t, ",\"ticks\":{\"worker0\":%lu,\"worker1\":%lu,\"timerfd\":%lu,\"itimer\":%lu,\"timer\":%lu,\"clock\":%lld}}\n",
        worker_ticks[0], worker_ticks[1], timerfd_ticks, itimer_ticks, posix_ticks, now.tv_sec * 1000LL + now.tv_nsec / 1000000);
}

static void *serve(void *arg) {
    int fd = (int)(long)arg; unsigned long count = 0; char line[64];
    FILE *in = fdopen(fd, "r");
    while (fgets(line, sizeof line, in)) {
        struct text t = { .length = 0 };
        if (strncmp(line, "INCR", 4) == 0) say(&t, "%lu\n", ++count);
        else if (strncmp(line, "REPORT", 6) == 0) report(&t);
        else say(&t, "what?\n");
        if (send(fd, t.data, t.length, MSG_NOSIGNAL) != (ssize_t)t.length) break;
    }
    fclose(in);
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 3) { fprintf(stderr, "usage: chain alpha|beta|gamma DIRECTORY\n"); return 2; }
    role = argv[1]; directory = argv[2];
    CHECK(pipe(unread)); CHECK(write(unread[1], "thirteen left", 13));
    int port = 7001;
    pend_signals(); /* before there are threads, so that none of them takes the signals */
    if (strcmp(role, "alpha") == 0) be_alpha();
    else if (strcmp(role, "beta") == 0) { be_beta(); port = 7002; }
    else { be_gamma(); port = 7003; }
    start_timers();
    int listener = CHECK(socket(AF_INET, SOCK_STREAM, 0)), one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    CHECK(bind(listener, (struct sockaddr *)&any, sizeof any)); CHECK(listen(listener, 64));
    printf("%s serves on %d\n", role, port); fflush(stdout);
    for (;;) {
        int fd = accept(listener, NULL, NULL); pthread_t t;
        if (fd >= 0) { pthread_create(&t, NULL, serve, (void *)(long)fd); pthread_detach(t); }
    }
}
