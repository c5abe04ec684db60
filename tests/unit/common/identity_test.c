/* SPDX-License-Identifier: ISC */
#include "bin/common/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/helpers/check.h"

/* A systemctl of ours that says TEXT. */
static void
pretend_systemctl(const char *text)
{
	FILE *f = fopen("systemctl", "we");

	CHECK(f != NULL);
	fprintf(f, "#!/bin/sh\ncat <<'END'\n%sEND\n", text);
	fclose(f);
	CHECK_INT(chmod("systemctl", 0755), 0);
	CHECK_INT(setenv("PATH", ".:/usr/bin:/bin", 1), 0);
}

static void
enter_scratch(void)
{
	CHECK_INT(chdir(getenv("BATS_TEST_TMPDIR")), 0);
}

static bool
has_group(const struct identity *who, gid_t group)
{
	for (size_t i = 0; i < who->n_groups; i++)
		if (who->group[i] == group)
			return true;
	return false;
}

static void
sees_who_runs_a_process(void)
{
	struct identity who;

	CHECK(identity_of_process(getpid(), &who));
	CHECK_INT(who.uid, geteuid());
	CHECK_INT(who.gid, getegid());
	CHECK_STR(who.name, "");
	CHECK(!identity_of_process(-1, &who));
}

static void
asks_systemd_for_a_units_user(void)
{
	struct identity who;

	enter_scratch();
	pretend_systemctl("SupplementaryGroups=tty adm\nGroup=mail\n"
			  "User=daemon\n");
	CHECK(identity_of_unit("x.service", "nobody", &who));
	CHECK_STR(who.name, "daemon");
	CHECK_INT(who.uid, getpwnam("daemon")->pw_uid);
	CHECK_INT(who.gid, 8);
	CHECK(has_group(&who, 5) && has_group(&who, 4));
}

static void
falls_back_on_the_shipped_user(void)
{
	struct identity who;

	enter_scratch();
	/* A unit that systemd does not know. */
	pretend_systemctl("User=\nGroup=\nSupplementaryGroups=\n");
	CHECK(identity_of_unit("x.service", "nobody", &who));
	CHECK_STR(who.name, "nobody");
	CHECK_INT(who.gid, getpwnam("nobody")->pw_gid);
	CHECK(!identity_of_unit("x.service", "no-such-user", &who));
	pretend_systemctl("User=no-such-user\n");
	CHECK(!identity_of_unit("x.service", "nobody", &who));
}

static void
has_no_more_rights_than_that_user(void)
{
	struct identity who;

	if (geteuid() != 0) {
		CHECK(identity_of_process(getpid(), &who));
		CHECK_INT(identity_become(&who), -EPERM);
		return;
	}
	enter_scratch();
	pretend_systemctl("User=daemon\nSupplementaryGroups=adm\n");
	CHECK_INT(chmod(".", 0755), 0);
	CHECK(close(open("mine", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) == 0);
	CHECK(close(open("ours", O_CREAT | O_WRONLY | O_CLOEXEC, 0640)) == 0);
	CHECK_INT(chown("ours", 0, 4), 0);
	CHECK(identity_of_unit("x.service", "nobody", &who));
	CHECK_INT(identity_become(&who), 0);
	CHECK_INT(access("mine", R_OK), -1);
	CHECK_INT(errno, EACCES);
	CHECK_INT(access("ours", R_OK), 0);
	CHECK_INT(setuid(0), -1);
}

static const struct check_case cases[] = {
	CASE(sees_who_runs_a_process),
	CASE(asks_systemd_for_a_units_user),
	CASE(falls_back_on_the_shipped_user),
	CASE(has_no_more_rights_than_that_user),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
