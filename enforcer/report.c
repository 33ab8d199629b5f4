//go:build ignore

/* Event lines: one JSON object, one write(2).
 *
 * They go to the function's stderr, which Lambda carries to CloudWatch Logs, or where THIMBLE_EVENTS says. A
 * child writes to the stderr of the function's first process, not to its own, which the function may have
 * closed or may read as data. */
#include "include/state.h"

enum {
    LINE = 1536,
    TAIL = 640, /* kept free for what follows the strings, so that a line is always whole */
    TOKEN_KEPT = 64,
    TEXT_LIMIT = 300, /* bytes of one string */
    ARGS_LIMIT = 420, /* bytes of all arguments */
    ARGS_SHOWN = 16,
    BURST = 100,     /* events that a process may write at once */
    PER_SECOND = 20, /* and how fast that is refilled */
    AF_UNIX_FAMILY = 1,
    SOCK_DGRAM_TYPE = 2,
    SOCK_CLOEXEC_FLAG = 02000000,
    MSG_NOSIGNAL_FLAG = 0x4000,
    MSG_DONTWAIT_FLAG = 0x40,
    CLOCK_REALTIME_ID = 0,
};

static struct {
    long last; /* second of the last refill */
    int used;  /* of the burst */
    unsigned dropped;
} rate;

struct line {
    char text[LINE];
    size_t n;
};

static void put(struct line *l, const char *s) {
    while (*s && l->n < LINE - 1)
        l->text[l->n++] = *s++;
}

static void put_byte(struct line *l, char c) {
    if (l->n < LINE - 1) l->text[l->n++] = c;
}

static void put_number(struct line *l, unsigned long v, int width) {
    char digits[20];
    int k = 0;
    do
        digits[k++] = (char)('0' + v % 10);
    while (v /= 10);
    while (k < width)
        digits[k++] = '0';
    while (k)
        put_byte(l, digits[--k]);
}

/* Length of the well-formed UTF-8 sequence at s (RFC 3629, section 4), 0 for none. */
static size_t utf8(const unsigned char *s, size_t n) {
    size_t len = *s < 0x80                 ? 1
                 : *s >= 0xc2 && *s < 0xe0 ? 2
                 : *s >= 0xe0 && *s < 0xf0 ? 3
                 : *s >= 0xf0 && *s < 0xf5 ? 4
                                           : 0;
    if (len == 0 || len > n) return 0;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if (len == 3 && ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f))) return 0;
    if (len == 4 && ((*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))) return 0;
    return len;
}

static void put_escaped(struct line *l, const unsigned char *s, size_t len) {
    static const char hex[] = "0123456789abcdef";
    if (len == 0) {
        put(l, "\\ufffd");
    } else if (*s == '"' || *s == '\\') {
        put_byte(l, '\\');
        put_byte(l, (char)*s);
    } else if (*s < 0x20 || *s == 0x7f) {
        put(l, "\\u00");
        put_byte(l, hex[*s >> 4]);
        put_byte(l, hex[*s & 15]);
    } else {
        for (size_t i = 0; i < len; i++)
            put_byte(l, (char)s[i]);
    }
}

uint64_t hash_bytes(const char *s, size_t n) {
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)s[i]) * 0x100000001b3u;
    return h;
}

/* Bytes of the function's own credentials that stand at s: they never appear in an event. */
static size_t secret_at(const char *s, size_t n) {
    enum { SHORTEST = 16 };
    if (tb.secret_len >= SHORTEST && tb.secret_len <= n && hash_bytes(s, tb.secret_len) == tb.secret_hash)
        return tb.secret_len;
    if (tb.token_len >= SHORTEST && tb.token_len <= n && hash_bytes(s, tb.token_len) == tb.token_hash)
        return tb.token_len;
    return 0;
}

/* A JSON string of at most `limit` bytes of s, cut with an ellipsis. */
static void put_string(struct line *l, const char *s, size_t n, size_t limit) {
    put_byte(l, '"');
    for (size_t i = 0; i < n;) {
        size_t secret = secret_at(s + i, n - i);
        if (i >= limit || l->n > LINE - TAIL) {
            put(l, "\\u2026");
            break;
        }
        if (secret) {
            put(l, "[redacted]");
            i += secret;
            while (i < n && secret >= TOKEN_KEPT && s[i] != ' ' && s[i] != '"' && s[i] != '\'')
                i++; /* only the first bytes of a token are kept */
            continue;
        }
        size_t len = utf8((const unsigned char *)s + i, n - i);
        put_escaped(l, (const unsigned char *)s + i, len);
        i += len ? len : 1;
    }
    put_byte(l, '"');
}

