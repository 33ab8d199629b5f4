package policy

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// Load reads policies from files, from folders (their *.yaml and *.yml files) and, for "-", from stdin. As an error it
// returns Problems with all that is wrong in any of the files, or what kept it from reading one.
func Load(paths []string, stdin io.Reader) ([]Document, error) {
	var docs []Document
	var problems Problems
	for _, path := range paths {
		files, err := policyFiles(path)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			data, err := readLimited(file, stdin)
			if err != nil {
				return nil, err
			}
			d, p := parseFile(displayName(file), data)
			docs, problems = append(docs, d...), append(problems, p...)
		}
	}
	problems = append(problems, conflicts(docs)...)
	if len(problems) > 0 {
		return nil, sorted(problems)
	}
	return docs, nil
}

// Policies are the policies of the documents, as the compiler takes them.
func Policies(docs []Document) []Policy {
	ps := make([]Policy, len(docs))
	for i, d := range docs {
		ps[i] = *d.Policy
	}
	return ps
}

func displayName(file string) string {
	if file == "-" {
		return "stdin"
	}
	return file
}

// policyFiles are the files that a path given by the user stands for.
func policyFiles(path string) ([]string, error) {
	if path == "-" {
		return []string{path}, nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read policy: there is no file %q", path)
	}
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("read policies of a folder: %w", err)
	}
	var files []string
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); !e.IsDir() && (ext == ".yaml" || ext == ".yml") && !strings.HasPrefix(e.Name(), ".") {
			files = append(files, filepath.Join(path, e.Name()))
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("read policies of a folder: %q has no .yaml or .yml file", path)
	}
	sort.Strings(files)
	return files, nil
}

// readLimited reads one byte more than a policy may have, so that the parser sees that there are too many.
func readLimited(file string, stdin io.Reader) ([]byte, error) {
	from := stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("read policy: %w", err)
		}
		defer f.Close()
		from = f
	}
	data, err := io.ReadAll(io.LimitReader(from, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read policy %q: %w", displayName(file), err)
	}
	return data, nil
}
