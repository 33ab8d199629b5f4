package lambda

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"thimble/internal/lambda/sandbox"
)

// clientFiles are the runtime clients of our own, and the script that managed runtimes start with.
//
//go:embed clients
var clientFiles embed.FS

// client is the program between the runtime API and the handler.
type client struct {
	script string // our own client's file below /var/runtime; empty for AWS's
	source string // folder of AWS's client on the host; empty for ours
}

// ownClients are the runtimes for which we bring a client.
var ownClients = map[string]string{"nodejs": "index.mjs", "python": "bootstrap.py", "ruby": "bootstrap.rb"}

// awsClients say by which file a folder with AWS's client is recognised, and where such folders are looked for.
var awsClients = map[string]struct{ mark, cache, name string }{
	"nodejs": {"bin/index.mjs", "node/node_modules/aws-lambda-ric", "aws-lambda-ric (npm)"},
	"python": {"awslambdaric/__main__.py", "python", "awslambdaric (PyPI)"},
	"java":   {"*.jar", "java", "aws-lambda-java-runtime-interface-client with its dependencies (Maven)"},
}

const javaMain = "com.amazonaws.services.lambda.runtime.api.client.AWSLambda"

// chooseClient settles which client is used.
func (l *language) chooseClient(choice string, lay *layout) error {
	if !l.managed() {
		if choice != "" && choice != clientBuiltin {
			return fmt.Errorf("client %q: a provided runtime brings its own in its bootstrap", choice)
		}
		return nil
	}
	if choice == "" || choice == clientBuiltin {
		script, ok := ownClients[l.family]
		if !ok {
			return fmt.Errorf("there is no built-in client for %s: give the folder of %s with --ric", l.family, awsClients[l.family].name)
		}
		l.client = client{script: script}
		return nil
	}
	known, ok := awsClients[l.family]
	if !ok {
		return fmt.Errorf("client %q: only the built-in client is supported for %s", choice, l.family)
	}
	dirs := []string{choice, filepath.Join(choice, "node_modules/aws-lambda-ric")}
	if choice == clientAWS {
		dirs = clientPlaces(known.cache, lay)
	}
	for _, dir := range dirs {
		if found, _ := filepath.Glob(filepath.Join(dir, known.mark)); len(found) > 0 {
			abs, err := filepath.Abs(dir)
			l.client = client{source: abs}
			return err
		}
	}
	return fmt.Errorf("no %s in %s: install it there, or give its folder with --ric", known.name, strings.Join(dirs, ", "))
}

// clientPlaces are the folders where "aws" looks: the code itself, THIMBLE_CLIENTS, then .cache/clients here and above.
func clientPlaces(cache string, lay *layout) []string {
	dirs := []string{filepath.Join(lay.task, "node_modules/aws-lambda-ric"), lay.task}
	if env := os.Getenv("THIMBLE_CLIENTS"); env != "" {
		dirs = append(dirs, filepath.Join(env, cache))
	}
	dir, err := os.Getwd()
	for err == nil {
		dirs = append(dirs, filepath.Join(dir, ".cache/clients", cache))
		if dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	return dirs
}

// arguments are what follows the interpreter.
func (l *language) arguments(at places, handler string) []string {
	own := at.runtime + "/" + l.client.script
	switch {
	case l.family == "nodejs" && l.client.source == "":
		return []string{"--expose-gc", "--max-http-header-size", "81920", own}
	case l.family == "nodejs":
		return []string{"--expose-gc", "--max-http-header-size", "81920", at.client + "/bin/index.mjs", handler}
	case l.family == "python" && l.client.source != "":
		return []string{"-m", "awslambdaric", handler}
	case l.family == "java":
		classes := strings.Join([]string{at.client + "/*", at.task, at.task + "/lib/*", at.opt + "/java/lib/*"}, ":")
		return []string{"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", classes, javaMain, handler}
	}
	return []string{own}
}

// checkHandler finds mistakes before the function is started, where it can: a handler may also come from a layer.
func (l *language) checkHandler(handler string, lay *layout) error {
	if l.family == "provided" {
		return checkBootstrap(lay)
	}
	if handler == "" {
		return fmt.Errorf("no handler given: for %s it is like %q", l.family, handlerExample[l.family])
	}
	dir, base := filepath.Split(handler)
	module, _, ok := strings.Cut(base, ".")
	if l.family == "python" {
		at := strings.LastIndex(handler, ".")
		ok = at > 0
		dir, module = "", strings.ReplaceAll(handler[:max(at, 0)], ".", "/")
	}
	if l.family == "java" || filepath.IsAbs(dir) {
		return nil
	}
	if !ok {
		return fmt.Errorf("handler %q names no function: for %s it is like %q", handler, l.family, handlerExample[l.family])
	}
	return findModule(l.family, handler, filepath.Join(dir, module), lay)
}

var handlerExample = map[string]string{
	"nodejs": "index.handler", "python": "app.handler", "ruby": "app.handler", "java": "example.Handler::handleRequest",
}

var moduleEndings = map[string][]string{
	"nodejs": {".js", ".mjs", ".cjs", "", "/index.js"},
	"python": {".py", "/__init__.py", ".so", ".cpython-*.so"},
	"ruby":   {".rb"},
}

func findModule(family, handler, module string, lay *layout) error {
	var tried []string
	for _, ending := range moduleEndings[family] {
		if found, _ := filepath.Glob(filepath.Join(lay.task, module+ending)); len(found) > 0 {
			return nil
		}
		tried = append(tried, module+ending)
	}
	if lay.layers > 0 {
		return nil
	}
	return fmt.Errorf("handler %q: the code has none of %s", handler, strings.Join(tried[:min(3, len(tried))], ", "))
}

// checkBootstrap looks for a provided function's program.
func checkBootstrap(lay *layout) error {
	path, err := lay.bootstrap()
	if err != nil {
		return err
	}
	if !isProgram(path) {
		return fmt.Errorf("bootstrap %q is not executable: chmod +x it", path)
	}
	return nil
}

// bootstrap is the host's path of a provided function's program; a layer's never beats the code's.
func (l *layout) bootstrap() (string, error) {
	for _, dir := range []string{l.task, l.opt} {
		if dir == "" {
			continue
		}
		path := filepath.Join(dir, "bootstrap")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("look for the bootstrap: %w", err)
		}
	}
	return "", errors.New("no bootstrap in the code or a layer: a provided function is an executable of that name")
}

// runtimeFiles are what goes into /var/runtime.
func (l *language) runtimeFiles(dir string) ([]sandbox.File, error) {
	names := []string{"bootstrap"}
	if l.client.script != "" {
		names = append(names, l.client.script)
	}
	var files []sandbox.File
	for _, name := range names {
		data, err := clientFiles.ReadFile("clients/" + name)
		if err != nil {
			return nil, fmt.Errorf("read the built-in client: %w", err)
		}
		mode := uint32(0o644)
		if name == "bootstrap" {
			mode = 0o755
		}
		files = append(files, sandbox.File{Path: dir + "/" + name, Data: data, Mode: mode})
	}
	return files, nil
}
