/* A small server that can be watched: it counts a beat every millisecond for as long as it runs, and answers every line
 * with the next number of that connection and the beats of its whole life.
 *
 *   beat [PORT]      default 7000 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS = 16 };

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 7000, one = 1, count = 1;
    struct pollfd fds[CLIENTS + 1]; unsigned long numbers[CLIENTS + 1], beats = 0;
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    fds[0] = (struct pollfd){ .fd = socket(AF_INET, SOCK_STREAM, 0), .events = POLLIN };
    setsockopt(fds[0].fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fds[0].fd, (struct sockaddr *)&any, sizeof any) || listen(fds[0].fd, 16)) { perror("listen"); return 1; }
    for (;; beats++) {
        int ready = poll(fds, (nfds_t)count, 1);
        if (ready < 0 && errno != EINTR) { perror("poll"); return 1; } /* EINTR: after any stop and continuation; see signal(7) */
        if (ready <= 0) continue;
        for (int i = count - 1; i > 0; i--) {
            char text[256], answer[64]; ssize_t n;
            if (!fds[i].revents) continue;
            n = read(fds[i].fd, text, sizeof text);
            for (ssize_t c = 0; c < n; c++) {
                if (text[c] != '\n') continue;
                int length = snprintf(answer, sizeof answer, "%lu %lu\n", ++numbers[i], beats);
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
