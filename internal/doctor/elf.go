package doctor

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// exitCode is a program's whole text: exit(exitRan).
var exitCode = map[string]struct {
	machine elf.Machine
	text    []byte
}{
	"amd64": {elf.EM_X86_64, []byte{
		0xb8, 60, 0, 0, 0, // mov eax, SYS_exit
		0xbf, exitRan, 0, 0, 0, // mov edi, 42
		0x0f, 0x05, // syscall
	}},
	"arm64": {elf.EM_AARCH64, []byte{
		0x40, 0x05, 0x80, 0xd2, // mov x0, 42
		0xa8, 0x0b, 0x80, 0xd2, // mov x8, SYS_exit
		0x01, 0x00, 0x00, 0xd4, // svc 0
	}},
}

// tinyProgram is a static executable that ends with exitRan. It is made here because no program of the machine can be
// relied on to be static.
func tinyProgram(arch string) ([]byte, error) {
	code, ok := exitCode[arch]
	if !ok {
		return nil, fmt.Errorf("no program for CPU %q", arch)
	}
	const headers, base = 64 + 56, 0x400000
	size := uint64(headers + len(code.text))
	header := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(code.machine), Version: uint32(elf.EV_CURRENT),
		Entry: base + headers, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1,
	}
	segment := elf.Prog64{
		Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X),
		Vaddr: base, Paddr: base, Filesz: size, Memsz: size, Align: 0x10000,
	}
	var b bytes.Buffer
	for _, part := range []any{header, segment, code.text} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// errStatic says that a program names no loader.
var errStatic = errors.New("a static program")

// loaderOf returns the dynamic loader that a program of this CPU asks for.
func loaderOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return interpreter(f, arch)
}

func interpreter(r io.ReaderAt, arch string) (string, error) {
	f, err := elf.NewFile(r)
	if err != nil {
		return "", err
	}
	if f.Machine != exitCode[arch].machine {
		return "", fmt.Errorf("a program for another CPU (%v)", f.Machine)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			name, err := io.ReadAll(io.LimitReader(p.Open(), 4096))
			return strings.TrimRight(string(name), "\x00"), err
		}
	}
	return "", errStatic
}
