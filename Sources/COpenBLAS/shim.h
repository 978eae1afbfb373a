#include <cblas.h>
#include <stdlib.h>

// OpenBLAS's choice of kernels, exported by builds with DYNAMIC_ARCH (Debian's); absent elsewhere, hence weak.
extern char *openblas_get_corename(void);
extern void gotoblas_dynamic_init(void) __attribute__((weak));
extern void gotoblas_dynamic_quit(void) __attribute__((weak));

// LAPACK's Fortran entry points (Debian's build carries them in the same library).
extern void dposv_(const char *uplo, const int *n, const int *nrhs, double *a, const int *lda, double *b, const int *ldb, int *info);
extern void dsyev_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w, double *work, const int *lwork, int *info);

static inline int excise_can_choose_kernels(void) { return gotoblas_dynamic_init && gotoblas_dynamic_quit; }
static inline int excise_cpu_has_avx512(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
#else
    return 0;
#endif
}
static inline void excise_choose_kernels(const char *core) {
    setenv("OPENBLAS_CORETYPE", core, 1);
    gotoblas_dynamic_quit();
    gotoblas_dynamic_init();
}
