package demo

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// need skips a test for want of something, loudly; where everything has to be there it fails.
func need(t *testing.T, ok bool, what string) {
	t.Helper()
	if ok {
		return
	}
	if os.Getenv("THIMBLE_TEST_STRICT") == "1" {
		t.Fatalf("this machine lacks %s", what)
	}
	t.Skipf("SKIPPED: this machine lacks %s", what)
}

func hosts(t *testing.T, runtime string) Host {
	t.Helper()
	host, err := Inspect(runtime)
	need(t, err == nil, runtime)
	return host
}

// An attack that does not work without protection proves nothing with it.
func TestEveryAttackWorksUnprotected(t *testing.T) {
	namespaces := exec.Command("unshare", "--map-root-user", "--mount", "--pid", "--fork", "true").Run() == nil
	for _, runtime := range []string{"node", "python"} {
		t.Run(runtime, func(t *testing.T) {
			need(t, namespaces, "user namespaces")
			checkUnprotected(t, hosts(t, runtime))
		})
		t.Run(runtime+" without curl, catdoc and bash", func(t *testing.T) {
			need(t, namespaces, "user namespaces")
			checkUnprotected(t, bare(t, hosts(t, runtime)))
		})
	}
}

// bare is the host without what many machines lack.
func bare(t *testing.T, host Host) Host {
	t.Helper()
	wget, ok := lookPath("wget")
	need(t, ok, "wget")
	cat, loader, ok := dynamicProgram("cat")
	need(t, ok, "a cat of its own")
	host.Bash, host.Converter, host.Loader = false, cat, loader
	host.Fetch, host.Fetcher = "wget -q -O -", wget
	return host
}

func checkUnprotected(t *testing.T, host Host) {
	t.Helper()
	r := playUnprotected(t, Config{Host: host, Platform: plainPlatform{host}, Keep: t.TempDir()})
	for _, o := range r.Attacks {
		if !o.Without.Got {
			t.Errorf("attack %q did not work: %+v", o.Name, o.Without)
		}
	}
	for _, b := range r.GoodWithout.Broken {
		t.Errorf("good request broken: %+v", b)
	}
	if r.GoodWithout.Made < len(r.Attacks)+2*len(goodTwins) {
		t.Errorf("%d good requests made for %d attacks", r.GoodWithout.Made, len(r.Attacks))
	}
}

func playUnprotected(t *testing.T, c Config) *Report {
	t.Helper()
	r, err := newRun(c, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer r.arsenal.world.Close()
	for _, a := range Attacks {
		if a.fits(c.Host) {
			r.report.Attacks = append(r.report.Attacks, Outcome{Name: a.Name})
		}
	}
	if err := r.playSide(context.Background(), false); err != nil {
		t.Fatal(err)
	}
	if t.Failed() || testing.Verbose() {
		logKept(t, c.Keep)
	}
	return r.report
}

func logKept(t *testing.T, dir string) {
	files, _ := os.ReadDir(dir)
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".response.txt") {
			data, _ := os.ReadFile(dir + "/" + f.Name())
			t.Logf("%s: %.150q", f.Name(), data)
		}
	}
}

func TestAttackTable(t *testing.T) {
	if len(Attacks) < 18 {
		t.Errorf("%d attacks", len(Attacks))
	}
	var names []string
	for _, a := range Attacks {
		if slices.Contains(names, a.Name) {
			t.Errorf("attack %q stands twice", a.Name)
		}
		names = append(names, a.Name)
		if a.Wants == "" || a.Loot == "" || a.proof == "" {
			t.Errorf("attack %q is incomplete", a.Name)
		}
	}
}

// A proof that stands in the event itself would be proven by any error message that quotes it.
func TestNoAttackCarriesItsOwnProof(t *testing.T) {
	for _, runtime := range []string{"node", "python"} {
		host := Host{Runtime: runtime, Fetch: "curl --silent -L", Fetcher: "/usr/bin/curl", Interpreter: "/usr/bin/" + runtime}
		s, err := newArsenal(host)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range Attacks {
			event, err := s.event(a)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(event), strings.TrimSpace(a.proof)) {
				t.Errorf("%s: the event of attack %q contains its proof %q", runtime, a.Name, a.proof)
			}
		}
		s.world.Close()
	}
}
