#define _POSIX_C_SOURCE 200809L
#include "certificates.h"

#include <stdio.h>
#include <stdlib.h>

static char directory[] = "/tmp/movex-certificates-XXXXXX";

static const char script[] =
    "set -eu; cd \"$0\"; exec 2>log\n"
    "hosts=IP:127.0.0.1,IP:::1,DNS:localhost\n"
    "key() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }\n"
    "own() { key $1; openssl req -x509 -new -key $1.key -days 2 -subj /CN=$1 -out $1.pem $2; }\n"
    /* NAME HOSTS DAYS ISSUER [EXTENSION] */
    "by() { key $1; openssl req -new -key $1.key -subj /CN=$1 -out $1.request\n"
    "  printf 'subjectAltName=%s\\n%s\\n' $2 ${5-} >$1.extensions\n"
    "  openssl x509 -req -in $1.request -CA $4.pem -CAkey $4.key -CAcreateserial -days $3 -extfile $1.extensions -out "
    "$1.pem; }\n"
    "own authority ''; own other ''; own alone \"-addext subjectAltName=$hosts\"\n"
    "by good $hosts 2 authority; by elsewhere DNS:elsewhere.example 2 authority; by expired $hosts -1 authority\n"
    "by middle DNS:middle 2 authority basicConstraints=critical,CA:TRUE; by between $hosts 2 middle\n"
    "cat middle.pem >>between.pem; openssl ec -in good.key -aes256 -passout pass:secret -out locked.key";

static bool have_openssl(void)
{
    return system("command -v openssl >/dev/null") == 0;
}

int certificates_skip(void)
{
    if (have_openssl()) {
        puts("Bail out! openssl made no certificates");
        return EXIT_FAILURE;
    }
    puts("1..0 # SKIP there is no openssl program to make certificates with (Debian package openssl)");
    return EXIT_SUCCESS;
}

bool certificates_make(void)
{
    char command[sizeof script + 64];
    if (!have_openssl() || !mkdtemp(directory)) return false;
    setenv("MOVEX_TEST_SCRIPT", script, 1);
    snprintf(command, sizeof command, "sh -c \"$MOVEX_TEST_SCRIPT\" %s", directory);
    if (system(command) == 0) return true;
    snprintf(command, sizeof command, "sed 's/^/# /' %s/log", directory);
    if (system(command) != 0) fputs("# no log of openssl\n", stdout);
    return false;
}

const char *certificate(const char *file)
{
    static char     paths[8][64];
    static unsigned next;
    char           *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", directory, file);
    return path;
}

void certificates_remove(void)
{
    char command[80];
    snprintf(command, sizeof command, "rm -rf %s", directory);
    if (system(command) != 0) fputs("# the certificates could not be removed\n", stdout);
}
