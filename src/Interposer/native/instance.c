#include "appshot.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) fail("open", path);
    if (write(fd, text, strlen(text)) < 0) fail("write", path);
    close(fd);
}

static void map_ids(pid_t pid)
{
    char path[64], map[32];
    snprintf(map, sizeof map, "0 0 %d\n", MAPPED_IDS);
    snprintf(path, sizeof path, "/proc/%d/uid_map", pid);
    write_file(path, map);
    snprintf(path, sizeof path, "/proc/%d/gid_map", pid);
    write_file(path, map);
}

static void join_cgroups(const struct spec *spec, pid_t pid)
{
    char path[4200], text[16];
    snprintf(text, sizeof text, "%d", pid);
    for (size_t i = 0; i < spec->cgroup_count; i++) {
        snprintf(path, sizeof path, "%s/cgroup.procs", spec->cgroups[i]);
        write_file(path, text);
    }
}

/* What a user namespace holds in POSIX message queues counts for the user who made it, too, and is limited by what that one's limit
 * was then (user_namespaces(7)): the instances of a node would share the space of one. Without CAP_SYS_RESOURCE they do. */
struct rlimit raise_queue_limit(void)
{
    struct rlimit former, none = {RLIM_INFINITY, RLIM_INFINITY};
    if (getrlimit(RLIMIT_MSGQUEUE, &former) < 0) fail("getrlimit", "RLIMIT_MSGQUEUE");
    (void)!setrlimit(RLIMIT_MSGQUEUE, &none);
    return former;
}

/* The first process of the new namespaces: waits until it is mapped and plumbed, then becomes PID 1 of the instance. */
static void become_init(const struct spec *spec, const struct rlimit *queue_limit)
{
    char message[16];
    ssize_t n = recv(CONTROL_FD, message, sizeof message, 0);
    if (n != 2 || memcmp(message, "go", 2)) _exit(1); /* the daemon gave up or is gone */
    if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) fail("setuid", "0");
    if (setsid() < 0) fail("setsid", "");
    if (setrlimit(RLIMIT_MSGQUEUE, queue_limit) < 0) fail("setrlimit", "RLIMIT_MSGQUEUE");
    if (sethostname(spec->hostname, strlen(spec->hostname)) < 0) fail("sethostname", spec->hostname);
    enter_root(spec->root);
    char *const argv[] = {(char *)"appshot", (char *)"init", NULL}, *const env[] = {NULL};
    execve(HARNESS_PATH, argv, env);
    fail("execve", HARNESS_PATH);
}

int instance_main(const char *spec_path)
{
    static struct spec spec;
    if (!spec_load(spec_path, &spec) || !spec.hostname || !spec.lower || !spec.upper || !spec.work || !spec.root)
        fail("read", spec_path);
    /* The overlay is mounted with the node's privileges, where its own attributes (trusted.overlay) work and device nodes
     * are devices; and in a mount namespace of our own, so that nothing of it outlives the instance. */
    if (unshare(CLONE_NEWNS) < 0) fail("unshare", "mount namespace");
    make_mounts_private();
    mount_overlay(spec.lower, spec.upper, spec.work, spec.root);

    struct rlimit queue_limit = raise_queue_limit();
    struct clone_args arguments = {
        .flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWTIME,
        .exit_signal = SIGCHLD,
    };
    pid_t pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid < 0) fail("clone3", "namespaces");
    if (pid == 0) become_init(&spec, &queue_limit);
    map_ids(pid);
    join_cgroups(&spec, pid);
    control_send("init %d", pid);
    return 0;
}
