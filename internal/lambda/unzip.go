package lambda

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// errTooBig says that code and layers together are more than Lambda accepts.
var errTooBig = fmt.Errorf("code and layers unzip to more than %d MB, Lambda's limit", maxUnzipped>>20)

// maxLinkTarget is the longest symbolic link that a ZIP may hold.
const maxLinkTarget = 4096

// unpack lays a ZIP or a copy of a folder into dir; what is there already gives way. Nothing is ever written outside
// dir: all writing goes through os.Root, which follows no link out of it.
func unpack(source, dir string, budget *int64) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	x := &extractor{root: root, budget: budget}
	info, err := os.Stat(source)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("there is no such file or folder")
	case err != nil:
		return err
	case info.IsDir():
		return x.folder(source)
	}
	return x.zip(source)
}

// extractor writes entries below root, as long as the budget lasts.
type extractor struct {
	root   *os.Root
	budget *int64
}

func (x *extractor) zip(source string) error {
	r, err := zip.OpenReader(source)
	if errors.Is(err, zip.ErrInsecurePath) {
		r.Close()
		return errors.New("an entry leads out of the package")
	}
	if err != nil {
		return fmt.Errorf("read it as a ZIP: %w", err)
	}
	defer r.Close()
	for _, f := range r.File {
		if err := x.zipEntry(f); err != nil {
			return fmt.Errorf("entry %q: %w", f.Name, err)
		}
	}
	return nil
}

func (x *extractor) zipEntry(f *zip.File) error {
	open := func() (io.ReadCloser, error) { return f.Open() }
	mode := f.Mode()
	const unix, darwin = 3, 19
	if system := f.CreatorVersion >> 8; mode.Perm() == 0 || system != unix && system != darwin {
		mode = mode.Type() | 0o644 // written by a tool that knows no modes
	}
	if strings.HasSuffix(f.Name, "/") {
		mode |= fs.ModeDir
	}
	return x.entry(f.Name, mode, open)
}

func (x *extractor) folder(source string) error {
	return filepath.WalkDir(source, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(source, name)
		if err != nil || rel == "." {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return x.entry(filepath.ToSlash(rel), info.Mode(), func() (io.ReadCloser, error) { return openOrLink(name, info.Mode()) })
	})
}

// openOrLink gives a file's bytes, or a link's target as a ZIP would hold it.
func openOrLink(name string, mode fs.FileMode) (io.ReadCloser, error) {
	if mode&fs.ModeSymlink == 0 {
		return os.Open(name)
	}
	target, err := os.Readlink(name)
	return io.NopCloser(strings.NewReader(target)), err
}

// entry writes one folder, file or link.
func (x *extractor) entry(name string, mode fs.FileMode, open func() (io.ReadCloser, error)) error {
	if strings.Contains(name, "\\") || !fs.ValidPath(strings.TrimSuffix(name, "/")) {
		return errors.New("not a path inside the package")
	}
	name = path.Clean(name)
	if mode.IsDir() {
		return x.makeFolder(name, mode)
	}
	if err := x.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	if err := x.root.RemoveAll(name); err != nil {
		return err
	}
	body, err := open()
	if err != nil {
		return err
	}
	defer body.Close()
	switch {
	case mode&fs.ModeSymlink != 0:
		return x.link(name, body)
	case mode.IsRegular():
		return x.file(name, mode.Perm(), body)
	}
	return fmt.Errorf("neither file, folder nor link (%s)", mode)
}

// makeFolder keeps the owner's rights, so that more can be put inside and all be removed again.
func (x *extractor) makeFolder(name string, mode fs.FileMode) error {
	if err := x.root.MkdirAll(name, 0o755); err != nil {
		return err
	}
	if mode.Perm() == 0o644 { // the default for unknown modes
		return nil
	}
	return x.root.Chmod(name, mode.Perm()|0o700)
}

func (x *extractor) link(name string, body io.Reader) error {
	target, err := io.ReadAll(io.LimitReader(body, maxLinkTarget))
	if err != nil {
		return err
	}
	return x.root.Symlink(string(target), name)
}

func (x *extractor) file(name string, mode fs.FileMode, body io.Reader) error {
	f, err := x.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode|0o200)
	if err != nil {
		return err
	}
	defer f.Close()
	n, err := io.Copy(f, io.LimitReader(body, *x.budget+1))
	if err != nil {
		return err
	}
	if *x.budget -= n; *x.budget < 0 {
		return errTooBig
	}
	return f.Chmod(mode) // whatever the umask
}