static void put_field(struct line *l, const char *name, const char *s, size_t n) {
    if (!n) return;
    if (l->text[l->n - 1] != '{') put_byte(l, ',');
    put_byte(l, '"');
    put(l, name);
    put(l, "\":");
    put_string(l, s, n, TEXT_LIMIT);
}

/* Civil date of a day count since 1970 (proleptic Gregorian calendar). */
static void put_date(struct line *l, long days) {
    long z = days + 719468, era = z / 146097, doe = z - era * 146097;
    long yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    long doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    long month = mp < 10 ? mp + 3 : mp - 9;
    put_number(l, (unsigned long)(yoe + era * 400 + (month <= 2)), 4);
    put_byte(l, '-');
    put_number(l, (unsigned long)month, 2);
    put_byte(l, '-');
    put_number(l, (unsigned long)(doy - (153 * mp + 2) / 5 + 1), 2);
}

static void put_time(struct line *l) {
    struct ktimespec now = {0, 0};
    sys2(NR_clock_gettime, CLOCK_REALTIME_ID, &now);
    long day = now.sec % 86400;
    put(l, ",\"time\":\"");
    put_date(l, now.sec / 86400);
    put_byte(l, 'T');
    put_number(l, (unsigned long)(day / 3600), 2);
    put_byte(l, ':');
    put_number(l, (unsigned long)(day / 60 % 60), 2);
    put_byte(l, ':');
    put_number(l, (unsigned long)(day % 60), 2);
    put_byte(l, '.');
    put_number(l, (unsigned long)(now.nsec / 1000000), 3);
    put(l, "Z\"");
}

static void put_process(struct line *l) {
    put(l, ",\"process\":{\"pid\":");
    put_number(l, (unsigned long)sys0(NR_getpid), 0);
    put(l, ",\"ppid\":");
    put_number(l, (unsigned long)sys0(NR_getppid), 0);
    put_field(l, "exe", tb.from, str_len(tb.from));
    put_byte(l, '}');
}

static void put_function(struct line *l) {
    if (!*tb.function) return;
    put(l, ",\"function\":{");
    put_field(l, "name", tb.function, str_len(tb.function));
    put_field(l, "version", tb.version, str_len(tb.version));
    put_field(l, "stream", tb.stream, str_len(tb.stream));
    put_byte(l, '}');
}

/* Events of other processes may be wanted by policy: its digest's first 8 bytes name it. */
static void put_policy(struct line *l) {
    static const char hex[] = "0123456789abcdef";
    if (!tb.policy) return;
    put(l, ",\"policy\":\"");
    for (int i = 0; i < 8; i++) {
        put_byte(l, hex[tb.policy->digest[i] >> 4]);
        put_byte(l, hex[tb.policy->digest[i] & 15]);
    }
    put_byte(l, '"');
}

static void put_argv(struct line *l, char *const argv[]) {
    size_t room = ARGS_LIMIT;
    put(l, ",\"argv\":[");
    for (int i = 0; argv[i]; i++) {
        if (i) put_byte(l, ',');
        if (i == ARGS_SHOWN || room == 0) {
            put(l, "\"\\u2026\"");
            break;
        }
        size_t n = str_len(argv[i]);
        put_string(l, argv[i], n, room);
        room = n < room ? room - n : 0;
    }
    put_byte(l, ']');
}

static void put_subject(struct line *l, const struct tb_event *e) {
    put(l, ",\"subject\":{");
    put_field(l, "exe", e->exe.p, e->exe.n);
    put_field(l, "path", e->path.p, e->path.n);
    if (e->argv && e->argv[0] && e->exe.n) put_argv(l, e->argv);
    if (e->target_pid) {
        put(l, "\"pid\":");
        put_number(l, (unsigned long)e->target_pid, 0);
    }
    put_byte(l, '}');
}

static void put_head(struct line *l, const char *control, const char *action) {
    l->n = 0;
    put(l, "{\"thimble\":1");
    put_time(l);
    put_field(l, "control", control, str_len(control));
    put_field(l, "action", action, str_len(action));
}

