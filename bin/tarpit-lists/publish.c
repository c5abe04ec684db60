/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-lists/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bin/common/fd.h"

int
publish_lock(const char *path, int *ret_fd)
{
	AUTO_FREE char *lock_path = NULL;
	AUTO_FD fd = -1;

	if (asprintf(&lock_path, "%s.lock", path) < 0) {
		lock_path = NULL;
		return -ENOMEM;
	}
	/* A file of its own, which only we may open: PATH is replaced under
	 * whoever locks it, and anybody may lock a directory that he can
	 * read. */
	fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	*ret_fd = fd_take(&fd);
	return 0;
}

static int
write_synced(const char *path, const struct cdbfile_content *c)
{
	AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int r;

	if (fd < 0)
		return -errno;
	r = cdbfile_write(fd, c);
	if (r < 0)
		return r;
	/* The policy service runs as another user, whatever our umask. */
	if (fchmod(fd, 0644) < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

/* Whether ADDR is in the prefix's list, by that prefix or a longer one. */
static bool
is_found(const struct cdbfile *f, const struct cdbfile_prefix *prefix,
    const struct in6_addr *addr)
{
	struct cdbfile_match match;

	if (cdbfile_find(f, addr, &match) <= 0)
		return false;
	for (size_t i = 0; i < match.n; i++)
		if (match.hit[i].list == prefix->list)
			return match.hit[i].prefix_len >= prefix->cidr.len;
	return false;
}

/* An IPv6 prefix may span ::ffff:0:0/96, where its ends are no IPv6 address;
 * nothing can be asked of such an end. */
static bool
is_askable(const struct cidr *cidr, const struct in6_addr *addr)
{
	return cidr_is_v4(cidr) == cidr_addr_is_v4(addr);
}

static bool
is_asn_found(const struct cdbfile *f, const struct cdbfile_asn *asn)
{
	struct cdbfile_match match;

	if (cdbfile_find_asn(f, asn->asn, &match) <= 0)
		return false;
	for (size_t i = 0; i < match.n; i++)
		if (match.hit[i].list == asn->list)
			return true;
	return false;
}

static int
verify_asns(const struct cdbfile *f, const struct cdbfile_content *c, char *why,
    size_t size)
{
	for (size_t i = 0; i < c->n_asns; i++) {
		const struct cdbfile_asn *a = &c->asns[i];

		if (!is_asn_found(f, a)) {
			snprintf(why, size,
			    "verifying: AS%u of list %s is not found", a->asn,
			    c->lists[a->list].name);
			return -EBADMSG;
		}
	}
	return 0;
}

static int
verify_prefixes(const struct cdbfile *f, const struct cdbfile_content *c,
    char *why, size_t size)
{
	for (size_t i = 0; i < c->n_prefixes; i++) {
		const struct cdbfile_prefix *p = &c->prefixes[i];
		struct in6_addr first = p->cidr.addr;
		struct in6_addr last = cidr_last(&p->cidr);
		char text[CIDR_STRLEN];

		if ((is_askable(&p->cidr, &first) && !is_found(f, p, &first)) ||
		    (is_askable(&p->cidr, &last) && !is_found(f, p, &last))) {
			snprintf(why, size,
			    "verifying: %s of list %s is not found",
			    cidr_format(&p->cidr, text),
			    c->lists[p->list].name);
			return -EBADMSG;
		}
	}
	return 0;
}

/* Every entry must be found in the file as it is on disk now. */
static int
verify(
    const char *path, const struct cdbfile_content *c, char *why, size_t size)
{
	struct cdbfile *f;
	char text[128];
	int r = cdbfile_open(path, &f, text, sizeof(text));

	if (r < 0) {
		snprintf(why, size, "verifying: %s", text);
		return r;
	}
	r = verify_prefixes(f, c, why, size);
	if (r == 0)
		r = verify_asns(f, c, why, size);
	cdbfile_free(f);
	return r;
}

/* Without this a crash may bring the old name back. */
int
publish_sync_directory(const char *path)
{
	AUTO_FREE char *dir = strdup(path);
	AUTO_FD fd = -1;
	char *slash;

	if (!dir)
		return -ENOMEM;
	slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir ? 1 : 0] = '\0';
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

static int
replace(const char *path, const char *temporary,
    const struct cdbfile_content *c, char *why, size_t size)
{
	int r;

	/* Left by one of us that was killed: nobody else may have it, we hold
	 * the lock. */
	if (unlink(temporary) < 0 && errno != ENOENT)
		return -errno;
	r = write_synced(temporary, c);
	if (r == 0)
		r = verify(temporary, c, why, size);
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlink(temporary);
		return r;
	}
	return publish_sync_directory(path);
}

int
publish(
    const char *path, const struct cdbfile_content *c, char *why, size_t size)
{
	AUTO_FREE char *temporary = NULL;
	int r;

	if (asprintf(&temporary, "%s.tmp", path) < 0) {
		temporary = NULL;
		r = -ENOMEM;
	} else {
		why[0] = '\0';
		r = replace(path, temporary, c, why, size);
	}
	if (r < 0 && why[0] == '\0')
		snprintf(why, size, "%s", strerror(-r));
	return r;
}
