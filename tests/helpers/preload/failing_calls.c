/* SPDX-License-Identifier: ISC */
/*
 * Makes calls fail, for LD_PRELOAD.  $FAILING_CALLS is a file of 4096 bytes
 * that is mapped: from the first byte on it says as text what fails, and how:
 *
 *	accept4=24 send=105/3 realtime=86400 monotonic=3600
 *
 * A number is an errno; "/3" fails only every third call.  The text may be
 * changed at any time; from byte 2048 on are how many calls have failed, a
 * 64-bit number each, in the order of the enum below.  `realtime` and
 * `monotonic` are no failures but move the wall clock, or the other one, by so
 * many seconds.
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum call {
	CALL_ACCEPT4,
	CALL_EPOLL_CTL,
	CALL_SEND,
	CALL_SENDMSG,
	CALL_SOCKET,
	CALL_MALLOC,
	CALL_COUNT
};

enum { FILE_SIZE = 4096, COUNTS_AT = 2048 };

static const char *const names[CALL_COUNT] = {
	[CALL_ACCEPT4] = "accept4=",
	[CALL_EPOLL_CTL] = "epoll_ctl=",
	[CALL_SEND] = "send=",
	[CALL_SENDMSG] = "sendmsg=",
	[CALL_SOCKET] = "socket=",
	[CALL_MALLOC] = "malloc=",
};

static char *volatile map;
static unsigned int calls[CALL_COUNT];

__attribute__((constructor)) static void
map_file(void)
{
	const char *path = getenv("FAILING_CALLS");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *p = MAP_FAILED;

	if (fd >= 0)
		p = mmap(
		    NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		_exit(111);
	close(fd);
	map = p;
}

/* The word behind NAME, which begins the text or follows a blank. */
static const char *
find(const char *name)
{
	const char *p = map;

	while (p != NULL && (p = strstr(p, name)) != NULL) {
		if (p == map || p[-1] == ' ')
			return p + strlen(name);
		p++;
	}
	return NULL;
}

static int
fails(enum call call)
{
	const char *p = find(names[call]);
	uint64_t *count = (uint64_t *)(void *)(map + COUNTS_AT) + call;
	char *slash;
	long error, every = 1;

	if (p == NULL)
		return 0;
	error = strtol(p, &slash, 10);
	if (*slash == '/')
		every = strtol(slash + 1, NULL, 10);
	if (error <= 0 || every <= 0 || ++calls[call] % every != 0)
		return 0;
	++*count;
	errno = (int)error;
	return 1;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int
accept4(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
	return fails(CALL_ACCEPT4) ? -1
				   : NEXT(accept4)(fd, address, len, flags);
}

/* Only what takes memory fails: EPOLL_CTL_DEL of a descriptor that is there
 * cannot. */
int
epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
	if (op != EPOLL_CTL_DEL && fails(CALL_EPOLL_CTL))
		return -1;
	return NEXT(epoll_ctl)(epoll, op, fd, event);
}

ssize_t
send(int fd, const void *data, size_t len, int flags)
{
	return fails(CALL_SEND) ? -1 : NEXT(send)(fd, data, len, flags);
}

ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	return fails(CALL_SENDMSG) ? -1 : NEXT(sendmsg)(fd, m, flags);
}

int
socket(int domain, int type, int protocol)
{
	return fails(CALL_SOCKET) ? -1 : NEXT(socket)(domain, type, protocol);
}

/* dlsym(3) itself allocates: glibc's own names are used. */
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

void *
malloc(size_t size)
{
	return fails(CALL_MALLOC) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	return fails(CALL_MALLOC) ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t size)
{
	return fails(CALL_MALLOC) ? NULL : __libc_realloc(p, size);
}

static long
shift(const char *clock)
{
	const char *p = find(clock);

	return p != NULL ? strtol(p, NULL, 10) : 0;
}

int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	int r = NEXT(clock_gettime)(clock, ts);

	if (r == 0 && clock == CLOCK_REALTIME)
		ts->tv_sec += shift("realtime=");
	if (r == 0 && clock == CLOCK_MONOTONIC)
		ts->tv_sec += shift("monotonic=");
	return r;
}

time_t
time(time_t *ret)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	if (ret != NULL)
		*ret = ts.tv_sec;
	return ts.tv_sec;
}
