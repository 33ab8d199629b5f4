package policy

import (
	"fmt"
	"slices"
	"strings"
)

// The limits on one argument's template: the matchers hold a pattern's states in a fixed bit set.
const (
	maxAtoms = 512
	maxHoles = 64
)

// hole is one {x}, {x:int} or {x...} of a template.
type hole struct {
	name   string
	narrow string // "", int, name, path, url or any
	rest   bool   // zero or more whole arguments
	arg    int    // which argument it stands in
	off    int    // where in that argument's source it begins
}

func (h *hole) String() string { return "{" + h.name + "}" }

// piece is a run of literal text, or a hole.
type piece struct {
	text string
	hole *hole
	off  int // where in the source it begins
}

// template is one argument as written, taken apart.
type template struct {
	source string
	pieces []piece
}

func (t template) holes() (hs []*hole) {
	for _, p := range t.pieces {
		if p.hole != nil {
			hs = append(hs, p.hole)
		}
	}
	return hs
}

// templateError is why a template cannot be compiled.
type templateError struct {
	arg, off int
	msg      string
}

var narrowings = []string{"int", "name", "path", "url", "any"}

// splitTemplate takes one argument apart into literal text and holes.
func splitTemplate(arg int, src string) (t template, wrong []templateError) {
	t.source = src
	for i := 0; i < len(src); {
		rest := src[i:]
		switch {
		case strings.HasPrefix(rest, "{{"), strings.HasPrefix(rest, "}}"):
			t.pieces = append(t.pieces, piece{text: rest[:1], off: i})
			i += 2
		case rest[0] == '}':
			return t, []templateError{{arg, i, "'}' without '{': a literal brace is written }}"}}
		case rest[0] == '{':
			end := strings.IndexAny(rest[1:], "{}")
			if end < 0 || rest[1+end] != '}' {
				return t, []templateError{{arg, i, "'{' without '}': a hole is written {name}, a literal brace {{"}}
			}
			h, msg := parseHole(rest[1 : 1+end])
			if msg != "" {
				wrong = append(wrong, templateError{arg, i, msg})
			}
			h.arg, h.off = arg, i
			t.pieces = append(t.pieces, piece{hole: h, off: i})
			i += end + 2
		default:
			n := strings.IndexAny(rest, "{}")
			if n < 0 {
				n = len(rest)
			}
			t.pieces = append(t.pieces, piece{text: rest[:n], off: i})
			i += n
		}
	}
	return t, append(wrong, checkPieces(arg, t)...)
}

// parseHole reads what stands between a hole's braces.
func parseHole(s string) (*hole, string) {
	h := &hole{}
	body, rest := strings.CutSuffix(s, "...")
	h.rest = rest
	name, narrow, narrowed := strings.Cut(body, ":")
	h.name, h.narrow = name, narrow
	switch {
	case !isName(name):
		return h, fmt.Sprintf("{%s} is no hole: one is written {name}, {name:int} or {name...}; literal braces are doubled, {{%s}}", shorten(s), shorten(s))
	case narrowed && !slices.Contains(narrowings, narrow):
		return h, fmt.Sprintf("{%s}: there is no class %q; the classes are %s%s", shorten(s), shorten(narrow), list(narrowings, "and"), didYouMean(narrow, narrowings))
	}
	return h, ""
}

