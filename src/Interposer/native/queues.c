#include "appshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_fsopen
#define SYS_fsopen 430
#define SYS_fsconfig 431
#define SYS_fsmount 432
#endif
#define FSCONFIG_CMD_CREATE 6

#define MAX_QUEUES 65536
/* The directory of the images. */
#define IMAGES_FD 4
#define IMAGE "posix-queues.img"

/* A file of queues is a header, then each queue with its name and its messages, each message with its text; all numbers in
 * the machine's byte order. docs/snapshot-format.md has the same. */
static const char magic[8] = "VNIMQ\0\0\1";

struct queue_record {
    uint32_t name_length, mode, uid, gid, maximum, message_size, count, unlinked;
};

struct message_record {
    uint32_t priority, length;
};

struct queue {
    struct queue_record record;
    char name[256];
    int fd;
    char *messages; /* message_record and text, one after the other */
    size_t size, room;
};

static struct queue *queues;
static size_t queue_count;

static void refuse(const char *what, const char *name)
{
    fprintf(stderr, "%s, /%s\n", what, name);
    _exit(3);
}

static void enter(pid_t target, int namespaces)
{
    int pidfd = (int)syscall(SYS_pidfd_open, target, 0);
    if (pidfd < 0) fail("pidfd_open", "the instance's first process");
    if (setns(pidfd, namespaces) < 0) fail("setns", "the instance's namespaces");
    close(pidfd);
}

static struct queue *add_queue(const char *name)
{
    queues = realloc(queues, (queue_count + 1) * sizeof *queues);
    if (!queues) fail("realloc", "queues");
    struct queue *queue = memset(queues + queue_count++, 0, sizeof *queue);
    if (strlen(name) >= sizeof queue->name) fail("name", name);
    strcpy(queue->name, name);
    queue->record.name_length = (uint32_t)strlen(name);
    return queue;
}

/* --- saving ------------------------------------------------------------------------------------------------------------ */

/* A file system of the namespace's queues that is mounted nowhere: mq_open(3) alone would not tell their names. */
static int open_queues(void)
{
    int context = (int)syscall(SYS_fsopen, "mqueue", 0);
    if (context < 0) fail("fsopen", "mqueue");
    if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) fail("fsconfig", "mqueue");
    int root = (int)syscall(SYS_fsmount, context, 0, 0);
    if (root < 0) fail("fsmount", "mqueue");
    close(context);
    return root;
}

/* Everything of a queue but its messages, and memory for those, which is there and not only promised. */
static void look_at(struct queue *queue)
{
    struct stat status;
    struct mq_attr attributes;
    char text[256];
    unsigned long bytes = 0;
    long owner = 0;
    ssize_t length = pread(queue->fd, text, sizeof text - 1, 0);
    if (length < 0) fail("read", queue->name);
    text[length] = 0;
    if (sscanf(text, "QSIZE:%lu NOTIFY:%*d SIGNO:%*d NOTIFY_PID:%ld", &bytes, &owner) != 2) fail("parse", text);
    if (owner) refuse("notification", queue->name);
    if (fstat(queue->fd, &status) < 0) fail("stat", queue->name);
    if (mq_getattr(queue->fd, &attributes) < 0) fail("mq_getattr", queue->name);
    queue->record.mode = status.st_mode & 07777;
    queue->record.uid = status.st_uid;
    queue->record.gid = status.st_gid;
    queue->record.maximum = (uint32_t)attributes.mq_maxmsg;
    queue->record.message_size = (uint32_t)attributes.mq_msgsize;
    queue->record.count = (uint32_t)attributes.mq_curmsgs;
    queue->room = bytes + queue->record.count * sizeof(struct message_record) + queue->record.message_size;
    queue->messages = malloc(queue->room);
    if (!queue->messages) fail("malloc", queue->name);
    memset(queue->messages, 1, queue->room);
}

/* A queue can be read only by emptying it. Nobody else is there: the instance is frozen, and a process that waited in
 * mq_send(3) or mq_receive(3) has left the queue's list of waiters for the freezer and begins anew. Between the two loops
 * the messages exist here alone; that is why nothing ends this process now, see save(). */
static void read_and_refill(struct queue *queue)
{
    for (uint32_t i = 0; i < queue->record.count; i++) {
        char *at = queue->messages + queue->size, *text = at + sizeof(struct message_record);
        unsigned priority;
        ssize_t length;
        while ((length = mq_receive(queue->fd, text, queue->record.message_size, &priority)) < 0 && errno == EINTR) {}
        if (length < 0) {
            queue->record.count = i;
            break;
        }
        memcpy(at, &(struct message_record){.priority = priority, .length = (uint32_t)length}, sizeof(struct message_record));
        queue->size += sizeof(struct message_record) + (size_t)length;
    }
    for (size_t at = 0; at < queue->size;) {
        struct message_record message;
        memcpy(&message, queue->messages + at, sizeof message);
        at += sizeof message;
        /* The kernel may lack memory for a moment, and giving up would lose a message. */
        while (mq_send(queue->fd, queue->messages + at, message.length, message.priority) < 0) usleep(1000);
        at += message.length;
    }
}

static void write_all(int fd, const void *data, size_t size)
{
    for (const char *at = data; size > 0;) {
        ssize_t written = write(fd, at, size);
        if (written < 0) fail("write", IMAGE);
        at += written;
        size -= (size_t)written;
    }
}

