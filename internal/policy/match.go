package policy

import "strings"

// This file is written for clarity: package enforcer's C does the same in linear time and is fuzzed against it.

// Matches reports whether the list accepts argv[1:].
func (l ArgList) Matches(args []string) bool {
	rest := -1
	for i, a := range l {
		if a.Rest {
			rest = i
		}
	}
	if rest < 0 {
		return len(args) == len(l) && l.matchEach(args)
	}
	extra := len(args) - (len(l) - 1)
	if extra < 0 {
		return false
	}
	expanded := append(ArgList{}, l[:rest]...)
	for range extra {
		expanded = append(expanded, l[rest])
	}
	return append(expanded, l[rest+1:]...).matchEach(args)
}

func (l ArgList) matchEach(args []string) bool {
	for i := range l {
		if !l[i].Matches(args[i]) {
			return false
		}
	}
	return true
}

// Matches reports whether the template accepts one argument.
func (a *Arg) Matches(s string) bool {
	if strings.IndexByte(s, 0) >= 0 || !strings.HasPrefix(s, a.Prefix) {
		return false
	}
	s = s[len(a.Prefix):]
	if !strings.HasSuffix(s, a.Suffix) {
		return false
	}
	return matchAtoms(a.Atoms, s[:len(s)-len(a.Suffix)])
}

// matchAtoms follows, atom by atom, the set of positions in s up to which the atoms so far can match.
func matchAtoms(atoms []Atom, s string) bool {
	at := make([]bool, len(s)+1)
	at[0] = true
	for _, atom := range atoms {
		next := make([]bool, len(s)+1)
		for i := range at {
			if at[i] && atom.Quant != One {
				next[i] = true
			}
			if i == len(s) || !atom.has(s[i]) {
				continue
			}
			if at[i] || (atom.Quant == Star && next[i]) {
				next[i+1] = true
			}
		}
		at = next
	}
	return at[len(s)]
}

func (a Atom) has(b byte) bool {
	if a.Class == ClassByte {
		return a.Byte == b
	}
	return a.Class.Has(b)
}

// matchGlob reports whether pattern, in which '*' stands for any bytes and '?' for one, matches all of s.
func matchGlob(pattern, s string) bool {
	// reach[i]: the pattern so far can match s[:i].
	reach := make([]bool, len(s)+1)
	reach[0] = true
	for _, p := range []byte(pattern) {
		next := make([]bool, len(s)+1)
		for i := range reach {
			switch {
			case p == '*':
				next[i] = reach[i] || (i > 0 && next[i-1])
			case i > 0:
				next[i] = reach[i-1] && (p == '?' || p == s[i-1])
			}
		}
		reach = next
	}
	return reach[len(s)]
}

// matchName is matchGlob without regard to the case of ASCII letters, as names of forbidden programs are compared.
func matchName(pattern, name string) bool {
	return matchGlob(lowerASCII(pattern), lowerASCII(name))
}

func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// baseName is what follows the last slash.
func baseName(path string) string {
	return path[strings.LastIndexByte(path, '/')+1:]
}

// isMultiCall reports whether a base name is that of a program which is many: busybox, toybox, coreutils. They take
// every name that begins so for their own.
func isMultiCall(name string) bool {
	for _, m := range []string{"busybox", "toybox", "coreutils"} {
		if strings.HasPrefix(name, m) {
			return true
		}
	}
	return false
}

// calledAs is the name by which a multi-call program knows itself: a login shell's leading '-' does not count.
func calledAs(argv0 string) string {
	return baseName(strings.TrimPrefix(argv0, "-"))
}

// applet is the name of the program that a multi-call program becomes.
func applet(argv0 string, args []string) string {
	name := calledAs(argv0)
	for ; isMultiCall(name) && len(args) > 0; args = args[1:] {
		name = args[0]
		if value, ok := strings.CutPrefix(name, "--coreutils-prog="); ok {
			name = value
		} else if value, ok := strings.CutPrefix(name, "--coreutils-prog-shebang="); ok {
			name = value
		}
		name = baseName(name)
	}
	return name
}
