/* SPDX-License-Identifier: ISC */
/*
 * read ENTRIES [CDB]: reads a list of so many networks in each format, and
 * prints "FORMAT_ms=MS" of CPU time, one a line.  The list is random: 80 %
 * single addresses, the rest /24.  CDB is a file to read as well.
 *
 * Before each, "FORMAT_before_ms" is what as many plain addresses took when they
 * were all there was besides JSON: in turns, so that what else the machine does
 * falls on both.
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

static int
on_entry(void *arg, const struct list_entry *entry)
{
	(void)entry;
	++*(size_t *)arg;
	return 0;
}

/*
 * Plain addresses as they were read when they were all there was besides JSON
 */

static size_t
blanks(const char *at, size_t len)
{
	size_t n = 0;

	while (n < len && (at[n] == ' ' || at[n] == '\t'))
		n++;
	return n;
}

static size_t
trimmed(const char *at, size_t len)
{
	while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t'))
		len--;
	return len;
}

/* What had a colon was tried as the other family. */
static bool
read_addr_before(const char *at, size_t len, struct in6_addr *ret)
{
	char buf[INET6_ADDRSTRLEN];
	struct in_addr v4;

	if (len >= sizeof(buf) || memchr(at, '\0', len))
		return false;
	memcpy(buf, at, len);
	buf[len] = '\0';
	if (inet_pton(AF_INET, buf, &v4) != 1)
		return inet_pton(AF_INET6, buf, ret) == 1;
	*ret = (struct in6_addr){ .s6_addr = { [10] = 0xff, 0xff } };
	memcpy(&ret->s6_addr[12], &v4, sizeof(v4));
	return true;
}

static struct cidr
mask_before(const struct in6_addr *addr, unsigned len)
{
	struct cidr cidr = { *addr, (uint8_t)len };

	for (unsigned i = 0; i < sizeof(*addr); i++) {
		uint8_t mask = 0;

		if (len >= 8 * (i + 1))
			mask = 0xff;
		else if (len > 8 * i)
			mask = (uint8_t)(0xff << (8 * (i + 1) - len));
		cidr.addr.s6_addr[i] &= mask;
	}
	return cidr;
}

static bool
read_prefix_before(const char *at, size_t len, struct cidr *ret)
{
	const char *slash = memchr(at, '/', len);
	size_t addr_len = slash ? (size_t)(slash - at) : len;
	unsigned bits = CIDR_BITS;
	struct in6_addr addr;

	if (!read_addr_before(at, addr_len, &addr))
		return false;
	if (slash) {
		if (memchr(at, ':', addr_len))
			return false;
		bits = 0;
		for (const char *p = slash + 1; p < at + len; p++)
			bits = bits * 10 + (unsigned)(*p - '0');
		bits += CIDR_V4_BITS;
	}
	*ret = mask_before(&addr, bits);
	return memcmp(&ret->addr, &addr, sizeof(addr)) == 0;
}

/* The list as plain addresses. */
static char *plain;
static size_t plain_len;

/* The line of LEN bytes at AT; false: it is no entry. */
static bool
read_before(const char *at, size_t len, list_entry_fn *fn, void *arg)
{
	struct list_entry entry = { 0 };
	size_t n = 0;

	if (len > 0 && at[len - 1] == '\r')
		len--;
	if (len > LIST_LINE_MAX || memchr(at, '\0', len))
		return false;
	for (size_t i = 0; i < len; i++)
		if (at[i] == '#' || at[i] == ';')
			len = i;
	n = blanks(at, len);
	at += n;
	len = trimmed(at, len - n);
	for (n = 0; n < len && at[n] != ' ' && at[n] != '\t'; n++)
		continue;
	if (memchr(at, '-', len) || n < len ||
	    !read_prefix_before(at, len, &entry.cidr))
		return false;
	return fn(arg, &entry) == 0;
}

/* Apart, so that the calls cost what they did. */
static void __attribute__((noinline))
bench_before(enum list_format format, size_t entries)
{
	const char *buf = plain, *end = plain + plain_len;
	double start = cpu_ms();
	size_t n = 0;

	while (buf < end) {
		const char *lf = memchr(buf, '\n', (size_t)(end - buf));

		if (!read_before(buf, (size_t)(lf - buf), on_entry, &n))
			errx(1, "before: no entry");
		buf = lf + 1;
	}
	if (n != entries)
		errx(1, "before: %zu entries", n);
	printf(
	    "%s_before_ms=%.0f\n", list_format_name(format), cpu_ms() - start);
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

/* The list in one format, for the caller to free. */
static char *
write_list(size_t which, size_t entries, size_t *ret_len)
{
	char *buf = NULL;
	FILE *f = open_memstream(&buf, ret_len);

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
	return buf;
}

static void
bench_format(size_t which, size_t entries)
{
	size_t len;
	char *buf = write_list(which, entries, &len);

	bench_before(formats[which].format, entries);
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
	bench_before(LIST_CDB, entries);
	read_list(buf, (size_t)st.st_size, LIST_CDB, entries);
	free(buf);
}

int
main(int argc, char **argv)
{
	size_t entries = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;

	if (entries == 0)
		errx(1, "usage: read ENTRIES [CDB]");
	plain = write_list(0, entries, &plain_len);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		bench_format(i, entries);
	if (argc > 2)
		bench_file(argv[2], entries);
	free(plain);
	return 0;
}
