#include "appshot.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

void join_cgroup(const char *directory)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/cgroup.procs", directory);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) < 0) fail("write", path);
    close(fd);
}

/* --run DIR [--cgroup DIR]... [--overlay LOWER UPPER WORK ROOT] -- CRIU ARGUMENT... */
int criu_main(int argc, char **argv)
{
    const char *run = NULL;
    int i = 0;
    if (unshare(CLONE_NEWNS) < 0) fail("unshare", "mount namespace");
    make_mounts_private();
    for (; i < argc && strcmp(argv[i], "--"); i++) {
        if (!strcmp(argv[i], "--run") && i + 1 < argc) run = argv[++i];
        else if (!strcmp(argv[i], "--overlay") && i + 4 < argc) {
            mount_overlay(argv[i + 1], argv[i + 2], argv[i + 3], argv[i + 4]);
            i += 4;
        } else if (!strcmp(argv[i], "--cgroup") && i + 1 < argc) {
            join_cgroup(argv[++i]); /* What CRIU restores is born where CRIU is. */
        } else return 2;
    }
    if (i + 1 >= argc) return 2;
    raise_queue_limit(); /* For the user namespace that it may make; each restored process gets its own limit. */
    /* CRIU keeps what it learnt of the kernel in /run if that is a tmpfs, which spares it a tenth of a second. */
    if (run) stand_in_for_tar(run);
    if (run && mount(run, "/run", NULL, MS_BIND, NULL) < 0) fail("mount", run);
    execv(argv[i + 1], argv + i + 1);
    fail("execv", argv[i + 1]);
}
