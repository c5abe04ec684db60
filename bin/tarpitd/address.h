#pragma once
/* SPDX-License-Identifier: ISC */
/* Socket addresses as sessions keep them: IPv4 as ::ffff:a.b.c.d. */

#include <netinet/in.h>
#include <sys/socket.h>

enum { ADDRESS_TEXT = INET6_ADDRSTRLEN };

/* Of an AF_INET or AF_INET6 socket address; anything else gives :: and 0. */
void address_from_socket(
    const struct sockaddr_storage *, struct in6_addr *ret, in_port_t *ret_port);

/* Numeric text, IPv4-mapped addresses as IPv4: an MTA's access rules would not
 * match "::ffff:192.0.2.1". */
const char *address_print(const struct in6_addr *, char text[ADDRESS_TEXT]);
