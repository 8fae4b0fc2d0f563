package browsertest

import (
	"context"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	table "github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/serve"
)

// given is a model of two columns, given a third.
func given(t *testing.T) *model.Model {
	t.Helper()
	const n = 500
	all := &table.Table{}
	for k, name := range []string{"mass", "angle", "q"} {
		c := table.Column{Name: name, Type: table.Float64, F64: make([]float64, n)}
		for i := range c.F64 {
			c.F64[i] = math.Sin(float64(i*(k+1))) + 0.3*math.Cos(float64(7*i*i))
		}
		all.Columns = append(all.Columns, c)
	}
	m := &model.Model{}
	var err error
	if m.Features, _, err = prep.Fit(all, []string{"mass", "angle"}, prep.Spec{}, 1); err != nil {
		t.Fatal(err)
	}
	if m.Context, _, err = prep.FitContext(all, []string{"q"}, prep.Spec{}); err != nil {
		t.Fatal(err)
	}
	if m.Density, err = flow.New(2, 1, flow.Spec{Type: "nsf", Transforms: 2, Hidden: []int{8}}, 1); err != nil {
		t.Fatal(err)
	}
	return m
}

// The page of a server asks for everything that a model gives, shows it, and fits narrow screens.
func TestServerPage(t *testing.T) {
	path := browser(t)
	s, err := serve.New([]serve.Named{{Name: "jets", Model: given(t)}}, serve.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	at := httptest.NewServer(s)
	defer at.Close()
	ctx, stop := context.WithTimeout(context.Background(), 2*time.Minute)
	defer stop()
	ctx, stop = chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)...)
	defer stop()
	p := &tab{T: t, url: at.URL}
	p.ctx, stop = chromedp.NewContext(ctx)
	defer stop()
	for _, width := range []int64{1200, 390} {
		p.run(chromedp.EmulateViewport(width, 900), chromedp.Navigate(at.URL), chromedp.WaitReady("[data-verb]"))
		for verb, pictures := range map[string]int{"density": 0, "latent": 0, "sample": 3, "posterior": 3} {
			p.run(do(`document.querySelector("[data-verb=`+verb+`]").click(); document.getElementById("send").click()`), chromedp.WaitReady("#answer:not([hidden]) #rows tbody tr"))
			is(p, `document.querySelectorAll("#pictures svg").length`, pictures)
			is(p, `!!document.querySelector("#said .trouble")`, false)
			is(p, `document.documentElement.scrollWidth > innerWidth`, false)
			if folder := os.Getenv("SLUICE_PICTURES"); folder != "" {
				name := filepath.Join(folder, "serve-"+verb+map[bool]string{true: "-narrow"}[width < 500]+".png")
				p.run(chromedp.EmulateViewport(width, 2200))
				shot, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, shot, 0o644); err != nil {
					t.Fatal(err)
				}
				p.run(chromedp.EmulateViewport(width, 900))
			}
		}
		// what is wrong is shown in words
		p.run(do(`document.getElementById("request").value = '{"observed": {"p": 1}}'; document.getElementById("send").click()`), chromedp.WaitReady("#said .trouble"))
	}
}
