/* SPDX-License-Identifier: ISC */
#include "bin/common/identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void
parse_groups(const char *text, struct identity *who)
{
	unsigned int group;
	int used;

	while (who->n_groups < IDENTITY_GROUPS_MAX &&
	    sscanf(text, "%u%n", &group, &used) == 1) {
		who->group[who->n_groups++] = group;
		text += used;
	}
}

bool
identity_of_process(int64_t pid, struct identity *ret)
{
	char path[64], line[1024];
	int found = 0;
	FILE *f;

	memset(ret, 0, sizeof(*ret));
	snprintf(path, sizeof(path), "/proc/%lld/status", (long long)pid);
	f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		found += sscanf(line, "Uid: %*u %u", &ret->uid) == 1;
		found += sscanf(line, "Gid: %*u %u", &ret->gid) == 1;
		if (strncmp(line, "Groups:", 7) == 0)
			parse_groups(line + 7, ret);
	}
	if (f != NULL)
		fclose(f);
	return found == 2;
}

static void
add_group(struct identity *who, const char *name)
{
	const struct group *g = getgrnam(name);

	if (g != NULL && who->n_groups < IDENTITY_GROUPS_MAX)
		who->group[who->n_groups++] = g->gr_gid;
}

/* With the groups that it is a member of. */
static bool
find_user(const char *name, struct identity *ret)
{
	const struct passwd *pw = *name != '\0' ? getpwnam(name) : NULL;
	int n = IDENTITY_GROUPS_MAX;

	if (pw == NULL)
		return false;
	ret->uid = pw->pw_uid;
	ret->gid = pw->pw_gid;
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	n = getgrouplist(name, pw->pw_gid, ret->group, &n) < 0 ? 0 : n;
	ret->n_groups = (size_t)n;
	return true;
}

struct unit_user {
	char user[IDENTITY_NAME], group[IDENTITY_NAME], more[1024];
};

/* "User=tarpitd" and the like. */
static void
read_property(const char *line, struct unit_user *u)
{
	(void)(sscanf(line, "User=%63[^\n]", u->user) == 1 ||
	    sscanf(line, "Group=%63[^\n]", u->group) == 1 ||
	    sscanf(line, "SupplementaryGroups=%1023[^\n]", u->more) == 1);
}

static void
ask_systemd(const char *unit, struct unit_user *ret)
{
	char command[256], line[1200];
	FILE *f;

	snprintf(command, sizeof(command),
	    "systemctl show -p User -p Group -p SupplementaryGroups -- %s "
	    "2>/dev/null",
	    unit);
	f = popen(command, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		read_property(line, ret);
	if (f != NULL)
		pclose(f);
}

bool
identity_of_unit(const char *unit, const char *fallback, struct identity *ret)
{
	struct unit_user u = { 0 };
	const struct group *g;
	char *rest = u.more, *name;

	memset(ret, 0, sizeof(*ret));
	ask_systemd(unit, &u);
	if (!find_user(u.user[0] != '\0' ? u.user : fallback, ret))
		return false;
	g = u.group[0] != '\0' ? getgrnam(u.group) : NULL;
	if (g != NULL)
		ret->gid = g->gr_gid;
	while ((name = strsep(&rest, " ")) != NULL)
		add_group(ret, name);
	return true;
}

int
identity_become(const struct identity *who)
{
	if (setgroups(who->n_groups, who->group) < 0 || setgid(who->gid) < 0 ||
	    setuid(who->uid) < 0)
		return -errno;
	return 0;
}
