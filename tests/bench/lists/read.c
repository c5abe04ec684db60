/* SPDX-License-Identifier: ISC */
/*
 * read ENTRIES [CDB]: reads a list of so many networks in each format, and
 * prints "FORMAT_ms=MS" of CPU time, one a line.  The list is random: 80 %
 * single addresses, the rest /24.  CDB is a file to read as well.
 *
 * "before_ms" is what plain addresses took when they were all there was besides
 * JSON: each line searched for a comment, a blank and a dash, and its address
 * copied for inet_pton().
 */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "data/list.h"

/* Writes entry I, of address A, to F in one format. */
typedef void write_fn(FILE *f, size_t i, const uint8_t *a);

static unsigned random_state = 42;

static unsigned
random32(void)
{
	random_state = random_state * 1664525 + 1013904223;
	return random_state >> 8;
}

static void
write_network(FILE *f, size_t i, const uint8_t *a)
{
	if (i % 5 == 0)
		fprintf(f, "%u.%u.%u.0/24", a[0], a[1], a[2]);
	else
		fprintf(f, "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
}

static void
write_cidr(FILE *f, size_t i, const uint8_t *a)
{
	write_network(f, i, a);
	fputc('\n', f);
}

static void
write_ipsum(FILE *f, size_t i, const uint8_t *a)
{
	write_network(f, i, a);
	fprintf(f, "\t%zu\n", 1 + i % 9);
}

static void
write_drop(FILE *f, size_t i, const uint8_t *a)
{
	fputs("{\"cidr\":\"", f);
	write_network(f, i, a);
	fprintf(f, "\",\"sblid\":\"SBL%zu\",\"rir\":\"ripencc\"}\n", i % 1000);
}

static void
write_asn_json(FILE *f, size_t i, const uint8_t *a)
{
	(void)a;
	fprintf(f, "{\"asn\":%zu,\"rir\":\"arin\",\"cc\":\"US\"}\n", i + 1);
}

static void
write_postfix(FILE *f, size_t i, const uint8_t *a)
{
	write_network(f, i, a);
	fputs(i % 1000 == 7 ? "\tpermit\n" : "\tREJECT listed\n", f);
}

static void
write_rbldnsd(FILE *f, size_t i, const uint8_t *a)
{
	if (i == 0)
		fputs(":127.0.0.2:listed\n", f);
	if (i % 1000 == 7)
		fputc('!', f);
	write_network(f, i, a);
	fputs(i % 10 == 3 ? " :127.0.0.3:text\n" : "\n", f);
}

static void
write_dshield(FILE *f, size_t i, const uint8_t *a)
{
	(void)i;
	fprintf(f, "%u.%u.%u.0\t%u.%u.%u.255\t24\t%u\tX\n", a[0], a[1], a[2],
	    a[0], a[1], a[2], a[3]);
}

static void
write_asn(FILE *f, size_t i, const uint8_t *a)
{
	(void)a;
	fprintf(f, "AS%zu\n", i + 1);
}

static void
write_csv(FILE *f, size_t i, const uint8_t *a)
{
	fprintf(f, "%zu,\"", i);
	write_network(f, i, a);
	fprintf(f, "\",%u\n", a[3]);
}

static void
write_p2p(FILE *f, size_t i, const uint8_t *a)
{
	fprintf(f, "Example %zu:%u.%u.%u.0-%u.%u.%u.255\n", i, a[0], a[1], a[2],
	    a[0], a[1], a[2]);
}

static void
write_ipset(FILE *f, size_t i, const uint8_t *a)
{
	if (i == 0)
		fputs("create x hash:net family inet\n", f);
	fputs("add x ", f);
	write_network(f, i, a);
	fputc('\n', f);
}

static void
write_nft(FILE *f, size_t i, const uint8_t *a)
{
	if (i == 0)
		fputs("table ip t {\n set s {\n  elements = { ", f);
	write_network(f, i, a);
	fputs(",\n", f);
}

static const struct {
	enum list_format format;
	write_fn *write;
	const char *end;
} formats[] = {
	{ LIST_CIDR, write_cidr, "" },
	{ LIST_IPSUM, write_ipsum, "" },
	{ LIST_DROP_JSON, write_drop, "{\"type\":\"metadata\"}\n" },
	{ LIST_ASN_JSON, write_asn_json, "{\"type\":\"metadata\"}\n" },
	{ LIST_POSTFIX, write_postfix, "" },
	{ LIST_RBLDNSD, write_rbldnsd, "" },
	{ LIST_DSHIELD, write_dshield, "" },
	{ LIST_ASN, write_asn, "" },
	{ LIST_CSV, write_csv, "" },
	{ LIST_P2P, write_p2p, "" },
	{ LIST_IPSET, write_ipset, "" },
	{ LIST_NFT, write_nft, "192.0.2.1 }\n } }\n" },
};

static double
cpu_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* The line [AT, END) as it was read before. */
static size_t
read_before(const char *at, const char *end)
{
	size_t len = (size_t)(end - at), i;
	char buf[INET6_ADDRSTRLEN];
	struct in_addr v4;
	const char *slash;

	if (len > LIST_LINE_MAX || memchr(at, '\0', len))
		return 0;
	for (i = 0; i < len; i++)
		if (at[i] == '#' || at[i] == ';')
			len = i;
	for (i = 0; i < len; i++)
		if (at[i] == ' ' || at[i] == '\t')
			len = i;
	slash = memchr(at, '/', len);
	if (memchr(at, '-', len))
		return 0;
	if (slash)
		len = (size_t)(slash - at);
	if (len >= sizeof(buf) || memchr(at, ':', len))
		return 0;
	memcpy(buf, at, len);
	buf[len] = '\0';
	return inet_pton(AF_INET, buf, &v4) == 1;
}

static void
bench_before(const char *buf, size_t len, size_t entries)
{
	const char *end = buf + len;
	double start = cpu_ms();
	size_t n = 0;

	while (buf < end) {
		const char *lf = memchr(buf, '\n', (size_t)(end - buf));

		n += read_before(buf, lf);
		buf = lf + 1;
	}
	if (n != entries)
		errx(1, "before: %zu entries", n);
	printf("before_ms=%.0f\n", cpu_ms() - start);
}

static int
on_entry(void *arg, const struct list_entry *entry)
{
	(void)entry;
	++*(size_t *)arg;
	return 0;
}

/* The format must be found, too. */
static void
read_list(const char *buf, size_t len, enum list_format format, size_t least)
{
	struct list_options options = { 0 };
	struct list_report report;
	double start = cpu_ms();
	size_t n = 0;

	if (list_parse(&options, buf, len, on_entry, &n, &report) < 0)
		errx(1, "%s:%u: %s", list_format_name(format), report.line,
		    report.text);
	if (report.format != format || n < least)
		errx(1, "%s: %zu entries of %s", list_format_name(format), n,
		    list_format_name(report.format));
	printf("%s_ms=%.0f\n", list_format_name(format), cpu_ms() - start);
}

static void
bench_format(size_t which, size_t entries)
{
	char *buf = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&buf, &len);

	if (!f)
		err(1, "no memory");
	random_state = 42;
	for (size_t i = 0; i < entries; i++) {
		uint8_t a[4] = { (uint8_t)(1 + random32() % 220),
			(uint8_t)random32(), (uint8_t)random32(),
			(uint8_t)random32() };

		formats[which].write(f, i, a);
	}
	fputs(formats[which].end, f);
	if (fclose(f) != 0)
		err(1, "no memory");
	if (formats[which].format == LIST_CIDR)
		bench_before(buf, len, entries);
	read_list(buf, len, formats[which].format, entries);
	free(buf);
}

static void
bench_file(const char *path, size_t entries)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *buf;

	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "%s", path);
	buf = malloc((size_t)st.st_size);
	if (!buf || read(fd, buf, (size_t)st.st_size) != st.st_size)
		err(1, "%s", path);
	close(fd);
	read_list(buf, (size_t)st.st_size, LIST_CDB, entries / 2);
	free(buf);
}

int
main(int argc, char **argv)
{
	size_t entries = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;

	if (entries == 0)
		errx(1, "usage: read ENTRIES [CDB]");
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		bench_format(i, entries);
	if (argc > 2)
		bench_file(argv[2], entries);
	return 0;
}
