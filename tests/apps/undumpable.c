/* Holds something that cannot be saved, and serves lines like static.c so that one sees it live on.
 *
 *   undumpable uring            an io_uring with its rings mapped
 *   undumpable device PATH      an open character device
 *   undumpable traced           a child that is being traced */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what) { perror(what); exit(1); }

static void hold_uring(void) {
    struct io_uring_params parameters; memset(&parameters, 0, sizeof parameters);
    int fd = (int)syscall(SYS_io_uring_setup, 8, &parameters);
    if (fd < 0) die("io_uring_setup");
    size_t size = parameters.sq_off.array + parameters.sq_entries * sizeof(unsigned);
    if (mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQ_RING) == MAP_FAILED) die("mmap of the ring");
}

static void hold_traced(void) {
    pid_t child = fork();
    if (child == 0) { ptrace(PTRACE_TRACEME, 0, 0, 0); raise(SIGSTOP); for (;;) pause(); }
    int status;
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) die("waitpid");
    if (ptrace(PTRACE_CONT, child, 0, 0)) die("ptrace");
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "uring") == 0) hold_uring();
    else if (argc == 3 && strcmp(argv[1], "device") == 0) { if (open(argv[2], O_RDWR) < 0) die(argv[2]); }
    else if (argc == 2 && strcmp(argv[1], "traced") == 0) hold_traced();
    else { fprintf(stderr, "usage: undumpable uring | device PATH | traced\n"); return 2; }

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
