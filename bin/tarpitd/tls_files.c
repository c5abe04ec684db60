/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/tls_files.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bin/tarpitd/tls.h"

enum { CERTIFICATES_MAX = 64, FILE_MAX = 1 << 20 };

/* All that the files have. */
struct pile {
	const char *option; /* files->chain or ->key: what is being read */
	const char *name;   /* the file of it */
	char *why;
	size_t size;
	struct {
		X509 *certificate;
		char *file;
	} item[CERTIFICATES_MAX];
	size_t n;
	struct {
		EVP_PKEY *key;
		const char *option;
		char *file;
	} key[TLS_PAIRS_MAX];
	size_t n_keys;
};

/* What is wrong: with its file where there are several. */
static int __attribute__((format(printf, 2, 3)))
fail(struct pile *p, const char *format, ...)
{
	int n = 0;
	va_list ap;

	if (p->name != NULL && strcmp(p->name, p->option) != 0)
		n = snprintf(p->why, p->size, "%s: ", p->name);
	if (n < 0 || (size_t)n >= p->size)
		return -EINVAL;
	va_start(ap, format);
	(void)vsnprintf(p->why + n, p->size - (size_t)n, format, ap);
	va_end(ap);
	return -EINVAL;
}

static const char *
last_reason(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	return text != NULL ? text : "unknown error";
}

static int
take_certificate(struct pile *p, const unsigned char *der, long len)
{
	X509 *c = d2i_X509(NULL, &der, len);

	if (c == NULL)
		return fail(
		    p, "a certificate that cannot be read: %s", last_reason());
	if (p->n == CERTIFICATES_MAX) {
		X509_free(c);
		return fail(p, "more than %d certificates", CERTIFICATES_MAX);
	}
	p->item[p->n].certificate = c;
	p->item[p->n++].file = strdup(p->name);
	return 0;
}

static int
take_key(struct pile *p, const char *kind, const char *header,
    const unsigned char *der, long len)
{
	EVP_PKEY *key;

	if (strstr(kind, "ENCRYPTED") != NULL ||
	    strstr(header, "ENCRYPTED") != NULL)
		return fail(p,
		    "the key has a passphrase, which nobody could enter: "
		    "openssl pkey removes it");
	key = d2i_AutoPrivateKey(NULL, &der, len);
	if (key == NULL)
		return fail(p, "a key that cannot be read: %s", last_reason());
	for (size_t i = 0; i < p->n_keys; i++)
		if (EVP_PKEY_eq(p->key[i].key, key) == 1) {
			EVP_PKEY_free(key); /* named twice */
			return 0;
		}
	if (p->n_keys == TLS_PAIRS_MAX) {
		EVP_PKEY_free(key);
		return fail(p, "more than %d keys", TLS_PAIRS_MAX);
	}
	p->key[p->n_keys].key = key;
	p->key[p->n_keys].option = p->option;
	p->key[p->n_keys++].file = strdup(p->name);
	return 0;
}

/* One PEM object; parameters and the like are passed over. */
static int
take_object(struct pile *p, const char *kind, const char *header,
    const unsigned char *der, long len)
{
	if (strstr(kind, "PRIVATE KEY") != NULL)
		return take_key(p, kind, header, der, len);
	if (strcmp(kind, "CERTIFICATE REQUEST") == 0 ||
	    strcmp(kind, "NEW CERTIFICATE REQUEST") == 0)
		return fail(p,
		    "a certificate request; the authority's answer to it is "
		    "wanted");
	if (strcmp(kind, "CERTIFICATE") == 0 ||
	    strcmp(kind, "X509 CERTIFICATE") == 0 ||
	    strcmp(kind, "TRUSTED CERTIFICATE") == 0)
		return take_certificate(p, der, len);
	return 0;
}

/* What a file is that has nothing in PEM form. */
static int
fail_without_pem(struct pile *p, const unsigned char *data, size_t len)
{
	if (len == 0)
		return fail(p, "the file is empty");
	if (len > 1 && data[0] == 0x30 && data[1] >= 0x80)
		return fail(p,
		    "DER or PKCS #12, not PEM: openssl x509 -inform DER, or "
		    "openssl pkcs12 -nodes, makes PEM of it");
	return fail(p, "no PEM, which begins with -----BEGIN CERTIFICATE-----");
}

