#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

// Casts in these macros keep Swift from seeing them.
static const unsigned long excise_name_form = XN_FLAG_RFC2253;
static const int excise_pem_no_start_line = PEM_R_NO_START_LINE;
