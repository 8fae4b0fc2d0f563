// Package cpp writes a trained model as one C++17 header without dependencies: density, latent and events of a latent, with the preparation
// and the units of the columns inside.
package cpp

import (
	"bytes"
	"embed"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/sluice-hep/sluice/export/plain"
	"github.com/sluice-hep/sluice/internal/fault"
)

// runtime is what every header has in common.
//
//go:embed runtime
var runtime embed.FS

// MostNumbers is how many parameters a header has at most: g++ takes some ten seconds and half a gigabyte for so many.
const MostNumbers = 1 << 20

var (
	identifier = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
	notInName  = regexp.MustCompile(`[^A-Za-z0-9_]`)
)

// Namespace is that of a header, Workspace and Model in it.
func Namespace(name string) string { return "sluice_" + name }

// NameOf makes a name of that of a file.
func NameOf(path string) string {
	base := filepath.Base(path)
	name := notInName.ReplaceAllString(strings.TrimSuffix(base, filepath.Ext(base)), "_")
	if !identifier.MatchString(name) {
		return "model_" + name
	}
	return name
}

// Header is the header of a model, all of it in a Namespace but for macros, which are taken back. A name that is no identifier and a model of more than MostNumbers
// parameters are the user's error.
func Header(m *plain.Model, name string) ([]byte, error) {
	if !identifier.MatchString(name) {
		return nil, fault.Of(fmt.Errorf("%q cannot be the name of a namespace of C++: letters, digits and underscores, a letter first", name))
	}
	t := newTables(m)
	if n := len(t.numbers); n > MostNumbers {
		return nil, fault.Of(fmt.Errorf("the model has %d parameters, of which a C++ header holds %d at most: take --onnx, or sluice serve", n, MostNumbers))
	}
	w := &writer{model: m, name: name, tables: t}
	w.all()
	return w.Bytes(), nil
}

type writer struct {
	bytes.Buffer
	model  *plain.Model
	name   string
	tables *tables
}

func (w *writer) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

// part is a file of the runtime.
func (w *writer) part(name string) string {
	text, err := runtime.ReadFile("runtime/" + name + ".hpp")
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (w *writer) all() {
	w.head()
	w.line("namespace %s {\nnamespace detail {\n", Namespace(w.name))
	w.WriteString(w.part("types"))
	w.tables.write(w)
	w.WriteString("\n" + w.part("columns"))
	w.kernels()
	w.WriteString("\n" + w.part("dispatch"))
	w.line("\n}  // namespace detail\n")
	w.WriteString(w.ofKind(w.part("model")))
	w.columns()
	w.line("};\n\n}  // namespace %s\n", Namespace(w.name))
	w.WriteString(w.part("end"))
}

// ofKind leaves out what a single flow or what an ensemble has not: the parts between marks.
func (w *writer) ofKind(text string) string {
	before, rest, _ := strings.Cut(text, "      // members {\n")
	one, rest, _ := strings.Cut(rest, "      // } else {\n")
	several, rest, _ := strings.Cut(rest, "      // }\n")
	between, rest, _ := strings.Cut(rest, "  // latent {\n")
	latent, rest, _ := strings.Cut(rest, "  // }\n")
	if len(w.model.Members) > 1 {
		return before + several + between + rest
	}
	return before + one + between + latent + rest
}

// root is a square root of a vector, for which vector types have no operator.
const root = "V r;\n  __asm__(\"vsqrtps {%1, %0|%0, %1}\" : \"=v\"(r) : \"v\"(v));\n  return r;"

// vectors are the widths that kernels are compiled for, the widest first.
var vectors = []struct {
	name, when, target, root string
	width                    int
	side                     string
}{
	{"avx512", "SLUICE_X86", "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma", root, 16, "4"},
	{"avx2", "SLUICE_X86", "avx2,fma", root, 8, "2"},
	{"any", "SLUICE_GNU", "", "V r;\n  for (int i = 0; i < W; i++) r[i] = std::sqrt(v[i]);\n  return r;", 4, "SLUICE_X86 ? 2 : 4"},
	{"any", "!SLUICE_GNU", "", "", 8, "1"},
}

// kernels writes the same text for each width, each in a namespace of its own.
func (w *writer) kernels() {
	for _, v := range vectors {
		w.line("\n#if %s", v.when)
		if v.target != "" {
			w.line("SLUICE_TARGET(%q)", v.target)
		}
		w.line("namespace %s {\nconstexpr int W = %d, side = %s;  // floats of a vector, and how many vectors of a row are computed at once\n", v.name, v.width, v.side)
		if v.root == "" {
			w.WriteString(w.part("vectors_plain"))
		} else {
			w.WriteString(w.part("vectors_gnu"))
			w.line("SLUICE_INLINE V root(V v) {\n  %s\n}", v.root)
		}
		w.WriteString("\n" + w.part("kernels"))
		w.line("}  // namespace %s", v.name)
		if v.target != "" {
			w.line("SLUICE_TARGET_END")
		}
		w.line("#endif")
	}
}

// columns writes those of the model, features first.
func (w *writer) columns() {
	w.line("  static constexpr Column columns_[] = {")
	for _, list := range [][]plain.Column{w.model.Features, w.model.Context} {
		for i := range list {
			c := &list[i]
			w.line("      {%s, %s, %s, %s},", literal(c.Name), literal(c.Unit), double(c.Min), double(c.Max))
		}
	}
	w.line("  };")
}