static int
take_objects(struct pile *p, const unsigned char *data, size_t len)
{
	BIO *bio = BIO_new_mem_buf(data, (int)len);
	char *kind, *header;
	unsigned char *der;
	int n = 0, r = bio == NULL ? -ENOMEM : 0;
	unsigned long error;
	long der_len;

	while (
	    r == 0 && PEM_read_bio(bio, &kind, &header, &der, &der_len) == 1) {
		r = take_object(p, kind, header, der, der_len);
		n++;
		OPENSSL_free(kind);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	BIO_free(bio);
	error = ERR_peek_last_error();
	if (r == 0 && ERR_GET_LIB(error) == ERR_LIB_PEM &&
	    ERR_GET_REASON(error) != PEM_R_NO_START_LINE)
		return fail(p, "damaged PEM: %s", last_reason());
	return r == 0 && n == 0 ? fail_without_pem(p, data, len) : r;
}

static int
read_file(struct pile *p, const char *name)
{
	AUTO_FREE unsigned char *data = malloc(FILE_MAX);
	size_t len, skip = 0;
	FILE *f;
	bool bad;

	p->name = name;
	if (data == NULL)
		return fail(p, "out of memory");
	f = fopen(name, "re");
	if (f == NULL)
		return fail(p, "%s", strerror(errno));
	len = fread(data, 1, FILE_MAX, f);
	bad = ferror(f) != 0;
	fclose(f);
	if (bad || len == FILE_MAX)
		return fail(p, "%s", bad ? strerror(EISDIR) : "too large");
	/* Some editors put a byte order mark before the first line. */
	if (len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
		skip = 3;
	ERR_clear_error();
	return take_objects(p, data + skip, len - skip);
}

/* OPTION: names of files, separated by blanks. */
static int
read_files(struct pile *p, const char *option)
{
	AUTO_FREE char *copy = strdup(option);
	char *rest = copy, *name;
	int r = 0;

	p->option = option;
	if (copy == NULL)
		return fail(p, "out of memory");
	while (r == 0 && (name = strsep(&rest, " \t")) != NULL)
		if (*name != '\0')
			r = read_file(p, name);
	p->name = NULL;
	return r;
}

/* The certificate that has this key, or NULL. */
static X509 *
find_leaf(const struct pile *p, EVP_PKEY *key, const char **ret_file)
{
	for (size_t i = 0; i < p->n; i++)
		if (X509_check_private_key(p->item[i].certificate, key) == 1) {
			*ret_file = p->item[i].file;
			return p->item[i].certificate;
		}
	ERR_clear_error();
	return NULL;
}

/* The one above C, or NULL. */
static X509 *
find_issuer(const struct pile *p, const X509 *c)
{
	const X509_NAME *issuer = X509_get_issuer_name(c);

	if (X509_NAME_cmp(issuer, X509_get_subject_name(c)) == 0)
		return NULL;
	for (size_t i = 0; i < p->n; i++)
		if (X509_NAME_cmp(X509_get_subject_name(p->item[i].certificate),
			issuer) == 0)
			return p->item[i].certificate;
	return NULL;
}

/* Those above LEAF, in order; NULL without memory. */
static STACK_OF(X509) * make_chain(const struct pile *p, X509 *leaf)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509 *c = leaf;

	for (size_t i = 0; chain != NULL && i < p->n; i++) {
		c = find_issuer(p, c);
		if (c == NULL || c == leaf)
			break;
		(void)sk_X509_push(chain, c);
	}
	return chain;
}

static time_t
seconds_of(const ASN1_TIME *time)
{
	struct tm tm;

	return ASN1_TIME_to_tm(time, &tm) == 1 ? timegm(&tm) : 0;
}

static const char *
kind_name(const EVP_PKEY *key)
{
	int id = EVP_PKEY_get_base_id(key);

	if (id == EVP_PKEY_RSA)
		return "RSA";
	return id == EVP_PKEY_EC ? "ECDSA" : OBJ_nid2sn(id);
}

static int
load_pair(struct pile *p, size_t i, SSL_CTX *context, struct tls_pairs *ret)
{
	struct tls_pair *pair = &ret->pair[ret->n];
	EVP_PKEY *key = p->key[i].key;
	const char *file = NULL;
	X509 *leaf = find_leaf(p, key, &file);
	STACK_OF(X509) * chain;
	int r;

	p->option = p->key[i].option;
	p->name = p->key[i].file;
	if (leaf == NULL)
		return fail(
		    p, "the key belongs to no certificate of Certificate=");
	for (size_t k = 0; k < i; k++)
		if (EVP_PKEY_get_base_id(p->key[k].key) ==
		    EVP_PKEY_get_base_id(key))
			return fail(
			    p, "a second %s key; one is used", kind_name(key));
	chain = make_chain(p, leaf);
	r = SSL_CTX_use_cert_and_key(context, leaf, key, chain, 1);
	sk_X509_free(chain);
	if (r != 1)
		return fail(p, "not of use for TLS: %s", last_reason());
	pair->file = strdup(file);
	if (pair->file == NULL)
		return fail(p, "out of memory");
	pair->kind = kind_name(key);
	pair->not_before = seconds_of(X509_get0_notBefore(leaf));
	pair->not_after = seconds_of(X509_get0_notAfter(leaf));
	ret->n++;
	return 0;
}

static void
drop_pile(struct pile *p)
{
	for (size_t i = 0; i < p->n; i++) {
		X509_free(p->item[i].certificate);
		free(p->item[i].file);
	}
	for (size_t i = 0; i < p->n_keys; i++) {
		EVP_PKEY_free(p->key[i].key);
		free(p->key[i].file);
	}
	free(p);
}

int
tls_files_load(SSL_CTX *context, const struct tls_files *files,
    struct tls_pairs *ret_pairs, const char **ret_file, char *why, size_t size)
{
	struct pile *p = calloc(1, sizeof(*p));
	int r;

	*ret_file = files->chain;
	if (p == NULL)
		return -ENOMEM;
	p->why = why;
	p->size = size;
	r = read_files(p, files->chain);
	if (r == 0 && strcmp(files->key, files->chain) != 0)
		r = read_files(p, files->key);
	if (r == 0)
		p->option = files->chain;
	if (r == 0 && p->n == 0)
		r = fail(p, "no certificate in it");
	if (r == 0)
		p->option = files->key;
	if (r == 0 && p->n_keys == 0)
		r = fail(p,
		    "no private key in it: append the key, or name its file "
		    "in Key=");
	for (size_t i = 0; r == 0 && i < p->n_keys; i++)
		r = load_pair(p, i, context, ret_pairs);
	*ret_file = p->option;
	drop_pile(p);
	return r;
}

void
tls_pairs_fini(struct tls_pairs *pairs)
{
	for (size_t i = 0; i < pairs->n; i++)
		free(pairs->pair[i].file);
	pairs->n = 0;
}
