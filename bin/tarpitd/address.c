/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/address.h"

#include <arpa/inet.h>
#include <string.h>

void
address_from_socket(const struct sockaddr_storage *ss, struct in6_addr *ret,
    in_port_t *ret_port)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ss;
	const struct sockaddr_in *in = (const struct sockaddr_in *)ss;

	*ret = in6addr_any;
	*ret_port = 0;
	if (ss->ss_family == AF_INET6) {
		*ret = in6->sin6_addr;
		*ret_port = ntohs(in6->sin6_port);
	} else if (ss->ss_family == AF_INET) {
		memset(ret->s6_addr + 10, 0xff, 2);
		memcpy(ret->s6_addr + 12, &in->sin_addr, 4);
		*ret_port = ntohs(in->sin_port);
	}
}

const char *
address_print(const struct in6_addr *address, char text[ADDRESS_TEXT])
{
	/* Neither can fail: the families are known and the text is large. */
	if (IN6_IS_ADDR_V4MAPPED(address))
		inet_ntop(AF_INET, address->s6_addr + 12, text, ADDRESS_TEXT);
	else
		inet_ntop(AF_INET6, address, text, ADDRESS_TEXT);
	return text;
}
