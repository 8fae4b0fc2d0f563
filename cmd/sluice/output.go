package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/internal/say"
)

// output is where a verb prints: it remembers the first error, and shows what a terminal would act on, in names from files, as text.
type output struct {
	io.Writer
	err error
}

func (o *output) Write(text []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	_, o.err = io.WriteString(o.Writer, printable(string(text)))
	return len(text), o.err
}

// destination is where a verb writes events.
type destination struct{ file, format string }

func destinationFlags(c *cobra.Command, to *destination) {
	c.Flags().StringVarP(&to.file, "output", "o", "", "the file to write, or - for stdout")
	c.Flags().StringVar(&to.format, "format", "", "of stdout: csv, tsv, csv.gz, csv.zst, parquet")
}

// send makes the options those of a verb that writes there. To stdout it writes nothing else then.
func (a *app) send(to *destination, o *sluice.Options) error {
	switch {
	case to.file == "":
		return usage("where to write the events? give -o FILE")
	case to.file == "/dev/stdout":
		return usage("stdout is -o - with a format: --format csv or parquet")
	case to.file != "-" && to.format != "":
		return usage("--format is that of stdout (-o -); a file has the format of its ending")
	case to.file != "-":
		return nil
	case to.format == "":
		return usage("-o - needs a format: give --format csv or parquet")
	case a.json:
		return usage("--json prints on stdout, where -o - writes the events; write them to a file")
	case o.Resume:
		return usage("--resume goes on with a file; of what is written to stdout nothing is kept")
	}
	o.Stream, o.Format, to.file = a.events, to.format, "stdout"
	if a.stdout = (&output{Writer: a.stderr}); a.quiet {
		a.stdout = io.Discard
	}
	return nil
}

// printable keeps lines and columns, and shows what else a terminal would act on as text.
func printable(text string) string { return say.Text(text, "\n\t") }
