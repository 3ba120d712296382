#include "appshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void make_mounts_private(void)
{
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) fail("mount", "/ private");
}

/* overlayfs separates its options with commas and its lower layers with colons; a backslash makes either plain. */
static char *append_path(char *at, const char *key, const char *path)
{
    at += sprintf(at, "%s=", key);
    for (; *path; path++) {
        if (*path == ',' || *path == ':' || *path == '\\') *at++ = '\\';
        *at++ = *path;
    }
    *at = 0;
    return at;
}

void mount_overlay(const char *lower, const char *upper, const char *work, const char *root)
{
    char *options = malloc(2 * (strlen(lower) + strlen(upper) + strlen(work)) + 80), *at = options;
    if (!options) fail("malloc", root);
    at = append_path(at, "lowerdir", lower);
    at = append_path(at, ",upperdir", upper);
    at = append_path(at, ",workdir", work);
    /* With an index, a layer whose former mount the kernel has not quite let go of would be refused. */
    strcpy(at, ",index=off");
    if (mount("overlay", root, "overlay", 0, options) < 0) fail("mount overlay", options);
    if (mount(NULL, root, NULL, MS_PRIVATE, NULL) < 0) fail("mount private", root);
    free(options);
}

static void mount_at(const char *source, const char *target, const char *type, unsigned long flags, const char *data)
{
    if (mount(source, target, type, flags, data) < 0) fail("mount", target);
}

/* The instance's root is, with the identity map, the node's root for files under /proc that look only at the uid. */
static void make_read_only(const char *path)
{
    if (access(path, F_OK) < 0) return;
    mount_at(path, path, NULL, MS_BIND, NULL);
    mount_at(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

/* In the instance's own namespaces: makes root the root of the mount namespace, with nothing of the node's left in it. */
void enter_root(const char *root)
{
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0) fail("mount", "/ slave");
    /* Mounts that came from the node are locked here, and pivot_root refuses those: a bind of our own is not. */
    mount_at(root, root, NULL, MS_BIND, NULL);
    if (chdir(root) < 0) fail("chdir", root);
    mount_at("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    mount_at("sysfs", "sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL);
    mount_at("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5");
    mount_at("tmpfs", "dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
    /* CRIU opens POSIX message queues here at a restore. A kernel may have none, and a layer of an earlier version no such directory. */
    if (mount("mqueue", "dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 && errno != ENODEV && errno != ENOENT)
        fail("mount", "dev/mqueue");
    if (syscall(SYS_pivot_root, ".", ".") < 0) fail("pivot_root", root);
    if (umount2(".", MNT_DETACH) < 0) fail("umount", "the node's root");
    if (chdir("/") < 0) fail("chdir", "/");
    static const char *const read_only[] = {"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs",
                                            "/proc/scsi", "/proc/acpi", "/proc/asound", "/proc/driver", "/proc/dynamic_debug", "/proc/mtrr"};
    for (size_t i = 0; i < sizeof read_only / sizeof *read_only; i++) make_read_only(read_only[i]);
}
