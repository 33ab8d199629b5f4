package demo

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
)

// The attacks bring native code of their own: a program that prints a line and a library whose initialiser writes a file.
// Both are a few instructions, written here byte by byte, because no compiler can be assumed where the demo runs.

const (
	elfHeaderSize = 64
	elfPhdrSize   = 56
	elfDynSize    = 16
	imageBase     = 0x400000
)

// buildProgram returns a static executable that prints text and exits. The tail is appended unread, as a packed miner
// carries its strings.
func buildProgram(text string, tail []byte) ([]byte, error) {
	code, err := printCode(len(text))
	if err != nil {
		return nil, err
	}
	const headers = elfHeaderSize + 2*elfPhdrSize
	var b bytes.Buffer
	size := headers + len(code) + len(text)
	writeHeader(&b, 2, imageBase+headers, 2) // ET_EXEC
	writeSegment(&b, 1, 5, 0, imageBase, size, 0x1000)
	writeSegment(&b, stackSegment, 6, 0, 0, 0, 16)
	b.Write(code)
	b.WriteString(text)
	b.Write(tail)
	return b.Bytes(), nil
}

// buildLibrary returns a shared library whose initialiser writes text to the file at path.
func buildLibrary(path, text string) ([]byte, error) {
	code, err := writeFileCode(len(path)+1, len(text))
	if err != nil {
		return nil, err
	}
	const headers = elfHeaderSize + 3*elfPhdrSize
	const dynamic = headers                // seven entries
	const symbols = headers + 7*elfDynSize // the null symbol
	const hash = symbols + 24              // one bucket, one chain
	const names = hash + 16                // the empty string
	const entry = names + 8
	size := entry + len(code) + len(path) + 1 + len(text)
	var b bytes.Buffer
	writeHeader(&b, 3, 0, 3)                   // ET_DYN
	writeSegment(&b, 1, 7, 0, 0, size, 0x1000) // older loaders relocate the dynamic section in place
	writeSegment(&b, 2, 6, dynamic, dynamic, 7*elfDynSize, 8)
	writeSegment(&b, stackSegment, 6, 0, 0, 0, 16)
	for _, d := range [][2]uint64{{12, entry}, {4, hash}, {5, names}, {6, symbols}, {10, 1}, {11, 24}, {0, 0}} {
		put(&b, d[0], d[1])
	}
	b.Write(make([]byte, 24))
	put(&b, uint32(1), uint32(1), uint32(0), uint32(0))
	b.Write(make([]byte, 8))
	b.Write(code)
	b.WriteString(path + "\x00" + text)
	return b.Bytes(), nil
}

// stackSegment (PT_GNU_STACK) says that the stack need not be executable.
const stackSegment = 0x6474e551

func writeHeader(b *bytes.Buffer, kind uint16, entry uint64, segments uint16) {
	machine := uint16(62) // x86-64
	if runtime.GOARCH == "arm64" {
		machine = 183
	}
	b.WriteString("\x7fELF\x02\x01\x01" + string(make([]byte, 9)))
	put(b, kind, machine, uint32(1), entry, uint64(elfHeaderSize), uint64(0), uint32(0),
		uint16(elfHeaderSize), uint16(elfPhdrSize), segments, uint16(64), uint16(0), uint16(0))
}

func writeSegment(b *bytes.Buffer, kind, flags uint32, offset, address, size, align int) {
	put(b, kind, flags, uint64(offset), uint64(address), uint64(address), uint64(size), uint64(size), uint64(align))
}

func put(b *bytes.Buffer, values ...any) {
	for _, v := range values {
		binary.Write(b, binary.LittleEndian, v) // a bytes.Buffer does not fail
	}
}

