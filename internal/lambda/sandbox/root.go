package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// systemDirs are the host's folders that hold programs, libraries and their configuration.
var systemDirs = []string{"/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc"}

// devices are what Lambda's /dev offers; /dev/shm is missing there too.
var devices = []string{"null", "zero", "full", "random", "urandom"}

// buildRoot assembles the root over spec.Root and makes it the root of this mount namespace.
func buildRoot(spec *Spec) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	b := &builder{root: spec.Root}
	b.tmpfs("/", 16<<20, "mode=0755")
	for _, dir := range systemDirs {
		b.system(dir)
	}
	b.resolver()
	b.devices()
	b.function(spec)
	b.owned(spec)
	if b.err == nil {
		b.err = unix.Mount("proc", b.path("/proc"), "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
		b.fail("mount /proc", b.err)
	}
	if b.err != nil {
		return b.err
	}
	return enter(spec.Root)
}

// builder keeps the first error, so that assembling reads as a list.
type builder struct {
	root string
	err  error
}

func (b *builder) path(p string) string { return filepath.Join(b.root, p) }

func (b *builder) fail(step string, err error) {
	if err != nil {
		b.err = fmt.Errorf("%s: %w", step, err)
	}
}

func (b *builder) tmpfs(at string, size int64, options string) {
	b.mkdir(at)
	if b.err == nil {
		data := "size=" + strconv.FormatInt(size, 10) + "," + options
		b.fail("mount "+at, unix.Mount("tmpfs", b.path(at), "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, data))
	}
}

func (b *builder) mkdir(dir string) {
	if b.err == nil {
		b.fail("make "+dir, os.MkdirAll(b.path(dir), 0o755))
	}
}

func (b *builder) symlink(target, at string) {
	b.mkdir(filepath.Dir(at))
	if b.err == nil {
		b.fail("link "+at, os.Symlink(target, b.path(at)))
	}
}

func (b *builder) file(at string, data []byte, mode os.FileMode) {
	b.mkdir(filepath.Dir(at))
	if b.err == nil {
		b.fail("write "+at, os.WriteFile(b.path(at), data, mode))
	}
	if b.err == nil {
		b.fail("write "+at, os.Chmod(b.path(at), mode)) // whatever the umask
	}
}

// system shows a folder of the host, or repeats it where it is a link into /usr.
func (b *builder) system(dir string) {
	if target, err := os.Readlink(dir); err == nil {
		b.symlink(target, dir)
		return
	}
	if _, err := os.Stat(dir); err == nil {
		b.bind(dir, dir)
	}
}

// resolver shows the resolver's configuration where /etc/resolv.conf leads out of /etc.
func (b *builder) resolver() {
	target, err := filepath.EvalSymlinks("/etc/resolv.conf")
	if err == nil && filepath.Dir(target) != "/etc" && filepath.IsAbs(target) {
		b.bind(target, target)
	}
}

// bind shows a folder or file of the host read-only.
func (b *builder) bind(source, target string) {
	b.bindWith(source, target, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV)
}

func (b *builder) bindWith(source, target string, attrs uint64) {
	if b.err != nil {
		return
	}
	info, err := os.Stat(source)
	if err != nil {
		b.fail("show "+target, err)
		return
	}
	if info.IsDir() {
		b.mkdir(target)
	} else if _, err := os.Lstat(b.path(target)); err != nil {
		b.file(target, nil, 0o644)
	}
	if b.err != nil {
		return
	}
	b.fail("bind "+target, unix.Mount(source, b.path(target), "", unix.MS_BIND|unix.MS_REC, ""))
	if b.err == nil && attrs != 0 {
		b.fail("make "+target+" read-only", setAttributes(b.path(target), attrs))
	}
}

// setAttributes adds attributes to a mount and those below it. Before Linux 5.12 a remount does so for one mount.
func setAttributes(path string, attrs uint64) error {
	err := unix.MountSetattr(unix.AT_FDCWD, path, unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: attrs})
	if !errors.Is(err, unix.ENOSYS) {
		return err
	}
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return err
	}
	// The mount flags of statfs have the same values as mount's; those that were set may be locked.
	kept := uintptr(st.Flags) & (unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOATIME |
		unix.MS_NODIRATIME)
	return unix.Mount("", path, "", unix.MS_REMOUNT|unix.MS_BIND|kept|uintptr(attrs), "")
}

func (b *builder) devices() {
	b.mkdir("/dev")
	for _, name := range devices {
		b.bindWith("/dev/"+name, "/dev/"+name, 0)
	}
	for name, target := range map[string]string{"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"} {
		b.symlink("/proc/self/fd"+target, "/dev/"+name)
	}
	b.mkdir("/proc")
}

// function shows the code, the layers and a private /tmp.
func (b *builder) function(spec *Spec) {
	b.bind(spec.Task, "/var/task")
	if spec.Opt != "" {
		b.bind(spec.Opt, "/opt")
	} else {
		b.mkdir("/opt")
	}
	size := spec.TmpSize
	if size <= 0 {
		size = defaultTmp
	}
	b.tmpfs("/tmp", size, fmt.Sprintf("mode=0700,uid=%d,gid=%d", UID, GID))
}

// owned places the specification's own files, links and binds.
func (b *builder) owned(spec *Spec) {
	b.mkdir("/var/runtime")
	b.mkdir("/var/lang/bin")
	for _, f := range spec.Files {
		b.file(f.Path, f.Data, os.FileMode(f.Mode))
	}
	for _, l := range spec.Links {
		b.symlink(l.Target, l.Path)
	}
	for _, bind := range spec.Binds {
		b.bind(bind.Source, bind.Target)
	}
}

// enter makes root the root, forgets the old one and closes the new one for writing.
func enter(root string) error {
	if err := unix.Chdir(root); err != nil {
		return fmt.Errorf("enter the new root: %w", err)
	}
	// Old and new root stacked on one another: the old one is then unmounted by its place (pivot_root(2), notes).
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("change the root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leave the old root: %w", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return fmt.Errorf("enter the new root: %w", err)
	}
	return remountReadOnly("/")
}

// remountReadOnly closes one mount, not those below it.
func remountReadOnly(path string) error {
	flags := uintptr(unix.MS_REMOUNT | unix.MS_BIND | unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV)
	if err := unix.Mount("", path, "", flags, ""); err != nil {
		return fmt.Errorf("make %s read-only: %w", path, err)
	}
	return nil
}