static void put_tail(struct line *l) {
    put_process(l);
    put_function(l);
    put_policy(l);
    put(l, ",\"tier\":\"");
    put(l, tb.policy ? "library" : "none");
    put_byte(l, '"');
    if (rate.dropped) {
        put(l, ",\"dropped\":");
        put_number(l, rate.dropped, 0);
        rate.dropped = 0;
    }
    put(l, "}\n");
}

/* ---- where it goes ---- */

/* Is this descriptor what the one for events (stderr, or fd:N) was when the function's first process started?
 * It may be anything else by now, a database connection too. */
static bool is_event_sink(int fd) {
    struct kstat st;
    return tb.err_ino && !failed(sys_fstat(fd, &st)) && st.st_dev == tb.err_dev && st.st_ino == tb.err_ino;
}

/* One write(2). A pipe whose reader is gone must not end the function: SIGPIPE is held back, and taken when
 * it is ours. */
static bool write_line(int fd, const struct line *l) {
    enum { SIG_BLOCK_HOW = 0, SIG_SETMASK_HOW = 2, EPIPE_CODE = 32 };
    const uint64_t sigpipe = 1ul << 12;
    static const struct ktimespec at_once = {0, 0};
    uint64_t before = 0, pending = 0;
    sys4(NR_rt_sigprocmask, SIG_BLOCK_HOW, &sigpipe, &before, 8);
    sys2(NR_rt_sigpending, &pending, 8);
    long r = sys3(NR_write, fd, l->text, l->n);
    if (r == -EPIPE_CODE && !(pending & sigpipe)) sys4(NR_rt_sigtimedwait, &sigpipe, 0, &at_once, 8);
    sys4(NR_rt_sigprocmask, SIG_SETMASK_HOW, &before, 0, 8);
    return r == (long)l->n;
}

static bool write_to_path(const char *path, int flags, const struct line *l) {
    long fd =
        sys_openat(TB_AT_FDCWD, path, TB_O_WRONLY | TB_O_APPEND | TB_O_CLOEXEC | TB_O_NOCTTY | flags, 0600);
    if (failed(fd)) return false;
    bool ok = write_line((int)fd, l);
    sys_close((int)fd);
    return ok;
}

/* A copy of descriptor fd of the function's first process, closed on exec, or negative. By pidfd_getfd(2),
 * which asks only for the same user; opening it through /proc fails where the platform made the pipe under
 * another one. */
static long root_descriptor(unsigned fd) {
    struct line path;
    long pid = sys2(NR_pidfd_open, tb.root_pid, 0);
    if (!failed(pid)) {
        long copy = sys3(NR_pidfd_getfd, pid, fd, 0);
        sys_close((int)pid);
        if (!failed(copy)) return copy;
    }
    path.n = 0;
    put(&path, "/proc/");
    put_number(&path, (unsigned long)tb.root_pid, 0);
    put(&path, "/fd/");
    put_number(&path, fd, 0);
    path.text[path.n] = 0;
    return sys_openat(TB_AT_FDCWD, path.text,
                      TB_O_WRONLY | TB_O_APPEND | TB_O_CLOEXEC | TB_O_NOCTTY | TB_O_NONBLOCK, 0);
}

static bool write_to_root(unsigned fd, const struct line *l) {
    long copy = root_descriptor(fd);
    if (failed(copy)) return false;
    bool ok = is_event_sink((int)copy) && write_line((int)copy, l);
    sys_close((int)copy);
    return ok;
}

static bool write_to_socket(const char *path, const struct line *l) {
    struct {
        unsigned short family;
        char path[108];
    } address = {AF_UNIX_FAMILY, {0}};
    size_t n = str_len(path);
    if (n >= sizeof address.path) return false;
    mem_copy(address.path, path, n);
    long fd = sys3(NR_socket, AF_UNIX_FAMILY, SOCK_DGRAM_TYPE | SOCK_CLOEXEC_FLAG, 0);
    if (failed(fd)) return false;
    bool ok = sys6(NR_sendto, fd, (long)l->text, (long)l->n, MSG_NOSIGNAL_FLAG | MSG_DONTWAIT_FLAG,
                   (long)&address, (long)(2 + n + 1)) == (long)l->n;
    sys_close((int)fd);
    return ok;
}

