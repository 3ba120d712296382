#include "appshot.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NETWORK_FD 4
#define CURRENT "guard"
/* How often an orphan looks whether another guard has taken over, and how often a lock is tried for. */
#define LOOK_MS 50
#define LOCK_MS 1
#define LOCK_TRIES 1000
/* More than a bridge can have: BR_MAX_PORTS is 1024. */
#define MAX_PORTS 4096

static int directory_fd, netlink_fd, timer_fd;
static struct stat own; /* the file that says that this guard is the current one; kept open, so its number is not reused */
static char reply[65536];

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_BOOTTIME, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static bool try_lock(void)
{
    return flock(directory_fd, LOCK_EX | LOCK_NB) == 0;
}

/* Becomes the current guard; false: the lock is held, because a former one is just fencing. */
static bool take_over(void)
{
    char name[32];
    if (!try_lock()) return false;
    snprintf(name, sizeof name, CURRENT ".%d", (int)getpid());
    int fd = openat(directory_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || fstat(fd, &own) < 0) fail("open", name);
    if (renameat(directory_fd, name, directory_fd, CURRENT) < 0) fail("rename", name);
    flock(directory_fd, LOCK_UN);
    return true;
}

static bool was_relieved(void)
{
    struct stat current;
    return fstatat(directory_fd, CURRENT, &current, 0) == 0 && (current.st_ino != own.st_ino || current.st_dev != own.st_dev);
}

