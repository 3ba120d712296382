/* A small server without libraries: answers every line on a connection with the next number of that connection.
 *
 *   static [PORT]      default 7000 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS = 64 };

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 7000, one = 1, count = 1;
    struct pollfd fds[CLIENTS + 1]; unsigned long numbers[CLIENTS + 1];
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    fds[0] = (struct pollfd){ .fd = socket(AF_INET, SOCK_STREAM, 0), .events = POLLIN };
    setsockopt(fds[0].fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fds[0].fd, (struct sockaddr *)&any, sizeof any) || listen(fds[0].fd, 64)) { perror("listen"); return 1; }
    printf("serving on %d\n", port); fflush(stdout);
    for (;;) {
        if (poll(fds, (nfds_t)count, -1) < 0) {
            if (errno == EINTR) continue; /* as after any stop and continuation; see signal(7) */
            perror("poll");
            return 1;
        }
        for (int i = count - 1; i > 0; i--) {
            char text[256], answer[32]; ssize_t n;
            if (!fds[i].revents) continue;
            n = read(fds[i].fd, text, sizeof text);
            for (ssize_t c = 0; c < n; c++) {
                if (text[c] != '\n') continue;
                int length = snprintf(answer, sizeof answer, "%lu\n", ++numbers[i]);
                if (send(fds[i].fd, answer, (size_t)length, MSG_NOSIGNAL) != length) n = 0;
            }
            if (n <= 0) { close(fds[i].fd); count--; fds[i] = fds[count]; numbers[i] = numbers[count]; }
        }
        if (fds[0].revents && count <= CLIENTS) {
            fds[count] = (struct pollfd){ .fd = accept(fds[0].fd, NULL, NULL), .events = POLLIN };
            numbers[count++] = 0;
        }
    }
}
