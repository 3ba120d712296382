#include "appshot.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void control_send(const char *format, ...)
{
    char message[4096];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (length < 0) return;
    if ((size_t)length >= sizeof message) length = sizeof message - 1;
    /* When the daemon is gone there is nobody to tell. */
    (void)!send(CONTROL_FD, message, (size_t)length, MSG_NOSIGNAL);
}

void fail(const char *call, const char *object)
{
    int error = errno;
    control_send("error internal - %s %s: %s", call, object, strerror(error));
    fprintf(stderr, "appshot: %s %s: %s\n", call, object, strerror(error));
    _exit(1);
}

int main(int argc, char **argv)
{
    const char *name = argc > 0 ? strrchr(argv[0], '/') : NULL;
    if (argc > 0 && !strcmp(name ? name + 1 : argv[0], "tar")) return tar_main(argc, argv);
    if (argc == 3 && !strcmp(argv[1], "instance")) return instance_main(argv[2]);
    if (argc == 2 && !strcmp(argv[1], "init")) return init_main();
    if (argc == 4 && !strcmp(argv[1], "exec")) return visitor_main((pid_t)atoi(argv[2]), argv[3]);
    if (argc > 2 && !strcmp(argv[1], "criu")) return criu_main(argc - 2, argv + 2);
    if (argc == 5 && !strcmp(argv[1], "guard")) return guard_main(argv[2], argv[3], argv[4]);
    if (argc > 3 && !strcmp(argv[1], "queues")) return queues_main(argc - 2, argv + 2);
    fprintf(stderr, "appshot is started by vnid and has no use of its own; see 'vni --help'\n");
    return 2;
}
