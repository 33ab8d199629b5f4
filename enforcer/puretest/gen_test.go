package puretest

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"

	"thimble/internal/policy"
)

// source turns fuzz bytes into choices: the bytes themselves first, then a stream that follows from them.
type source struct {
	data []byte
	rest *rand.Rand
}

func newSource(data []byte) *source {
	return &source{data: data, rest: rand.New(rand.NewChaCha8(sha256.Sum256(data)))}
}

// n returns a number below limit.
func (s *source) n(limit int) int {
	if len(s.data) == 0 {
		return s.rest.IntN(limit)
	}
	b := s.data[0]
	s.data = s.data[1:]
	if limit > 256 {
		return (int(b)<<16 | s.rest.IntN(1<<16)) % limit
	}
	return int(b) % limit
}

func (s *source) one(in int) bool { return s.n(in) == 0 }

func pick[T any](s *source, list ...T) T { return list[s.n(len(list))] }

func some[T any](s *source, most int, make func() T) []T {
	var out []T
	for range s.n(most + 1) {
		out = append(out, make())
	}
	return out
}

// The vocabulary is small, so that what a policy says and what a request asks often meet.
var (
	progs = []string{
		"sh", "a", "ab", "cat", "nmap", "xmrig", "busybox", "busybox-static", "toybox", "coreutils", "uutils", "-sh",
		"-busybox", "--coreutils-prog=cat", "--coreutils-prog-shebang=nmap", "--coreutils-prog=busybox", "NMAP", "",
		"XmRig.1", "caté", "\xff",
	}
	globs = []string{
		"sh", "nmap", "NMap", "xmrig*", "?at", "*", "*m*p", "a*b*", "??", "busybox", "cat", "*-*", "[a]", "caté", "\xff",
		"-sh", "a", "ab", "--coreutils*",
	}
	dirs      = []string{"/bin/", "/usr/bin/", "/tmp/", "/", ""}
	functions = []string{"convert", "convert-a", "convert-b", "c", "", "Convert"}
	setNames  = []string{"miners", "offensive-tools", "shells"}
)

func (s *source) path() string { return pick(s, dirs...) + pick(s, progs...) }

func (s *source) absolute() string { return "/" + s.path() }

func (s *source) digest() [32]byte { return [32]byte{0: byte(s.n(4)), 31: byte(s.n(2))} }

func (s *source) mode() policy.Mode { return policy.Mode(s.n(3)) }

func (s *source) policies() []policy.Policy {
	list := make([]policy.Policy, 1+s.n(3))
	for i := range list {
		list[i] = s.policy()
		if i > 0 || s.one(4) {
			list[i].Match.Functions = s.match(i)
		}
	}
	return list
}

// match makes globs that only the i-th policy has: '*' added at the end changes no meaning but the text.
func (s *source) match(i int) []string {
	globs := []string{pick(s, "convert", "c*", "*", "convert-?", "*-a", "C*") + strings.Repeat("*", i)}
	for _, glob := range []string{"c*", "*-?", "*", fmt.Sprintf("*%d*", i)} {
		if s.one(3) {
			globs = append(globs, glob+strings.Repeat("*", 4+i))
		}
	}
	return globs
}

