/* Makes one I/O call fail, or kills the process at it. Loaded with LD_PRELOAD by faults.py.
 *
 * The calls counted are those on paths below one folder, and on files that were opened there. Until `faults_arm`
 * is called, nothing is counted. Calls of native libraries are counted like those of Python.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES 65536

struct record { /* in memory that is shared with the parent process */
    long count;
    char what[240]; /* the call that failed */
};

static struct record *record;
static char folder[4096];
static long point;
static int failure; /* an errno; 0 kills */
static unsigned char below[FILES];

/* Count calls below `path`; let the call number `at` fail with the errno `error`, or be killed if that is 0. */
void faults_arm(const char *path, long at, int error, struct record *shared) {
    snprintf(folder, sizeof folder, "%s", path);
    point = at;
    failure = error;
    record = shared;
}

static int is_below(int directory, const char *path) {
    if (!record || !path) return 0;
    if (path[0] == '/') return strncmp(path, folder, strlen(folder)) == 0;
    if (directory >= 0) return directory < FILES && below[directory];
    return 1; /* the working directory is the folder */
}

static int is_open_below(int file) { return record && file >= 0 && file < FILES && below[file]; }

/* Whether this call fails now; sets errno. */
static int fails(const char *name, const char *path) {
    if (record->count++ != point) return 0;
    snprintf(record->what, sizeof record->what, "%s %s", name, path ? path : "");
    if (!failure) kill(getpid(), SIGKILL);
    errno = failure;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define ON_PATH(type, name, parameters, arguments, path) \
    type name parameters { \
        if (is_below(AT_FDCWD, path) && fails(#name, path)) return -1; \
        return REAL(name) arguments; \
    }
#define AT_PATH(type, name, parameters, arguments, directory, path) \
    type name parameters { \
        if (is_below(directory, path) && fails(#name, path)) return -1; \
        return REAL(name) arguments; \
    }
#define ON_FILE(type, name, parameters, arguments) \
    type name parameters { \
        if (is_open_below(file) && fails(#name, "")) return -1; \
        return REAL(name) arguments; \
    }

static int opened(int file, int counted) {
    if (file >= 0 && file < FILES) below[file] = counted;
    return file;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = va_arg(rest, mode_t); \
        va_end(rest); \
        int counted = is_below(AT_FDCWD, path); \
        if (counted && fails(#name, path)) return -1; \
        return opened(REAL(name)(path, flags, mode), counted); \
    }
#define OPEN_AT(name) \
    int name(int directory, const char *path, int flags, ...) { \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = va_arg(rest, mode_t); \
        va_end(rest); \
        int counted = is_below(directory, path); \
        if (counted && fails(#name, path)) return -1; \
        return opened(REAL(name)(directory, path, flags, mode), counted); \
    }

OPEN(open)
OPEN(open64)
OPEN_AT(openat)
OPEN_AT(openat64)

int close(int file) {
    if (file >= 0 && file < FILES) below[file] = 0;
    return REAL(close)(file);
}

DIR *opendir(const char *path) {
    if (is_below(AT_FDCWD, path) && fails("opendir", path)) return NULL;
    return REAL(opendir)(path);
}

FILE *fopen64(const char *path, const char *mode) {
    if (is_below(AT_FDCWD, path) && fails("fopen64", path)) return NULL;
    return REAL(fopen64)(path, mode);
}

FILE *fopen(const char *path, const char *mode) {
    if (is_below(AT_FDCWD, path) && fails("fopen", path)) return NULL;
    return REAL(fopen)(path, mode);
}

ON_PATH(int, creat, (const char *path, mode_t mode), (path, mode), path)
ON_PATH(int, unlink, (const char *path), (path), path)
ON_PATH(int, rmdir, (const char *path), (path), path)
ON_PATH(int, mkdir, (const char *path, mode_t mode), (path, mode), path)
ON_PATH(int, chmod, (const char *path, mode_t mode), (path, mode), path)
ON_PATH(int, chown, (const char *path, uid_t user, gid_t group), (path, user, group), path)
ON_PATH(int, lchown, (const char *path, uid_t user, gid_t group), (path, user, group), path)
ON_PATH(int, rename, (const char *from, const char *path), (from, path), path)
ON_PATH(int, link, (const char *from, const char *path), (from, path), path)
ON_PATH(int, symlink, (const char *from, const char *path), (from, path), path)
ON_PATH(int, truncate, (const char *path, off_t size), (path, size), path)
AT_PATH(int, unlinkat, (int at, const char *path, int flags), (at, path, flags), at, path)
AT_PATH(int, mkdirat, (int at, const char *path, mode_t mode), (at, path, mode), at, path)
AT_PATH(int, fchmodat, (int at, const char *path, mode_t mode, int flags), (at, path, mode, flags), at, path)
AT_PATH(int, fchownat, (int at, const char *path, uid_t user, gid_t group, int flags),
        (at, path, user, group, flags), at, path)
AT_PATH(int, renameat, (int from_at, const char *from, int at, const char *path), (from_at, from, at, path), at, path)
AT_PATH(int, renameat2, (int from_at, const char *from, int at, const char *path, unsigned int flags),
        (from_at, from, at, path, flags), at, path)
AT_PATH(int, linkat, (int from_at, const char *from, int at, const char *path, int flags),
        (from_at, from, at, path, flags), at, path)
AT_PATH(int, utimensat, (int at, const char *path, const struct timespec times[2], int flags),
        (at, path, times, flags), at, path)
ON_FILE(ssize_t, write, (int file, const void *data, size_t size), (file, data, size))
ON_FILE(ssize_t, writev, (int file, const struct iovec *data, int count), (file, data, count))
ON_FILE(ssize_t, pwrite, (int file, const void *data, size_t size, off_t at), (file, data, size, at))
ON_FILE(ssize_t, pwrite64, (int file, const void *data, size_t size, off64_t at), (file, data, size, at))
ON_FILE(ssize_t, read, (int file, void *data, size_t size), (file, data, size))
ON_FILE(ssize_t, pread, (int file, void *data, size_t size, off_t at), (file, data, size, at))
ON_FILE(ssize_t, pread64, (int file, void *data, size_t size, off64_t at), (file, data, size, at))
ON_FILE(int, fsync, (int file), (file))
ON_FILE(int, fdatasync, (int file), (file))
ON_FILE(int, fchmod, (int file, mode_t mode), (file, mode))
ON_FILE(int, fchown, (int file, uid_t user, gid_t group), (file, user, group))
ON_FILE(int, ftruncate, (int file, off_t size), (file, size))
ON_FILE(int, ftruncate64, (int file, off64_t size), (file, size))
