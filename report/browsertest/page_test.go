// Package browsertest opens the page of a report in Chromium. It is a module of its own, so that no user of the library depends on
// chromedp.
package browsertest

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/sluice-hep/sluice/report"
)

// browser is a Chromium of this machine. Without one the tests are skipped, but not where CI must have it.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("no chromium is installed")
	}
	t.Skip("no chromium is installed")
	return ""
}

const (
	columns = 50
	hostile = `a"b'<script>alert(1)</script>&amp;`
	events  = 20_000
)

// names of the columns: the first differs, the second has markers, the third a name that would be code, the others fall over decades or
// are flat.
func name(i int) string {
	switch i {
	case 2:
		return hostile
	case 3:
		return "jet_mass_η"
	}
	return fmt.Sprintf("column_%02d", i)
}

// sample writes a file of events, and tells where.
func sample(dir, file string, shift float64) (string, error) {
	var b strings.Builder
	for i := range columns {
		b.WriteString(map[bool]string{true: ",", false: ""}[i > 0] + `"` + strings.ReplaceAll(name(i), `"`, `""`) + `"`)
	}
	state := uint64(shift*1e6) + 1
	uniform := func() float64 { // SplitMix64
		state += 0x9e3779b97f4a7c15
		z := (state ^ state>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		return (float64((z^z>>31)>>11) + 0.5) / (1 << 53)
	}
	for range events {
		for i := range columns {
			x := uniform()
			switch {
			case i == 0:
				x = x*(1+shift) + shift
			case i == 1 && x < 0.3:
				x = -999
			case i%2 == 0:
				x = -20 * math.Log(x)
			}
			fmt.Fprintf(&b, "%s%.4g", map[bool]string{true: ",", false: "\n"}[i > 0], x)
		}
	}
	path := filepath.Join(dir, file)
	return path, os.WriteFile(path, []byte(b.String()), 0o644)
}

var folder string

// written is the page of two samples of many columns.
var written = sync.OnceValues(func() (string, error) {
	var f report.Files
	var err error
	if f.Reference, err = sample(folder, "data.csv", 0); err != nil {
		return "", err
	}
	generated, err := sample(folder, "model.csv", 0.05)
	if err != nil {
		return "", err
	}
	f.Generated, f.Alone = []string{generated}, true
	_, about, err := f.Compare(context.Background())
	if err != nil {
		return "", err
	}
	p, err := about()
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, "report.html")
	return path, report.Write(path, p)
})

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "page")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	folder = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// tab is the page in a window, and what it complained of or asked for.
type tab struct {
	*testing.T
	ctx   context.Context
	url   string
	mutex sync.Mutex
	bad   []string
}

func open(t *testing.T, width, height int64, before ...step) *tab {
	t.Helper()
	path := browser(t)
	file, err := written()
	if err != nil {
		t.Fatal(err)
	}
	p := &tab{T: t, url: (&url.URL{Scheme: "file", Path: file}).String()}
	all := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)
	ctx, stop := context.WithTimeout(context.Background(), 45*time.Second)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewExecAllocator(ctx, all...)
	t.Cleanup(stop)
	p.ctx, stop = chromedp.NewContext(ctx, chromedp.WithListener(p.listen))
	t.Cleanup(stop)
	p.run(append([]step{command(network.Enable, network.EnableParams{}), command(log.Enable, cdp.Empty{}), command(runtime.Enable, cdp.Empty{}),
		chromedp.EmulateViewport(width, height)}, before...)...)
	p.run(chromedp.Navigate(p.url), chromedp.WaitReady("body"))
	t.Cleanup(func() {
		p.mutex.Lock()
		defer p.mutex.Unlock()
		for _, line := range p.bad {
			t.Error(line)
		}
	})
	return p
}

