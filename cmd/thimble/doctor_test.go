package main

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"thimble/internal/doctor"
	"thimble/internal/lambda/sandbox"
)

// runtimeAPI is the part of Lambda's runtime API that a handler needs: it hands out invocations and takes responses.
type runtimeAPI struct {
	ids       chan string
	responses chan response
}

type response struct {
	path string
	body []byte
}

func (a *runtimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const next = "/2018-06-01/runtime/invocation/next"
	if r.URL.Path != next {
		body, _ := io.ReadAll(r.Body)
		a.responses <- response{strings.TrimPrefix(r.URL.Path, "/2018-06-01/runtime/"), body}
		w.WriteHeader(http.StatusAccepted)
		return
	}
	select {
	case id := <-a.ids:
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", id)
		w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:doctor")
		io.WriteString(w, `{"any":"event"}`)
	case <-r.Context().Done():
	}
}

// invokeDoctor starts the bootstrap as a runtime would and invokes it twice.
func invokeDoctor(t *testing.T, bootstrap string) []doctor.Report {
	t.Helper()
	api := &runtimeAPI{ids: make(chan string, 2), responses: make(chan response, 4)}
	server := httptest.NewServer(api)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	cmd := exec.CommandContext(ctx, bootstrap)
	cmd.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + server.Listener.Addr().String(), "PATH=/bin:/usr/bin"}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait(); server.Close() })
	var reports []doctor.Report
	for _, id := range []string{"first", "second"} {
		api.ids <- id
		reports = append(reports, readResponse(ctx, t, api, id))
	}
	return reports
}

func readResponse(ctx context.Context, t *testing.T, api *runtimeAPI, id string) doctor.Report {
	t.Helper()
	var report doctor.Report
	select {
	case got := <-api.responses:
		if want := "invocation/" + id + "/response"; got.path != want {
			t.Fatalf("the handler posted to %q, want %q: %s", got.path, want, got.body)
		}
		if err := json.Unmarshal(got.body, &report); err != nil {
			t.Fatalf("response of %q: %v\n%s", id, err, got.body)
		}
	case <-ctx.Done():
		t.Fatalf("no response to %q", id)
	}
	return report
}

func checkReports(t *testing.T, reports []doctor.Report) {
	t.Helper()
	for i, r := range reports {
		if !r.Runs || r.Tier != doctor.TierLibrary {
			t.Errorf("invocation %d: runs %v, tier %q (%s); want the library tier", i, r.Runs, r.Tier, r.Why)
		}
		if len(r.Probes) < 20 || len(r.Uncovered) == 0 || len(r.NotEnforced) == 0 {
			t.Errorf("invocation %d: %d probes, %d uncovered, %d not enforced", i, len(r.Probes), len(r.Uncovered), len(r.NotEnforced))
		}
	}
}

func TestDoctorHandler(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bootstrap := filepath.Join(t.TempDir(), "bootstrap")
	if err := os.Symlink(self, bootstrap); err != nil {
		t.Fatal(err)
	}
	checkReports(t, invokeDoctor(t, bootstrap))
}

// TestDoctorPackage deploys what the command writes: a static executable, built here.
func TestDoctorPackage(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: builds Thimble")
	}
	folder := t.TempDir()
	out := filepath.Join(folder, "doctor.zip")
	if err := packageDoctor(context.Background(), out, runtime.GOARCH, ""); err != nil {
		t.Fatal(err)
	}
	bootstrap := filepath.Join(folder, "bootstrap")
	unpackOnly(t, out, bootstrap)
	checkReports(t, invokeDoctor(t, bootstrap))
	t.Run("sandbox", func(t *testing.T) { checkLambda(t, invokeInSandbox(t, bootstrap, out)) })
	left, err := filepath.Glob(filepath.Join(folder, ".thimble-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// invokeInSandbox lets the packaged executable, which is all of Thimble, run its own ZIP as Lambda would.
func invokeInSandbox(t *testing.T, thimble, archive string) doctor.Report {
	t.Helper()
	if err := sandbox.Available(); err != nil {
		if os.Getenv("THIMBLE_TEST_STRICT") == "1" {
			t.Fatalf("no sandbox: %v", err)
		}
		t.Skipf("SKIPPED: no sandbox: %v", err)
	}
	cmd := exec.Command(thimble, "invoke", "--runtime", "provided.al2023", "--handler", "doctor", "--code", archive,
		"--timeout", "60", "--format", "json")
	var talk strings.Builder
	cmd.Stderr = &talk
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, talk.String())
	}
	var result struct{ Response doctor.Report }
	if err := json.Unmarshal(out, &result); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return result.Response
}