static void outlive_everything(void)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    /* Takes CAP_SYS_RESOURCE; without it this is as safe as the daemon is. */
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    (void)!write(fd, "-1000", 5);
    close(fd);
}

static int save(pid_t target, const char *cgroup, char **unlinked)
{
    outlive_everything();
    join_cgroup(cgroup);
    int file = openat(IMAGES_FD, IMAGE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) fail("open", IMAGE);
    for (; unlinked[0] && unlinked[1]; unlinked += 2) {
        struct queue *queue = add_queue(unlinked[1]);
        queue->record.unlinked = 1;
        queue->fd = open(unlinked[0], O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (queue->fd < 0) fail("open", unlinked[0]);
    }
    enter(target, CLONE_NEWIPC);
    int root = open_queues();
    DIR *directory = fdopendir(openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) fail("opendir", "mqueue");
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        struct queue *queue = add_queue(entry->d_name);
        queue->fd = openat(root, entry->d_name, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (queue->fd < 0) fail("open", entry->d_name);
    }
    for (size_t i = 0; i < queue_count; i++) look_at(queues + i);
    for (size_t i = 0; i < queue_count; i++) read_and_refill(queues + i);
    write_all(file, magic, sizeof magic);
    for (size_t i = 0; i < queue_count; i++) {
        write_all(file, &queues[i].record, sizeof queues[i].record);
        write_all(file, queues[i].name, queues[i].record.name_length);
        write_all(file, queues[i].messages, queues[i].size);
    }
    if (close(file) < 0) fail("close", IMAGE);
    return 0;
}

/* --- making anew ------------------------------------------------------------------------------------------------------- */

static void malformed(void)
{
    errno = EBADMSG;
    fail("parse", IMAGE);
}

/* The file may come from another node: what it says is believed only within its own bounds. */
static void load(void)
{
    struct stat status;
    int fd = openat(IMAGES_FD, IMAGE, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0) fail("open", IMAGE);
    size_t size = (size_t)status.st_size, at = sizeof magic;
    char *content = malloc(size + 1);
    if (!content || read(fd, content, size) != (ssize_t)size) fail("read", IMAGE);
    close(fd);
    if (size < sizeof magic || memcmp(content, magic, sizeof magic)) malformed();
    while (at < size) {
        struct queue_record record;
        char name[256];
        if (size - at < sizeof record) malformed();
        memcpy(&record, content + at, sizeof record);
        at += sizeof record;
        if (record.name_length == 0 || record.name_length > 255 || size - at < record.name_length || queue_count == MAX_QUEUES) malformed();
        memcpy(name, content + at, record.name_length);
        name[record.name_length] = 0;
        at += record.name_length;
        if (strlen(name) != record.name_length || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..")) malformed();
        if (record.count > record.maximum) malformed();
        struct queue *queue = add_queue(name);
        queue->record = record;
        queue->messages = content + at;
        for (uint32_t i = 0; i < record.count; i++) {
            struct message_record message;
            if (size - at < sizeof message) malformed();
            memcpy(&message, content + at, sizeof message);
            at += sizeof message;
            if (message.length > record.message_size || size - at < message.length) malformed();
            at += message.length;
        }
        queue->size = (size_t)(content + at - queue->messages);
    }
}

static void make(const struct queue *queue)
{
    char name[258];
    snprintf(name, sizeof name, "/%s", queue->name);
    /* The memory is on the account of the real user, as it was. */
    if (setresuid(queue->record.uid, 0, 0) < 0) fail("setuid", name);
    struct mq_attr attributes = {.mq_maxmsg = queue->record.maximum, .mq_msgsize = queue->record.message_size};
    mqd_t fd = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &attributes);
    if (fd < 0) fail("mq_open", name);
    if (setresuid(0, 0, 0) < 0) fail("setuid", "0");
    for (size_t at = 0; at < queue->size;) {
        struct message_record message;
        memcpy(&message, queue->messages + at, sizeof message);
        if (mq_send(fd, queue->messages + at + sizeof message, message.length, message.priority) < 0) fail("mq_send", name);
        at += sizeof message + message.length;
    }
    if (fchown(fd, queue->record.uid, queue->record.gid) < 0) fail("chown", name);
    if (fchmod(fd, queue->record.mode) < 0) fail("chmod", name);
    mq_close(fd);
}

static int restore(pid_t target)
{
    load();
    raise_queue_limit(); /* What the processes had they get back, whatever their limits are by now. */
    enter(target, CLONE_NEWUSER | CLONE_NEWIPC);
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) fail("setuid", "0");
    for (size_t i = 0; i < queue_count; i++) make(queues + i);
    return 0;
}

/* When all is open: the names that were gone go again. */
static int settle(pid_t target)
{
    load();
    enter(target, CLONE_NEWUSER | CLONE_NEWIPC);
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) fail("setuid", "0");
    for (size_t i = 0; i < queue_count; i++) {
        char name[258];
        snprintf(name, sizeof name, "/%s", queues[i].name);
        if (queues[i].record.unlinked && mq_unlink(name) < 0) fail("mq_unlink", name);
    }
    return 0;
}

int queues_main(int argc, char **argv)
{
    const char *what = argv[0];
    pid_t target = (pid_t)atoi(argv[1]);
    if (argc > 2 && !strcmp(what, "save")) return save(target, argv[2], argv + 3);
    if (!strcmp(what, "restore")) return restore(target);
    if (!strcmp(what, "settle")) return settle(target);
    return 2;
}
