package policy

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"

	"thimble/internal/forbid"
)

// The check functions return what is wrong with one value, or nothing.

func checkName(s string) string {
	if s == "" || len(s) > 128 || strings.ContainsFunc(s, isControl) {
		return "want 1 to 128 printable characters"
	}
	return ""
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

func checkFunctionGlob(s string) string {
	if s == "" || len(s) > 256 {
		return "want 1 to 256 characters"
	}
	for _, c := range s {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_.*?", c) {
			continue
		}
		if c == ':' || c == '/' {
			return fmt.Sprintf("%q: want the function's name, not its ARN or path", shorten(s))
		}
		return fmt.Sprintf("%q: function names have no %q; a glob knows * and ? only", shorten(s), c)
	}
	return ""
}

func checkPath(s string) string {
	switch {
	case s == "":
		return "want a path, got nothing"
	case len(s) > 4095:
		return "is longer than the 4095 bytes that a path can have"
	case strings.ContainsFunc(s, isControl):
		return fmt.Sprintf("%q has a control character", shorten(s))
	case !strings.HasPrefix(s, "/"):
		return fmt.Sprintf("%q is not absolute; did you mean %q?", shorten(s), absolute(s))
	case strings.ContainsAny(s, "*?["):
		return fmt.Sprintf("%q: a path has no globs, name the one program; exec.children: image allows all that shipped", shorten(s))
	case strings.HasSuffix(s, "/"):
		return fmt.Sprintf("%q names a folder: name the one program", shorten(s))
	case slices.Contains(strings.Split(s, "/"), ".."):
		return fmt.Sprintf("%q: a path has no '..'; did you mean %q?", shorten(s), path.Clean(s))
	}
	return ""
}

// absolute guesses what was meant by a relative path: a function's own files are in /var/task.
func absolute(s string) string {
	if !strings.Contains(s, "/") {
		return "/usr/bin/" + s
	}
	return path.Join("/var/task", s)
}

func cleanPath(s string) string { return path.Clean(s) }

func checkSet(s string) string {
	sets := forbid.Names()
	if slices.Contains(sets, s) {
		return ""
	}
	hint := didYouMean(s, sets)
	if hint == "" {
		hint = "; the sets are " + list(sets, "and")
	}
	return fmt.Sprintf("there is no set %q%s", shorten(s), hint)
}

func checkForbiddenName(s string) string {
	switch {
	case s == "" || len(s) > 255:
		return "want 1 to 255 characters"
	case strings.Contains(s, "/"):
		return fmt.Sprintf("%q: names are file names without a folder; did you mean %q?", shorten(s), path.Base(s))
	case strings.ContainsFunc(s, isControl):
		return fmt.Sprintf("%q has a control character", s)
	case strings.ContainsAny(s, "[]{}"):
		return fmt.Sprintf("%q: a glob knows * and ? only", s)
	case strings.Trim(s, "*?") == "":
		return fmt.Sprintf("%q forbids every program: use exec.children: none", s)
	}
	return ""
}

// checkAddress accepts an IP, a CIDR or a host glob, each with an optional port; IPv6 with a port stands in brackets.
func checkAddress(s string) string {
	if _, err := netip.ParsePrefix(s); err == nil {
		return ""
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return ""
	}
	if _, err := netip.ParseAddrPort(s); err == nil {
		return ""
	}
	if strings.Contains(s, "://") {
		return fmt.Sprintf("%q is a URL: want its host, with an optional :port", shorten(s))
	}
	host, port, hasPort := strings.Cut(s, ":")
	if n, err := strconv.Atoi(port); hasPort && (err != nil || n < 1 || n > 65535) {
		return fmt.Sprintf("%q: %q is no port; want address, network or host, each with an optional :port", shorten(s), shorten(port))
	}
	if prefix, _, found := strings.Cut(host, "/"); found {
		if _, err := netip.ParseAddr(prefix); err == nil {
			return fmt.Sprintf("%q is no network: want something like 10.0.0.0/8", shorten(s))
		}
	}
	return checkHost(host, s)
}

