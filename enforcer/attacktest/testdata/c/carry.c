/* A caller that mangles its child's environment.
 *
 *     carry METHOD TARGET MARKER CHILD ARGUMENT...
 *
 * Drops TARGET (DROP_FROM) and, as EVIL_TO, a library (EVIL_FROM), then starts CHILD with an environment in
 * which the enforcer has been tampered with. Says how CHILD ended. */
#include "common.h"

#include <spawn.h>

enum { MOST = 64 };

static char *env[MOST + 1];
static int count;
static char text[MOST][9000];

static void add(const char *name, const char *value) {
    snprintf(text[count], sizeof text[count], "%s=%s", name, value ? value : "");
    env[count] = text[count];
    count++;
}

static void keep_ordinary(void) {
    add("PATH", getenv("PATH"));
    add("HOME", getenv("HOME"));
}

static const char *evil(void) {
    return getenv("EVIL_TO");
}

static const char *evil_folder(void) {
    static char folder[4096];
    const char *slash = strrchr(evil(), '/');
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - evil()), evil());
    return folder;
}

/* A state as the enforcer hands it down, with a start in the far future: everything would have shipped. */
static void add_forged_state(const char *policy) {
    char state[8192];
    snprintf(state, sizeof state, "1:10:99999999991:01:11:01:0%zu:%s0:0:0:0:0:0:0:0:0:", strlen(policy),
             policy);
    add("THIMBLE_STATE", state);
}

static void mangle(const char *method) {
    const char *other = getenv("OTHER_POLICY");
    keep_ordinary();
    if (!strcmp(method, "preload-empty")) {
        add("LD_PRELOAD", "");
    } else if (!strcmp(method, "preload-nonexistent")) {
        add("LD_PRELOAD", "/nonexistent.so");
    } else if (!strcmp(method, "preload-twice")) {
        add("LD_PRELOAD", "");
        add("LD_PRELOAD", "/nonexistent.so");
    } else if (!strcmp(method, "preload-hundred")) {
        for (int i = 0; i < 50; i++)
            add("LD_PRELOAD", "");
    } else if (!strcmp(method, "preload-evil")) {
        add("LD_PRELOAD", evil());
    } else if (!strcmp(method, "preload-evil-relative")) {
        if (chdir(evil_folder()) != 0) _exit(3);
        char name[4200];
        snprintf(name, sizeof name, "./%s", strrchr(evil(), '/') + 1);
        add("LD_PRELOAD", name);
    } else if (!strcmp(method, "preload-evil-list")) {
        char list[9000];
        snprintf(list, sizeof list, "/nonexistent.so %s:/nonexistent.so", evil());
        add("LD_PRELOAD", list);
    } else if (!strcmp(method, "audit-evil")) {
        add("LD_AUDIT", evil());
    } else if (!strcmp(method, "library-path-evil")) {
        add("LD_LIBRARY_PATH", evil_folder());
    } else if (!strcmp(method, "library-path-evil-cwd")) {
        if (chdir(evil_folder()) != 0) _exit(3);
        add("LD_LIBRARY_PATH", ":");
    } else if (!strcmp(method, "gconv-evil")) {
        add("GCONV_PATH", evil_folder());
    } else if (!strcmp(method, "policy")) {
        add("THIMBLE_POLICY", other);
    } else if (!strcmp(method, "policy-null")) {
        add("THIMBLE_POLICY", "/dev/null");
        add("THIMBLE_FAIL", "open");
    } else if (!strcmp(method, "state-forged")) {
        add_forged_state(other);
    } else if (!strcmp(method, "state-twice")) {
        add_forged_state(other);
        add_forged_state(other);
    } else if (!strcmp(method, "state-damaged")) {
        add("THIMBLE_STATE", "1:10:99");
    } else if (!strcmp(method, "events-elsewhere")) {
        add("THIMBLE_EVENTS", "file:/dev/null");
    } else if (!strcmp(method, "strange")) {
        env[count++] = "";
        env[count++] = "=";
        env[count++] = "LD_PRELOAD";
        env[count++] = "THIMBLE_STATE";
        env[count++] = "=LD_PRELOAD=x";
    } else if (!strcmp(method, "tunables")) {
        add("GLIBC_TUNABLES", "glibc.malloc.check=3");
        add("LD_BIND_NOW", "");
        add("LD_WARN", "1");
    } else if (strcmp(method, "ordinary") != 0) {
        _exit(2);
    }
}

static const char *const names[] = {"ordinary",
                                    "empty",
                                    "null",
                                    "preload-empty",
                                    "preload-nonexistent",
                                    "preload-twice",
                                    "preload-hundred",
                                    "preload-evil",
                                    "preload-evil-relative",
                                    "preload-evil-list",
                                    "audit-evil",
                                    "library-path-evil",
                                    "library-path-evil-cwd",
                                    "gconv-evil",
                                    "policy",
                                    "policy-null",
                                    "state-forged",
                                    "state-twice",
                                    "state-damaged",
                                    "events-elsewhere",
                                    "strange",
                                    "tunables",
                                    "unsetenv"};

int main(int argc, char **argv) {
    pid_t pid;
    int error;
    if (argc == 2 && !strcmp(argv[1], "list")) {
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
            puts(names[i]);
        return 0;
    }
    if (argc < 5) return 2;
    if (drop(argv[2]) != 0) return 3;
    if (getenv("EVIL_FROM")) {
        setenv("DROP_FROM", getenv("EVIL_FROM"), 1);
        if (drop(evil()) != 0) return 3;
    }
    if (!strcmp(argv[1], "null")) {
        error = posix_spawn(&pid, argv[4], NULL, NULL, argv + 4, NULL);
    } else if (!strcmp(argv[1], "unsetenv")) {
        clearenv();
        setenv("LD_PRELOAD", "", 1);
        error = posix_spawn(&pid, argv[4], NULL, NULL, argv + 4, environ);
    } else {
        if (strcmp(argv[1], "empty") != 0) mangle(argv[1]);
        error = posix_spawn(&pid, argv[4], NULL, NULL, argv + 4, env);
    }
    if (error)
        say_error(error);
    else
        say_child(pid);
    return 0;
}
