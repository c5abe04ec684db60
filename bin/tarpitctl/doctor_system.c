/* SPDX-License-Identifier: ISC */
/* The units as systemd has them, and who listens where clients come. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "bin/tarpitctl/doctor.h"

/*
 * Units
 */

/* NULL, or what the unit's property says, for the caller to free. */
static char *
property(sd_bus *bus, const char *unit, const char *name)
{
	char *path = NULL, *value = NULL;

	if (sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path) >=
	    0)
		(void)sd_bus_get_property_string(bus,
		    "org.freedesktop.systemd1", path,
		    "org.freedesktop.systemd1.Unit", name, NULL, &value);
	free(path);
	return value;
}

static bool
property_is(sd_bus *bus, const char *unit, const char *name, const char *what)
{
	char *value = property(bus, unit, name);
	bool is = value != NULL && strcmp(value, what) == 0;

	free(value);
	return is;
}

static bool
needs_reload(sd_bus *bus, const char *unit)
{
	char *path = NULL;
	int yes = 0;

	if (sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path) >=
	    0)
		(void)sd_bus_get_property_trivial(bus,
		    "org.freedesktop.systemd1", path,
		    "org.freedesktop.systemd1.Unit", "NeedDaemonReload", NULL,
		    'b', &yes);
	free(path);
	return yes != 0;
}

void
doctor_check_units(struct doctor *d)
{
	static const char *const units[] = { "tarpitd.socket",
		"tarpitd.service", "tarpitd-control.socket",
		"tarpitd-proxy.socket", "tarpit-policyd.socket",
		"tarpit-explain.socket", "tarpit-policyd.service",
		"tarpit-handoff.socket", "tarpit-handoff.service",
		"tarpit-lists.service", "tarpit-lists.timer",
		"tarpit-metrics.socket" };
	sd_bus *bus = NULL;

	if (sd_booted() <= 0 || sd_bus_open_system(&bus) < 0) {
		doctor_skip(d,
		    "units: systemd is not running here, or does "
		    "not answer");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (property_is(bus, units[i], "ActiveState", "failed"))
			doctor_find(
			    d, FOUND_UNIT_FAILED, "%s has failed", units[i]);
		if (needs_reload(bus, units[i]))
			doctor_find(d, FOUND_UNIT_CHANGED,
			    "%s has been changed since systemd read it",
			    units[i]);
	}
	if (property_is(bus, "tarpit-lists.timer", "LoadState", "loaded") &&
	    property_is(bus, "tarpit-lists.timer", "ActiveState", "inactive"))
		doctor_find(d, FOUND_TIMER_OFF,
		    "tarpit-lists.timer is not active: lists grow old");
	sd_bus_unref(bus);
}

/*
 * The port
 */

struct listener {
	bool there;
	uint64_t inode;
	pid_t pid; /* 0: whose it is cannot be seen */
	char name[64];
};

/* In proc_net_tcp(5)'s table: state 0A is LISTEN. */
static void
find_inode(const char *table, unsigned int port, struct listener *l)
{
	FILE *f = fopen(table, "re");
	char line[512];

	while (f != NULL && !l->there && fgets(line, sizeof(line), f) != NULL) {
		unsigned int local = 0, state = 0;
		uint64_t inode = 0;

		if (sscanf(line,
			" %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s "
			"%*s %*s %*s %" SCNu64,
			&local, &state, &inode) != 3 ||
		    local != port || state != 0x0a)
			continue;
		l->there = true;
		l->inode = inode;
	}
	if (f != NULL)
		fclose(f);
}

static bool
has_socket(const char *pid, uint64_t inode)
{
	char path[300], target[64], wanted[64];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	snprintf(wanted, sizeof(wanted), "socket:[%" PRIu64 "]", inode);
	dir = opendir(path);
	while (dir != NULL && !found && (entry = readdir(dir)) != NULL) {
		ssize_t n = readlinkat(
		    dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		target[n > 0 ? n : 0] = '\0';
		found = strcmp(target, wanted) == 0;
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}

static void
read_name(const char *pid, char *name, size_t size)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	f = fopen(path, "re");
	if (f != NULL && fgets(name, (int)size, f) != NULL)
		name[strcspn(name, "\n")] = '\0';
	if (f != NULL)
		fclose(f);
}

/* Of several that have it, such as systemd or a master and what these have
 * started: the one that is ours, if there is one, else the first but systemd. */
static void
find_owner(struct listener *l)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	char name[sizeof(l->name)] = "";

	while (proc != NULL && strcmp(l->name, "tarpitd") != 0 &&
	    (entry = readdir(proc)) != NULL) {
		if (strspn(entry->d_name, "0123456789") !=
			strlen(entry->d_name) ||
		    !has_socket(entry->d_name, l->inode))
			continue;
		read_name(entry->d_name, name, sizeof(name));
		if (l->pid > 1 && strcmp(name, "tarpitd") != 0)
			continue;
		l->pid = (pid_t)strtol(entry->d_name, NULL, 10);
		memcpy(l->name, name, sizeof(name));
	}
	if (proc != NULL)
		closedir(proc);
}

static bool
socket_unit_is_active(void)
{
	sd_bus *bus = NULL;
	bool active = sd_booted() > 0 && sd_bus_open_system(&bus) >= 0 &&
	    property_is(bus, "tarpitd.socket", "ActiveState", "active");

	sd_bus_unref(bus);
	return active;
}

/* systemd has it while nobody has come yet: then it must be ours. */
static bool
is_ours(const struct listener *l)
{
	return strcmp(l->name, "tarpitd") == 0 ||
	    (l->pid == 1 && socket_unit_is_active()) ||
	    strcmp(l->name, "inetd") == 0 || strcmp(l->name, "xinetd") == 0;
}

void
doctor_check_port(struct doctor *d)
{
	struct listener l = { 0 };

	find_inode("/proc/net/tcp", d->t->port, &l);
	find_inode("/proc/net/tcp6", d->t->port, &l);
	if (!l.there) {
		doctor_find(d, FOUND_PORT_CLOSED, "nobody listens on port %u",
		    d->t->port);
		return;
	}
	find_owner(&l);
	if (l.pid == 0)
		doctor_skip(d, "who has the port: only root can see that");
	else if (!is_ours(&l))
		doctor_find(d, FOUND_PORT_FOREIGN,
		    "port %u belongs to %s (process %d), not to tarpit",
		    d->t->port, l.name, (int)l.pid);
}
