/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/own.h"

#include <errno.h>
#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>

#include "bin/tarpitd/address.h"

/* Of 127.0.0.0/8 or ::1. */
static bool
is_loopback(const struct in6_addr *a)
{
	return IN6_IS_ADDR_LOOPBACK(a) ||
	    (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
}

/* A connection that inetd has accepted says nothing of who else may come. */
static bool
is_for_host_alone(const struct listen_socket *socket)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	struct in6_addr address;
	in_port_t port;

	if (socket->origin == LISTEN_INETD_NOWAIT ||
	    getsockname(socket->fd, (struct sockaddr *)&ss, &len) < 0)
		return false;
	address_from_socket(&ss, &address, &port);
	return is_loopback(&address);
}

static size_t
count(const struct ifaddrs *list)
{
	size_t n = 0;

	for (; list != NULL; list = list->ifa_next)
		n++;
	return n;
}

static bool
read_address(const struct sockaddr *from, struct in6_addr *ret)
{
	struct sockaddr_storage ss = { 0 };
	in_port_t port;

	if (from == NULL)
		return false;
	if (from->sa_family == AF_INET)
		memcpy(&ss, from, sizeof(struct sockaddr_in));
	else if (from->sa_family == AF_INET6)
		memcpy(&ss, from, sizeof(struct sockaddr_in6));
	else
		return false;
	address_from_socket(&ss, ret, &port);
	return true;
}

int
own_read(struct own *own, const struct listen_socket *sockets, size_t n)
{
	struct ifaddrs *list;

	own_fini(own);
	own->alone = n > 0;
	for (size_t i = 0; i < n; i++)
		own->alone &= is_for_host_alone(&sockets[i]);
	if (getifaddrs(&list) < 0)
		return -errno;
	own->address = calloc(count(list) + 1, sizeof(*own->address));
	for (const struct ifaddrs *i = list; own->address && i; i = i->ifa_next)
		if (read_address(i->ifa_addr, &own->address[own->n]))
			own->n++;
	freeifaddrs(list);
	return own->address != NULL ? 0 : -ENOMEM;
}

void
own_fini(struct own *own)
{
	free(own->address);
	*own = (struct own){ 0 };
}

static bool
is_host(const struct own *own, const struct in6_addr *client)
{
	if (is_loopback(client))
		return true;
	for (size_t i = 0; i < own->n; i++)
		if (IN6_ARE_ADDR_EQUAL(&own->address[i], client))
			return true;
	return false;
}

bool
own_has(const struct own *own, const struct own_choice *choice,
    const struct in6_addr *client)
{
	if (choice->host && !own->alone && is_host(own, client))
		return true;
	return networks_have(&choice->named, client);
}
