package lambda

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"
)

// family is what is common to all versions of a runtime.
type family struct {
	pattern  *regexp.Regexp // the runtime's name; the version is group 1, empty for "any"
	names    func(version string) []string
	version  []string // arguments that make the interpreter print version, its own path and prefixes, one a line
	managers []string // folders of version managers, below the home folder, with the version's place as *
	install  string   // what to install
}

var families = map[string]family{
	"nodejs": {
		pattern:  regexp.MustCompile(`^node(?:js)?(?:(\d+)(?:\.x)?)?$`),
		names:    func(string) []string { return []string{"node", "nodejs"} },
		version:  []string{"-p", `process.versions.node+"\n"+process.execPath`},
		managers: []string{".nvm/versions/node/v*/bin", ".volta/bin", ".asdf/installs/nodejs/*/bin"},
		install:  "Node.js (nodejs.org, or the package nodejs)",
	},
	"python": {
		pattern: regexp.MustCompile(`^python(?:3|(3\.\d+))?$`),
		names: func(v string) []string {
			if v != "" {
				return []string{"python" + v, "python3"}
			}
			return []string{"python3"}
		},
		version: []string{"-c", "import sys,os\nprint('%d.%d.%d'%sys.version_info[:3]);print(os.path.realpath(sys.executable))\n" +
			"print(sys.base_prefix);print(sys.base_exec_prefix)"},
		managers: []string{".pyenv/versions/*/bin", ".asdf/installs/python/*/bin", ".local/share/uv/python/*/bin"},
		install:  "Python 3 (python.org, or the package python3)",
	},
	"ruby": {
		pattern:  regexp.MustCompile(`^ruby(?:(\d+(?:\.\d+)?))?$`),
		names:    func(string) []string { return []string{"ruby"} },
		version:  []string{"-rrbconfig", "-e", "puts RUBY_VERSION, RbConfig.ruby, RbConfig::CONFIG['prefix']"},
		managers: []string{".rbenv/versions/*/bin", ".asdf/installs/ruby/*/bin"},
		install:  "Ruby (ruby-lang.org, or the package ruby)",
	},
	"java": {
		pattern: regexp.MustCompile(`^java(?:(\d+)(?:\.al2)?)?$`),
		names:   func(string) []string { return []string{"java"} },
		version: []string{"-XshowSettings:properties", "-version"},
		install: "a Java runtime (the package openjdk-17-jre-headless)",
	},
	"provided": {pattern: regexp.MustCompile(`^provided(?:\.al2|\.al2023)?$|^go$`)},
}

func knownRuntimes() []string {
	return []string{"nodejs[NN.x]", "python3[.NN]", "ruby[N.N]", "java[NN]", "provided[.al2023]"}
}

// language is a runtime as it was found on this machine, and how it is started.
type language struct {
	family  string
	version string // of the interpreter
	exe     string // the interpreter, symbolic links resolved
	name    string // its name in /var/lang/bin
	prefix  []string
	client  client
}

// managed reports whether Lambda would bring the interpreter and the client.
func (l *language) managed() bool { return l.family != "provided" }

// findLanguage looks a runtime up by Lambda's name for it.
func findLanguage(runtime string) (*language, error) {
	for name, fam := range families {
		match := fam.pattern.FindStringSubmatch(runtime)
		if match == nil {
			continue
		}
		if name == "provided" {
			return &language{family: name}, nil
		}
		want := match[1]
		return fam.find(name, runtime, want)
	}
	return nil, fmt.Errorf("unknown runtime %q: one of %s", runtime, strings.Join(knownRuntimes(), ", "))
}

// find asks every interpreter that it finds for its version and takes the first that fits.
func (fam family) find(name, runtime, want string) (*language, error) {
	var seen []string
	for _, exe := range fam.candidates(want) {
		lang, err := fam.probe(name, exe)
		if err != nil {
			continue
		}
		if versionFits(lang.version, want) {
			return lang, nil
		}
		if what := lang.exe + " (" + lang.version + ")"; !slices.Contains(seen, what) {
			seen = append(seen, what)
		}
	}
	if len(seen) == 0 {
		return nil, fmt.Errorf("runtime %q is not on this machine: install %s", runtime, fam.install)
	}
	return nil, fmt.Errorf("runtime %q is not on this machine, only %s: install that version of %s, or ask for %q",
		runtime, strings.Join(seen, ", "), fam.install, strings.TrimSuffix(runtime, runtime[strings.Index(runtime, want):]))
}

// versionFits compares whole components: "3.1" is not "3.11".
func versionFits(have, want string) bool {
	return want == "" || have == want || strings.HasPrefix(have, want+".")
}

