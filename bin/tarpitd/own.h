#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * OwnNetworks=: clients about which nobody is asked.  The host's own programs,
 * and the machines of the house that its administrator names: what they send
 * early or clumsily is no spammer's doing, and slowing them keeps nobody away.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "bin/common/listen.h"
#include "bin/tarpitd/networks.h"

/* As configured: networks, and "auto" for what the host itself is. */
struct own_choice {
	bool host;
	struct networks named;
};

/* The host's addresses, as they were when they were read. */
struct own {
	size_t n;
	struct in6_addr *address;
	bool alone; /* nobody but the host can reach it */
};

/* Reads them; the SOCKETS say who can connect at all.  0 or -errno, and then
 * there are none.  Asks the kernel by netlink, once: at the start and after a
 * reload. */
int own_read(
    struct own *, const struct listen_socket *sockets, size_t n) MUST_CHECK;
void own_fini(struct own *);

/* Is the client exempt?  "auto" exempts the loopback networks and the host's
 * addresses; nobody at all where each socket is bound to loopback: whoever comes
 * there comes from the host, by way of a tunnel for instance, or of a test, and
 * the decision would never be made. */
bool own_has(const struct own *, const struct own_choice *,
    const struct in6_addr *client);