func isName(s string) bool {
	for i, c := range s {
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c != '-' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// checkPieces finds what is wrong with a template wherever it stands.
func checkPieces(arg int, t template) (wrong []templateError) {
	if strings.ContainsRune(t.source, 0) {
		wrong = append(wrong, templateError{arg, 0, "has a NUL byte, which no argument can hold"})
	}
	if n := len(t.holes()); n > maxHoles {
		wrong = append(wrong, templateError{arg, 0, fmt.Sprintf("has %d holes, more than the limit of %d", n, maxHoles)})
	}
	for i, p := range t.pieces {
		if p.hole == nil {
			continue
		}
		if i > 0 && t.pieces[i-1].hole != nil {
			wrong = append(wrong, templateError{arg, p.off, fmt.Sprintf("%s and %s have nothing between them: make them one hole", t.pieces[i-1].hole, p.hole)})
		}
		if p.hole.rest && len(t.pieces) > 1 {
			wrong = append(wrong, templateError{arg, p.off, fmt.Sprintf("{%s...} stands for whole arguments, so it must be one element of the list on its own", p.hole.name)})
		}
	}
	return wrong
}

// place is where a hole stands, from which its class follows.
type place struct {
	kind  placeKind
	first bool // it begins the word or argument, where a '-' would make an option of it
}

type placeKind uint8

const (
	placeArg  placeKind = iota // in an argument of a program that is no shell
	placeWord                  // in a shell command outside quotes, or a shell's other arguments
	placeDQ                    // in a shell command, inside "…"
	placeSQ                    // in a shell command, inside '…'
)

// placeClasses are a place's class for any byte, for the first byte of a word, and for what follows http://.
var placeClasses = [...]struct{ any, first, url Class }{
	placeArg:  {ClassArg, ClassArgFirst, ClassURLSQ},
	placeWord: {ClassWord, ClassWordFirst, ClassURL},
	placeDQ:   {ClassDQ, ClassDQFirst, ClassURLDQ},
	placeSQ:   {ClassSQ, ClassSQFirst, ClassURLSQ},
}

// atoms are what a hole matches. A hole that begins a word is never empty: what follows it would begin the word then.
func (h *hole) atoms(at place) []Atom {
	c := placeClasses[at.kind]
	switch h.narrow {
	case "int":
		return repeat(ClassInt, ClassInt)
	case "name":
		return repeat(ClassNameFirst, ClassName)
	case "path":
		return repeat(ClassPathFirst, ClassPath)
	case "url":
		atoms := literal("http")
		atoms = append(atoms, Atom{Byte: 's', Quant: Opt})
		return append(append(atoms, literal("://")...), repeat(c.url, c.url)...)
	case "any":
		return []Atom{{Class: ClassAny, Quant: Star}}
	}
	switch {
	case at.first:
		return repeat(c.first, c.any)
	case at.kind == placeWord:
		return repeat(c.any, c.any)
	}
	return []Atom{{Class: c.any, Quant: Star}}
}

func repeat(first, then Class) []Atom {
	return []Atom{{Class: first}, {Class: then, Quant: Star}}
}

func literal(s string) []Atom {
	atoms := make([]Atom, len(s))
	for i := range len(s) {
		atoms[i] = Atom{Byte: s[i]}
	}
	return atoms
}

// build makes the pattern of one argument from its holes' places.
func (t template) build(places map[*hole]place) Arg {
	a := Arg{Source: t.source}
	holes := t.holes()
	seen := 0
	for _, p := range t.pieces {
		switch {
		case p.hole != nil:
			seen++
			a.Rest = a.Rest || p.hole.rest
			a.Atoms = append(a.Atoms, p.hole.atoms(places[p.hole])...)
		case seen == 0:
			a.Prefix += p.text
		case seen == len(holes):
			a.Suffix += p.text
		default:
			a.Atoms = append(a.Atoms, literal(p.text)...)
		}
	}
	return a
}

// compileArgs compiles one list of argument templates of a program, or says why that is impossible.
func compileArgs(program string, sources []string) (ArgList, []templateError) {
	templates := make([]template, len(sources))
	var wrong []templateError
	for i, src := range sources {
		t, w := splitTemplate(i, src)
		templates[i], wrong = t, append(wrong, w...)
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	places, wrong := placeHoles(program, templates)
	wrong = append(wrong, checkList(templates)...)
	if len(wrong) > 0 {
		return nil, wrong
	}
	compiled := make(ArgList, len(templates))
	for i, t := range templates {
		compiled[i] = t.build(places)
		if n := len(compiled[i].Atoms); n > maxAtoms {
			wrong = append(wrong, templateError{i, 0, fmt.Sprintf("is too long: %d bytes and holes from the first hole to the last, the limit is %d", n, maxAtoms)})
		}
	}
	return compiled, wrong
}

// checkList finds what is wrong between the holes of one list.
func checkList(templates []template) (wrong []templateError) {
	names := map[string]bool{}
	var rest *hole
	for _, t := range templates {
		for _, h := range t.holes() {
			if names[h.name] {
				wrong = append(wrong, templateError{h.arg, h.off, fmt.Sprintf("%s stands twice in one list, but holes match each on their own: give this one another name", h)})
			}
			names[h.name] = true
			if h.rest && rest != nil {
				wrong = append(wrong, templateError{h.arg, h.off, fmt.Sprintf("{%s...} after {%s...}: a list can have one such hole", h.name, rest.name)})
			}
			if h.rest {
				rest = h
			}
		}
	}
	return wrong
}
