package sluice

import "runtime/debug"

// Release is the version of the program.
const Release = "0.1.0"

// Version is the release and, where the program was built from a repository, its commit.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Release
	}
	commit, modified := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			commit = " (" + s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = ", modified"
		}
	}
	if commit == "" {
		return Release
	}
	return Release + commit + modified + ")"
}
