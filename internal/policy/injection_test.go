package policy

import (
	"bytes"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/syntax"
)

// injectionTemplates have holes in every place where one may stand.
var injectionTemplates = []string{
	"curl --silent -L {url} | /lib64/ld-linux-x86-64.so.2 ./bin/catdoc -",
	"curl {u:url} -o /tmp/{n:name}",
	`curl "{u:url}" --data '{d}'`,
	`a {x} "{y}" '{z}'`,
	`a x{x}y "x{y}" '{z}x'`,
	`a "{x}"{y}'{z}'`,
	`a --x={x} --y="{y}" --z='{z}';b`,
	`A={x} B="{y}" C='{z}' a b`,
	`a <<< "{x}" > /tmp/{y} 2>/tmp/"{z}"`,
	`if [ -f {x} ]; then a "{y}" & fi; while b '{z}'; do c; done`,
	`(a {x}; b "{y}") || ! c '{z}' && d`,
	"a {x}\nb \"{y}\"\n\nc '{z}'\n",
	"a {x:int} b{y:int}c '{z:int}'",
	`a {x:path} "{y:path}" '{z:path}'`,
	`a {x:name}.{y:name} "{z:name}"`,
	`a {x}#b "{y}#" c # d`,
	`case {x} in a) b "{y}";; *) c '{z}';; esac`,
	"cat <<E | a {x} '{y}'\n$HOME\nE\n",
	`a ${{HOME}}{x} $(date)"{y}" $((1+1))'{z}'`,
	`a é{x}é "é{y}é" 'é{z}é'`,
}

// filled is one template with text in its holes.
func filled(t template, fills map[*hole]string) string {
	var b strings.Builder
	for _, p := range t.pieces {
		if p.hole != nil {
			b.WriteString(fills[p.hole])
		}
		b.WriteString(p.text)
	}
	return b.String()
}

// shape writes a syntax tree with all that matters in it and without positions.
func shape(file *syntax.File) string {
	var b bytes.Buffer
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case nil:
			b.WriteString(")")
			return true
		case *syntax.Lit:
			fmt.Fprintf(&b, "(lit<%s>", n.Value)
		case *syntax.SglQuoted:
			fmt.Fprintf(&b, "(sq%v<%s>", n.Dollar, n.Value)
		case *syntax.DblQuoted:
			fmt.Fprintf(&b, "(dq%v", n.Dollar)
		case *syntax.Comment:
			fmt.Fprintf(&b, "(#<%s>", n.Text)
		case *syntax.Redirect:
			fmt.Fprintf(&b, "(redirect%v", n.Op)
		case *syntax.BinaryCmd:
			fmt.Fprintf(&b, "(binary%v", n.Op)
		case *syntax.Stmt:
			fmt.Fprintf(&b, "(stmt%v%v%v", n.Negated, n.Background, n.Coprocess)
		default:
			fmt.Fprintf(&b, "(%T", n)
		}
		return true
	})
	return b.String()
}

// injection is a compiled template with the trees that every fill must give.
type injection struct {
	source string
	arg    *Arg
	split  template
	code   *shellCode
	before map[syntax.LangVariant]string
}

func newInjection(t *testing.T, source string) *injection {
	t.Helper()
	list := compiled(t, "/bin/sh", "-c", source)
	in := &injection{source: source, arg: &list[1], before: map[syntax.LangVariant]string{}}
	in.split, _ = splitTemplate(1, source)
	in.code = newShellCode(in.split, nil)
	for _, lang := range dialects("sh") {
		if file, err := parseShell(in.code.code, lang); err == nil {
			in.before[lang] = shape(file)
		}
	}
	return in
}

// check fills the holes of a template. If the pattern accepts the result, every dialect that the template was compiled
// for must read the same command, with the fills as literal text. It reports whether the pattern accepted.
func (in *injection) check(t *testing.T, fill func(i int) string) bool {
	t.Helper()
	fills := map[*hole]string{}
	for i, h := range in.split.holes() {
		fills[h] = fill(i)
	}
	if !in.arg.Matches(filled(in.split, fills)) {
		return false
	}
	for h, s := range fills {
		fills[h] = strings.ToValidUTF8(s, "\u00e9") // the parser takes no other; to a shell these are bytes like any other
	}
	command := filled(in.split, fills)
	for lang, before := range in.before {
		after, err := parseShell(command, lang)
		if err != nil {
			t.Fatalf("%s: %q is accepted and does not parse as %v: %v", in.source, command, lang, err)
		}
		var pairs []string
		for placeholder, h := range in.code.marked {
			pairs = append(pairs, placeholder, fills[h])
		}
		want := strings.NewReplacer(pairs...).Replace(before)
		want = strings.ReplaceAll(want, "(lit<>)", "") // an empty hole leaves no literal
		if got := shape(after); got != want {
			t.Fatalf("%s: %q is accepted and reads differently as %v\ngot  %s\nwant %s", in.source, command, lang, got, want)
		}
	}
	return true
}