// printCode is write(1, text, n); exit(0), the text following the code.
func printCode(n int) ([]byte, error) {
	var a assembler
	switch runtime.GOARCH {
	case "amd64":
		a.amd64Load(0xb8, 1)    // eax: write
		a.amd64Load(0xbf, 1)    // edi
		a.amd64Address(0x35, 0) // rsi
		a.amd64Load(0xba, n)    // edx
		a.bytes(0x0f, 0x05)
		a.amd64Load(0xb8, 60) // exit
		a.bytes(0x31, 0xff, 0x0f, 0x05)
	case "arm64":
		a.arm64Load(0, 1)
		a.arm64Address(1, 0)
		a.arm64Load(2, n)
		a.arm64Call(64)
		a.arm64Load(0, 0)
		a.arm64Call(93)
	default:
		return nil, fmt.Errorf("build attack program: no code for %s", runtime.GOARCH)
	}
	return a.finish(), nil
}

// writeFileCode is fd = open(path); write(fd, text, n); close(fd); return, path and text following the code.
func writeFileCode(text, n int) ([]byte, error) {
	const flags, mode = 0x241, 0o644 // O_WRONLY|O_CREAT|O_TRUNC
	var a assembler
	switch runtime.GOARCH {
	case "amd64":
		a.amd64Load(0xb8, 2)
		a.amd64Address(0x3d, 0) // rdi
		a.amd64Load(0xbe, flags)
		a.amd64Load(0xba, mode)
		a.bytes(0x0f, 0x05, 0x89, 0xc7) // edi = fd
		a.amd64Load(0xb8, 1)
		a.amd64Address(0x35, text)
		a.amd64Load(0xba, n)
		a.bytes(0x0f, 0x05)
		a.amd64Load(0xb8, 3)
		a.bytes(0x0f, 0x05, 0xc3)
	case "arm64":
		a.word(0x92800000 | 99<<5) // x0 = AT_FDCWD
		a.arm64Address(1, 0)
		a.arm64Load(2, flags)
		a.arm64Load(3, mode)
		a.arm64Call(56)
		a.word(0xaa0003e9) // x9 = fd
		a.arm64Address(1, text)
		a.arm64Load(2, n)
		a.arm64Call(64)
		a.word(0xaa0903e0) // x0 = x9
		a.arm64Call(57)
		a.word(0xd65f03c0) // ret
	default:
		return nil, fmt.Errorf("build attack library: no code for %s", runtime.GOARCH)
	}
	return a.finish(), nil
}

// assembler collects instructions; addresses are offsets from the end of the code and filled in by finish.
type assembler struct {
	code   []byte
	fixups []fixup
}

type fixup struct{ at, target int }

func (a *assembler) bytes(b ...byte) { a.code = append(a.code, b...) }

func (a *assembler) word(w uint32) { a.code = binary.LittleEndian.AppendUint32(a.code, w) }

// amd64Load is mov r32, imm32; the opcode names the register.
func (a *assembler) amd64Load(opcode byte, value int) {
	a.bytes(opcode)
	a.word(uint32(value))
}

// amd64Address is lea r64, [rip+distance].
func (a *assembler) amd64Address(modrm byte, target int) {
	a.bytes(0x48, 0x8d, modrm)
	a.fixups = append(a.fixups, fixup{len(a.code), target})
	a.word(0)
}

// arm64Load is movz.
func (a *assembler) arm64Load(register uint32, value int) {
	a.word(0xd2800000 | uint32(value)<<5 | register)
}

// arm64Address is adr.
func (a *assembler) arm64Address(register uint32, target int) {
	a.fixups = append(a.fixups, fixup{len(a.code), target})
	a.word(0x10000000 | register)
}

func (a *assembler) arm64Call(number int) {
	a.arm64Load(8, number)
	a.word(0xd4000001)
}

func (a *assembler) finish() []byte {
	for _, f := range a.fixups {
		distance := len(a.code) + f.target - f.at
		at := a.code[f.at : f.at+4]
		if runtime.GOARCH == "arm64" {
			word := binary.LittleEndian.Uint32(at) | uint32(distance&3)<<29 | uint32(distance>>2)<<5
			binary.LittleEndian.PutUint32(at, word)
			continue
		}
		binary.LittleEndian.PutUint32(at, uint32(distance-4))
	}
	return a.code
}