func (s *source) policy() policy.Policy {
	p := policy.Policy{
		Name: pick(s, "", "p"), Memory: s.mode(), OnViolation: pick(s, "deny", "kill"), Fail: pick(s, "open", "closed"),
		Seal: pick(s, "auto", "off", "required"), Decoys: s.one(2), Announce: s.one(2),
		Forbid: policy.Forbid{Mode: s.mode(), SHA256: some(s, 2, s.digest)},
		Tmp:    policy.Tmp{Mode: s.mode(), DenyExec: !s.one(3), DenyLoad: !s.one(3), Write: policy.Write(s.n(3))},
		Credentials: policy.Credentials{
			Mode: s.mode(), Children: policy.ChildCredentials(s.n(4)), DenyEnviron: s.one(2),
		},
	}
	if s.one(2) {
		p.Forbid.Names = some(s, 3, func() string { return pick(s, globs...) })
	}
	if s.one(2) {
		p.Forbid.Sets = some(s, 3, func() string { return pick(s, setNames...) })
	}
	p.Exec = policy.Exec{Mode: s.mode(), Children: policy.Children(s.n(3)), Allow: some(s, 4, s.allow)}
	if n := len(p.Exec.Allow); n > 1 && s.one(2) {
		p.Exec.Allow[n-1].Path = p.Exec.Allow[n-2].Path // two entries for one program
	}
	return p
}

func (s *source) allow() policy.Allow {
	a := policy.Allow{Path: s.absolute(), Credentials: policy.ChildCredentials(s.n(4))}
	if s.one(3) {
		digest := s.digest()
		a.SHA256 = &digest
	}
	if s.one(3) {
		a.From = append([]string{}, some(s, 2, s.absolute)...)
	}
	if s.one(2) {
		a.Args = append([]policy.ArgList{}, some(s, 2, s.argList)...)
	}
	return a
}

func (s *source) argList() policy.ArgList {
	list := policy.ArgList(some(s, 3, s.arg))
	if len(list) > 0 && s.one(3) {
		list[s.n(len(list))].Rest = true
	}
	return list
}

func (s *source) arg() policy.Arg {
	a := policy.Arg{Prefix: pick(s, "", "", "a", "-", "ab", "x=\xff", "\x00"), Suffix: pick(s, "", "", "", "b", "aa", "\x00")}
	n := s.n(5)
	if s.one(32) {
		n = pick(s, 63, 64, 65, 127, 128, 129, 511, 512, 60+s.n(453))
	}
	for range n {
		a.Atoms = append(a.Atoms, s.atom())
	}
	if n > 8 && s.one(2) {
		s.loosen(a.Atoms)
	}
	return a
}

// loosen makes most of a long run of atoms optional, so that short strings match it from end to end.
func (s *source) loosen(atoms []policy.Atom) {
	for i := range atoms {
		if atoms[i].Quant == policy.One && !s.one(16) {
			atoms[i].Quant = policy.Opt
		}
	}
}

func (s *source) atom() policy.Atom {
	a := policy.Atom{Quant: policy.Quant(s.n(3)), Byte: pick(s, []byte("ab- \xff\x00")...)}
	if !s.one(3) {
		a.Class = policy.Class(s.n(int(policy.NumClasses)))
	}
	return a
}

func (s *source) sets() map[string]policy.Set {
	sets := map[string]policy.Set{}
	for _, name := range setNames {
		set := policy.Set{Name: name, SHA256: some(s, 2, s.digest)}
		set.Names = some(s, 3, func() string { return pick(s, globs...) })
		set.Signatures = some(s, 1, func() []string { return []string{pick(s, "stratum+tcp", "donate-level")} })
		sets[name] = set
	}
	return sets
}

// request makes one that is often about what the policy lists.
func (s *source) request(p *policy.Policy) policy.Request {
	rq := policy.Request{
		Control: pick(s, "exec", "exec", "exec", "exec", "exec", "load", "open", "environ", "memory"),
		Op:      pick(s, "ptrace", "process_vm_readv", "process_vm_writev", "proc_mem"),
		Exe:     s.absolute(), From: s.absolute(), Image: !s.one(3), Memfd: s.one(8), Setuid: s.one(8),
		Interpreter: s.one(4), Write: !s.one(3), Executable: s.one(2), Signature: pick(s, "", "", "", "miners", "shells", "none"),
		Function: pick(s, functions...), Args: some(s, 3, func() string { return s.text() }),
	}
	if s.one(2) {
		digest := s.digest()
		rq.SHA256 = &digest
	}
	if p != nil && len(p.Exec.Allow) > 0 && !s.one(4) {
		s.aim(&rq, pick(s, p.Exec.Allow...))
	}
	if rq.Path == "" {
		rq.Path = pick(s, rq.Exe, s.absolute())
	}
	rq.Argv0 = pick(s, rq.Path, rq.Path, pick(s, progs...), s.path())
	if s.one(6) {
		s.multiCall(&rq)
	}
	return rq
}

