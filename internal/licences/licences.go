// Package licences holds the notice of the licences of all that is linked into the program.
package licences

import _ "embed"

// Notice names each work and its copyright, with every licence once. Its test writes it with -update, from what the go command
// says of the program, and finds out where it is stale.
//
//go:embed notice.txt
var Notice string
