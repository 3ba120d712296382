/* Holds POSIX message queues in every state; see docs/resources.md.
 *
 * /orders has three messages of two priorities, and is open without blocking; a second one has lost its name, and has a message; a third
 * is full, and a process waits until there is room; of /answers a process waits for a message, and keeps count of them.
 * Over TCP, port 7111, one command a line, one line of answer: LIST (reads all, puts all back), ANSWER (sends one to the process that
 * waits, and tells what that has counted), ROOM (takes one out of the full one, and one again when the process that waited has sent),
 * NOTIFY (waits for a notification), QUIET (does not any more). */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECK(x) ({ __typeof__(x) r_ = (x); if (r_ == (__typeof__(x))-1) { perror(#x); exit(1); } r_; })

enum { SIZE = 64 };

static mqd_t orders, nameless, full, answers;
static volatile int *counted;

static mqd_t make(const char *name, long maximum, int flags)
{
    struct mq_attr attributes = {.mq_maxmsg = maximum, .mq_msgsize = SIZE};
    return CHECK(mq_open(name, O_CREAT | O_EXCL | O_RDWR | flags, 0600, &attributes));
}

static void put(mqd_t queue, const char *text, unsigned priority) { CHECK(mq_send(queue, text, strlen(text), priority)); }

static int take(mqd_t queue, char *text, unsigned *priority)
{
    ssize_t length = mq_receive(queue, text, SIZE, priority);
    if (length >= 0) text[length] = 0;
    return (int)length;
}

static void list(mqd_t queue, FILE *to)
{
    char texts[16][SIZE + 1];
    unsigned priorities[16];
    int count = 0;
    struct mq_attr attributes;
    CHECK(mq_getattr(queue, &attributes));
    for (; count < attributes.mq_curmsgs; count++) CHECK(take(queue, texts[count], priorities + count));
    for (int i = 0; i < count; i++) {
        fprintf(to, "%s:%u ", texts[i], priorities[i]);
        put(queue, texts[i], priorities[i]);
    }
    struct stat status;
    CHECK(fstat(queue, &status));
    fprintf(to, "max %ld size %ld flags %s mode %o links %d; ", attributes.mq_maxmsg, attributes.mq_msgsize,
            attributes.mq_flags & O_NONBLOCK ? "nonblock" : "block", status.st_mode & 07777, (int)status.st_nlink);
}

static void await_count(int wanted)
{
    for (int i = 0; i < 5000 && *counted < wanted; i++) usleep(2000);
}

static void serve(const char *command, FILE *to)
{
    char text[SIZE + 1];
    unsigned priority;
    if (!strcmp(command, "LIST")) {
        list(orders, to);
        list(nameless, to);
        /* By name, too: it is the same queue. */
        mqd_t again = CHECK(mq_open("/orders", O_RDONLY));
        struct mq_attr attributes;
        CHECK(mq_getattr(again, &attributes));
        CHECK(mq_close(again));
        struct pollfd ready = {.fd = nameless, .events = POLLIN};
        fprintf(to, "%ld by name, readable %d", attributes.mq_curmsgs, poll(&ready, 1, 0));
    } else if (!strcmp(command, "ANSWER")) {
        int before = *counted;
        put(answers, "answer", 1);
        await_count(before + 1);
        fprintf(to, "%d", *counted);
    } else if (!strcmp(command, "ROOM")) {
        int length = take(full, text, &priority);
        fprintf(to, "%d %s, ", length, text);
        struct mq_attr attributes;
        do { usleep(2000); CHECK(mq_getattr(full, &attributes)); } while (attributes.mq_curmsgs < 2);
        length = take(full, text, &priority);
        length = take(full, text, &priority);
        fprintf(to, "%d %s", length, text);
    } else if (!strcmp(command, "NOTIFY")) {
        struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
        fprintf(to, "%d", mq_notify(orders, &event));
    } else if (!strcmp(command, "QUIET")) {
        fprintf(to, "%d", mq_notify(orders, NULL));
    }
    fprintf(to, "\n");
}

int main(void)
{
    signal(SIGUSR1, SIG_IGN);
    orders = make("/orders", 8, O_NONBLOCK);
    CHECK(fchmod(orders, 0640));
    put(orders, "first", 5);
    put(orders, "urgent", 9);
    put(orders, "second", 5);
    nameless = make("/nameless", 4, 0);
    CHECK(mq_unlink("/nameless"));
    put(nameless, "kept", 0);
    full = make("/full", 2, 0);
    put(full, "one", 0);
    put(full, "two", 0);
    answers = make("/answers", 4, 0);
    counted = mmap(NULL, sizeof *counted, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (fork() == 0) {
        put(full, "waited", 0);
        for (;;) pause();
    }
    if (fork() == 0) {
        char text[SIZE + 1];
        unsigned priority;
        while (take(answers, text, &priority) > 0) ++*counted;
        perror("mq_receive");
        return 1;
    }

    int listener = CHECK(socket(AF_INET, SOCK_STREAM, 0)), one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(7111)};
    CHECK(bind(listener, (struct sockaddr *)&any, sizeof any));
    CHECK(listen(listener, 8));
    for (;;) {
        char line[64];
        FILE *client = fdopen(CHECK(accept(listener, NULL, NULL)), "r+");
        while (fgets(line, sizeof line, client)) {
            line[strcspn(line, "\r\n")] = 0;
            fflush(client);
            serve(line, client);
            fflush(client);
        }
        fclose(client);
    }
}