// multiCall makes the request start a program that is many, by whatever name.
func (s *source) multiCall(rq *policy.Request) {
	own := []string{"busybox", "toybox", "coreutils", "/bin/busybox", "-busybox", "busybox2"}
	rq.Exe = pick(s, "/bin/busybox", "/usr/bin/coreutils", "/bin/toybox")
	rq.Argv0 = pick(s, pick(s, own...), pick(s, own...), pick(s, progs...))
	if s.one(2) {
		rq.Path = rq.Exe
	}
	rq.Args = append(some(s, 2, func() string { return pick(s, own...) }), some(s, 1, s.path)...)
}

// aim makes the request fit an entry, mostly.
func (s *source) aim(rq *policy.Request, a policy.Allow) {
	rq.Control = pick(s, "exec", "exec", "exec", "load")
	if rq.Path = a.Path; s.one(2) {
		rq.Exe = a.Path
	}
	if a.SHA256 != nil && !s.one(4) {
		rq.SHA256 = a.SHA256
	}
	if len(a.From) > 0 && !s.one(4) {
		rq.From = pick(s, a.From...)
	}
	if len(a.Args) > 0 && !s.one(4) {
		rq.Args = s.instance(pick(s, a.Args...))
	}
}

// instance makes arguments that match the list, mostly.
func (s *source) instance(l policy.ArgList) []string {
	var args []string
	for _, a := range l {
		times := 1
		if a.Rest {
			times = s.n(4)
		}
		for range times {
			args = append(args, s.fit(a))
		}
	}
	if s.one(6) {
		args = append(args, s.text())
	}
	return args
}

// fit makes a string that matches the template, mostly. It holds no NUL: no argument can.
func (s *source) fit(a policy.Arg) string {
	b := []byte(a.Prefix)
	for _, atom := range a.Atoms {
		times := 1
		if atom.Quant != policy.One {
			times = s.n(2 + int(atom.Quant-policy.Opt)*2)
		}
		for range times {
			b = append(b, s.member(atom))
		}
	}
	b = append(b, a.Suffix...)
	if len(b) > 0 && s.one(5) {
		b[s.n(len(b))] = pick(s, []byte("ab- ;\n\xff$'\"")...)
	}
	return strings.ReplaceAll(string(b), "\x00", "")
}

func (s *source) member(a policy.Atom) byte {
	if a.Class == policy.ClassByte {
		return a.Byte
	}
	for range 8 {
		if b := byte(s.n(256)); a.Class.Has(b) {
			return b
		}
	}
	return pick(s, []byte("ab0")...)
}

func (s *source) text() string {
	return pick(s, "", "a", "b", "-", "aa", "ab", "aab", "nmap", "sh", "busybox", "a b", "/bin/nmap", "--coreutils-prog=nmap", "\xff")
}

// chunks cuts data into pieces of many sizes.
func (s *source) chunks(data []byte) [][]byte {
	var out [][]byte
	for len(data) > 0 {
		n := min(len(data), pick(s, 0, 1, 3, 63, 64, 65, 136, 137, 500, 1+s.n(5000)))
		out = append(out, data[:n])
		data = data[n:]
	}
	return out
}

// seeds are bytes to start fuzzing from.
func seeds(n int) [][]byte {
	var out [][]byte
	for i := range n {
		sum := sha256.Sum256(binary.LittleEndian.AppendUint32(nil, uint32(i)))
		out = append(out, sum[:i%33])
	}
	return out
}
