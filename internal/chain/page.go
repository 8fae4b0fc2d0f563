package chain

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/report"
)

// ClaimAll is Claim of several files; "" is none.
func (o *Options) ClaimAll(inputs []string, paths ...string) (release func(), err error) {
	var releases []func()
	release = func() {
		for _, r := range releases {
			r()
		}
	}
	for _, path := range paths {
		if path == "" {
			continue
		}
		r, err := o.Claim(path, inputs...)
		if err != nil {
			release()
			return nil, err
		}
		releases = append(releases, r)
	}
	return release, nil
}

// Sign says on a page what made it, without the folders of the files that it may name.
func (o *Options) Sign(p *report.Page, files ...string) {
	p.Version, p.Commands = "sluice "+o.Version, o.Command
	p.WithoutFolders(append(slices.Clone(o.Inputs), files...)...)
}

// Analysis is a verb that makes all it has to say in a folder, with a page, whose path it returns; a folder of "" is none. A folder made for it goes where it fails.
func (o *Options) Analysis(folder string, inputs []string, run func() (*report.Page, error)) (page string, err error) {
	if folder == "" {
		_, err := run()
		return "", err
	}
	leave, err := atomicfile.MakeFolder(folder)
	defer leave()
	if err != nil {
		return "", fault.Of(fmt.Errorf("cannot make the folder %s: %w; choose another with --out", folder, err))
	}
	page = filepath.Join(folder, "report.html")
	release, err := o.Claim(page, inputs...)
	if err != nil {
		return "", err
	}
	defer release()
	about, err := run()
	if err != nil {
		return "", err
	}
	o.Sign(about, folder)
	return page, report.Write(page, about)
}
