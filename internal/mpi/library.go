//go:build ((linux && !android) || darwin) && !nohdf5

package mpi

import (
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/sluice-hep/sluice/internal/fault"
)

// library is the ranks by a library of MPI. What is called a handle there is a pointer to a global variable in Open MPI, and a number in MPICH and all that
// has its binary interface; both are passed as one word, but requests lie in memory with 8 and 4 bytes each.
type library struct {
	name                           string
	isend, irecv, testAll          uintptr
	world, bytes, ignored          uintptr // handles
	requestSize                    uintptr
	requests                       []uint64 // memory of those under way
	count                          int
	flag                           int32
	initialised, finalise, closing chan struct{}
}

const (
	serialised = 2       // MPI_THREAD_SERIALIZED: calls from any thread, one at a time
	anyTag     = 1       // of all messages: they are told apart by their order
	largest    = 1 << 30 // bytes of a message; their number is an int there
)

// open loads the library of the launcher and starts it.
func open(l Launch) (transport, error) {
	handle, name, err := load(l)
	if err != nil {
		return nil, fault.Of(err)
	}
	m := &library{name: name, initialised: make(chan struct{}), finalise: make(chan struct{}), closing: make(chan struct{})}
	calls, err := m.bind(handle)
	if err != nil {
		return nil, fault.Of(err)
	}
	var provided int32
	// The thread that starts the library ends it, as the standard has it; in between calls come from whichever thread trains.
	go func() {
		runtime.LockOSThread()
		purego.SyscallN(calls.initThread, 0, 0, serialised, uintptr(unsafe.Pointer(&provided)))
		close(m.initialised)
		<-m.finalise
		purego.SyscallN(calls.finalize)
		close(m.closing)
	}()
	<-m.initialised
	if provided < serialised {
		return nil, fmt.Errorf("%s allows calls from one thread alone (MPI_Init_thread gives level %d, and %d is needed)", name, provided, serialised)
	}
	if size := m.ask(calls.commSize); size != l.Size {
		return nil, fmt.Errorf("%s was started by %s with %d processes, and knows of %d: it is not the library of that launcher; name the right one in the environment, as in SLUICE_MPI=/path/to/libmpi.so",
			name, l.By, l.Size, size)
	}
	return m, nil
}

// load finds the library, which shows its names to the parts that it loads itself.
func load(l Launch) (handle uintptr, name string, err error) {
	var first error
	for _, name := range l.libraries {
		handle, err := purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_GLOBAL)
		if err == nil {
			return handle, name, nil
		}
		if first == nil {
			first = err
		}
	}
	return 0, "", fmt.Errorf("%d processes were started by %s, and its library is not found (%v): install it, or name it in the environment, as in SLUICE_MPI=/path/to/libmpi.so",
		l.Size, l.By, first)
}

// calls are those that are made once.
type calls struct{ initThread, finalize, commSize uintptr }

// bind finds the functions and the handles.
func (m *library) bind(handle uintptr) (c calls, err error) {
	for _, f := range []struct {
		name string
		to   *uintptr
	}{
		{"MPI_Init_thread", &c.initThread}, {"MPI_Finalize", &c.finalize}, {"MPI_Comm_size", &c.commSize},
		{"MPI_Isend", &m.isend}, {"MPI_Irecv", &m.irecv}, {"MPI_Testall", &m.testAll},
	} {
		if *f.to, err = purego.Dlsym(handle, f.name); err != nil {
			return c, fmt.Errorf("%s is no library of MPI: it has no %s", m.name, f.name)
		}
	}
	world, none := purego.Dlsym(handle, "ompi_mpi_comm_world")
	if none == nil {
		m.world, m.requestSize = world, 8
		m.bytes, err = purego.Dlsym(handle, "ompi_mpi_byte")
		return c, err
	}
	// The numbers of the MPICH ABI Compatibility Initiative, and its MPI_STATUSES_IGNORE.
	m.world, m.bytes, m.ignored, m.requestSize = 0x44000000, 0x4c00010d, 1, 4
	return c, nil
}

// ask is the number that a function of the world gives.
func (m *library) ask(fn uintptr) int {
	purego.SyscallN(fn, m.world, uintptr(unsafe.Pointer(&m.flag)))
	return int(m.flag)
}

// exchange implements transport.
func (m *library) exchange(to, from [][][]byte, by patience) {
	m.count = 0
	m.post(m.irecv, from)
	m.post(m.isend, to)
	m.wait(by)
	runtime.KeepAlive(to)
	runtime.KeepAlive(from)
}

// post begins to send, or to receive.
func (m *library) post(fn uintptr, all [][][]byte) {
	for rank, slices := range all {
		for _, s := range slices {
			for len(s) > 0 {
				n := min(len(s), largest)
				if m.count == len(m.requests) {
					m.requests = append(m.requests, 0)
				}
				request := uintptr(unsafe.Pointer(&m.requests[0])) + uintptr(m.count)*m.requestSize
				m.check("MPI_Isend or MPI_Irecv", fn, uintptr(unsafe.Pointer(&s[0])), uintptr(n), m.bytes, uintptr(rank), anyTag, m.world, request)
				m.count++
				s = s[n:]
			}
		}
	}
}

// How long a rank that waits for others asks again at once, and how long it then lets other threads run in between, before it sleeps: a training goes
// on within the first two, and a rank that has nothing to do for longer takes no core.
const (
	spins  = 200 * time.Microsecond
	yields = 5 * time.Millisecond
	nap    = 50 * time.Microsecond
	rest   = 5 * time.Millisecond
)

func (m *library) wait(by patience) {
	if m.count == 0 {
		return
	}
	for began := time.Now(); ; {
		m.check("MPI_Testall", m.testAll, uintptr(m.count), uintptr(unsafe.Pointer(&m.requests[0])), uintptr(unsafe.Pointer(&m.flag)), m.ignored)
		if m.flag != 0 {
			return
		}
		switch waited := time.Since(began); {
		case waited < spins && by == eager:
		case waited < yields:
			yield()
		case by == patient:
			time.Sleep(rest)
		default:
			time.Sleep(nap)
		}
	}
}

// check makes a call. By default the library itself ends all processes over an error; one that returns it is the end of this one, and the launcher ends the others.
func (m *library) check(name string, fn uintptr, args ...uintptr) {
	if code, _, _ := purego.SyscallN(fn, args...); int32(code) != 0 {
		panic(fmt.Sprintf("mpi: %s: %s failed with code %d", m.name, name, int32(code)))
	}
}

// close ends the library, which waits for the other ranks.
func (m *library) close() {
	close(m.finalise)
	<-m.closing
}
