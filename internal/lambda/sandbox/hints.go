package sandbox

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// unavailable explains why the first process could not even be cloned.
func unavailable(err error, mapped bool) error {
	how := "as root"
	if mapped {
		how = "by a user namespace"
	}
	return fmt.Errorf("%w: make namespaces %s: %w%s", ErrUnavailable, how, err, hints(err))
}

// obstacles are kernel settings that forbid user namespaces, the value that does so, and the remedy.
var obstacles = []struct{ path, value, remedy string }{
	{"/proc/sys/user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=15000"},
	{"/proc/sys/kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"},
	{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
		"sysctl kernel.apparmor_restrict_unprivileged_userns=0"},
}

// hints says what the machine lacks, as far as it can be seen, and what to do.
func hints(err error) string {
	var found []string
	for _, o := range obstacles {
		data, readErr := os.ReadFile(o.path)
		if readErr == nil && strings.TrimSpace(string(data)) == o.value {
			found = append(found, fmt.Sprintf("%s is %s (%s)", o.path, o.value, o.remedy))
		}
	}
	if inContainer() {
		found = append(found, "in a container the sandbox needs CAP_SYS_ADMIN and an unmasked /proc (docker run --privileged)")
	}
	if len(found) == 0 && errors.Is(err, syscall.EPERM) && os.Geteuid() != 0 {
		found = append(found, "unprivileged user namespaces are refused here; run as root")
	}
	if len(found) == 0 {
		return "; --no-sandbox runs the function without one"
	}
	return "; " + strings.Join(found, "; ") + "; or --no-sandbox runs the function without one"
}

func inContainer() bool {
	for _, path := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(path); err == nil {
			return true
		}
	}
	return false
}
