/* The chain as PID 1 keeps it. docs/chains.md has the states and what leads from one to another. */
#ifndef CHAIN_H
#define CHAIN_H

#include "appshot.h"

#define MAX_MEMBERS (2 * MAX_PROCESSES) /* the declared ones, and as many that joined */
#define NEVER (-1LL)
#define JOIN_SIGNAL 40 /* a real-time signal: it is queued, and means nothing to anyone else */

enum member_state { PENDING, STARTING, RUNNING, WAITING, STOPPING, ENDED };

/* Times are milliseconds of CLOCK_MONOTONIC, which goes on where it was after a restore. */
struct member {
    struct program program;
    struct spec *joined; /* what its strings live in; NULL: it was declared */
    enum member_state state;
    bool is_ready;              /* or has no test */
    bool has_ended;             /* at least once; status says how */
    int status;                 /* as of waitpid(2) */
    long restarts;              /* all of them */
    long in_a_row;              /* since it last ran long enough */
    long delay;                 /* before the next restart */
    long long since;            /* when it was last started */
    long long due;              /* of its state: next test, restart, SIGKILL; NEVER: nothing */
    long long deadline;         /* for its first readiness */
    pid_t tester;               /* its readiness command at work; 0: none */
    int tester_status;          /* of the last one; -1: none has ended */
};

struct chain {
    const char *hostname;
    struct member members[MAX_MEMBERS];
    size_t count;
    bool has_started; /* the daemon was told, and let go */
    bool has_changed; /* what the records say */
    bool is_stopping;
    bool rest_is_told; /* what is not of the chain has had its SIGTERM */
};

long long now_ms(void);

/* chain.c */
void chain_load(struct chain *chain, struct spec *spec);
/* Does all that is due; returns when the next thing will be, or NEVER. */
long long chain_turn(struct chain *chain);
/* The child that waits to be reaped has ended; it is still there, so its number is nobody else's. */
void chain_ended(struct chain *chain, pid_t pid, int status);
void chain_stop(struct chain *chain);
/* Whether every program has been started and is ready. */
bool chain_is_up(const struct chain *chain);
/* Whether a program runs or is to run. */
bool chain_lives(const struct chain *chain);
struct member *chain_find(struct chain *chain, const char *name);
/* Returns false with "CODE DETAIL" in error. */
bool member_start(struct chain *chain, struct member *member, char *error, size_t error_size);
void signal_children(const struct chain *chain, int number);

/* readiness.c */
void readiness_test(struct chain *chain, struct member *member);
/* Why it is not ready yet, as the end of a sentence. */
void readiness_why(const struct member *member, char *text, size_t size);
void readiness_last_words(const struct member *member, char *text, size_t size);

/* records.c */
void records_clear(void);
void records_write(struct chain *chain);
bool write_record(const char *name, const char *text, size_t length);

/* requests.c */
void requests_clear(void);
/* A program is to join; answers. */
void requests_take(struct chain *chain);

#endif