// checkLambda: the sandbox refuses what Lambda is known to refuse, so the doctor must find exactly that.
func checkLambda(t *testing.T, r doctor.Report) {
	t.Helper()
	checkReports(t, []doctor.Report{r})
	if r.Seal.Possible != doctor.No {
		t.Errorf("seal possible: %q, want no", r.Seal.Possible)
	}
	want := map[string]string{
		"no_new_privs": "no EPERM", "seccomp": "no EPERM", "pr_set_name": "no EPERM", "pr_set_pdeathsig": "no EPERM",
		"ptrace": "no EPERM", "user_namespaces": "no EPERM", "fallocate": "no EPERM", "landlock": "no ENOSYS",
		"dev_shm": "no ENOENT", "process_vm_readv": "yes ", "uid": "yes ", "exec_tmp": "yes ", "root_read_only": "yes ",
		"task_read_only": "yes ", "opt_read_only": "yes ", "proc": "yes ", "ld_preload": "yes ",
	}
	for _, p := range r.Probes {
		got := string(p.Answer) + " " + p.Errno
		if want[p.ID] != "" && got != want[p.ID] {
			t.Errorf("%s: got %q (%s), want %q", p.ID, got, p.Detail, want[p.ID])
		}
		delete(want, p.ID)
	}
	if len(want) > 0 {
		t.Errorf("never asked: %v", want)
	}
}

// unpackOnly unpacks the one file of the ZIP with its mode.
func unpackOnly(t *testing.T, archive, to string) {
	t.Helper()
	r, err := zip.OpenReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if len(r.File) != 1 || r.File[0].Name != "bootstrap" || r.File[0].Mode() != 0o755 {
		t.Fatalf("the ZIP holds %v, want bootstrap with mode 0755 alone", r.File)
	}
	f, err := r.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, r.File[0].Mode()); err != nil {
		t.Fatal(err)
	}
}

func TestDoctorPackageOtherCPU(t *testing.T) {
	other := map[string]string{"amd64": "arm64", "arm64": "amd64"}[runtime.GOARCH]
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "doctor.zip")
	err = packageDoctor(context.Background(), out, other, self)
	if err == nil || !strings.Contains(err.Error(), "not for "+other) {
		t.Errorf("got %v, want a refusal of the other CPU's executable", err)
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("a ZIP was left behind: %v", err)
	}
}

func TestStartedAsHandler(t *testing.T) {
	tests := []struct {
		arg0, api string
		want      bool
	}{
		{"/var/task/bootstrap", "127.0.0.1:9001", true},
		{"bootstrap", "127.0.0.1:9001", true},
		{"/var/task/bootstrap", "", false},
		{"/usr/bin/thimble", "127.0.0.1:9001", false},
	}
	for _, tt := range tests {
		if got := startedAsHandler(tt.arg0, tt.api); got != tt.want {
			t.Errorf("startedAsHandler(%q, %q) = %v, want %v", tt.arg0, tt.api, got, tt.want)
		}
	}
}

func TestDoctorExit(t *testing.T) {
	if err := doctorExit(doctor.Report{Runs: true}); err != nil {
		t.Errorf("where the enforcer runs: got %v, want success", err)
	}
	var code exitError
	if err := doctorExit(doctor.Report{Why: "no loader"}); !errors.As(err, &code) || code.code != 1 {
		t.Errorf("where it does not run: got %v, want exit status 1", err)
	}
}

func TestWrap(t *testing.T) {
	tests := []struct {
		text  string
		width int
		want  []string
	}{
		{"", 10, []string{""}},
		{"one two", 10, []string{"one two"}},
		{"one two three", 7, []string{"one two", "three"}},
		{"incomprehensible x", 4, []string{"incomprehensible", "x"}},
	}
	for _, tt := range tests {
		if got := wrap(tt.text, tt.width); strings.Join(got, "|") != strings.Join(tt.want, "|") {
			t.Errorf("wrap(%q, %d) = %q, want %q", tt.text, tt.width, got, tt.want)
		}
	}
}