func (p *tab) listen(event any) {
	complain := func(format string, args ...any) {
		p.mutex.Lock()
		defer p.mutex.Unlock()
		p.bad = append(p.bad, fmt.Sprintf(format, args...))
	}
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		complain("an exception: %s", e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		complain("the console says %s", e.Type)
	case *log.EventEntryAdded:
		complain("the browser logs %s: %s", e.Entry.Level, e.Entry.Text)
	case *page.EventJavascriptDialogOpening:
		complain("a dialog: %s", e.Message)
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; u != p.url && u != "about:blank" && !strings.HasPrefix(u, "data:") {
			complain("the page asks for %s", u)
		}
	}
}

func (p *tab) run(actions ...step) {
	p.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		p.Fatal(err)
	}
}

type step = chromedp.Action[chromedp.Void]

// command is one of the browser's own.
func command[P, R any](c cdp.Command[P, R], params P) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// scheme is light or dark, as the system would have it.
func scheme(name string) step {
	return command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
}

// do runs a script.
func do(script string) step { return chromedp.Evaluate[chromedp.Void](script) }

// value is what an expression has.
func value[V any](p *tab, expression string) V {
	p.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[V](expression))
	if err != nil {
		p.Fatalf("%s: %v", expression, err)
	}
	return v
}

// is fails unless an expression has a value.
func is[V comparable](p *tab, expression string, want V) {
	p.Helper()
	if got := value[V](p, expression); got != want {
		p.Errorf("%s is %v, not %v", expression, got, want)
	}
}

const (
	middle  = `(() => { const r = %s.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()`
	visible = `[...document.querySelectorAll('%s')].filter(e => e.checkVisibility()).length`
	first   = `document.querySelector('figure.overlay')`
	rows    = `[...document.querySelectorAll('tbody[data-column]')].filter(e => e.checkVisibility())`
)

// spent is the processor's time of the page's main thread, in ms.
func (p *tab) spent() (ms float64) {
	metrics, err := chromedp.Run(p.ctx, func(ctx context.Context, t *chromedp.Target) (performance.GetMetricsResult, error) {
		return cdp.Call(ctx, t, performance.GetMetrics, cdp.Empty{})
	})
	if err != nil {
		p.Fatal(err)
	}
	for _, m := range metrics.Metrics {
		if m.Name == "TaskDuration" {
			ms = 1000 * m.Value
		}
	}
	return ms
}

// The page is there within a second: of the processor's time, since machines that run tests are busy.
func TestOpensInASecond(t *testing.T) {
	p := open(t, 1280, 900)
	wall, spent := math.Inf(1), math.Inf(1)
	for range 3 {
		p.run(command(performance.Disable, cdp.Empty{}), command(performance.Enable, performance.EnableParams{TimeDomain: "threadTicks"}),
			chromedp.Navigate(p.url), chromedp.WaitReady("main"))
		wall = min(wall, value[float64](p, `performance.getEntriesByType('navigation')[0].loadEventEnd`))
		spent = min(spent, p.spent())
	}
	info, err := os.Stat(strings.TrimPrefix(p.url, "file://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d columns, %d kB: loaded after %.0f ms, in %.0f ms of the processor's time", columns, info.Size()>>10, wall, spent)
	if !(spent > 0 && spent < 1000) {
		t.Errorf("the page is loaded in %.0f ms", spent)
	}
	if info.Size() > 5<<20 {
		t.Errorf("the page has %d bytes", info.Size())
	}
	is(p, fmt.Sprintf(visible, "figure.overlay"), columns)
}

func TestScales(t *testing.T) {
	p := open(t, 1280, 900)
	const (
		named = `[...document.querySelectorAll('figure.overlay')].find(f => f.dataset.column === 'column_04')`
		ticks = named + `.querySelector('svg').textContent`
	)
	is(p, named+`.dataset.scale`, "logarithmic")
	before := value[string](p, ticks)
	p.run(do(named + `.querySelector('button').click()`))
	if value[string](p, ticks) == before {
		t.Error("the picture on the other scale is the same")
	}
	is(p, named+`.dataset.scale`, "linear")
	is(p, named+`.querySelector('button').textContent`, "logarithmic")
	is(p, named+`.querySelectorAll('svg').length`, 1)
	choose := `(() => { const s = document.querySelector('.tools select'); s.value = '%s'; s.dispatchEvent(new Event('change')); })()`
	for _, scale := range []string{"logarithmic", "linear"} {
		p.run(do(fmt.Sprintf(choose, scale)))
		is(p, fmt.Sprintf(`document.querySelectorAll('figure.overlay[data-scale=%s]').length`, scale), columns)
	}
	p.run(do(fmt.Sprintf(choose, "")))
	is(p, ticks, before)
}

func TestTheme(t *testing.T) {
	const paper = `getComputedStyle(document.body).backgroundColor`
	for _, c := range []struct{ system, paper, button, other string }{
		{"light", "rgb(255, 255, 255)", "Dark", "rgb(22, 24, 26)"}, {"dark", "rgb(22, 24, 26)", "Light", "rgb(255, 255, 255)"},
	} {
		t.Run(c.system, func(t *testing.T) {
			p := open(t, 1280, 900, scheme(c.system))
			is(p, paper, c.paper)
			is(p, `document.querySelector('.theme').textContent`, c.button)
			at := value[[]float64](p, fmt.Sprintf(middle, `document.querySelector('.theme')`))
			p.run(chromedp.MouseClickXY(at[0], at[1]))
			is(p, paper, c.other)
			is(p, `getComputedStyle(document.querySelector('figure.overlay text')).fill === getComputedStyle(document.body).color`, true)
			p.run(command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}))
			is(p, `document.querySelector('nav').checkVisibility()`, false)
			is(p, `getComputedStyle(document.querySelector('figure.overlay text')).fill`, "rgb(0, 0, 0)")
		})
	}
}

