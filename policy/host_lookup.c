/* SPDX-License-Identifier: ISC */
#include "policy/host_lookup.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct host_lookup {
	struct gaicb request;
	struct addrinfo hints;
	char host[254];
};

struct host_lookup *
host_lookup_start(const char *host)
{
	struct host_lookup *l = calloc(1, sizeof(*l));
	struct gaicb *list[1];

	if (!l)
		return NULL;
	snprintf(l->host, sizeof(l->host), "%s", host);
	l->hints.ai_socktype = SOCK_STREAM;
	l->request.ar_name = l->host;
	l->request.ar_request = &l->hints;
	list[0] = &l->request;
	if (getaddrinfo_a(GAI_NOWAIT, list, 1, NULL) != 0) {
		free(l);
		return NULL;
	}
	return l;
}

int
host_lookup_poll(struct host_lookup *l, const char **ret_why)
{
	int r = gai_error(&l->request), n = 0;

	if (r == EAI_INPROGRESS)
		return -EAGAIN;
	for (struct addrinfo *a = l->request.ar_result; r == 0 && a;
	     a = a->ai_next)
		n++;
	if (n > 0)
		return n;
	*ret_why = gai_strerror(r != 0 ? r : EAI_NONAME);
	return -ENOENT;
}

const char *
host_lookup_address(
    const struct host_lookup *l, size_t n, char buf[static INET6_ADDRSTRLEN])
{
	const struct addrinfo *a = l->request.ar_result;

	while (n-- > 0)
		a = a->ai_next ? a->ai_next : l->request.ar_result;
	if (getnameinfo(a->ai_addr, a->ai_addrlen, buf, INET6_ADDRSTRLEN, NULL,
		0, NI_NUMERICHOST) != 0)
		buf[0] = '\0';
	return buf;
}

struct host_lookup *
host_lookup_free(struct host_lookup *l)
{
	/* It is on the thread's list, in memory that must stay: a few hundred
	 * bytes, once, if the configuration changes just then. */
	if (!l ||
	    (gai_error(&l->request) == EAI_INPROGRESS &&
		gai_cancel(&l->request) == EAI_NOTCANCELED))
		return NULL;
	freeaddrinfo(l->request.ar_result);
	free(l);
	return NULL;
}
