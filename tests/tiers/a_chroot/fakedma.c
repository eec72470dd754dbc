/* For tests alone (LD_PRELOAD): /dev/udmabuf and /dev/dma_heap on memfd, where the kernel has neither. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int is_ours(const char *path) {
    return !strcmp(path, "/dev/udmabuf") || !strncmp(path, "/dev/dma_heap/", 14);
}

#define OPEN_LIKE(name)                                                            \
    int name(const char *path, int flags, ...) {                                   \
        va_list rest;                                                              \
        va_start(rest, flags);                                                     \
        int mode = va_arg(rest, int);                                              \
        va_end(rest);                                                              \
        if (is_ours(path)) return memfd_create("fakedma-control", MFD_CLOEXEC);    \
        int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, #name);             \
        return real(path, flags, mode);                                            \
    }
OPEN_LIKE(open)
OPEN_LIKE(open64)

static int allocate(struct dma_heap_allocation_data *wanted) {
    int memory = memfd_create("fakedma", MFD_CLOEXEC);
    if (memory < 0 || ftruncate(memory, (wanted->len + 4095) & ~4095ull)) return -1;
    wanted->fd = memory;
    return 0;
}

int ioctl(int descriptor, unsigned long request, ...) {
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (request == UDMABUF_CREATE)
        return fcntl(((struct udmabuf_create *)argument)->memfd, F_DUPFD_CLOEXEC, 0);
    if (request == DMA_HEAP_IOCTL_ALLOC) return allocate(argument);
    int (*real)(int, unsigned long, void *) = dlsym(RTLD_NEXT, "ioctl");
    int result = real(descriptor, request, argument);
    int is_buffer_call = request == DMA_BUF_IOCTL_SYNC || request == DMA_BUF_SET_NAME_A || request == DMA_BUF_SET_NAME_B;
    return result < 0 && errno == ENOTTY && is_buffer_call ? 0 : result;
}