func TestColumnsAreFound(t *testing.T) {
	p := open(t, 1280, 900)
	find := func(text string, want int, said string) {
		t.Helper()
		p.run(do(`document.querySelector('.tools input').select()`), chromedp.KeyEvent(text+" "))
		is(p, fmt.Sprintf(visible, "figure.overlay"), want)
		is(p, rows+`.length`, want)
		is(p, `document.querySelector('.tools output').textContent`, said)
	}
	find("column_1", 10, "10 of 50 columns")
	find("ALERT, η", 2, "2 of 50 columns")
	find("nothing", 0, "0 of 50 columns")
	find("", 50, "50 of 50 columns")
	p.run(chromedp.Focus(".tools input[type=checkbox]"), chromedp.KeyEvent(" "))
	is(p, fmt.Sprintf(visible, "figure.overlay"), 1)
	is(p, rows+`.map(r => r.dataset.column).join()`, "column_00")
}

func TestTableSorts(t *testing.T) {
	p := open(t, 1280, 900)
	const order = rows + `.map(r => r.dataset.column).join('|')`
	original := value[string](p, order)
	head := func(i int) {
		p.run(do(fmt.Sprintf(`document.querySelectorAll('table.sortable th')[%d].querySelector('button').click()`, i)))
	}
	for _, column := range []int{1, 2, 3, 5, 8} { // KS, p, W1, chi2/ndf, outside
		for _, sign := range []string{"<=", ">="} {
			head(column)
			is(p, fmt.Sprintf(rows+`.map(r => Number(r.rows[0].cells[%d].dataset.value)).every((v, i, all) => i === 0 || v %s all[i - 1])`, column, sign), true)
		}
		head(column)
		is(p, order, original)
	}
	head(0)
	is(p, rows+`.length`, columns)
	is(p, rows+`[1].dataset.column`, "column_00") // after the name that begins with a
	is(p, `[...document.querySelectorAll('#columns figure')].map(f => f.dataset.column).join('|') === `+order, true)
	is(p, `document.querySelectorAll('th[aria-sort=ascending]').length`, 1)
}