static void open_netlink(void)
{
    struct timeval limit = {.tv_sec = 1};
    if (setns(NETWORK_FD, CLONE_NEWNET) < 0) fail("setns", "the node's network namespace");
    close(NETWORK_FD);
    netlink_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (netlink_fd < 0) fail("socket", "netlink");
    setsockopt(netlink_fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

static const struct rtattr *find(const struct rtattr *from, size_t length, int type)
{
    for (; RTA_OK(from, length); from = RTA_NEXT(from, length))
        if ((from->rta_type & NLA_TYPE_MASK) == type) return from;
    return NULL;
}

/* A veth that is up and whose alias begins as all of this node's do. */
static bool is_port(const struct nlmsghdr *message, const char *alias_prefix)
{
    const struct ifinfomsg *link = NLMSG_DATA(message);
    if (message->nlmsg_type != RTM_NEWLINK || !(link->ifi_flags & IFF_UP)) return false;
    size_t length = IFLA_PAYLOAD(message);
    const struct rtattr *alias = find(IFLA_RTA(link), length, IFLA_IFALIAS), *info = find(IFLA_RTA(link), length, IFLA_LINKINFO);
    if (!alias || !info || RTA_PAYLOAD(alias) < strlen(alias_prefix) || memcmp(RTA_DATA(alias), alias_prefix, strlen(alias_prefix))) return false;
    const struct rtattr *kind = find(RTA_DATA(info), RTA_PAYLOAD(info), IFLA_INFO_KIND);
    return kind && RTA_PAYLOAD(kind) >= 4 && !memcmp(RTA_DATA(kind), "veth", 4);
}

static size_t find_ports(const char *alias_prefix, int *ports)
{
    struct { struct nlmsghdr header; struct ifinfomsg link; } request = {
        .header = {.nlmsg_len = sizeof request, .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
    };
    size_t count = 0;
    if (send(netlink_fd, &request, sizeof request, 0) < 0) return 0;
    for (;;) {
        ssize_t received = recv(netlink_fd, reply, sizeof reply, 0);
        if (received <= 0) return count;
        size_t length = (size_t)received;
        for (struct nlmsghdr *message = (struct nlmsghdr *)reply; NLMSG_OK(message, length); message = NLMSG_NEXT(message, length)) {
            if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR) return count;
            if (count < MAX_PORTS && is_port(message, alias_prefix)) ports[count++] = ((struct ifinfomsg *)NLMSG_DATA(message))->ifi_index;
        }
    }
}

static bool execute(const void *request, size_t size)
{
    if (send(netlink_fd, request, size, 0) < 0 || recv(netlink_fd, reply, sizeof reply, 0) <= 0) return false;
    const struct nlmsghdr *answer = (struct nlmsghdr *)reply;
    return answer->nlmsg_type == NLMSG_ERROR && !((struct nlmsgerr *)NLMSG_DATA(answer))->error;
}

/* As a port of the bridge, not the link: without a carrier, the instance's kernel would forget its neighbours, and drop what
 * it sends in the first second after the carrier is back. Nor off the bridge: the node's own stack would hear it there. */
static bool disable(int port)
{
    struct { struct nlmsghdr header; struct ifinfomsg link; struct rtattr protocol, state; uint8_t value[4]; } request = {
        .header = {.nlmsg_len = sizeof request, .nlmsg_type = RTM_SETLINK, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
        .link = {.ifi_family = AF_BRIDGE, .ifi_index = port},
        .protocol = {.rta_len = sizeof(struct rtattr) + sizeof(struct rtattr) + 4, .rta_type = IFLA_PROTINFO | NLA_F_NESTED},
        .state = {.rta_len = sizeof(struct rtattr) + 1, .rta_type = IFLA_BRPORT_STATE},
        .value = {0}, /* BR_STATE_DISABLED */
    };
    return execute(&request, sizeof request);
}

/* Where a spanning tree keeps us from that. */
static bool set_down(int port)
{
    struct { struct nlmsghdr header; struct ifinfomsg link; } request = {
        .header = {.nlmsg_len = sizeof request, .nlmsg_type = RTM_NEWLINK, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
        .link = {.ifi_index = port, .ifi_change = IFF_UP},
    };
    return execute(&request, sizeof request);
}

/* Parked ports send nothing and keep what they hold: only the instances' own ends are closed. */
static void close_ports(const char *alias_prefix)
{
    static int ports[MAX_PORTS];
    size_t count = find_ports(alias_prefix, ports);
    for (size_t i = 0; i < count; i++)
        if (!disable(ports[i]) && !set_down(ports[i])) control_send("error internal - RTM_SETLINK interface %d", ports[i]);
}

static int fence(bool armed, const char *cgroup, const char *alias_prefix)
{
    /* Whoever holds the lock does so for microseconds; if it was stopped meanwhile, that must not keep instances running. */
    for (int i = 0; !try_lock() && i < LOCK_TRIES; i++) poll(NULL, 0, LOCK_MS);
    if (armed && was_relieved()) return 0;
    char path[4200];
    snprintf(path, sizeof path, "%s/cgroup.freeze", cgroup);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    /* Without a cgroup there are no instances. */
    if ((fd < 0 && errno != ENOENT) || (fd >= 0 && write(fd, "1", 1) < 0)) control_send("error internal - write %s: %s", path, strerror(errno));
    close_ports(alias_prefix);
    control_send("fenced");
    return 0;
}

/* As little as possible may come between the deadline and the fence. */
static void make_lasting(void)
{
    mlockall(MCL_CURRENT | MCL_FUTURE);
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    (void)!write(fd, "-1000", 5);
    close(fd);
}

static void set_timer(uint64_t deadline)
{
    struct itimerspec time = {.it_value = {.tv_sec = (time_t)(deadline / 1000000000u), .tv_nsec = (long)(deadline % 1000000000u)}};
    if (timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &time, NULL) < 0) fail("timerfd_settime", "");
}

/* The daemon sends deadlines, each 8 bytes: nanoseconds of CLOCK_BOOTTIME, the last one counts, 0 ends the guard. Every end
 * but that and being relieved is a fence. */
int guard_main(const char *directory, const char *cgroup, const char *alias_prefix)
{
    directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory_fd < 0) fail("open", directory);
    timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC);
    if (timer_fd < 0) fail("timerfd_create", "CLOCK_BOOTTIME");
    open_netlink();
    make_lasting();

    struct pollfd sources[2] = {{.fd = CONTROL_FD, .events = POLLIN}, {.fd = timer_fd, .events = POLLIN}};
    bool started = false, armed = false, orphan = false;
    uint64_t deadline = 0;
    for (;;) {
        if (poll(sources, 2, started && !armed ? LOCK_MS : orphan ? LOOK_MS : -1) < 0 && errno != EINTR) fail("poll", "");
        uint64_t word;
        ssize_t received;
        while (!orphan && (received = recv(CONTROL_FD, &word, sizeof word, MSG_DONTWAIT)) != -1) {
            if (received == sizeof word) {
                deadline = word;
                started = true;
            } else if (received == 0) {
                orphan = true;
                sources[0].fd = -1;
            } else return 1;
        }
        if (!orphan && errno != EAGAIN && errno != EINTR) { /* the daemon died with words of ours unread */
            orphan = true;
            sources[0].fd = -1;
        }
        if (!started) {
            if (orphan) return 0; /* the daemon died before it had said anything: its former guard goes on */
            continue;
        }
        if (!armed && take_over()) {
            armed = true;
            control_send("armed");
        }
        if (armed && deadline == 0) return 0;
        if (orphan && armed && was_relieved()) return 0;
        if (deadline != 0) {
            if (now() >= deadline) return fence(armed, cgroup, alias_prefix);
            set_timer(deadline);
        }
    }
}
