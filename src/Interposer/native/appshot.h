/* appshot: the harness of an application instance.
 *
 *   appshot instance SPEC   makes the namespaces, waits until the daemon has plumbed the network, and becomes PID 1
 *   appshot init            PID 1 of the instance: starts the chain, restarts and stops it, reaps, records how it ended
 *   appshot exec PID SPEC   starts a visitor in all namespaces of the instance whose first process is PID
 *   appshot criu ... -- CRIU ...  gives CRIU a mount namespace and a cgroup of its own and executes it
 *   appshot queues save PID CGROUP [PATH NAME]...   saves POSIX message queues
 *   appshot queues restore|settle PID   makes them anew
 *   appshot guard DIRECTORY CGROUP ALIAS   freezes all instances when the daemon has not spoken in time
 *
 * File descriptor 3 is the control socket to the daemon (SOCK_SEQPACKET, one text message a packet). It is closed before
 * an instance is told to have started: no descriptor of the node stays open inside, or the instance could not be dumped.
 * src/Interposer/README.md describes spec files and messages. */
#ifndef APPSHOT_H
#define APPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

#define CONTROL_FD 3
#define SPEC_PATH "/.vni/spec"
#define HARNESS_PATH "/.vni/appshot"
#define LOG_DIRECTORY "/var/log/vni"
#define MAX_PROCESSES 64
#define MAX_CGROUPS 8
/* Ids 0 to 65535 are mapped one to one. */
#define MAPPED_IDS 65536

enum restart_policy { RESTART_NEVER, RESTART_ON_FAILURE, RESTART_ALWAYS };

/* Milliseconds. After each restart the delay doubles, up to its limit; a program that has run for `reset` begins anew. */
struct restart {
    enum restart_policy policy;
    long delay, limit, reset, count; /* count: restarts without a reset between them; -1: any number */
};

/* What says that a program is ready: one of the three, or none. Milliseconds. */
struct readiness {
    int port; /* TCP; 0: none */
    const char *file;
    char **argv;
    long interval, timeout;
};

struct program {
    const char *name, *user, *workdir;
    char **argv, **env, **after; /* NULL-terminated, or NULL */
    struct restart restart;
    struct readiness ready;
    int stop_signal;
    long grace; /* ms; -1: no limit of its own */
    pid_t pid;  /* 0: not started or already reaped */
};

struct spec {
    const char *hostname, *lower, *upper, *work, *root;
    const char *request; /* what the answer begins with; of a program that joins */
    const char *cgroups[MAX_CGROUPS];
    size_t cgroup_count;
    int columns, rows; /* 0: no terminal */
    struct program programs[MAX_PROCESSES];
    size_t program_count;
    char *text; /* what all strings point into */
};

struct user {
    uid_t uid;
    gid_t gid;
    gid_t groups[256];
    size_t group_count;
    char name[256], home[1024], shell[1024];
};

/* spec.c: false when the file is not there or not whole; nothing is to be freed then. */
bool spec_load(const char *path, struct spec *spec);
/* Also when it could not be loaded. */
void spec_free(struct spec *spec);

/* main.c */
void control_send(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Reports "error internal - CALL OBJECT: errno" and ends the process. */
void fail(const char *call, const char *object) __attribute__((noreturn));

/* mounts.c */
void make_mounts_private(void);
void mount_overlay(const char *lower, const char *upper, const char *work, const char *root);
void enter_root(const char *root);

/* criu.c: this process goes there. */
void join_cgroup(const char *directory);

/* users.c: false when there is no such user or group; errors name it. */
bool user_resolve(const char *text, struct user *user);

/* program.c */
void drop_capabilities(void);
/* In a forked child: becomes the program. On failure writes "CODE DETAIL" to error_fd and ends. log: path or NULL. */
void program_execute(const struct program *program, const char *hostname, const char *log, int error_fd) __attribute__((noreturn));
/* Forks and waits until the program has been executed; returns its pid, or -1 with the message in error. */
pid_t program_start(struct program *program, const char *hostname, const char *log, void (*prepare)(void *), void *argument,
                    char *error, size_t error_size);

/* instance.c: the former limit. */
struct rlimit raise_queue_limit(void);

int instance_main(const char *spec_path);
int init_main(void);
int visitor_main(pid_t target, const char *spec_path);
int criu_main(int argc, char **argv);
int tar_main(int argc, char **argv);
void stand_in_for_tar(const char *run);
int queues_main(int argc, char **argv);
int guard_main(const char *directory, const char *cgroup, const char *alias_prefix);

#endif
