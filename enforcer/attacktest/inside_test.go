package attacktest

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestInsideC: what native code inside the process tries besides starting programs.
func TestInsideC(t *testing.T) {
	policy := blob(t, zeroConfig())
	controls := map[string]string{"load": "load", "environ": "credentials", "memory": "memory"}
	for _, cc := range []string{"gcc", "musl-gcc"} {
		inside := compiled(t, cc, "inside")
		for _, method := range methods(t, []string{inside}) {
			t.Run(cc+"/"+method, func(t *testing.T) {
				t.Parallel()
				kind, _, _ := strings.Cut(method, "-")
				run := func(policy string) (outcome, bool) {
					dropped := filepath.Join(temporary(t), "l.so")
					env := []string{"DROP_FROM=" + sharedLibrary(t, "evil")}
					o := program{argv: []string{inside, method, dropped}, policy: policy, env: env}.run(t)
					return o, exists(dropped+".loaded") || exists(dropped+".link.loaded")
				}
				if o, _ := run(""); o.out != "got it" {
					t.Fatalf("the attack does not work without the enforcer: %s", o.out)
				}
				o, loaded := run(policy)
				if !strings.HasPrefix(o.out, "refused") || loaded || o.end != "exit status 0" {
					t.Errorf("the attack was not refused: %s, %s", o.end, o.out)
				}
				if !slices.ContainsFunc(o.events, func(e event) bool { return e.Action == "denied" && e.Control == controls[kind] }) {
					t.Errorf("no %s event: %+v", controls[kind], o.events)
				}
			})
		}
	}
}

// TestInsideLanguages: the same from an eval in a language, or a compromised dependency. SRC is a library that shipped, X
// the name under which it is dropped.
func TestInsideLanguages(t *testing.T) {
	zero := blob(t, zeroConfig())
	load := func(argv ...string) []string { return append([]string{"load"}, argv...) }
	environ := func(argv ...string) []string { return append([]string{"credentials"}, argv...) }
	cases := map[string][]string{
		"python-ctypes":  load("python3", "-c", `import ctypes, shutil; shutil.copy("SRC", "X"); ctypes.CDLL("X")`),
		"python-import":  load("python3", "-c", `import sys, shutil, os; shutil.copy("SRC", "X"); sys.path.insert(0, os.path.dirname("X")); import l`),
		"python-cffi":    load("python3", "-c", `import cffi, shutil; shutil.copy("SRC", "X"); cffi.FFI().dlopen("X")`),
		"node-dlopen":    load("node", "-e", `fs.copyFileSync("SRC", "X"); process.dlopen({exports: {}}, "X")`),
		"node-require":   load("node", "-e", `fs.copyFileSync("SRC", "X.node"); require("X.node")`),
		"ruby-fiddle":    load("ruby", "-e", `require "fiddle"; require "fileutils"; FileUtils.cp "SRC", "X"; Fiddle.dlopen "X"`),
		"ruby-require":   load("ruby", "-e", `require "fileutils"; FileUtils.cp "SRC", "X"; require "X"`),
		"perl-dynaload":  load("perl", "-MDynaLoader", "-MFile::Copy", "-e", `copy("SRC", "X"); DynaLoader::dl_load_file("X", 0)`),
		"bash-enable":    load("bash", "-c", `cp SRC X; enable -f X l`),
		"python-environ": environ("python3", "-c", `print(len(open("/proc/self/environ").read()), "GOT")`),
		"node-environ":   environ("node", "-e", `console.log(fs.readFileSync("/proc/self/environ").length, "GOT")`),
		"ruby-environ":   environ("ruby", "-e", `puts "#{File.read("/proc/self/environ").size} GOT"`),
		"perl-environ":   environ("perl", "-e", `open F, "/proc/self/environ" or die; print length(<F>), " GOT"`),
		"shell-environ":  environ("sh", "-c", `read x < /proc/self/environ; [ ${#x} -gt 0 ] && echo GOT`),
		"cat-environ":    environ("sh", "-c", `cat /proc/self/environ | grep -q PATH && echo GOT`),
		"parent-environ": environ("sh", "-c", `sh -c 'grep -q PATH /proc/$PPID/environ && echo GOT'; true`),
		"all-environ":    environ("sh", "-c", `cat /proc/[0-9]*/environ 2>/dev/null | grep -q PATH && echo GOT`),
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := func(policy string) (outcome, bool) {
				dropped := filepath.Join(temporary(t), "l.so")
				argv := []string{installed(t, c[1])}
				fill := strings.NewReplacer("SRC", sharedLibrary(t, "evil"), "X", dropped)
				for _, a := range c[2:] {
					argv = append(argv, fill.Replace(a))
				}
				o := program{argv: argv, policy: policy}.run(t)
				return o, exists(dropped+".loaded") || exists(dropped+".node.loaded") || strings.Contains(o.out, "GOT")
			}
			if o, got := run(""); !got {
				t.Fatalf("the attack does not work without the enforcer: %s\n%s", o.end, indent(o.out))
			}
			o, got := run(zero)
			if got {
				t.Errorf("the attack SUCCEEDED: %s\n%s", o.end, indent(o.out))
			}
			if !slices.ContainsFunc(o.events, func(e event) bool { return e.Action == "denied" && e.Control == c[0] }) {
				t.Errorf("no %s event: %+v\n%s", c[0], o.events, indent(o.out))
			}
		})
	}
}

// TestShippedLibrariesLoad: the benign twins of the above.
func TestShippedLibrariesLoad(t *testing.T) {
	zero := blob(t, zeroConfig())
	library := sharedLibrary(t, "needed")
	for name, argv := range map[string][]string{
		"python-ctypes": {"python3", "-c", `import ctypes; print(ctypes.CDLL("X").needed())`},
		"python-wheels": {"python3", "-c", `import ssl, sqlite3, decimal, zlib, ctypes, hashlib, lzma; print("loaded")`},
		"node-crypto":   {"node", "-p", `require("crypto").createHash("sha256").update("x").digest("hex")`},
		"ruby-openssl":  {"ruby", "-ropenssl", "-rjson", "-e", `puts OpenSSL::Digest.hexdigest("SHA256", "x")`},
		"perl-posix":    {"perl", "-MPOSIX", "-MStorable", "-MSocket", "-e", `print floor(1.5)`},
		"ruby-fiddle":   {"ruby", "-rfiddle", "-e", `puts Fiddle.dlopen("X")["needed"] > 0`},
		"iconv":         {"iconv", "-f", "UTF-8", "-t", "EUC-JP", "/etc/hostname"},
		"getent":        {"getent", "passwd", "root"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			argv := slices.Clone(argv)
			argv[0] = installed(t, argv[0])
			for i := range argv {
				argv[i] = strings.ReplaceAll(argv[i], `"X"`, `"`+library+`"`)
			}
			want := program{argv: argv}.run(t)
			if want.end != "exit status 0" {
				t.Fatalf("does not work without the enforcer: %s\n%s", want.end, indent(want.out))
			}
			got := program{argv: argv, policy: zero}.run(t)
			got.same(t, name, want)
			got.quiet(t, name)
		})
	}
}
