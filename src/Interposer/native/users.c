#include "appshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* /etc/passwd and /etc/group are read by hand: NSS modules of another C library cannot be loaded into a static program,
 * and the files of the instance's root are the ones that count. */

static bool number(const char *text, unsigned *value)
{
    char *end;
    unsigned long parsed = strtoul(text, &end, 10);
    if (!*text || *end || *text == '-' || *text == '+' || parsed >= MAPPED_IDS) return false;
    *value = (unsigned)parsed;
    return true;
}

/* Splits a line at colons into fields; returns their number. */
static size_t split(char *line, char *fields[], size_t most)
{
    line[strcspn(line, "\n")] = 0;
    size_t count = 0;
    while (count < most) {
        fields[count++] = line;
        char *colon = strchr(line, ':');
        if (!colon) break;
        *colon = 0;
        line = colon + 1;
    }
    return count;
}

static bool find_user(const char *text, struct user *user)
{
    unsigned uid, gid, wanted;
    bool numeric = number(text, &wanted), found = false;
    char *line = NULL, *fields[7];
    size_t size = 0;
    FILE *file = fopen("/etc/passwd", "re");
    while (file && !found && getline(&line, &size, file) > 0) {
        if (split(line, fields, 7) != 7 || !number(fields[2], &uid) || !number(fields[3], &gid)) continue;
        if (numeric ? uid != wanted : strcmp(fields[0], text) != 0) continue;
        user->uid = uid;
        user->gid = gid;
        snprintf(user->name, sizeof user->name, "%s", fields[0]);
        snprintf(user->home, sizeof user->home, "%s", *fields[5] ? fields[5] : "/");
        snprintf(user->shell, sizeof user->shell, "%s", *fields[6] ? fields[6] : "/bin/sh");
        found = true;
    }
    if (file) fclose(file);
    free(line);
    if (!found && numeric) { /* a number needs no entry */
        user->uid = user->gid = wanted;
        snprintf(user->name, sizeof user->name, "%u", wanted);
        strcpy(user->home, "/");
        strcpy(user->shell, "/bin/sh");
        found = true;
    }
    return found || (!strcmp(text, "root") && find_user("0", user));
}

static bool is_member(char *members, const char *name)
{
    for (char *member = strtok(members, ","); member; member = strtok(NULL, ","))
        if (!strcmp(member, name)) return true;
    return false;
}

/* Sets the primary group if one is named, and collects the groups that list the user. */
static bool find_groups(const char *wanted, struct user *user)
{
    unsigned gid, wanted_gid;
    bool numeric = wanted && number(wanted, &wanted_gid), found = !wanted || numeric;
    if (numeric) user->gid = wanted_gid;
    char *line = NULL, *fields[4];
    size_t size = 0;
    FILE *file = fopen("/etc/group", "re");
    while (file && getline(&line, &size, file) > 0) {
        if (split(line, fields, 4) != 4 || !number(fields[2], &gid)) continue;
        if (wanted && !numeric && !strcmp(fields[0], wanted)) { user->gid = gid; found = true; }
        if (user->group_count < sizeof user->groups / sizeof *user->groups && is_member(fields[3], user->name))
            user->groups[user->group_count++] = gid;
    }
    if (file) fclose(file);
    free(line);
    return found;
}

bool user_resolve(const char *text, struct user *user)
{
    char name[256];
    memset(user, 0, sizeof *user);
    if (strlen(text) >= sizeof name) return false;
    strcpy(name, text);
    char *group = strchr(name, ':');
    if (group) *group++ = 0;
    return find_user(name, user) && find_groups(group, user);
}
