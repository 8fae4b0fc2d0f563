package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/internal/fault"
)

// manVerb is for packagers, and so not among the verbs that help lists.
func (a *app) manVerb() *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		Short:   "Write the manual pages of all verbs to a folder",
		Example: "  sluice man share/man/man1",
		Args:    arguments(1, 1, "one folder"),
		Hidden:  true,
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o777); err != nil {
				return fault.Of(err)
			}
			for _, v := range append([]*cobra.Command{c.Root()}, verbsOf(c.Root())...) {
				path := filepath.Join(args[0], manName(v)+".1")
				if err := atomicfile.WriteFile(path, manual(v)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// verbsOf are the verbs that help lists.
func verbsOf(root *cobra.Command) (verbs []*cobra.Command) {
	for _, v := range root.Commands() {
		if v.IsAvailableCommand() {
			verbs = append(verbs, v)
		}
	}
	return verbs
}

func manName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// manual is the page of a verb in the macros of man(7).
func manual(c *cobra.Command) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, ".TH %s 1 \"\" \"sluice %s\" \"Sluice\"\n", strings.ToUpper(manName(c)), sluice.Release)
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(manName(c)), roff(c.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.nf\n%s\n.fi\n", roff(c.UseLine()))
	fmt.Fprintf(&b, ".SH DESCRIPTION\n.nf\n%s\n.fi\n", roff(cmp.Or(c.Long, c.Short)))
	flags(&b, "OPTIONS", c.LocalFlags())
	flags(&b, "OPTIONS OF ALL VERBS", c.InheritedFlags())
	if c.Example != "" {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(c.Example))
	}
	if !c.HasParent() {
		fmt.Fprintf(&b, ".SH VERBS\n")
		for _, v := range verbsOf(c) {
			fmt.Fprintf(&b, ".TP\n\\fB%s\\fR(1)\n%s\n", roff(manName(v)), roff(v.Short))
		}
	}
	return b.Bytes()
}

func flags(b *bytes.Buffer, title string, all *pflag.FlagSet) {
	if !all.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	all.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		kind, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		fmt.Fprintf(b, ".TP\n\\fB%s\\fR", roff(name))
		if kind != "" {
			fmt.Fprintf(b, " \\fI%s\\fR", roff(kind))
		}
		if !slices.Contains([]string{"", "0", "0s", "false", "[]"}, f.DefValue) && !strings.Contains(usage, "(default") {
			usage += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(b, "\n%s\n", roff(usage))
	})
}

// roff is a text as it stands: no character of it is an instruction.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
