package lambda

import (
	"slices"
	"strings"
	"testing"
)

func TestRuntimeNames(t *testing.T) {
	for runtime, want := range map[string]string{
		"nodejs": "nodejs", "nodejs20.x": "nodejs 20", "nodejs22": "nodejs 22", "node": "nodejs",
		"python3": "python", "python3.12": "python 3.12", "ruby": "ruby", "ruby3.2": "ruby 3.2", "ruby3.4": "ruby 3.4",
		"java17": "java 17", "java8.al2": "java 8", "provided": "provided", "provided.al2": "provided", "provided.al2023": "provided",
		"python2.7": "", "dotnet8": "", "nodejs20.x.y": "", "": "", "Provided": "",
	} {
		got := ""
		for name, fam := range families {
			if m := fam.pattern.FindStringSubmatch(runtime); m != nil {
				got = strings.TrimSpace(strings.Join(append([]string{name}, m[1:]...), " "))
			}
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", runtime, got, want)
		}
	}
}

func TestVersionFits(t *testing.T) {
	for _, tt := range []struct {
		have, want string
		fits       bool
	}{
		{"3.11.2", "", true}, {"3.11.2", "3.11", true}, {"3.11.2", "3.1", false}, {"20.20.2", "20", true}, {"20.20.2", "2", false},
		{"17.0.1", "17", true}, {"17", "17", true},
	} {
		if got := versionFits(tt.have, tt.want); got != tt.fits {
			t.Errorf("%s for %q: got %v, want %v", tt.have, tt.want, got, tt.fits)
		}
	}
}

func TestOutsideSystem(t *testing.T) {
	got := outsideSystem([]string{"/usr", "/usr/bin", "/srv/v/3.12/bin", "/srv/v/3.12", "/opt/node/", "/", "/srv/v/3.12", "relative", "/usrlocal"})
	if want := []string{"/opt/node", "/srv/v/3.12", "/usrlocal"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestInterpreterOutsideSystem runs an interpreter that only a bind makes visible, where a version manager has one.
func TestInterpreterOutsideSystem(t *testing.T) {
	var found string
	for _, version := range []string{"3.13", "3.12", "3.11", "3.10", "3.9"} {
		if lang, err := findLanguage("python" + version); err == nil && len(lang.prefix) > 0 {
			found = version
		}
	}
	if found == "" {
		t.Skip("no Python outside the system's folders on this machine")
	}
	fn := newFunction(t, cfgWith(python("handler"), func(c *Config) { c.Runtime = "python" + found }))
	succeed[greeting](t, fn, `{"name":"Ada"}`)
}