func checkHost(host, whole string) string {
	if _, err := netip.ParseAddr(host); err == nil {
		return ""
	}
	looksLikeIP := strings.Trim(host, "0123456789.") == ""
	for _, label := range strings.Split(host, ".") {
		if label == "" || len(label) > 63 || strings.Trim(strings.ToLower(label), "abcdefghijklmnopqrstuvwxyz0123456789-_*") != "" || looksLikeIP {
			return fmt.Sprintf("%q is no address, network or host; want something like 10.0.0.0/8 or *.amazonaws.com:443", shorten(whole))
		}
	}
	return ""
}

// validate finds what contradicts itself in a policy whose values are right one by one.
func (r *reader) validate(p *Policy) {
	r.validateExec(p)
	for i := range p.Exec.Allow {
		r.validateAllow(p, i)
	}
	r.validateModes(p)
	r.validateNet(p.Net)
	if p.Seal == "required" && p.Exec.Mode == Off {
		r.failAt(r.place("seal"), "seal: required has nothing to hold while exec.mode is off: use exec.mode: enforce, or seal: auto")
	}
	if r.given("match") && !r.given("match.functions") && !r.found("match.functions") {
		r.failAt(r.place("match"), "match names no functions: list them in match.functions, or remove match to make this the default policy")
	}
}

func (r *reader) given(path string) bool { return r.at[path] != position{} }

// found reports whether something was said about a path already, so that one mistake is one message.
func (r *reader) found(path string) bool {
	return slices.ContainsFunc(r.problems, func(p Problem) bool { return strings.HasPrefix(p.Message, path) })
}

