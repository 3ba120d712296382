#include "appshot.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What programs that expect to be root use without touching network, mounts, devices or the kernel; see capabilities(7). */
static const uint64_t kept_capabilities =
    1ull << CAP_CHOWN | 1ull << CAP_DAC_OVERRIDE | 1ull << CAP_FOWNER | 1ull << CAP_FSETID | 1ull << CAP_KILL |
    1ull << CAP_SETGID | 1ull << CAP_SETUID | 1ull << CAP_SETPCAP | 1ull << CAP_NET_BIND_SERVICE |
    1ull << CAP_SYS_CHROOT | 1ull << CAP_AUDIT_WRITE | 1ull << CAP_SETFCAP;

void drop_capabilities(void)
{
    /* The kernel says where the list ends: EINVAL for the first unknown number. */
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
        if (!(kept_capabilities >> capability & 1) && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
            fail("prctl", "PR_CAPBSET_DROP");
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    for (int i = 0; i < 2; i++) {
        uint32_t kept = (uint32_t)(kept_capabilities >> 32 * i);
        data[i] = (struct __user_cap_data_struct){.effective = kept, .permitted = kept, .inheritable = 0};
    }
    if (syscall(SYS_capset, &header, data) < 0) fail("capset", "");
}

static void __attribute__((noreturn, format(printf, 2, 3))) give_up(int error_fd, const char *format, ...)
{
    char message[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    (void)!write(error_fd, message, strlen(message));
    _exit(127);
}

static const char *find_variable(char *const *env, const char *name)
{
    size_t length = strlen(name);
    for (; env && *env; env++)
        if (!strncmp(*env, name, length) && (*env)[length] == '=') return *env + length + 1;
    return NULL;
}

/* The base variables, then those of the program, which replace base ones of the same name. */
static char **make_environment(const struct program *program, const struct user *user, const char *hostname, bool terminal)
{
    static char base[8][1200];
    static const char path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    size_t count = 0, own = 0;
    const struct { const char *name, *value; } variables[] = {
        {"PATH", path}, {"HOME", user->home}, {"USER", user->name}, {"LOGNAME", user->name},
        {"SHELL", user->shell}, {"HOSTNAME", hostname}, {"LANG", "C.UTF-8"}, {"TERM", terminal ? "xterm" : NULL},
    };
    while (program->env && program->env[own]) own++;
    char **env = calloc(own + 9, sizeof *env);
    if (!env) return NULL;
    for (size_t i = 0; i < 8; i++) {
        if (!variables[i].value || find_variable(program->env, variables[i].name)) continue;
        snprintf(base[i], sizeof base[i], "%s=%s", variables[i].name, variables[i].value);
        env[count++] = base[i];
    }
    for (size_t i = 0; i < own; i++) env[count++] = program->env[i];
    return env;
}

/* Like execvpe(3), but tells apart what is not there from what cannot be executed. */
static void execute(const char *file, char **argv, char **env, int error_fd)
{
    int error = ENOENT;
    bool seen = false;
    char candidate[4096];
    const char *path = strchr(file, '/') ? "" : find_variable(env, "PATH");
    for (const char *at = path ? path : ""; ; at++) {
        size_t length = strcspn(at, ":");
        if (strchr(file, '/')) snprintf(candidate, sizeof candidate, "%s", file);
        else snprintf(candidate, sizeof candidate, "%.*s/%s", (int)length, length ? at : ".", file);
        execve(candidate, argv, env);
        if (errno != ENOENT && errno != ENOTDIR) error = errno;
        struct stat status;
        if (stat(candidate, &status) == 0) { seen = true; if (strchr(file, '/') || error != ENOENT) break; }
        at += length;
        if (!*at) break;
    }
    if (!seen && error == ENOENT) give_up(error_fd, "command_not_found %s", file);
    if (error == ENOENT) give_up(error_fd, "command_not_executable %s: its interpreter does not exist", candidate);
    give_up(error_fd, "command_not_executable %s: %s", seen ? candidate : file, strerror(error));
}

void program_execute(const struct program *program, const char *hostname, const char *log, int error_fd)
{
    static struct user user;
    int death_signal = 0;
    prctl(PR_GET_PDEATHSIG, &death_signal);
    if (!user_resolve(program->user, &user)) give_up(error_fd, "user_not_found %s", program->user);
    if (log) {
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY, 0640);
        if (fd < 0) give_up(error_fd, "internal open %s: %s", log, strerror(errno));
        /* A program may open /dev/stdout anew, under its own user. */
        if (fchown(fd, user.uid, user.gid) < 0) give_up(error_fd, "internal chown %s: %s", log, strerror(errno));
        int null = open("/dev/null", O_RDONLY | O_NOCTTY);
        if (null < 0) give_up(error_fd, "internal open /dev/null: %s", strerror(errno));
        if (dup2(null, 0) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0) give_up(error_fd, "internal dup2: %s", strerror(errno));
        if (null > 2) close(null);
        if (fd > 2) close(fd);
    }
    char **env = make_environment(program, &user, hostname, isatty(0));
    if (!env || !program->argv) give_up(error_fd, "internal no memory or no command");
    if (setgroups(user.group_count, user.groups) < 0 || setresgid(user.gid, user.gid, user.gid) < 0 ||
        setresuid(user.uid, user.uid, user.uid) < 0)
        give_up(error_fd, "internal setuid %s: %s", program->user, strerror(errno));
    if (death_signal) prctl(PR_SET_PDEATHSIG, death_signal); /* a change of ids clears it */
    if (chdir(program->workdir) < 0) give_up(error_fd, "workdir_not_found %s: %s", program->workdir, strerror(errno));
    umask(022);
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execute(program->argv[0], program->argv, env, error_fd);
    _exit(127);
}

pid_t program_start(struct program *program, const char *hostname, const char *log, void (*prepare)(void *), void *argument,
                    char *error, size_t error_size)
{
    int outcome[2];
    if (pipe2(outcome, O_CLOEXEC) < 0) { snprintf(error, error_size, "internal pipe: %s", strerror(errno)); return -1; }
    pid_t pid = fork();
    if (pid < 0) { snprintf(error, error_size, "internal fork: %s", strerror(errno)); close(outcome[0]); close(outcome[1]); return -1; }
    if (pid == 0) {
        close(outcome[0]);
        setsid();
        if (prepare) prepare(argument);
        program_execute(program, hostname, log, outcome[1]);
    }
    close(outcome[1]);
    /* End of file without a message: execve closed the pipe. */
    ssize_t n = read(outcome[0], error, error_size - 1);
    close(outcome[0]);
    error[n > 0 ? n : 0] = 0;
    if (n <= 0) return program->pid = pid;
    waitpid(pid, NULL, 0);
    return -1;
}
