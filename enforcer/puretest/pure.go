//go:build cgo

package puretest

/*
#cgo CFLAGS: -std=c11 -O2 -Wall -Wextra -Werror
#cgo sanitize CFLAGS: -fsanitize=undefined -DTB_SANITIZE -g
#cgo sanitize LDFLAGS: -fsanitize=undefined
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"unsafe"

	"thimble/internal/policy"
)

// memory is C memory of exactly the size that is needed, so that a sanitizer sees every step over its end.
type memory struct{ blocks []unsafe.Pointer }

func (m *memory) alloc(n int) unsafe.Pointer {
	p := C.malloc(C.size_t(n))
	m.blocks = append(m.blocks, p)
	return p
}

func (m *memory) bytes(b []byte) *C.uint8_t {
	p := m.alloc(len(b))
	copy(unsafe.Slice((*byte)(p), len(b)), b)
	return (*C.uint8_t)(p)
}

func (m *memory) str(s string) C.struct_tb_str {
	return C.struct_tb_str{p: (*C.char)(unsafe.Pointer(m.bytes([]byte(s)))), n: C.uint32_t(len(s))}
}

// args makes an argument vector; its strings end in NUL, the vector does not.
func (m *memory) args(list []string) (**C.char, C.uint32_t) {
	vector := m.alloc(len(list) * int(unsafe.Sizeof(uintptr(0))))
	slots := unsafe.Slice((**C.char)(vector), len(list))
	for i, s := range list {
		slots[i] = (*C.char)(unsafe.Pointer(m.bytes(append([]byte(s), 0))))
	}
	return (**C.char)(vector), C.uint32_t(len(list))
}

func (m *memory) free() {
	for _, p := range m.blocks {
		C.free(p)
	}
	m.blocks = nil
}

// Blob is a policy blob in C memory.
type Blob struct {
	mem  memory
	p    *C.uint8_t
	size int
}

// NewBlob copies the bytes, whatever they are. Nothing but Check may be called before Check has returned 0.
func NewBlob(b []byte) *Blob {
	blob := &Blob{size: len(b)}
	blob.p = blob.mem.bytes(b)
	return blob
}

// Free releases the blob.
func (b *Blob) Free() { b.mem.free() }

// Check is tb_blob_check.
func (b *Blob) Check() int { return int(C.tb_blob_check(b.p, C.size_t(b.size))) }

// Policy is a policy record in a blob.
type Policy = *C.struct_tb_policy

// Select is tb_blob_select.
func (b *Blob) Select(function string) Policy {
	var m memory
	defer m.free()
	return C.tb_blob_select(b.p, m.str(function))
}

var controls = map[string]C.uint8_t{
	policy.ControlExec: C.TB_EXEC, policy.ControlLoad: C.TB_LOAD, policy.ControlOpen: C.TB_OPEN,
	policy.ControlEnviron: C.TB_ENVIRON, policy.ControlMemory: C.TB_MEMORY,
}

var ops = map[string]C.uint8_t{
	"ptrace": C.TB_OP_PTRACE, "process_vm_readv": C.TB_OP_VM_READV, "process_vm_writev": C.TB_OP_VM_WRITEV,
	"proc_mem": C.TB_OP_PROC_MEM,
}

func flag(b bool) C.uint8_t {
	if b {
		return 1
	}
	return 0
}

// Decide is tb_decide and tb_rule_text. signature is 1 + the index of the set that the request names; ask says whether
// the callback tells it instead of the request.
func (b *Blob) Decide(p Policy, rq policy.Request, signature int, ask bool) policy.Verdict {
	return b.decide(p, rq, signature, &facts{ask: ask}, 1)
}

// facts are what the callbacks tell and note.
type facts struct {
	ask                           bool   // scan tells the signature, not the request
	link                          string // the policy path that is a symbolic link to the file, and to the caller
	askedDigest, askedScan, asked int    // how often; asked: same and same_from
}

// DecideTimes decides the same request n times, for benchmarks.
func (b *Blob) DecideTimes(rq policy.Request, n int) policy.Verdict {
	return b.decide(b.Select(rq.Function), rq, 0, &facts{}, n)
}

func (b *Blob) decide(p Policy, rq policy.Request, signature int, told *facts, times int) policy.Verdict {
	var m memory
	defer m.free()
	c := (*C.struct_tb_request)(m.alloc(int(unsafe.Sizeof(C.struct_tb_request{}))))
	*c = C.struct_tb_request{
		control: controls[rq.Control], op: ops[rq.Op], image: flag(rq.Image), memfd: flag(rq.Memfd),
		setuid: flag(rq.Setuid), interpreter: flag(rq.Interpreter), write: flag(rq.Write),
		executable: flag(rq.Executable), exe: m.str(rq.Exe), path: m.str(rq.Path), argv0: m.str(rq.Argv0),
		from: m.str(rq.From),
	}
	c.args, c.nargs = m.args(rq.Args)
	f := (*C.struct_shim_facts)(m.alloc(int(unsafe.Sizeof(C.struct_shim_facts{}))))
	*f = C.struct_shim_facts{link: m.str(told.link)}
	if f.known = flag(rq.SHA256 != nil); rq.SHA256 != nil {
		f.sha256 = *(*[32]C.uint8_t)(unsafe.Pointer(rq.SHA256))
	}
	if told.ask {
		f.scanned = C.uint32_t(signature)
	} else {
		c.signature = C.uint8_t(signature)
	}
	var v C.struct_tb_verdict
	C.shim_decide(b.p, p, c, f, &v, C.int(times))
	told.askedDigest, told.askedScan, told.asked = int(f.asked_digest), int(f.asked_scan), int(f.asked_same)
	return policy.Verdict{
		Action: []policy.Action{policy.Allowed, policy.Audited, policy.Denied}[v.action], Rule: b.ruleText(&v),
		KeepCredentials: v.keep_credentials == 1,
	}
}

func (b *Blob) ruleText(v *C.struct_tb_verdict) string {
	var m memory
	defer m.free()
	const size = 512
	buf := (*C.char)(m.alloc(size))
	return C.GoStringN(buf, C.int(C.tb_rule_text(b.p, v, buf, size)))
}

// SetRule is tb_rule_text for the rule of a curated set with any index.
func (b *Blob) SetRule(index int) string {
	return b.ruleText(&C.struct_tb_verdict{rule: C.TB_RULE_FORBID_SETS, index: C.uint16_t(index)})
}

// MatchTemplate matches against the blob's first template.
func (b *Blob) MatchTemplate(arg string) bool {
	var m memory
	defer m.free()
	return C.shim_template(b.p, (*C.char)(unsafe.Pointer(m.bytes(append([]byte(arg), 0))))) != 0
}

// MatchArgs matches against the blob's first list of templates.
func (b *Blob) MatchArgs(args []string) bool {
	var m memory
	defer m.free()
	vector, n := m.args(args)
	return C.shim_arglist(b.p, vector, n) != 0
}

// Scan feeds the chunks to tb_scan and returns 1 + the index of the set that matched, or 0.
func (b *Blob) Scan(p Policy, chunks [][]byte) int {
	var m memory
	defer m.free()
	s := (*C.struct_tb_scan)(m.alloc(int(unsafe.Sizeof(C.struct_tb_scan{}))))
	C.tb_scan_init(s, b.p, p)
	for _, chunk := range chunks {
		if C.tb_scan_update(s, m.bytes(chunk), C.size_t(len(chunk))) != 0 {
			break
		}
	}
	return int(C.tb_scan_final(s))
}

// SHA256 feeds the chunks to tb_sha256; portable keeps it from using the CPU's own instructions.
func SHA256(chunks [][]byte, portable bool) (sum [32]byte) {
	var m memory
	defer m.free()
	s := (*C.struct_tb_sha256)(m.alloc(int(unsafe.Sizeof(C.struct_tb_sha256{}))))
	C.tb_sha256_init(s)
	if portable {
		s.fast = 1
	}
	for _, chunk := range chunks {
		C.tb_sha256_update(s, m.bytes(chunk), C.size_t(len(chunk)))
	}
	out := m.bytes(sum[:])
	C.tb_sha256_final(s, out)
	copy(sum[:], unsafe.Slice((*byte)(unsafe.Pointer(out)), 32))
	return sum
}

// Glob is tb_glob without folding.
func Glob(pattern, s string) bool {
	var m memory
	defer m.free()
	p, q := m.str(pattern), m.str(s)
	return C.tb_glob(p.p, p.n, q.p, q.n, 0) != 0
}
