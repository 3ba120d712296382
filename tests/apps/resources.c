/* Holds one resource of every type that has an id; see docs/resources.md.
 *
 *   resources DIRECTORY
 *
 * The semaphore set has id 5193 and value 7, as in the source's example.
 * Over TCP, port 7101, one line each: REPORT answers with a line of JSON that says ids and values as this process sees them. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CHECK(x) ({ __typeof__(x) r_ = (x); if (r_ == (__typeof__(x))-1) { perror(#x); exit(1); } r_; })

enum { WANTED = 5193, VALUE = 7 };

static int semaphore, segment, queue;
static volatile int tid;

/* A fresh namespace counts from 0: all are held until the wanted one comes, and the others go. */
static int wanted_semaphore(void)
{
    static int others[WANTED + 1];
    int count = 0, id;
    while ((id = CHECK(semget(IPC_PRIVATE, 1, 0600))) != WANTED) {
        if (count == WANTED) { fprintf(stderr, "no semaphore set got id %d\n", WANTED); exit(1); }
        others[count++] = id;
    }
    while (count) CHECK(semctl(others[--count], 0, IPC_RMID));
    CHECK(semctl(id, 0, SETVAL, VALUE));
    return id;
}

static __attribute__((noreturn)) void *sleeper(void *unused) { (void)unused; tid = gettid(); for (;;) pause(); }

static int inet(int family, int type, int port)
{
    int fd = CHECK(socket(family, type, 0)), one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
        struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
        CHECK(bind(fd, (struct sockaddr *)&any, sizeof any));
    } else {
        struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
        CHECK(bind(fd, (struct sockaddr *)&any, sizeof any));
    }
    if (type == SOCK_STREAM) CHECK(listen(fd, 64));
    return fd;
}

static int to(int listener, int type)
{
    struct sockaddr_in name;
    socklen_t length = sizeof name;
    CHECK(getsockname(listener, (struct sockaddr *)&name, &length));
    int fd = CHECK(socket(AF_INET, type, 0));
    CHECK(connect(fd, (struct sockaddr *)&name, length));
    return fd;
}

static int local(int type, const char *path, int is_abstract)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    strcpy(name.sun_path + is_abstract, path);
    socklen_t length = (socklen_t)(sizeof name.sun_family + strlen(path) + 1);
    int fd = CHECK(socket(AF_UNIX, type, 0));
    CHECK(bind(fd, (struct sockaddr *)&name, length));
    if (type == SOCK_STREAM) {
        CHECK(listen(fd, 8));
        int other = CHECK(socket(AF_UNIX, type, 0));
        CHECK(connect(other, (struct sockaddr *)&name, length));
        CHECK(accept(fd, NULL, NULL));
    }
    return fd;
}

static void make_ipc(void)
{
    semaphore = wanted_semaphore();
    segment = CHECK(shmget(0x1999, 65536, IPC_CREAT | 0600));
    strcpy(CHECK((char *)shmat(segment, NULL, 0)), "shared");
    queue = CHECK(msgget(0x2000, IPC_CREAT | 0600));
    CHECK(msgsnd(queue, &(struct { long type; char text[8]; }){ 1, "waiting" }, 8, 0));
    CHECK(ftruncate(CHECK(shm_open("/object", O_CREAT | O_RDWR, 0600)), 4096));
    if (sem_open("/named", O_CREAT, 0600, 3) == SEM_FAILED) { perror("sem_open"); exit(1); }
    CHECK(mq_open("/queue", O_CREAT | O_RDWR, 0600, NULL));
    CHECK(mq_close(CHECK(mq_open("/closed", O_CREAT | O_RDWR, 0600, NULL))));
}

static void make_sockets(const char *directory)
{
    char path[100];
    int pair[2];
    inet(AF_INET6, SOCK_STREAM, 7102);
    int udp = inet(AF_INET, SOCK_DGRAM, 7103);
    to(udp, SOCK_DGRAM);
    snprintf(path, sizeof path, "%s/stream.sock", directory);
    unlink(path);
    local(SOCK_STREAM, path, 0);
    snprintf(path, sizeof path, "%s/datagram.sock", directory);
    unlink(path);
    local(SOCK_DGRAM, path, 0);
    local(SOCK_STREAM, "resources", 1);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
}

int main(int argc, char **argv)
{
    if (argc < 2) { fprintf(stderr, "usage: resources DIRECTORY\n"); return 2; }
    make_ipc();
    make_sockets(argv[1]);
    int terminal = CHECK(posix_openpt(O_RDWR | O_NOCTTY));
    CHECK(grantpt(terminal));
    CHECK(unlockpt(terminal));
    CHECK(open(ptsname(terminal), O_RDWR | O_NOCTTY));
    if (CHECK(fork()) == 0) { setsid(); if (CHECK(fork()) == 0) setpgid(0, 0); for (;;) pause(); }
    pthread_t thread;
    pthread_create(&thread, NULL, sleeper, NULL);
    while (!tid) usleep(1000);
    int listener = inet(AF_INET, SOCK_STREAM, 7101);
    to(listener, SOCK_STREAM);
    CHECK(accept(listener, NULL, NULL));
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        char line[64];
        FILE *client = fdopen(CHECK(accept(listener, NULL, NULL)), "r+");
        if (fgets(line, sizeof line, client)) {
            fprintf(client, "{\"pid\":%d,\"thread\":%d,\"semaphore\":%d,\"value\":%d,\"segment\":%d,\"queue\":%d}\n",
                    getpid(), tid, semaphore, semctl(semaphore, 0, GETVAL), shmget(0x1999, 0, 0), msgget(0x2000, 0));
        }
        fclose(client);
    }
}
