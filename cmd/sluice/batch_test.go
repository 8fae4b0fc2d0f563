package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// batchPage are the blocks of docs/batch.md, by the heading that they stand under, with fewer parts and events, as the page says.
func batchPage(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/batch.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks, heading, inside := map[string][]string{}, "", false
	smaller := strings.NewReplacer("1-20", "1-3", "/20", "/3", "N = 20", "N = 3", "queue 20", "queue 3", "-n 1e8", "-n 5000")
	for line := range strings.Lines(string(text)) {
		code, ok := strings.CutPrefix(line, "    ")
		if name, is := strings.CutPrefix(line, "## "); is {
			heading = strings.TrimSpace(name)
		}
		switch all := blocks[heading]; {
		case ok && inside:
			all[len(all)-1] += smaller.Replace(code)
		case ok:
			blocks[heading] = append(all, smaller.Replace(code))
		}
		inside = ok
	}
	return blocks
}

// atBatch is a folder with a model and the whole that its shards are to give, in which `sluice` is this program.
func atBatch(t *testing.T) (folder string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder = t.TempDir()
	bin := t.TempDir()
	if err := os.Symlink(program, filepath.Join(bin, "sluice")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv(asProgram, "1")
	writeEvents(t, filepath.Join(folder, "events.csv.gz"), 500)
	t.Chdir(folder)
	must(t, "train", "events.csv.gz", "-o", "model.safetensors", "--features", "pt,mass", "--epochs", "1", "--set", "flow.hidden=[8]", "--quiet")
	must(t, "sample", "model.safetensors", "-n", "5000", "-o", "whole.parquet", "--seed", "1", "--quiet")
	return folder
}

func sameFile(t *testing.T, a, b string) {
	t.Helper()
	if !same(t, a, b) {
		t.Errorf("%s is not %s", a, b)
	}
}

// needs skips a test where a program is missing, except in CI.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
}

