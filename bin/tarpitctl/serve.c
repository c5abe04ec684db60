/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/serve.h"

#include <errno.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "bin/common/listen.h"
#include "bin/common/notify.h"
#include "bin/tarpitctl/exposition.h"

enum {
	/* A few scrapers. */
	CONNECTIONS_MAX = 16,
	CONNECTION_MEMORY = 16 * 1024,
	/* Seconds that one may keep us waiting for its request. */
	REQUEST_TIME = 10,
	BACKLOG = 16,
};

/* A request's answer of no more than a line. */
static enum MHD_Result
refuse(struct MHD_Connection *c, unsigned int status, const char *text)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
	    strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result;

	if (r == NULL)
		return MHD_NO;
	(void)MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return result;
}

static enum exposition_format
format_for(struct MHD_Connection *c)
{
	const char *accept = MHD_lookup_connection_value(
	    c, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);

	return accept != NULL &&
		strstr(accept, "application/openmetrics-text") != NULL
	    ? EXPOSITION_OPENMETRICS
	    : EXPOSITION_TEXT;
}

/* The text is the response's to free. */
static struct MHD_Response *
make_page(const struct tarpitctl *t, enum exposition_format format)
{
	struct survey s;
	struct MHD_Response *r;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	survey_take(t, &s);
	exposition_write(out, format, &s);
	r = fclose(out) == 0
	    ? MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE)
	    : NULL;
	if (r == NULL)
		free(text);
	else
		(void)MHD_add_response_header(
		    r, MHD_HTTP_HEADER_CONTENT_TYPE, exposition_type(format));
	return r;
}

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *upload,
    size_t *upload_size, void **state)
{
	struct MHD_Response *page;
	enum MHD_Result result;

	(void)version;
	(void)upload;
	(void)state;
	if (*upload_size != 0)
		return MHD_NO; /* a body that nobody asked for */
	if (strcmp(url, "/metrics") != 0)
		return refuse(c, MHD_HTTP_NOT_FOUND, "only /metrics\n");
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
	    strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return refuse(c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
	page = make_page(arg, format_for(c));
	if (page == NULL)
		return MHD_NO;
	result = MHD_queue_response(c, MHD_HTTP_OK, page);
	MHD_destroy_response(page);
	return result;
}

static int
find_socket(const struct tarpitctl *t)
{
	struct listen_socket sockets[LISTEN_MAX];
	int n, r;

	if (t->listen != NULL) {
		r = listen_open_tcp(t->listen, BACKLOG, &sockets[0]);
		if (r < 0)
			program_die(&tarpitctl, EXIT_OPERATOR, r, "--listen %s",
			    t->listen);
		return sockets[0].fd;
	}
	n = listen_adopt(sockets);
	if (n != 1 || sockets[0].origin != LISTEN_SYSTEMD)
		program_die(&tarpitctl, EXIT_OPERATOR, n < 0 ? n : 0,
		    "--serve: no socket to serve: start tarpit-metrics.socket, "
		    "or give --listen ADDRESS:PORT");
	return sockets[0].fd;
}

/* The library's own thread serves; this one waits to be told to stop. */
int
serve_run(const struct tarpitctl *t)
{
	int fd = find_socket(t), caught;
	struct MHD_Daemon *daemon;
	struct tarpitctl own = *t; /* the library hands it out unqualified */
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	daemon =
	    MHD_start_daemon(MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD, 0,
		NULL, NULL, on_request, &own, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)REQUEST_TIME,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_END);
	if (daemon == NULL)
		program_die(&tarpitctl, EXIT_TEMPORARY, 0,
		    "--serve: the HTTP server does not start");
	notify_send("READY=1");
	while (sigwait(&set, &caught) != 0)
		;
	MHD_stop_daemon(daemon);
	return EXIT_SUCCESS;
}
