// Calls of the system's C library that Swift's Glibc module leaves out, as their manual pages declare them.
#include <fcntl.h>
#include <stddef.h>
#include <sys/types.h>

/// Renames; with EXCISE_RENAME_EXCHANGE the two names change places at once (renameat2(2)).
int renameat2(int old_directory, const char *old_path, int new_directory, const char *new_path, unsigned int flags);
static const unsigned int EXCISE_RENAME_EXCHANGE = 2;

/// To open a file without a name in a directory; not on every file system (O_TMPFILE of open(2)).
static const int EXCISE_UNNAMED_FILE = __O_TMPFILE;

/// Copies between files inside the kernel; file systems that can share the blocks instead (copy_file_range(2)).
ssize_t copy_file_range(int in, long *in_offset, int out, long *out_offset, size_t length, unsigned int flags);

/// Sets how the allocator works (mallopt(3)); EXCISE_MMAP_THRESHOLD: from how many bytes on a buffer is mapped, and given back when freed;
/// EXCISE_TRIM_THRESHOLD: how many free bytes at the end of a heap are kept.
int mallopt(int parameter, int value);
static const int EXCISE_MMAP_THRESHOLD = -3;
static const int EXCISE_TRIM_THRESHOLD = -1;
