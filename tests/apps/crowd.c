/* An instance with much in it: PROCESSES processes with THREADS threads in all and SOCKETS sockets, which do nothing.
 *
 *   crowd PROCESSES THREADS SOCKETS
 *
 * Says `ready` when all of them are there. Of the sockets, two of five are UDP, one is TCP, two are pairs of unix sockets. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHECK(x) ({ __typeof__(x) r_ = (x); if (r_ == (__typeof__(x))-1) { perror(#x); exit(1); } r_; })

static __attribute__((noreturn)) void *sleeper(void *unused) { (void)unused; for (;;) pause(); }

static void five_sockets(void)
{
    int pair[2];
    struct sockaddr_in any = { .sin_family = AF_INET };
    for (int i = 0; i < 3; i++) {
        int fd = CHECK(socket(AF_INET, i ? SOCK_DGRAM : SOCK_STREAM, 0));
        CHECK(bind(fd, (struct sockaddr *)&any, sizeof any));
        if (!i) CHECK(listen(fd, 1));
    }
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
}

static void fill(int threads, int sockets)
{
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 65536);
    for (int i = 1; i < threads; i++) { pthread_t thread; if (pthread_create(&thread, &small, sleeper, NULL)) { fprintf(stderr, "no thread\n"); exit(1); } }
    for (int i = 0; i < sockets / 5; i++) five_sockets();
}

int main(int argc, char **argv)
{
    if (argc != 4) { fprintf(stderr, "usage: crowd PROCESSES THREADS SOCKETS\n"); return 2; }
    int processes = atoi(argv[1]), threads = atoi(argv[2]) / processes, sockets = atoi(argv[3]) / processes, done[2];
    CHECK(pipe(done));
    for (int i = 1; i < processes; i++) {
        if (CHECK(fork()) == 0) {
            fill(threads, sockets);
            CHECK(write(done[1], "x", 1));
            for (;;) pause();
        }
    }
    fill(threads, sockets);
    for (int i = 1; i < processes; i++) { char x; CHECK(read(done[0], &x, 1)); }
    printf("ready\n");
    fflush(stdout);
    for (;;) pause();
}
