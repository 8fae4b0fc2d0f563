package cpp

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/export/plain"
)

// head writes what a reader of the header must know, and what the compiler must.
func (w *writer) head() {
	m := w.model
	w.line("// The density of a trained model of Sluice, with its preparation and its units, in standard C++17.")
	w.line("//\n// Features:")
	w.list(m.Features)
	if len(m.Context) > 0 {
		w.line("//\n// Given, the context:")
		w.list(m.Context)
	}
	w.line("//\n// Model: SHA-256 %s, %d parameters.\n//", m.Hash, len(w.tables.numbers))
	w.line("//     static sluice_%s::Workspace memory;   // one for each thread", w.name)
	w.line("//     sluice_%s::Model model;", w.name)
	given := "nullptr"
	if len(m.Context) > 0 {
		given = "context"
	}
	w.line("//     double log_p = model.log_prob(event, %s, memory);             // nats, of one event: %d numbers", given, len(m.Features))
	w.line("//     model.log_prob(columns, %s, out, n, memory);                 // of n: a pointer to the values of each column", given)
	if len(m.Members) == 1 {
		w.line("//     model.to_latent(columns, %s, z, n, memory);                  // standard, %d columns", given, w.tables.latent)
		w.line("//     model.to_data(z, %s, columns, n, memory);                    // and back", given)
	} else {
		w.line("// It is an ensemble, the mean of %d densities, which has no latent.", len(m.Members))
	}
	w.WriteString(notes)
	guard := "SLUICE_" + strings.ToUpper(w.name) + "_HPP"
	w.line("#ifndef %s\n#define %s\n", guard, guard)
	w.WriteString(w.part("begin"))
}

const notes = `//
// Compile with -O2; the kernels for AVX-512 and AVX2 are chosen as the program runs, with GCC and Clang, and other compilers and processors have plain
// loops. Nothing is allocated. Columns are double, the flow is float32: numbers agree with those of the program sluice to about 1e-5, and those
// of an event taken alone with those of the same event among others. An event with a value that is not finite has NaN. One outside the range of the
// training has what the model says of it, as from sluice density: compare with min and max of its columns.
//
// This file may be used as the licence of Sluice says, BSD 3-Clause: Copyright (c) 2026, the Sluice authors. Redistribution and use in source and
// binary forms, with or without modification, are permitted provided that this notice is retained; there is no warranty. The numbers are yours.

`

func (w *writer) list(columns []plain.Column) {
	for i := range columns {
		c := &columns[i]
		unit := ""
		if c.Unit != "" {
			unit = " in " + strconv.QuoteToGraphic(c.Unit)
		}
		w.line("//   %s%s, trained on %.6g to %.6g", strconv.QuoteToGraphic(c.Name), unit, c.Min, c.Max)
	}
}

// literal is a string of C++: bytes that are no printable ASCII are octal, as these end after three digits.
func literal(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' || c == '?' {
			fmt.Fprintf(&b, `\%03o`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return `"` + b.String() + `"`
}

func double(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// float is the shortest literal of a float32.
func float(v float32) string {
	s := strconv.FormatFloat(float64(v), 'g', -1, 32)
	if strings.ContainsAny(s, ".e") {
		return s + "f"
	}
	return s
}
