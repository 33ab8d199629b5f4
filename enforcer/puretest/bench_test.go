//go:build cgo

package puretest

import (
	"fmt"
	"strings"
	"testing"

	"thimble/internal/compile"
	"thimble/internal/policy"
)

// benchPolicy has 300 curated names, 10 signatures and 20 entries with templates.
func benchPolicy() (policy.Policy, policy.SetLookup) {
	set := policy.Set{Name: "miners"}
	for i := range 300 {
		set.Names = append(set.Names, fmt.Sprintf("%c-miner-%d", 'a'+i%26, i))
	}
	for i := range 10 {
		set.Signatures = append(set.Signatures, []string{fmt.Sprintf("stratum+tcp://pool%d", i), fmt.Sprintf("donate-level-%d", i)})
	}
	p := policy.Policy{Forbid: policy.Forbid{Mode: policy.Enforce, Sets: []string{"miners"}, Names: []string{"xmrig*", "nmap"}}}
	p.Tmp = policy.Tmp{Mode: policy.Enforce, DenyExec: true}
	p.Exec = policy.Exec{Mode: policy.Enforce, Children: policy.ChildrenListed}
	for i := range 20 {
		hole := []policy.Atom{{Class: policy.ClassWordFirst}, {Class: policy.ClassWord, Quant: policy.Star}}
		command := policy.Arg{Prefix: "curl --silent -L ", Atoms: hole, Suffix: fmt.Sprintf(" | ./bin/tool%d -", 19-i)}
		p.Exec.Allow = append(p.Exec.Allow, policy.Allow{Path: "/bin/sh", Args: []policy.ArgList{{{Prefix: "-c"}, command}}})
	}
	return p, lookupIn(map[string]policy.Set{"miners": set})
}

func benchBlob(b *testing.B) *Blob {
	p, sets := benchPolicy()
	raw, err := compile.Blob([]policy.Policy{p}, sets)
	if err != nil {
		b.Fatal(err)
	}
	blob := NewBlob(raw)
	b.Cleanup(blob.Free)
	b.ReportMetric(float64(len(raw)), "blob-bytes")
	if code := blob.Check(); code != 0 {
		b.Fatalf("refused with code %d", code)
	}
	return blob
}

func BenchmarkCheck(b *testing.B) {
	blob := benchBlob(b)
	for b.Loop() {
		blob.Check()
	}
}

func BenchmarkDecide(b *testing.B) {
	blob := benchBlob(b)
	rq := policy.Request{Control: "exec", Exe: "/bin/sh", Path: "/bin/sh", Argv0: "sh", Image: true}
	rq.Args = []string{"-c", "curl --silent -L http://example.com/some/document.doc | ./bin/tool0 -"}
	if v := blob.DecideTimes(rq, 1); v.Rule != "exec.allow[19]" {
		b.Fatalf("got %+v", v)
	}
	b.ResetTimer()
	blob.DecideTimes(rq, b.N)
}

func BenchmarkDecideUnlisted(b *testing.B) {
	blob := benchBlob(b)
	rq := policy.Request{Control: "exec", Exe: "/usr/bin/a-miner-x", Path: "/usr/bin/a-miner-x", Argv0: "a-miner-y", Image: true}
	b.ResetTimer()
	blob.DecideTimes(rq, b.N)
}

func BenchmarkScan(b *testing.B) {
	blob := benchBlob(b)
	file := []byte(strings.Repeat("the quick brown stratum fox donates; ", 1<<15))
	b.SetBytes(int64(len(file)))
	p := blob.Select("")
	for b.Loop() {
		blob.Scan(p, [][]byte{file})
	}
}

func BenchmarkSHA256(b *testing.B) {
	file := make([]byte, 1<<20)
	for _, portable := range []bool{false, true} {
		b.Run(fmt.Sprintf("portable=%v", portable), func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			for b.Loop() {
				SHA256([][]byte{file}, portable)
			}
		})
	}
}