// nasty are texts that have got out of somebody's quotes.
var nasty = []string{
	"a", "", " ", "a b", "-x", "--", "=", "a=b", "1", "0", "123", ";id", "&&id", "|id", "`id`", "$(id)", "${IFS}", "$x", "'", "\"", "\\", "\\'", "';id;'", "\";id;\"",
	"\n", "a\nb", "\r\n", "\t", "#", "#x", "~", "~root", "*", "?", "[a]", "{a,b}", "{", "}", "!", "!!", "^a^b", "<x", ">x", "2>x", "<(id)", "(id)", ")", "a()", "%x", "@(a)",
	"http://x", "http://x/?a=1&b=2", "https://x;id", "http://$(id)", "http://x'", "http://x\"", "http://x\n", "é", "\xff", "\xc3", "\x01", "\x7f", "\u037e", "\u2028", "esac", "done", "fi", "E",
	"HoleaaxHole", "Hole", "x.pdf", "../../x", "/dev/tcp/a/1", "&1", "-", "\\\n", "a\\", ",", "a,b", "..", ".", "+", "@", ":",
}

func TestNoFillChangesTheCommand(t *testing.T) {
	for _, source := range injectionTemplates {
		in, accepted := newInjection(t, source), 0
		for _, a := range nasty {
			for _, b := range nasty {
				if in.check(t, func(i int) string { return []string{a, b, "http://z"}[i%3] }) {
					accepted++
				}
			}
		}
		for b := range 256 {
			for _, s := range []string{string([]byte{byte(b)}), "http://a" + string([]byte{byte(b)}), "7" + string([]byte{byte(b)})} {
				if in.check(t, func(int) string { return s }) {
					accepted++
				}
			}
		}
		if accepted == 0 {
			t.Errorf("%s: no fill was accepted, so nothing was tested", source)
		}
	}
}

// randomFill takes bytes that a class holds, so that most fills are accepted.
func randomFill(r *rand.Rand, class Class) string {
	b := make([]byte, 1+r.Intn(6))
	for i := range b {
		for b[i] = byte(r.Intn(256)); !class.Has(b[i]); b[i] = byte(r.Intn(256)) {
		}
	}
	return string(b)
}

func TestRandomFillsChangeNoCommand(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	accepted := 0
	for i := range 4000 {
		in := newInjection(t, injectionTemplates[i%len(injectionTemplates)])
		classes := []Class{ClassWordFirst, ClassDQFirst, ClassSQFirst}
		if in.check(t, func(i int) string { return randomFill(r, classes[i%3]) }) {
			accepted++
		}
	}
	if accepted < 1000 {
		t.Errorf("%d fills of 4000 were accepted, want at least 1000", accepted)
	}
}

func FuzzTemplateInjection(f *testing.F) {
	for i := range injectionTemplates {
		for _, s := range nasty {
			f.Add(uint(i), s, "a", s)
		}
	}
	f.Fuzz(func(t *testing.T, n uint, a, b, c string) {
		newInjection(t, injectionTemplates[n%uint(len(injectionTemplates))]).check(t, func(i int) string { return []string{a, b, c}[i%3] })
	})
}

// FuzzTemplate looks for templates that compile although some fill changes the command.
func FuzzTemplate(f *testing.F) {
	for _, s := range injectionTemplates {
		f.Add(s, "a")
		f.Add(s, "1")
	}
	f.Fuzz(func(t *testing.T, source, fill string) {
		if _, wrong := compileArgs("/bin/sh", []string{"-c", source}); len(wrong) > 0 {
			return
		}
		newInjection(t, source).check(t, func(int) string { return fill })
	})
}

// The shells themselves must agree with the parser: what is in a hole arrives as it is, and nothing else happens.
func TestShellsTakeFillsLiterally(t *testing.T) {
	const source = `printf '%s\n' {a} "{b}" '{c}' x{d} "x{e}" 'x{f}'`
	list := compiled(t, "/bin/sh", "-c", source)
	split, _ := splitTemplate(1, source)
	classes := []Class{ClassWordFirst, ClassDQFirst, ClassSQFirst, ClassWord, ClassDQ, ClassSQ}
	for _, shell := range [][]string{{"dash"}, {"bash"}, {"busybox", "sh"}} {
		path, err := exec.LookPath(shell[0])
		if err != nil {
			if os.Getenv("THIMBLE_TEST_STRICT") == "1" {
				t.Errorf("no %s on this machine", shell[0])
			}
			t.Logf("SKIPPED for %s: not on this machine", shell[0])
			continue
		}
		r := rand.New(rand.NewSource(2))
		for range 60 {
			fills, want := map[*hole]string{}, ""
			for i, h := range split.holes() {
				fills[h] = randomFill(r, classes[i])
				want += strings.Repeat("x", i/3) + fills[h] + "\n"
			}
			command := filled(split, fills)
			if !list[1].Matches(command) {
				t.Fatalf("%q is not accepted", command)
			}
			cmd := exec.Command(path, append(append([]string{}, shell[1:]...), "-c", command)...)
			cmd.Env, cmd.Dir = []string{"LC_ALL=C.UTF-8"}, t.TempDir()
			if got, err := cmd.CombinedOutput(); err != nil || string(got) != want {
				t.Errorf("%s -c %q: %v\ngot  %q\nwant %q", shell, command, err, got, want)
			}
		}
	}
}
