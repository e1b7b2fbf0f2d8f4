/*
 * Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License. You may obtain
 * a copy of the License at
 *
 *      http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
 * WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
 * License for the specific language governing permissions and limitations
 * under the License.
 */

/*
 * A folder as a shared storage without locks, for libvirtd and QEMU.
 *
 * All hosts of the lab have one kernel. So what lies in the folder that
 * ends in "/instances" looks like NFS to libvirt, which else refuses to
 * migrate live; the locks by which QEMU would refuse to start a guest a
 * second time hold nothing, as with NFSv3 without locks; and there is no
 * room left for a file while FILE.full exists.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#define FOLDER "/instances"
#define NFS_MAGIC 0x6969
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int statfs64(const char *path, struct statfs64 *found)
{
    int result = REAL(statfs64)(path, found);

    if (result == 0 && strstr(path, FOLDER))
        found->f_type = NFS_MAGIC;
    return result;
}

int fcntl64(int file, int command, ...)
{
    va_list more;

    va_start(more, command);
    void *argument = va_arg(more, void *);
    va_end(more);
    if (command == F_OFD_SETLK || command == F_OFD_SETLKW)
        return 0;
    if (command == F_OFD_GETLK) {
        ((struct flock *)argument)->l_type = F_UNLCK;
        return 0;
    }
    return REAL(fcntl64)(file, command, argument);
}

static int full(int file)
{
    char link[64], path[PATH_MAX];

    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - sizeof ".full");
    if (length < 0)
        return 0;
    strcpy(path + length, ".full");
    return strstr(path, FOLDER) && access(path, F_OK) == 0;
}

ssize_t pwrite64(int file, const void *from, size_t count, off64_t at)
{
    if (full(file)) {
        errno = ENOSPC;
        return -1;
    }
    return REAL(pwrite64)(file, from, count, at);
}

ssize_t pwritev64(int file, const struct iovec *from, int count, off64_t at)
{
    if (full(file)) {
        errno = ENOSPC;
        return -1;
    }
    return REAL(pwritev64)(file, from, count, at);
}