/* The process's own descriptor is used where it still is what it was in the first process. */
static bool write_to_descriptor(unsigned fd, const struct line *l) {
    if (is_event_sink((int)fd)) return write_line((int)fd, l);
    return tb.root_pid != (int)sys0(NR_getpid) && write_to_root(fd, l);
}

int event_descriptor(void) {
    unsigned fd = 0;
    const char *rest = after(tb.events, "fd:");
    if (!rest) return after(tb.events, "file:") || after(tb.events, "unix:") ? -1 : 2;
    while (*rest >= '0' && *rest <= '9' && fd < 100000)
        fd = fd * 10 + (unsigned)(*rest++ - '0');
    return (int)fd;
}

static bool send_line(const struct line *l) {
    const char *rest;
    if ((rest = after(tb.events, "file:"))) return write_to_path(rest, TB_O_CREAT, l);
    if ((rest = after(tb.events, "unix:"))) return write_to_socket(rest, l);
    return write_to_descriptor((unsigned)event_descriptor(), l);
}

static bool within_rate(void) {
    struct ktimespec now = {0, 0};
    sys2(NR_clock_gettime, CLOCK_REALTIME_ID, &now);
    long passed = now.sec - rate.last;
    if (passed > 0)
        rate.used =
            passed > BURST || rate.used < passed * PER_SECOND ? 0 : rate.used - (int)passed * PER_SECOND;
    rate.last = now.sec;
    if (rate.used < BURST) {
        rate.used++;
        return true;
    }
    rate.dropped++;
    return false;
}

/* ---- the events ---- */

void report(const struct tb_event *e) {
    struct line l;
    char rule[160];
    if (!within_rate()) return;
    put_head(&l, e->control, e->action);
    if (e->verdict) put_field(&l, "rule", rule, tb_rule_text(tb.blob, e->verdict, rule, sizeof rule));
    if (e->detail) put_field(&l, "detail", e->detail, str_len(e->detail));
    put_subject(&l, e);
    put_tail(&l);
    if (!send_line(&l)) rate.dropped++;
}

static void put_list(struct line *l, const char *name, unsigned long bits, const char *const names[], int n) {
    bool first = true;
    put(l, ",\"");
    put(l, name);
    put(l, "\":[");
    for (int i = 0; i < n; i++)
        if (bits >> i & 1) {
            put(l, first ? "\"" : ",\"");
            put(l, names[i]);
            put_byte(l, '"');
            first = false;
        }
    put_byte(l, ']');
}

/* What no enforcer without help of the kernel covers stands first, then what this process lacks. */
void report_started(void) {
    static const char *const uncovered[] = {
        "raw system calls of native code", "static binaries", "load", "hooks", "proc", "libc"};
    static const char *const pending[] = {"seal", "decoys", "reply", "net", "credentials.decoy"};
    struct line l;
    put_head(&l, "start", "started");
    put_list(&l, "uncovered", 3ul | (unsigned long)tb.uncovered << 2, uncovered, 6);
    put_list(&l, "not_enforced", tb.policy->pending, pending, 5);
    put_tail(&l);
    send_line(&l);
}

void report_unprotected(const char *why) {
    struct line l;
    put_head(&l, "start", "unprotected");
    put_field(&l, "detail", why, str_len(why));
    put_field(&l, "path", tb.policy_path, str_len(tb.policy_path));
    put(&l, tb.closed ? ",\"fail\":\"closed\"" : ",\"fail\":\"open\"");
    put_tail(&l);
    send_line(&l);
}

/* on_violation: kill. The platform starts a clean process in place of the function's first one. */
static void end_function(void) {
    enum { SIGKILL_NUMBER = 9, EXIT_KILLED = 137 };
    sys2(NR_kill, tb.root_pid, SIGKILL_NUMBER);
    sys1(NR_exit_group, EXIT_KILLED);
}

bool refused(const struct tb_event *e) {
    struct tb_event copy = *e;
    if (e->verdict->action == TB_ALLOW) return false;
    bool deny = e->verdict->action == TB_DENY;
    copy.action = !deny ? "audited" : tb.policy->kill ? "killed" : "denied";
    report(&copy);
    if (deny && tb.policy->kill) end_function();
    return deny;
}
