package mpi

import (
	"cmp"
	"os"
	"strconv"
)

// Launch is what the launcher of MPI programs tells a process that it starts.
type Launch struct {
	Rank, Size int    // of this process among those that it started
	By         string // what started it, for messages
	libraries  []string
}

// The libraries of the two families, whose types differ: Open MPI since 4.0, and MPICH with all that has its binary interface.
var (
	openLibraries  = []string{"libmpi.so.40"}
	mpichLibraries = []string{"libmpich.so.12", "libmpi.so.12", "libmpi_cray.so.12"}
)

// Launched tells what a launcher has started this process as; of one started alone, or as the only one, Size is 1. Nothing is loaded.
func Launched() Launch { return launched(os.Getenv) }

func launched(env func(name string) string) Launch {
	for _, l := range []struct {
		by         string
		rank, size []string // the names of variables
		libraries  []string
	}{
		{"Open MPI", []string{"OMPI_COMM_WORLD_RANK"}, []string{"OMPI_COMM_WORLD_SIZE"}, openLibraries},
		{"MPICH", []string{"PMI_RANK"}, []string{"PMI_SIZE", "SLURM_STEP_NUM_TASKS"}, mpichLibraries},
		{"PMIx", []string{"PMIX_RANK"}, []string{"SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"}, append(openLibraries[:1:1], mpichLibraries...)},
	} {
		rank, none := strconv.Atoi(first(env, l.rank))
		size, unsized := strconv.Atoi(first(env, l.size))
		if none == nil && unsized == nil && rank >= 0 && rank < size {
			if own := env("SLUICE_MPI"); own != "" {
				l.libraries = []string{own}
			}
			return Launch{Rank: rank, Size: size, By: l.by, libraries: l.libraries}
		}
	}
	return Launch{Size: 1}
}

func first(env func(string) string, names []string) string {
	var values []string
	for _, n := range names {
		values = append(values, env(n))
	}
	return cmp.Or(values...)
}