// Pointer and keys tell the bin: its edges, both contents with errors, and their ratio.
func TestBinsAreTold(t *testing.T) {
	p := open(t, 1280, 900)
	p.run(chromedp.Focus("figure.overlay svg"), chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowRight))
	is(p, first+`.dataset.bin`, "1")
	const said = first + `.querySelector('.tip').innerText`
	byKey := value[string](p, said)
	at := value[[]float64](p, fmt.Sprintf(middle, first+`.querySelector('.bin')`))
	for _, part := range []string{" to ", "data.csv: ", " ± ", "model.csv: ", "ratio: "} {
		if !strings.Contains(byKey, part) {
			t.Errorf("the bin is told as %q, without %q", byKey, part)
		}
	}
	p.run(chromedp.KeyEvent(kb.Escape))
	is(p, `document.querySelectorAll('.tip, .bin').length`, 0)
	p.run(chromedp.MouseEvent("mouseMoved", at[0], at[1]))
	if byPointer := value[string](p, said); byPointer != byKey {
		t.Errorf("the pointer tells %q, and the keys %q", byPointer, byKey)
	}
	p.run(chromedp.MouseEvent("mouseMoved", 2, 2))
	is(p, `document.querySelectorAll('.tip, .bin').length`, 0)
	is(p, first+`.querySelector('svg').getAttribute('tabindex')`, "0")
}

// Without its script the page shows everything, and nothing that would not work.
func TestWithoutScript(t *testing.T) {
	p := open(t, 1280, 900, command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	is(p, fmt.Sprintf(visible, "figure.overlay svg"), columns)
	is(p, rows+`.length`, columns)
	is(p, `document.querySelectorAll('button, input, select').length`, 0)
	is(p, fmt.Sprintf(visible, "nav a")+` === document.querySelectorAll('section[id]').length`, true)
	is(p, `document.querySelectorAll('nav a').length >= 4`, true)
}

// A link of the contents leads to the place, although figures above are drawn only when they are near.
func TestLinksLeadThere(t *testing.T) {
	p := open(t, 1280, 900)
	for _, id := range []string{"correlations", "columns", "column-40"} {
		p.run(chromedp.Navigate("about:blank"), chromedp.Navigate(p.url+"#"+id))
		is(p, `(top => top >= 0 && (top < 200 || top < innerHeight && innerHeight + scrollY > document.body.offsetHeight - 50))(document.getElementById('`+id+`').getBoundingClientRect().top)`, true)
		is(p, `document.getElementById('`+id+`').querySelector('svg').getBoundingClientRect().height > 200`, true)
	}
}

// A narrow window scrolls down only, and every link of the contents leads somewhere.
func TestNarrow(t *testing.T) {
	p := open(t, 380, 800)
	is(p, `document.documentElement.scrollWidth <= innerWidth`, true)
	is(p, `[...document.querySelectorAll('nav a, td a')].every(a => document.getElementById(a.hash.slice(1)))`, true)
}

// TestShots writes what the page looks like, to the folder in SLUICE_PICTURES.
func TestShots(t *testing.T) {
	dir := os.Getenv("SLUICE_PICTURES")
	if dir == "" {
		t.Skip("SLUICE_PICTURES names no folder to write pictures of the page to")
	}
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, width := range map[string]int64{"light": 1280, "dark": 1280, "narrow": 390} {
		p := open(t, width, 2400, scheme(strings.Replace(name, "narrow", "light", 1)))
		p.run(do(`(() => { const s = document.querySelector('figure.overlay svg'); s.focus(); for (let i = 0; i < 9; i++) s.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true})); })()`))
		for part, scroll := range map[string]string{"": `scrollTo(0, 0)`, "_columns": `document.querySelector('#columns').scrollIntoView()`} {
			p.run(do(scroll))
			shot, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
			if err != nil {
				t.Fatal(err)
			}
			write(name+part+".png", shot)
		}
	}
	pdf, err := chromedp.Run(open(t, 1280, 900).ctx, chromedp.PrintToPDF())
	if err != nil {
		t.Fatal(err)
	}
	write("print.pdf", pdf)
}
