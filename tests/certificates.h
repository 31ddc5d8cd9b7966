/* Certificates for tests, made anew by the openssl program. */
#ifndef MOVEX_TESTS_CERTIFICATES_H
#define MOVEX_TESTS_CERTIFICATES_H

#include <stdbool.h>

/* Makes a directory with, each as NAME.pem with NAME.key:
     authority   whom tests trust
     other       an authority that they do not
     good        signed by authority, for 127.0.0.1, ::1 and localhost
     between     signed by an intermediate of authority, the intermediate's certificate after it; hosts as good
     elsewhere   signed by authority, for elsewhere.example
     expired     signed by authority, hosts as good, until yesterday
     alone       self-signed, hosts as good
   and locked.key, which is good.key with a password. False if that failed. */
bool certificates_make(void);

/* The path of a file in that directory. Lent until the eighth call after it. */
const char *certificate(const char *file);

/* Says in TAP that the tests are skipped for want of certificates; what main returns then. If there is an openssl program
   and it failed, that is a failure. */
int certificates_skip(void);

/* Removes the directory. */
void certificates_remove(void);

#endif
