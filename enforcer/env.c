//go:build ignore

/* The environment that a child gets.
 *
 * Whatever the caller passes, the child's enforcer is loaded (LD_PRELOAD) and is told policy, start time and
 * identity by this one (THIMBLE_STATE); THIMBLE_* of the caller are dropped. Variables that make the child's
 * loader run code before our constructor (LD_PRELOAD, LD_AUDIT, LD_LIBRARY_PATH, GCONV_PATH) lose what did
 * not ship with the function; variables that make an interpreter run code are dropped where the policy fixed
 * the arguments. A variable with the value that it had when this process started is left alone in any case.
 */
#include "include/state.h"

enum { ELEMENT = 1024 }; /* bytes of one element's canonical path */

enum kind { NOT_GUARDED, PRELOAD, LIBRARIES, FOLDERS, CODE };

static const struct {
    char name[22];
    uint8_t kind;
    uint8_t prefix; /* all names that begin so, e.g. BASH_FUNC_curl%% */
} guarded[] = {
    {"LD_PRELOAD", PRELOAD, 0},
    {"LD_AUDIT", LIBRARIES, 0},
    {"LD_LIBRARY_PATH", FOLDERS, 0},
    {"GCONV_PATH", FOLDERS, 0},
    {"BASH_ENV", CODE, 0},
    {"BASHOPTS", CODE, 0},
    {"SHELLOPTS", CODE, 0},
    {"ENV", CODE, 0},
    {"PS4", CODE, 0},
    {"PROMPT_COMMAND", CODE, 0},
    {"IFS", CODE, 0},
    {"HOME", CODE, 0},
    {"CDPATH", CODE, 0},
    {"CLASSPATH", CODE, 0},
    {"PHPRC", CODE, 0},
    {"PHP_INI_SCAN_DIR", CODE, 0},
    {"PAGER", CODE, 0},
    {"EDITOR", CODE, 0},
    {"VISUAL", CODE, 0},
    {"LESSOPEN", CODE, 0},
    {"LESSCLOSE", CODE, 0},
    {"WGETRC", CODE, 0},
    {"CURL_HOME", CODE, 0},
    {"XDG_CONFIG_HOME", CODE, 0},
    {"ZDOTDIR", CODE, 0},
    {"TAR_OPTIONS", CODE, 0},
    {"RSYNC_RSH", CODE, 0},
    {"AWKPATH", CODE, 0},
    {"AWKLIBPATH", CODE, 0},
    {"GS_LIB", CODE, 0},
    {"OPENSSL_CONF", CODE, 0},
    {"OPENSSL_ENGINES", CODE, 0},
    {"OPENSSL_MODULES", CODE, 0},
    {"MAGICK_CONFIGURE_PATH", CODE, 0},
    {"BASH_FUNC_", CODE, 1},
    {"BASH_XTRACEFD", CODE, 1},
    {"NODE_", CODE, 1},
    {"PYTHON", CODE, 1},
    {"PERL", CODE, 1},
    {"RUBY", CODE, 1},
    {"GEM_", CODE, 1},
    {"JAVA_", CODE, 1},
    {"JDK_", CODE, 1},
    {"_JAVA_", CODE, 1},
    {"LUA_", CODE, 1},
    {"GIT_", CODE, 1},
    {"DOTNET_", CODE, 1},
    {"CORECLR_", CODE, 1},
};

static const char secrets[][40] = {
    "AWS_ACCESS_KEY_ID=",
    "AWS_SECRET_ACCESS_KEY=",
    "AWS_SESSION_TOKEN=",
    "AWS_SECURITY_TOKEN=",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN=",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI=",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=",
};

/* The kind of "NAME=VALUE"; *value is set for guarded ones. */
static enum kind kind_of(const char *entry, const char **value) {
    static const char initials[] = "ABCDEGHIJLMNOPRSTVWXZ_"; /* of the names above */
    const char *initial = initials;
    while (*initial && *initial != *entry)
        initial++;
    if (!*initial) return NOT_GUARDED;
    for (unsigned i = 0; i < sizeof guarded / sizeof guarded[0]; i++) {
        const char *rest = after(entry, guarded[i].name);
        if (rest && (guarded[i].prefix || *rest == '=')) {
            *value = *rest ? rest + 1 : rest;
            return guarded[i].kind;
        }
    }
    return NOT_GUARDED;
}

