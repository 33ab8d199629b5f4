package lambda

import (
	"os"

	"thimble/internal/lambda/sandbox"
)

// command is what a cold start executes: for managed runtimes Lambda's start script, which honours
// AWS_LAMBDA_EXEC_WRAPPER and then becomes the interpreter; for provided ones the bootstrap.
func (f *Function) command(at places, interpreter, bootstrap string) []string {
	if !f.lang.managed() {
		return []string{bootstrap}
	}
	args := append([]string{interpreter}, f.lang.arguments(at, f.cfg.Handler)...)
	if f.cfg.Direct {
		return args
	}
	return append([]string{at.runtime + "/bootstrap"}, args...)
}

// sandboxSpec describes the sandbox of one cold start.
func (f *Function) sandboxSpec(address string) sandbox.Spec {
	at := sandboxPlaces
	spec := sandbox.Spec{
		Task:       f.layout.task,
		Opt:        f.layout.opt,
		Env:        f.vars.list(f.lang, at, address, true),
		TmpSize:    f.cfg.TmpSize,
		PrivateNet: f.cfg.Network == networkPrivate,
		UserNS:     f.cfg.UserNS,
		Files:      f.files(at.runtime),
	}
	interpreter := interpreterFolder + "/" + f.lang.name
	if f.lang.managed() {
		spec.Links = []sandbox.Link{{Path: interpreter, Target: f.lang.exe}}
	}
	for _, dir := range f.lang.prefix {
		spec.Binds = append(spec.Binds, sandbox.Bind{Source: dir, Target: dir})
	}
	if f.lang.client.source != "" {
		spec.Binds = append(spec.Binds, sandbox.Bind{Source: f.lang.client.source, Target: at.client})
	}
	spec.Args = f.command(at, interpreter, f.sandboxBootstrap())
	return spec
}

// sandboxBootstrap is where a provided function's program stands inside.
func (f *Function) sandboxBootstrap() string {
	if path, err := f.layout.bootstrap(); err == nil && path == f.layout.opt+"/bootstrap" {
		return "/opt/bootstrap"
	}
	return taskDir + "/bootstrap"
}

// files are /var/runtime's; prepare has read them once already, so they are there.
func (f *Function) files(dir string) []sandbox.File {
	if !f.lang.managed() {
		return nil
	}
	files, err := f.lang.runtimeFiles(dir)
	if err != nil { // embedded files cannot be missing
		panic(err)
	}
	return files
}

// writeRuntime lays /var/runtime's files out on the host, for a start without a sandbox.
func (f *Function) writeRuntime() error {
	dir, err := f.layout.folder("runtime")
	if err != nil {
		return err
	}
	f.layout.runtime = dir
	for _, file := range f.files(dir) {
		if err := replaceFile(file.Path, file.Data, os.FileMode(file.Mode)); err != nil {
			return err
		}
	}
	return nil
}

// plainCommand is the command and the environment of a cold start without a sandbox.
func (f *Function) plainCommand(address string) (args, vars []string) {
	at := f.plainPlaces(os.Getenv("PATH"))
	bootstrap, _ := f.layout.bootstrap() // checked by prepare
	return f.command(at, f.lang.exe, bootstrap), f.vars.list(f.lang, at, address, true)
}