// candidates are the system's own interpreters first, because the sandbox shows /usr anyway; then what PATH has, then
// version managers'.
func (fam family) candidates(version string) []string {
	dirs := append([]string{"/usr/local/bin", "/usr/bin"}, filepath.SplitList(os.Getenv("PATH"))...)
	if home, err := os.UserHomeDir(); err == nil {
		for _, m := range fam.managers {
			found, _ := filepath.Glob(filepath.Join(home, m)) // the patterns are constants
			sort.Sort(sort.Reverse(sort.StringSlice(found)))
			dirs = append(dirs, found...)
		}
	}
	var out []string
	seen := map[string]bool{}
	for _, dir := range dirs {
		for _, name := range fam.names(version) {
			path := filepath.Join(dir, name)
			if !seen[path] && isProgram(path) {
				out = append(out, path)
			}
			seen[path] = true
		}
	}
	return out
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// probed remembers what interpreters said of themselves: asking takes as long as a cold start.
var probed sync.Map // path → language

// probe asks an interpreter, once.
func (fam family) probe(name, exe string) (*language, error) {
	if known, ok := probed.Load(exe); ok {
		lang := known.(language)
		return &lang, nil
	}
	lang, err := fam.ask(name, exe)
	if err == nil {
		probed.Store(exe, *lang)
	}
	return lang, err
}

// ask runs an interpreter to learn what it is: a path alone may be a version manager's script.
func (fam family) ask(name, exe string) (*language, error) {
	cmd := exec.Command(exe, fam.version...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("ask %s for its version: %w", exe, err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if name == "java" {
		lines = javaProperties(lines)
	}
	if len(lines) < 2 {
		return nil, fmt.Errorf("ask %s for its version: unexpected answer %q", exe, out)
	}
	real, err := filepath.EvalSymlinks(lines[1])
	if err != nil {
		return nil, fmt.Errorf("find the interpreter: %w", err)
	}
	lang := &language{family: name, version: lines[0], exe: real, name: interpreterName(name, lines[0])}
	lang.prefix = outsideSystem(append(lines[2:], filepath.Dir(filepath.Dir(real)), filepath.Dir(real)))
	return lang, nil
}

// interpreterName is what Lambda calls it.
func interpreterName(family, version string) string {
	switch family {
	case "nodejs":
		return "node"
	case "python":
		major, rest, _ := strings.Cut(version, ".")
		minor, _, _ := strings.Cut(rest, ".")
		return "python" + major + "." + minor
	}
	return family
}

func javaProperties(lines []string) []string {
	props := map[string]string{}
	for _, line := range lines {
		if name, value, ok := strings.Cut(line, " = "); ok {
			props[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	home := props["java.home"]
	if home == "" {
		return nil
	}
	return []string{props["java.version"], filepath.Join(home, "bin/java"), home}
}

// outsideSystem keeps the folders that the sandbox would not show anyway, without those inside another. Folders that
// are no interpreter's own ("/", "/bin") are dropped.
func outsideSystem(dirs []string) []string {
	sort.Strings(dirs)
	var out []string
	for _, dir := range dirs {
		dir = filepath.Clean(dir)
		if dir == "/" || !filepath.IsAbs(dir) || within(dir, "/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc") || within(dir, out...) {
			continue
		}
		out = append(out, dir)
	}
	return out
}

func within(dir string, parents ...string) bool {
	for _, p := range parents {
		if dir == p || strings.HasPrefix(dir, p+"/") {
			return true
		}
	}
	return false
}

// lambdaName is the value of AWS_EXECUTION_ENV after "AWS_Lambda_".
func (l *language) lambdaName() string {
	major, rest, _ := strings.Cut(l.version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	switch l.family {
	case "nodejs":
		return "nodejs" + major + ".x"
	case "java":
		return "java" + major
	}
	return l.family + major + "." + minor
}

// variables are the runtime's own.
func (l *language) variables(at places) [][2]string {
	if !l.managed() {
		return nil
	}
	vars := [][2]string{{"AWS_EXECUTION_ENV", "AWS_Lambda_" + l.lambdaName()}}
	major, _, _ := strings.Cut(l.version, ".")
	switch l.family {
	case "nodejs":
		path := []string{at.opt + "/nodejs/node" + major + "/node_modules", at.opt + "/nodejs/node_modules",
			at.runtime + "/node_modules", at.runtime, at.task}
		vars = append(vars, [2]string{"NODE_PATH", strings.Join(path, ":")})
	case "python":
		path := at.runtime
		if l.client.source != "" {
			path = at.client + ":" + path
		}
		if at.opt != sandboxPlaces.opt { // ours looks into /opt by itself, as AWS's does
			path += ":" + at.opt + "/python"
		}
		vars = append(vars, [2]string{"PYTHONPATH", path})
	case "ruby":
		vars = append(vars, [2]string{"RUBYLIB", at.task + ":" + at.runtime + "/lib:" + at.opt + "/ruby/lib"})
	}
	return vars
}