/* Where there is no room to remember it, a variable counts as changed. */
void note_start_variable(const char *entry) {
    const char *value;
    if (kind_of(entry, &value) != NOT_GUARDED &&
        tb.start_vars_n < sizeof tb.start_vars / sizeof tb.start_vars[0])
        tb.start_vars[tb.start_vars_n++] = keep_string(entry, str_len(entry));
}

static bool as_at_start(const char *entry) {
    for (uint32_t i = 0; i < tb.start_vars_n; i++)
        if (str_equal(tb.start_vars[i], entry)) return true;
    return false;
}

static bool is_secret(const char *entry) {
    if (entry[0] != 'A' || entry[1] != 'W') return false;
    for (unsigned i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        if (after(entry, secrets[i])) return true;
    return false;
}

/* ---- lists of libraries and folders ---- */

static bool loads_are_judged(void) {
    return tb.policy->tmp_mode == TB_ENFORCE && tb.policy->tmp_deny_load;
}

static void report_dropped(const char *element, size_t n) {
    struct tb_verdict v = {TB_DENY, TB_RULE_TMP_LOAD, 0, 0};
    report(&(struct tb_event){.control = "load",
                              .action = "denied",
                              .verdict = &v,
                              .detail = "taken out of the child's environment",
                              .path = {element, (uint32_t)n}});
}

/* Writes what may reach the child of this element of a list: a library without a slash as it is (it is found
 * through the search path, which is judged by itself), anything else by its canonical path if it shipped, so
 * that no link is left that could be turned before the loader follows it. A dollar sign is expanded by the
 * loader in ways that cannot be judged. 0: nothing. */
static size_t put_element(enum kind kind, const char *p, size_t n, char *to) {
    bool slash = false;
    for (size_t i = 0; i < n; i++) {
        slash |= p[i] == '/';
        if (p[i] == '$') return 0;
    }
    if (kind == FOLDERS || slash) return shipped_path(p, n, 0, to, ELEMENT);
    mem_copy(to, p, n);
    return n;
}

static bool separates(enum kind kind, char c) {
    return c == ':' || (kind == PRELOAD && (c == ' ' || c == '\t' || c == '\n')) ||
           (kind == FOLDERS && c == ';');
}

/* Appends the allowed elements of a list at `to`, each followed by ':'; returns the new end. */
static char *filter_list(enum kind kind, const char *list, bool judged, char *to) {
    for (const char *p = list;; p++) {
        const char *e = p;
        while (*e && !separates(kind, *e))
            e++;
        size_t n = (size_t)(e - p);
        bool own = kind == PRELOAD && n == str_len(tb.library) && mem_equal(p, tb.library, n);
        if (own || (n == 0 && kind != FOLDERS)) {
            ; /* ours stands first anyway */
        } else if (!judged) {
            mem_copy(to, p, n);
            to += n;
            *to++ = ':';
        } else {
            size_t put = put_element(kind, p, n, to);
            if (!put) report_dropped(p, n);
            to += put;
            if (put) *to++ = ':';
        }
        if (!*e) return to;
        p = e;
    }
}

/* ---- what the child's enforcer is told: "1:" and the fields that start.c reads ---- */

static char *put_digits(char *to, uint64_t v) {
    char digits[20];
    int k = 0;
    do
        digits[k++] = (char)('0' + v % 10);
    while (v /= 10);
    while (k)
        *to++ = digits[--k];
    return to;
}

static char *put_string(char *to, const char *s) {
    size_t n = s ? str_len(s) : 0;
    to = put_digits(to, n);
    *to++ = ':';
    mem_copy(to, s, n);
    return to + n;
}

static char *put_number(char *to, uint64_t v) {
    char text[24], *end = put_digits(text, v);
    *end = 0;
    return put_string(to, text);
}

static char *put_state(char *to, const struct tb_handoff *h) {
    uint64_t digest;
    static const char name[] = "THIMBLE_STATE=1:";
    mem_copy(&digest, tb.policy->digest, sizeof digest);
    mem_copy(to, name, sizeof name - 1);
    to = put_number(to + sizeof name - 1, (uint64_t)tb.start.sec);
    to = put_number(to, (uint64_t)tb.start.nsec);
    to = put_number(to, (uint64_t)tb.root_pid);
    to = put_number(to, tb.closed);
    to = put_number(to, tb.err_dev);
    to = put_number(to, tb.err_ino);
    to = put_number(to, tb.policy_id);
    to = put_number(to, tb.secret_len);
    to = put_number(to, tb.secret_hash);
    to = put_number(to, tb.token_len);
    to = put_number(to, tb.token_hash);
    to = put_number(to, digest);
    const char *strings[] = {tb.policy_path, tb.events, tb.function, tb.version, tb.stream,
                             h->exe,         h->from,   h->script,   h->execfn,  h->comm};
    for (unsigned i = 0; i < sizeof strings / sizeof strings[0]; i++)
        to = put_string(to, strings[i]);
    *to++ = 0;
    return to;
}

static size_t state_room(const struct tb_handoff *h) {
    const char *strings[] = {tb.policy_path, tb.events, tb.function, tb.version, tb.stream,
                             h->exe,         h->from,   h->script,   h->execfn,  h->comm};
    size_t n = 512;
    for (unsigned i = 0; i < sizeof strings / sizeof strings[0]; i++)
        n += (strings[i] ? str_len(strings[i]) : 0) + 12;
    return n;
}

/* ---- the whole ---- */

/* Bytes that a list can grow to when its elements become canonical. */
static size_t list_room(const char *entry) {
    size_t n = ELEMENT + 4;
    for (; *entry; entry++)
        n += *entry == ':' || *entry == ';' || *entry == ' ' ? ELEMENT + 1 : 1;
    return n;
}

/* Bytes that env_build needs for this environment. */
size_t env_room(char *const envp[], const struct tb_handoff *h) {
    size_t n = state_room(h) + str_len(tb.library) + 32 + 4 * sizeof(char *);
    const char *value;
    for (; envp && *envp; envp++) {
        n += sizeof(char *);
        enum kind k = **envp == 'L' || **envp == 'G' ? kind_of(*envp, &value) : NOT_GUARDED;
        if (k != NOT_GUARDED && k != CODE) n += list_room(*envp);
    }
    return n;
}

/* A guarded list goes to *text, filtered; returns the entry for the child, NULL for none. */
static char *filtered_entry(enum kind kind, char *entry, const char *value, char **text) {
    if (as_at_start(entry) || !loads_are_judged()) return entry;
    char *start = *text;
    mem_copy(start, entry, (size_t)(value - entry));
    char *first = start + (value - entry), *end = filter_list(kind, value, true, first);
    if (end == first) return NULL;
    end[-1] = 0;
    *text = end;
    return start;
}

static char *child_entry(char *entry, const struct tb_handoff *h, char **text) {
    const char *value;
    if (after(entry, "THIMBLE_") || (h->strip && is_secret(entry))) return NULL;
    enum kind k = kind_of(entry, &value);
    switch (k) {
    case PRELOAD:
        return NULL; /* all of them become one, see put_preload */
    case LIBRARIES:
    case FOLDERS:
        return filtered_entry(k, entry, value, text);
    case CODE:
        return h->strict && !as_at_start(entry) ? NULL : entry;
    default:
        return entry;
    }
}

/* One LD_PRELOAD for all that the caller passed: ours, then the others in their order. */
static char *put_preload(char *const envp[], char *to) {
    static const char name[] = "LD_PRELOAD=";
    mem_copy(to, name, sizeof name - 1);
    to += sizeof name - 1;
    mem_copy(to, tb.library, str_len(tb.library));
    to += str_len(tb.library);
    *to++ = ':';
    for (; envp && *envp; envp++) {
        const char *list = after(*envp, name);
        if (list) to = filter_list(PRELOAD, list, loads_are_judged() && !as_at_start(*envp), to);
    }
    to[-1] = 0;
    return to;
}

/* Builds the child's environment in `room` (env_room bytes): pointers first, new strings behind them. */
char **env_build(char *const envp[], const struct tb_handoff *h, char *room) {
    size_t n = 0;
    while (envp && envp[n])
        n++;
    char **out = (char **)room, **to = out, *text = room + (n + 4) * sizeof(char *);
    *to++ = text;
    text = put_preload(envp, text);
    *to++ = text;
    text = put_state(text, h);
    for (; envp && *envp; envp++) {
        char *entry = child_entry(*envp, h, &text);
        if (entry) *to++ = entry;
    }
    *to = NULL;
    return out;
}
