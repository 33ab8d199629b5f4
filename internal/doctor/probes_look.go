package doctor

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

func lookKernel(*examination) outcome {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return failure(err)
	}
	detail := fmt.Sprintf("%s %s %s", text(u.Sysname[:]), text(u.Release[:]), text(u.Machine[:]))
	if text(u.Sysname[:]) != "Linux" {
		return outcome{Answer: No, Detail: detail}
	}
	return outcome{Answer: Yes, Detail: detail}
}

func text(field []byte) string {
	name, _, _ := bytes.Cut(field, []byte{0})
	return string(name)
}

func lookCPU(e *examination) outcome {
	detail := arch
	if model := cpuModel(); model != "" {
		detail += ", " + model
	}
	if _, err := e.Library(arch); err != nil {
		return outcome{Answer: No, Detail: detail + ": " + err.Error()}
	}
	return outcome{Answer: Yes, Detail: detail}
}

// cpuModel is the first line of /proc/cpuinfo that names the CPU; the keys differ by architecture.
func cpuModel() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for _, key := range []string{"model name", "CPU part"} {
		for line := range strings.Lines(string(info)) {
			name, value, ok := strings.Cut(line, ":")
			if ok && strings.TrimSpace(name) == key {
				return strings.TrimSpace(value)
			}
		}
	}
	return ""
}

func lookUID(*examination) outcome {
	uid := os.Geteuid()
	o := outcome{Answer: Yes, Detail: fmt.Sprintf("uid %d, gid %d", uid, os.Getegid())}
	if uid == 0 {
		o.Answer = No
	}
	return o
}

func lookTempWritable(e *examination) outcome {
	if e.tempErr != nil {
		return outcome{Answer: No, Errno: errnoOf(e.tempErr), Detail: e.tempErr.Error()}
	}
	err := os.WriteFile(e.file("written"), []byte("x"), 0o600)
	return granted(err)
}

// lookReadOnly asks for the mount's own flag: permissions alone could be changed from inside.
func lookReadOnly(path string) func(*examination) outcome {
	return func(*examination) outcome {
		var fs unix.Statfs_t
		switch err := unix.Statfs(path, &fs); {
		case err == unix.ENOENT:
			return outcome{Answer: Unknown, Errno: "ENOENT", Detail: path + " does not exist"}
		case err != nil:
			return failure(err)
		case int64(fs.Flags)&unix.ST_RDONLY != 0:
			return outcome{Answer: Yes}
		case unix.Access(path, unix.W_OK) != nil:
			return outcome{Answer: No, Detail: "the mount is writable, but not for this user"}
		}
		return outcome{Answer: No, Detail: "writable for this user"}
	}
}

func lookShm(*examination) outcome {
	f, err := os.CreateTemp("/dev/shm", "thimble-doctor-")
	if err != nil {
		return outcome{Answer: No, Errno: errnoOf(err)}
	}
	f.Close()
	os.Remove(f.Name())
	return outcome{Answer: Yes}
}

func lookProc(*examination) outcome {
	var fs unix.Statfs_t
	if err := unix.Statfs("/proc", &fs); err != nil {
		return outcome{Answer: No, Errno: errnoOf(err)}
	}
	if int64(fs.Type) != unix.PROC_SUPER_MAGIC {
		return outcome{Answer: No, Detail: "/proc is another file system"}
	}
	return outcome{Answer: Yes}
}

func lookProcSelfExe(*examination) outcome {
	_, err := os.Readlink("/proc/self/exe")
	return granted(err)
}
