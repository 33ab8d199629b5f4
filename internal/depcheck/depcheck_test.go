package depcheck

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "thimble"
	root   = "../.."
)

// goFile is what the rules need to know of one Go file.
type goFile struct {
	name    string // path from the root
	pkg     string // folder from the root
	test    bool
	doc     string
	imports []string
}

// goFiles parses every Go file of the module, whatever its build constraints say.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skipFolder(name, d.Name())
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		file, err := parse(name)
		files = append(files, file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no Go files found")
	}
	return files
}

// skipFolder leaves out what the go command leaves out, and folders that are modules of their own.
func skipFolder(name, base string) error {
	if name == root {
		return nil
	}
	if base == "testdata" || base == "node_modules" || base[0] == '.' || base[0] == '_' {
		return fs.SkipDir
	}
	if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func parse(name string) (goFile, error) {
	f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.ImportsOnly)
	if err != nil {
		return goFile{}, err
	}
	rel, err := filepath.Rel(root, name)
	if err != nil {
		return goFile{}, err
	}
	rel = filepath.ToSlash(rel)
	return goFile{
		name:    rel,
		pkg:     path.Dir(rel),
		test:    strings.HasSuffix(rel, "_test.go"),
		doc:     f.Doc.Text(),
		imports: importPaths(f),
	}, nil
}

func importPaths(f *ast.File) []string {
	var paths []string
	for _, spec := range f.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}

func TestImports(t *testing.T) {
	unknown := map[string]bool{}
	for _, file := range goFiles(t) {
		rule, known := allowed[file.pkg]
		if !known && unknown[file.pkg] {
			continue
		}
		if !known {
			unknown[file.pkg] = true
			t.Errorf("%s: package %q is not in the table: add it to allowed in internal/depcheck/table_test.go, "+
				"with the packages that it may import", file.name, file.pkg)
			continue
		}
		for _, imp := range file.imports {
			if why := rule.refuses(imp, file); why != "" {
				t.Errorf("%s imports %q: %s; either turn the arrow round or change the table in "+
					"internal/depcheck/table_test.go and say why", file.name, imp, why)
			}
		}
	}
}

// refuses says why a file of a package with this rule may not import imp, or "".
func (r rule) refuses(imp string, file goFile) string {
	if strings.HasPrefix(imp, awsSDK) && file.pkg != "internal/aws" {
		return "only internal/aws may import the AWS SDK"
	}
	own, isOwn := strings.CutPrefix(imp, module+"/")
	if isOwn && strings.HasPrefix(own, "cmd/") {
		return "nothing imports a command"
	}
	if file.test || isStandard(imp) {
		return ""
	}
	if isOwn && !slices.ContainsFunc(r.own, func(a string) bool { return a == own || a[len(a)-1] == '/' && strings.HasPrefix(own, a) }) {
		return "package " + file.pkg + " may not import it"
	}
	if !isOwn && !slices.ContainsFunc(r.other, func(a string) bool { return imp == a || strings.HasPrefix(imp, a+"/") }) {
		return "package " + file.pkg + " may not import this module"
	}
	return ""
}

// isStandard: "C" is cgo's.
func isStandard(imp string) bool {
	if imp == "C" {
		return true
	}
	first, _, _ := strings.Cut(imp, "/")
	if strings.Contains(first, ".") || first == module {
		return false
	}
	info, err := os.Stat(filepath.Join(build.Default.GOROOT, "src", filepath.FromSlash(imp)))
	return err == nil && info.IsDir()
}

// TestRefuses tries the judge itself, so that a table that allows everything would be noticed.
func TestRefuses(t *testing.T) {
	inner := goFile{pkg: "internal/abi"}
	innerTest := goFile{pkg: "internal/abi", test: true}
	command := goFile{pkg: "cmd/thimble"}
	tests := []struct {
		file    goFile
		imp     string
		refused bool
	}{
		{inner, "encoding/binary", false},
		{inner, "thimble/internal/policy", true},
		{inner, "golang.org/x/sys/unix", true},
		{innerTest, "thimble/internal/policy", false},
		{innerTest, "thimble/cmd/thimble", true},
		{innerTest, awsSDK + "/service/lambda", true},
		{command, "thimble/internal/anything", false},
		{command, "thimble/enforcer", false},
		{command, "thimble/enforcerx", true},
		{command, awsSDK, true},
		{command, "golang.org/x/system", true},
		{goFile{pkg: "internal/aws"}, awsSDK + "/config", false},
	}
	for _, tt := range tests {
		why := allowed[tt.file.pkg].refuses(tt.imp, tt.file)
		if (why != "") != tt.refused {
			t.Errorf("%s (test %v) imports %s: refused %q, want refused %v", tt.file.pkg, tt.file.test, tt.imp, why, tt.refused)
		}
	}
}

func TestPackagesHaveDocComments(t *testing.T) {
	documented := map[string]bool{}
	for _, file := range goFiles(t) {
		documented[file.pkg] = documented[file.pkg] || file.doc != ""
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("package %s has no doc comment: say in one of its files what it is for and where to start", pkg)
		}
	}
}