// place returns where a key was given, or else the key that it belongs to.
func (r *reader) place(path string) position {
	for path != "" {
		if at, ok := r.at[path]; ok {
			return at
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return r.at[""]
}

func (r *reader) note(path, format string, a ...any) {
	at := r.place(path)
	r.notes = append(r.notes, Problem{r.file, at.line, at.col, fmt.Sprintf(format, a...)})
}

func (r *reader) validateExec(p *Policy) {
	e := p.Exec
	if e.Children == ChildrenNone && len(e.Allow) > 0 {
		r.failAt(r.place("exec.allow"), "exec.allow contradicts exec.children: none, with which nothing runs: use children: listed, or remove allow")
	}
	if e.Children == ChildrenListed && len(e.Allow) == 0 && !r.given("exec.allow") {
		r.note("exec.children", "exec.children: listed without exec.allow lets nothing run, as none does")
	}
	if e.Mode == Off && r.given("exec.children") && e.Children != ChildrenImage {
		r.failAt(r.place("exec.mode"), "exec.mode: off contradicts exec.children: off evaluates neither children nor allow: use audit to try a policy out")
	}
	if e.Children == ChildrenImage && e.Mode != Off && slices.ContainsFunc(e.Allow, func(a Allow) bool {
		return a.SHA256 == nil && (len(a.Args) > 0 || len(a.From) > 0)
	}) {
		r.note("exec.allow", "with children: image everything that shipped runs, whatever args and from say in exec.allow: use children: listed to make them count")
	}
}

// writable are the places that never ship with a function; a mount of one's own cannot be known here.
var writable = []string{"/tmp/", "/var/tmp/", "/dev/shm/"}

func (r *reader) validateAllow(p *Policy, i int) {
	a, at := p.Exec.Allow[i], fmt.Sprintf("exec.allow[%d]", i)
	inTmp := slices.ContainsFunc(writable, func(dir string) bool { return strings.HasPrefix(a.Path, dir) })
	if inTmp && a.SHA256 == nil && p.Tmp.DenyExec {
		r.failAt(r.place(at+".path"), "%s: %q did not ship with the function, and tmp.exec is deny: add the program's sha256, which allows it by content", at, a.Path)
	}
	if p.Forbid.Mode != Off {
		r.validateForbidden(p.Forbid, a, at)
	}
	for j, earlier := range p.Exec.Allow[:i] {
		if earlier.Path == a.Path && earlier.SHA256 == nil && earlier.Args == nil && earlier.From == nil && a.SHA256 == nil {
			r.note(at, "%s never decides: exec.allow[%d] already allows %q with any arguments and from anywhere", at, j, a.Path)
			break
		}
	}
}

func (r *reader) validateForbidden(f Forbid, a Allow, at string) {
	for i, glob := range f.Names {
		if matchName(glob, baseName(a.Path)) {
			r.failAt(r.place(at+".path"), "%s allows %q, which forbid.names[%d] (%q) forbids, and forbid comes first: remove one of them", at, a.Path, i, glob)
		}
	}
	for i, sum := range f.SHA256 {
		if a.SHA256 != nil && *a.SHA256 == sum {
			r.failAt(r.place(at+".sha256"), "%s allows the sha256 that forbid.sha256[%d] forbids, and forbid comes first: remove one of them", at, i)
		}
	}
}

func (r *reader) validateModes(p *Policy) {
	if p.Forbid.Mode == Off {
		for _, k := range []string{"sets", "names", "sha256"} {
			if r.given("forbid."+k) && r.given("forbid."+k+"[0]") {
				r.failAt(r.place("forbid."+k), "forbid.%s is not evaluated while forbid.mode is off: use audit to report only, or remove it", k)
			}
		}
	}
	if p.Tmp.Mode == Off && (r.given("tmp.exec") && p.Tmp.DenyExec || r.given("tmp.load") && p.Tmp.DenyLoad || p.Tmp.Write != WriteAllow) {
		r.failAt(r.place("tmp.mode"), "tmp.mode: off contradicts what tmp denies: use audit to report only, or remove the mode")
	}
	if p.Credentials.Mode == Off && (r.given("credentials.environ") && p.Credentials.DenyEnviron || r.given("credentials.children") && p.Credentials.Children != CredentialsKeep) {
		r.failAt(r.place("credentials.mode"), "credentials.mode: off contradicts what credentials protects: use audit to report only, or remove the mode")
	}
}

func (r *reader) validateNet(n Net) {
	if n.Connect == "none" && len(n.Allow) > 0 {
		r.failAt(r.place("net.allow"), "net.allow contradicts net.connect: none: use connect: listed, or remove allow")
	}
	if n.Connect == "listed" && len(n.Allow) == 0 && !r.found("net.allow") {
		r.failAt(r.place("net.connect"), "net.connect: listed needs net.allow: say what is listed, or use connect: none")
	}
	if n.Mode == Off && r.given("net.connect") && n.Connect != "any" {
		r.failAt(r.place("net.mode"), "net.mode: off contradicts net.connect: %s: use audit to report only, or remove the mode", n.Connect)
	}
}

// conflicts finds policies that claim the same functions.
func conflicts(docs []Document) (problems Problems) {
	owner := map[string]Document{}
	claim := func(d Document, pattern, key, what string) {
		first, taken := owner[pattern]
		if !taken {
			owner[pattern] = d
			return
		}
		at, ok := d.at[key]
		if !ok {
			at = position{d.Line, 1}
		}
		problems = append(problems, Problem{d.File, at.line, at.col, fmt.Sprintf("%s; the first is %s:%d", what, first.File, first.Line)})
	}
	for _, d := range docs {
		if len(d.Policy.Match.Functions) == 0 {
			claim(d, "", "version", "is a second default policy: give one of them match.functions")
		}
		for i, f := range d.Policy.Match.Functions {
			claim(d, f, fmt.Sprintf("match.functions[%d]", i), fmt.Sprintf("the function pattern %q stands twice", f))
		}
	}
	return problems
}
