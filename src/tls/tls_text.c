/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a handshake failed, in words that name what to do: OpenSSL's own are for programmers. "It" is
 * the peer, as in "dropped connection from ADDR: it ...".
 */
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <string.h>

#include "tls/tls_internal.h"
#include "util/text.h"

static const struct {
	int alert;
	const char *text;
} alerts[] = {
	{ SSL_AD_UNEXPECTED_MESSAGE, "it does not accept TLS: it was started without a key" },
	{ SSL_AD_BAD_CERTIFICATE, "it does not accept our certificate" },
	{ SSL_AD_UNSUPPORTED_CERTIFICATE, "it does not accept our certificate: unsupported" },
	{ SSL_AD_CERTIFICATE_REVOKED, "it does not accept our certificate: revoked" },
	{ SSL_AD_CERTIFICATE_EXPIRED, "it does not accept our certificate: expired" },
	{ SSL_AD_CERTIFICATE_UNKNOWN, "it does not accept our certificate" },
	{ SSL_AD_UNKNOWN_CA, "it does not accept our certificate: it knows another authority" },
	{ SSL_AD_DECRYPT_ERROR, "it found that our proof of identity is wrong" },
	{ SSL_AD_PROTOCOL_VERSION, "it does not speak TLS 1.3" },
	{ SSL_AD_CERTIFICATE_REQUIRED, "it wants a certificate (--cert)" },
};

static const char *alert_text(const struct tls *t, int alert)
{
	if (alert == SSL_AD_HANDSHAKE_FAILURE)
		return t->context->keys ? "it does not have this key: the key files differ"
					: "it wants something else than a certificate: a key?";
	for (size_t i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++)
		if (alerts[i].alert == alert)
			return alerts[i].text;
	return NULL;
}

static const char *reason_text(const struct tls *t, int reason)
{
	switch (reason) {
	case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
	case SSL_R_NO_SHARED_CIPHER:
	case SSL_R_NO_SUITABLE_KEY_SHARE:
		if (!t->context->keys)
			break;
		return t->asked ? "it has another key" : "it speaks TLS without a key";
	case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
		return "it has no certificate";
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_WRONG_SSL_VERSION:
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_VERSION_TOO_LOW:
		return "it does not speak TLS 1.3";
	case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
		return "the data were changed on the way";
	case SSL_R_BINDER_DOES_NOT_VERIFY:
		return "it does not prove that it has the key";
	default:
		break;
	}
	return NULL;
}

const char *tls_last_reason(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	return text ? text : "unknown error";
}

static void explain_certificate(struct tls *t)
{
	long why = SSL_get_verify_result(t->ssl);

	if (t->context->keys)
		text_printf(t->text, sizeof(t->text), "it has a certificate instead of a key");
	else if (t->nameless &&
		 (why == X509_V_ERR_HOSTNAME_MISMATCH || why == X509_V_ERR_IP_ADDRESS_MISMATCH))
		text_printf(t->text, sizeof(t->text),
			    "its certificate is not good: it has no subjectAltName, and the "
			    "subject does not count as a name; make one with: openssl ... "
			    "-addext subjectAltName=DNS:NAME");
	else
		text_printf(t->text, sizeof(t->text), "its certificate is not good: %s",
			    X509_verify_cert_error_string(why));
}

void tls_explain(struct tls *t)
{
	/* The first error is the cause; the later ones are where it was noticed. */
	unsigned long error = ERR_peek_error();
	int reason = ERR_GET_REASON(error);
	const char *text;

	if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET) {
		text = alert_text(t, reason - SSL_AD_REASON_OFFSET);
		if (text)
			text_printf(t->text, sizeof(t->text), "%s", text);
		else
			text_printf(t->text, sizeof(t->text), "it ended TLS: alert %d (%s)",
				    reason - SSL_AD_REASON_OFFSET,
				    SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET));
		return;
	}
	if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
		explain_certificate(t);
		return;
	}
	text = ERR_GET_LIB(error) == ERR_LIB_SSL ? reason_text(t, reason) : NULL;
	if (!text)
		text = error ? ERR_reason_error_string(error) : NULL;
	text_printf(t->text, sizeof(t->text), "%s%s",
		    text && reason_text(t, reason) == text ? "" : "TLS failed: ",
		    text ? text : "unknown error");
}

void tls_explain_stranger(struct tls *t, const uint8_t *bytes, size_t n)
{
	char quoted[4 * TLS_QUOTED + 1];

	text_quote(quoted, sizeof(quoted), bytes, n);
	text_printf(t->text, sizeof(t->text), "it does not speak TLS: it sent \"%s\"", quoted);
}
