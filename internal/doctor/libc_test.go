package doctor

import (
	"bytes"
	"errors"
	"testing"
)

func TestGlibc(t *testing.T) {
	banner := func(s string) []byte {
		return []byte("\x7fELF\x00release version 9.9\x00GNU C Library " + s + "\x00 release version 8.8")
	}
	tests := []struct {
		name    string
		content []byte
		version string
		want    Answer
	}{
		{"Debian", banner("(Debian GLIBC 2.36-9+deb12u7) stable release version 2.36.\nCopyright"), "2.36", Yes},
		{"Amazon Linux", banner("(GNU libc) stable release version 2.34.\n"), "2.34", Yes},
		{"the oldest", banner("(GNU libc) stable release version 2.26, by Roland McGrath"), "2.26", Yes},
		{"three numbers", banner("(GNU libc) development release version 2.26.9000.\n"), "2.26.9000", Yes},
		{"too old", banner("stable release version 2.17, by"), "2.17", No},
		{"no version", banner("whatever"), "", Unknown},
		{"something else", []byte("\x7fELF release version 2.36."), "", Unknown},
	}
	for _, tt := range tests {
		version := glibcVersion(tt.content)
		if version != tt.version {
			t.Errorf("%s: version %q, want %q", tt.name, version, tt.version)
		}
		if got := judgeGlibc(version); got.Answer != tt.want {
			t.Errorf("%s: got %+v, want %s", tt.name, got, tt.want)
		}
	}
}

func TestTinyProgramIsStatic(t *testing.T) {
	for cpu := range exitCode {
		program, err := tinyProgram(cpu)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := interpreter(bytes.NewReader(program), cpu); !errors.Is(err, errStatic) {
			t.Errorf("%s: got %v, want %v", cpu, err, errStatic)
		}
	}
	if _, err := tinyProgram("mips"); err == nil {
		t.Error("mips: want an error")
	}
}

func TestInterpreterRefusesOtherCPU(t *testing.T) {
	program, err := tinyProgram("arm64")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := interpreter(bytes.NewReader(program), "amd64"); err == nil || errors.Is(err, errStatic) {
		t.Errorf("got %v, want a refusal of the CPU", err)
	}
}