// execute runs another program, and says what it printed where it fails.
func execute(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func writeText(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// The Snakemake rules of the page, run by Snakemake, make the sample.
func TestBatchSnakemake(t *testing.T) {
	needs(t, "snakemake")
	blocks := batchPage(t)["Snakemake"]
	folder := atBatch(t)
	t.Setenv("HOME", folder)
	writeText(t, "Snakefile", blocks[0])
	execute(t, "snakemake", "--cores", "4")
	sameFile(t, "events.parquet", "whole.parquet")
}

// The arrays of the page, run by Slurm on one node, make the sample, and its densities.
func TestBatchSlurm(t *testing.T) {
	needs(t, "slurmctld", "slurmd", "sbatch")
	blocks := batchPage(t)["Slurm"]
	if len(blocks) != 3 {
		t.Fatalf("the page has %d blocks for Slurm", len(blocks))
	}
	atBatch(t)
	startSlurm(t)
	job := submit(t, "sample.sh", blocks[0])
	submit(t, "merge.sh", blocks[1], "--dependency=afterok:"+job)
	sameFile(t, "events.parquet", "whole.parquet")
	submit(t, "density.sh", blocks[2])
	must(t, "merge", "scored-2.parquet", "scored-3.parquet", "scored-1.parquet", "-o", "scored.parquet", "--quiet")
	must(t, "density", "model.safetensors", "whole.parquet", "-o", "wholly-scored.parquet", "--quiet")
	sameFile(t, "scored.parquet", "wholly-scored.parquet")
}

// submit runs a job to its end and returns its number.
func submit(t *testing.T, name, script string, flags ...string) string {
	t.Helper()
	writeText(t, name, script)
	out := execute(t, "timeout", append([]string{"120", "sbatch", "--wait", "--parsable"}, append(flags, name)...)...)
	return strings.TrimSpace(out)
}

// startSlurm starts the two daemons of Slurm on this machine, for this user alone, with all that they write in a folder of the test, and ends them with it.
func startSlurm(t *testing.T) {
	t.Helper()
	host, err := os.Hostname()
	me, err2 := user.Current()
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	host, _, _ = strings.Cut(host, ".")
	dir := t.TempDir()
	for _, name := range []string{"state", "spool", "cgroup"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// Nothing of a job is confined, so that it needs no control groups, and who asks is believed, so that it needs no keys: both ports are those of this machine alone.
	writeText(t, filepath.Join(dir, "slurm.conf"), fmt.Sprintf(`ClusterName=test
SlurmctldHost=%[1]s(127.0.0.1)
SlurmctldPort=%[2]d
SlurmdPort=%[3]d
SlurmUser=%[4]s
SlurmdUser=%[4]s
AuthType=auth/none
CredType=cred/none
StateSaveLocation=%[5]s/state
SlurmdSpoolDir=%[5]s/spool
SlurmctldPidFile=%[5]s/slurmctld.pid
SlurmdPidFile=%[5]s/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
NodeName=%[1]s NodeAddr=127.0.0.1 CPUs=4 RealMemory=4096
PartitionName=all Nodes=ALL Default=YES State=UP
`, host, freePort(t), freePort(t), me.Username, dir))
	writeText(t, filepath.Join(dir, "cgroup.conf"), "CgroupPlugin=cgroup/v1\nCgroupAutomount=no\nCgroupMountpoint="+dir+"/cgroup\n")
	t.Setenv("SLURM_CONF", filepath.Join(dir, "slurm.conf"))
	daemon(t, filepath.Join(dir, "slurmctld.log"), "slurmctld", "-D", "-i")
	daemon(t, filepath.Join(dir, "slurmd.log"), "slurmd", "-D")
	for range 200 {
		out, err := exec.CommandContext(t.Context(), "sinfo", "--noheader", "--format=%T").Output()
		if err == nil && strings.TrimSpace(string(out)) == "idle" {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	said, _ := os.ReadFile(filepath.Join(dir, "slurmd.log"))
	t.Fatalf("no node of Slurm came up: %s", said)
}

// daemon runs until the test ends.
func daemon(t *testing.T, log, name string, args ...string) {
	t.Helper()
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(name, args...)
	c.Stdout, c.Stderr = out, out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(os.Interrupt)
		kill := time.AfterFunc(10*time.Second, func() { _ = c.Process.Kill() })
		_ = c.Wait() // the signal's
		kill.Stop()
		out.Close()
	})
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// The submit file of the page, read as HTCondor's manual has it, runs with the files that it transfers, leaves those that it transfers back, and
// these make the sample.
func TestBatchHTCondor(t *testing.T) {
	blocks := batchPage(t)["HTCondor"]
	atBatch(t)
	job, queue := map[string]string{}, 0
	for line := range strings.Lines(blocks[0]) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "queue "); ok {
			queue, _ = strconv.Atoi(n)
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			t.Fatalf("%q is neither a key and its value nor a queue", line)
		}
		job[strings.TrimSpace(key)] = strings.TrimSpace(value)
	}
	var parts []string
	for step := range queue {
		scratch := t.TempDir()
		for _, name := range strings.Split(expanded(t, job, "transfer_input_files", step), ", ") {
			copyFile(t, name, filepath.Join(scratch, name))
		}
		c := process(t, strings.Fields(expanded(t, job, "arguments", step))...)
		c.Dir = scratch
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("step %d: %v\n%s", step, err, out)
		}
		for _, name := range strings.Split(expanded(t, job, "transfer_output_files", step), ", ") {
			copyFile(t, filepath.Join(scratch, name), name)
			if filepath.Ext(name) == ".parquet" {
				parts = append(parts, name)
			}
		}
	}
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	must(t, append([]string{"merge", "-o", "events.parquet", "--quiet"}, parts...)...)
	sameFile(t, "events.parquet", "whole.parquet")
}

var (
	macro = regexp.MustCompile(`\$(INT)?\((\w+)\)`)
	plus  = regexp.MustCompile(`^(\d+) \+ (\d+)$`)
)

// expanded is the value of a key of a submit file for one of the jobs in the queue: $(Step) counts them from 0, and $INT() does a sum.
func expanded(t *testing.T, job map[string]string, key string, step int) string {
	t.Helper()
	value, ok := job[key]
	if !ok {
		t.Fatalf("the submit file has no %s", key)
	}
	return macro.ReplaceAllStringFunc(value, func(m string) string {
		found := macro.FindStringSubmatch(m)
		switch {
		case found[2] == "Step":
			return strconv.Itoa(step)
		case found[1] == "":
			return expanded(t, job, found[2], step)
		}
		sum := plus.FindStringSubmatch(expanded(t, job, found[2], step))
		if sum == nil {
			t.Fatalf("%s is no sum of two numbers", m)
		}
		a, _ := strconv.Atoi(sum[1])
		b, _ := strconv.Atoi(sum[2])
		return strconv.Itoa(a + b)
	})
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}
