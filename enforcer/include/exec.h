/* One attempt to start a program; lives in the thread's scratch memory. */
#ifndef THIMBLE_EXEC_H
#define THIMBLE_EXEC_H

#include "state.h"

struct attempt {
    struct tb_file program;        /* the file that the caller named */
    struct tb_file second;         /* what runs by it: interpreter, or the loader's program */
    char called[TB_PATH_MAX * 2];  /* absolute path by which the caller named the program */
    char called2[TB_PATH_MAX * 2]; /* the same for the loader's program */
    char name[TB_PATH_MAX + 300];  /* name under which it is executed */
    char folder[TB_PATH_MAX];      /* canonical folder of `called`, "" when not known */
    char walk[WALK_ROOM];
    char link[32];
    char made_up[TB_PATH_MAX + 32];
    const char *from;                       /* the executable that counts as the caller */
    char head[257], head2[257], head3[257]; /* first bytes; the kernel looks at 256 (BINPRM_BUF_SIZE) */
    bool by_descriptor;                     /* the caller named no path at all */
    const char *named;                      /* the caller's own string */
    struct tb_verdict verdict;
    char **argv; /* room for the caller's argv and a few more */
    char *room;  /* for the environment */
};

HIDDEN long judge_file(struct attempt *a, struct tb_file *f, const char *called, char *const argv[],
                       bool interpreter);

/* forms.c */
HIDDEN bool is_loader(const char *base);
/* Index in argv of the program that a loader is told to load, 0 for none, or a negated errno. */
HIDDEN long loader_program(struct attempt *a, char *const argv[]);
HIDDEN char *loadable_name(struct attempt *a, char *given);

#endif
