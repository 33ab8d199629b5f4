package demo

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// World is everything outside the function: the site with the documents and the attacker's server and listener. All of it
// listens on loopback only.
type World struct {
	Documents string // base address, e.g. http://127.0.0.1:4711
	ShellPort int

	mu   sync.Mutex
	loot strings.Builder // what arrived since Forget

	files    map[string][]byte // the attacker's downloads
	server   *http.Server
	listener net.Listener
	done     sync.WaitGroup
}

const documentText = "Quarterly report. The kettle works; the window does not."

// NewWorld starts the servers. The files are what the attacker offers for download.
func NewWorld(files map[string][]byte) (*World, error) {
	site, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start document server: %w", err)
	}
	shell, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		site.Close()
		return nil, fmt.Errorf("start listener: %w", err)
	}
	w := &World{
		Documents: "http://" + site.Addr().String(),
		ShellPort: shell.Addr().(*net.TCPAddr).Port,
		files:     files,
		listener:  shell,
	}
	w.server = &http.Server{Handler: http.HandlerFunc(w.serve)}
	w.done.Add(2)
	go func() { defer w.done.Done(); w.server.Serve(site) }()
	go func() { defer w.done.Done(); w.acceptShells() }()
	return w, nil
}

// Close stops the servers.
func (w *World) Close() {
	w.server.Close()
	w.listener.Close()
	w.done.Wait()
}

// Forget drops what has arrived so far.
func (w *World) Forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.loot.Reset()
}

// Loot is what has arrived since Forget.
func (w *World) Loot() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.loot.String()
}

// WaitLoot waits a little for a text to arrive: a shell on the listener may outlive the invocation that opened it.
func (w *World) WaitLoot(text string, patience time.Duration) bool {
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if strings.Contains(w.Loot(), text) {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

func (w *World) keep(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.loot.Len() < 1<<20 {
		w.loot.WriteString(text + "\n")
	}
}

func (w *World) serve(out http.ResponseWriter, in *http.Request) {
	switch {
	case in.URL.Path == "/report.doc":
		io.WriteString(out, documentText+"\n")
	case in.URL.Path == "/moved":
		http.Redirect(out, in, "/report.doc", http.StatusFound)
	case w.files[in.URL.Path] != nil:
		out.Write(w.files[in.URL.Path])
	default:
		body, _ := io.ReadAll(io.LimitReader(in.Body, 1<<18))
		query, err := url.QueryUnescape(in.URL.RequestURI())
		if err != nil {
			query = in.URL.RequestURI()
		}
		w.keep(query + "\n" + string(body))
		io.WriteString(out, "thank you\n")
	}
}

// acceptShells gives every shell that connects one command and keeps what it answers.
func (w *World) acceptShells() {
	for {
		conn, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.done.Add(1)
		go func() {
			defer w.done.Done()
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(2 * time.Second))
			fmt.Fprintf(conn, "echo shell-$((6*7)); exit\n")
			for lines := bufio.NewScanner(conn); lines.Scan(); {
				w.keep(lines.Text())
			}
		}()
	}
}
