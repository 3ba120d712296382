/* A program that was written to be the only one of its kind on a machine: fixed System V keys, a fixed TCP port (7100),
 * fixed paths and a locked PID file. It takes no arguments.
 *
 * Over TCP, one line each: SET N gives the semaphore, the shared memory and the queue the value N; INCR appends a line to the
 * journal, which stays open, and answers with its number; REPORT answers with one line of JSON. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECK(x) ({ __typeof__(x) r_ = (x); if (r_ == (__typeof__(x))-1) { perror(#x); exit(1); } r_; })
#define CONFIG "/user/app/config"
#define PID_FILE "/var/run/fixed.pid"

enum { KEY = 5193, PORT = 7100 };
struct message { long type; int value; };

static int semaphore, segment, queue, journal, pid_file;
static int *shared;

static void read_line(const char *path, char *text, size_t size) {
    int fd = open(path, O_RDONLY); ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);
    text[n < 0 ? 0 : n] = 0;
    text[strcspn(text, "\n")] = 0;
    if (fd >= 0) close(fd);
}

static void link_of(const char *path, char *text, size_t size) {
    ssize_t n = readlink(path, text, size - 1);
    text[n < 0 ? 0 : n] = 0;
}

static void set(int value) {
    struct message m;
    CHECK(semctl(semaphore, 0, SETVAL, value));
    *shared = value;
    while (msgrcv(queue, &m, sizeof m.value, 0, IPC_NOWAIT) >= 0) {}
    m = (struct message){ 1, value };
    CHECK(msgsnd(queue, &m, sizeof m.value, 0));
}

static void report(char *answer, size_t size) {
    char settings[64], pid[64], config[128], opened[128], name[32]; struct stat own; struct message m;
    read_line(CONFIG "/settings", settings, sizeof settings);
    read_line(PID_FILE, pid, sizeof pid);
    link_of(CONFIG, config, sizeof config);
    snprintf(name, sizeof name, "/proc/self/fd/%d", journal);
    link_of(name, opened, sizeof opened);
    CHECK(stat(CONFIG, &own));
    CHECK(msgrcv(queue, &m, sizeof m.value, 0, 0)); CHECK(msgsnd(queue, &m, sizeof m.value, 0));
    snprintf(answer, size, "{\"semaphore\":%d,\"semaphoreValue\":%d,\"segment\":%d,\"shared\":%d,\"queue\":%d,\"message\":%d,\"settings\":\"%s\",\"pidFile\":%d,\"pid\":%d,"
        "\"config\":\"%s\",\"journal\":\"%s\",\"mode\":%d,\"uid\":%d,\"home\":\"%s\"}\n",
        semaphore, semctl(semaphore, 0, GETVAL), segment, *shared, queue, m.value, settings, atoi(pid), getpid(),
        config, opened, own.st_mode & 07777, own.st_uid, getenv("HOME"));
}

static int serve(int fd) {
    static int lines;
    char text[64], answer[1024]; ssize_t n = 0;
    while (n < (ssize_t)sizeof text - 1 && read(fd, text + n, 1) == 1) if (text[n++] == '\n') break;
    if (n == 0) return 0;
    text[n] = 0;
    if (!strncmp(text, "SET ", 4)) { set(atoi(text + 4)); strcpy(answer, "ok\n"); }
    else if (!strncmp(text, "INCR", 4)) {
        int length = snprintf(answer, sizeof answer, "%d\n", ++lines);
        CHECK(write(journal, answer, (size_t)length));
    }
    else report(answer, sizeof answer);
    return send(fd, answer, strlen(answer), MSG_NOSIGNAL) > 0;
}

int main(void) {
    char pid[32]; int one = 1;
    pid_file = CHECK(open(PID_FILE, O_RDWR | O_CREAT | O_TRUNC, 0644));
    if (flock(pid_file, LOCK_EX | LOCK_NB)) { fputs("it runs already\n", stderr); return 1; }
    CHECK(write(pid_file, pid, (size_t)snprintf(pid, sizeof pid, "%d\n", getpid())));
    journal = CHECK(open(CONFIG "/journal", O_WRONLY | O_CREAT | O_APPEND, 0600));
    semaphore = CHECK(semget(KEY, 1, IPC_CREAT | IPC_EXCL | 0600));
    segment = CHECK(shmget(KEY, 4096, IPC_CREAT | IPC_EXCL | 0600));
    shared = CHECK(shmat(segment, NULL, 0));
    queue = CHECK(msgget(KEY, IPC_CREAT | IPC_EXCL | 0600));
    set(7);
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(PORT) };
    int listener = CHECK(socket(AF_INET, SOCK_STREAM, 0));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    CHECK(bind(listener, (struct sockaddr *)&any, sizeof any)); CHECK(listen(listener, 8));
    for (;;) {
        int fd = CHECK(accept(listener, NULL, NULL));
        while (serve(fd)) {}
        close(fd);
    }
}
