/* Answers every line of a connection with its number there and the line, each in a write of its own; and every datagram
 * likewise, numbered over all of them.
 *
 *   sequence [PORT [both]]      default 7000, TCP and UDP; both: on one socket for IPv4 and IPv6 each */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS = 4096, LINE = 512 };
struct client { unsigned long number; size_t length; char line[LINE]; };
static struct client *clients[CLIENTS];

static void die(const char *what) { perror(what); exit(1); }

static int serve(int port, int type, int both) {
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
    int fd = socket(both ? AF_INET6 : AF_INET, type, 0), one = 1, zero = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (both) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
    if (bind(fd, both ? (struct sockaddr *)&six : (struct sockaddr *)&four, both ? sizeof six : sizeof four) || (type == SOCK_STREAM && listen(fd, 1024))) die("bind");
    return fd;
}

static void answer_datagram(int fd) {
    static unsigned long number;
    char text[LINE], answer[LINE + 32]; struct sockaddr_storage from; socklen_t size = sizeof from;
    ssize_t n = recvfrom(fd, text, sizeof text, 0, (struct sockaddr *)&from, &size);
    if (n < 0) return;
    int length = snprintf(answer, sizeof answer, "%lu %.*s", ++number, (int)n, text);
    sendto(fd, answer, (size_t)length, 0, (struct sockaddr *)&from, size);
}

/* 0: the connection is over. */
static int answer_lines(int fd, struct client *client) {
    char text[4096], answer[LINE + 32]; ssize_t n = read(fd, text, sizeof text);
    if (n < 0 && errno == EINTR) return 1;
    if (n <= 0) return 0;
    for (ssize_t i = 0; i < n; i++) {
        if (client->length == LINE - 1) return 0;
        client->line[client->length++] = text[i];
        if (text[i] != '\n') continue;
        int length = snprintf(answer, sizeof answer, "%lu %.*s", ++client->number, (int)client->length, client->line);
        for (int done = 0; done < length;) {
            ssize_t sent = send(fd, answer + done, (size_t)(length - done), MSG_NOSIGNAL);
            if (sent < 0 && errno == EINTR) continue; /* as after any stop and continuation; see signal(7) */
            if (sent < 0) return 0;
            done += (int)sent;
        }
        client->length = 0;
    }
    return 1;
}

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 7000, both = argc > 2, one = 1;
    struct rlimit files = { CLIENTS, CLIENTS };
    setrlimit(RLIMIT_NOFILE, &files);
    int all = epoll_create1(0), listener = serve(port, SOCK_STREAM, both), datagrams = serve(port, SOCK_DGRAM, both);
    for (int fd = listener; fd <= datagrams; fd++) {
        struct epoll_event wanted = { .events = EPOLLIN, .data.fd = fd };
        if (epoll_ctl(all, EPOLL_CTL_ADD, fd, &wanted)) die("epoll_ctl");
    }
    printf("serving on %d\n", port); fflush(stdout);
    for (;;) {
        struct epoll_event events[64];
        int count = epoll_wait(all, events, 64, -1);
        if (count < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == datagrams) { answer_datagram(fd); continue; }
            if (fd == listener) {
                int made = accept(listener, NULL, NULL);
                if (made < 0) continue;
                if (made >= CLIENTS) { close(made); continue; }
                setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                clients[made] = calloc(1, sizeof *clients[made]);
                struct epoll_event wanted = { .events = EPOLLIN, .data.fd = made };
                if (!clients[made] || epoll_ctl(all, EPOLL_CTL_ADD, made, &wanted)) die("a new connection");
                continue;
            }
            if (answer_lines(fd, clients[fd])) continue;
            free(clients[fd]);
            clients[fd] = NULL;
            close(fd);
        }
    }
}
