// Loaded before the C library, kills its process at the Nth call that changes what is on disk, N being EXCISE_KILL_AT, or
// writes the number of such calls to the file EXCISE_KILL_COUNT when the process ends. Every boundary between two such
// calls is a state that a power cut can leave behind.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_long calls;

static void step(void) {
    const char *at = getenv("EXCISE_KILL_AT");
    if (atomic_fetch_add(&calls, 1) + 1 == (at ? atol(at) : -1)) kill(getpid(), SIGKILL);
}

__attribute__((destructor)) static void report(void) {
    const char *path = getenv("EXCISE_KILL_COUNT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (file) {
        fprintf(file, "%ld", (long)calls);
        fclose(file);
    }
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int is_file(int fd) {
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

ssize_t write(int fd, const void *bytes, size_t count) {
    if (is_file(fd)) step();
    return REAL(write)(fd, bytes, count);
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    step();
    return REAL(pwrite)(fd, bytes, count, offset);
}
ssize_t copy_file_range(int in, off_t *in_offset, int out, off_t *out_offset, size_t length, unsigned flags) {
    step();
    return REAL(copy_file_range)(in, in_offset, out, out_offset, length, flags);
}
int fsync(int fd) {
    step();
    return REAL(fsync)(fd);
}
int rename(const char *from, const char *to) {
    step();
    return REAL(rename)(from, to);
}
int renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags) {
    step();
    return REAL(renameat2)(from_directory, from, to_directory, to, flags);
}
int unlink(const char *path) {
    step();
    return REAL(unlink)(path);
}
int rmdir(const char *path) {
    step();
    return REAL(rmdir)(path);
}
int mkdir(const char *path, mode_t mode) {
    step();
    return REAL(mkdir)(path, mode);
}
