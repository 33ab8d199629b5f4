package sandbox

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// privateNetwork brings the namespace's loopback up, listens where the runtime API belongs and hands the listener to
// the caller: a socket stays in the namespace it was made in, so the caller serves it without entering.
func privateNetwork() error {
	if err := loopbackUp(); err != nil {
		return fmt.Errorf("bring the loopback up: %w", err)
	}
	l, err := net.Listen("tcp4", privateAPI)
	if err != nil {
		return fmt.Errorf("open the runtime API's port: %w", err)
	}
	defer l.Close()
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		return fmt.Errorf("open the runtime API's port: %w", err)
	}
	defer file.Close()
	return report(message{Listener: true}, []int{int(file.Fd())})
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	req.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req)
}
