/* A library that shows that it was loaded: its constructor leaves FILE.loaded beside itself. It also serves
 * as an audit library, as a character set converter and as the dependency of a program (see needs.c). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static void leave_trace(void) {
    Dl_info info;
    char name[4200];
    if (!dladdr((void *)leave_trace, &info)) return;
    snprintf(name, sizeof name, "%s.loaded", info.dli_fname);
    close(open(name, O_WRONLY | O_CREAT, 0600));
}

__attribute__((constructor)) static void loaded(void) {
    leave_trace();
}

unsigned la_version(unsigned version) {
    leave_trace();
    return version;
}

int needed(void) {
    return 7;
}

int gconv_init(void *step) {
    (void)step;
    leave_trace();
    return 1;
}

int gconv(void) {
    return 1;
}
