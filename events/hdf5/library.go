package hdf5

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"unsafe"
)

// library holds the functions of the HDF Group's library that are used here.
// Identifiers of objects (hid_t) are int64, which they are since version 1.10;
// negative ones, and negative results, are errors.
type library struct {
	open       func() int32
	version    func(major, minor, release *uint32) int32
	freeMemory func(p uintptr) int32

	errorAuto func(stack int64, print, data uintptr) int32
	errorWalk func(stack int64, direction int32, f, data uintptr) int32

	fileOpen   func(name string, flags uint32, access int64) int64
	fileCreate func(name string, flags uint32, create, access int64) int64
	fileClose  func(id int64) int32

	groupInfo     func(id int64, info unsafe.Pointer) int32
	linkName      func(loc int64, group string, index, order int32, n uint64, name unsafe.Pointer, size uintptr, access int64) int64
	linkInfo      func(loc int64, name string, info unsafe.Pointer, access int64) int32
	linkHard      func(from int64, name string, to int64, link string, create, access int64) int32
	groupCreate   func(loc int64, name string, link, create, access int64) int64
	objectOpen    func(loc int64, name string, access int64) int64
	objectClose   func(id int64) int32
	objectKind    func(id int64) int32
	objectInfo    func(id int64, info unsafe.Pointer) int32 // nil in some builds
	listCreate    func(class int64) int64
	listClose     func(id int64) int32
	setCloseAll   func(access int64, degree int32) int32
	setLocking    func(access int64, use, ignore bool) int32 // nil before 1.10.7
	setGroups     func(link int64, create uint32) int32
	setTimes      func(create int64, track bool) int32
	setOrder      func(create int64, flags uint32) int32
	setChunk      func(create int64, rank int32, dims unsafe.Pointer) int32
	setShuffle    func(create int64) int32
	setDeflate    func(create int64, level uint32) int32
	layout        func(create int64) int32
	chunk         func(create int64, rank int32, dims unsafe.Pointer) int32
	chunkOptions  func(create int64, options *uint32) int32
	filterCount   func(create int64) int32
	filter        func(create int64, i uint32, flags *uint32, count *uintptr, values unsafe.Pointer, size uintptr, name unsafe.Pointer, config *uint32) int32
	externalCount func(create int64) int32
	fillValue     func(create, kind int64, value unsafe.Pointer) int32

	spaceCreate func(rank int32, dims, most unsafe.Pointer) int64
	spaceKind   func(id int64) int32
	spaceRank   func(id int64) int32
	spaceDims   func(id int64, dims, most unsafe.Pointer) int32
	spaceSelect func(id int64, op int32, start, stride, count, block unsafe.Pointer) int32
	spaceClose  func(id int64) int32

	setCreate   func(loc int64, name string, kind, space, link, create, access int64) int64
	setSpace    func(id int64) int64
	setType     func(id int64) int64
	setList     func(id int64) int64
	setExtent   func(id int64, dims unsafe.Pointer) int32
	read        func(id, memory, memorySpace, fileSpace, transfer int64, to unsafe.Pointer) int32
	write       func(id, memory, memorySpace, fileSpace, transfer int64, from unsafe.Pointer) int32
	chunkInfo   func(id int64, offset unsafe.Pointer, skipped *uint32, address, bytes *uint64) int32
	readChunk   func(id, transfer int64, offset unsafe.Pointer, skipped *uint32, to unsafe.Pointer) int32
	writeChunk  func(id, transfer int64, skipped uint32, offset unsafe.Pointer, size uintptr, from unsafe.Pointer) int32
	reclaim     func(kind, space, transfer int64, values unsafe.Pointer) int32
	typeClass   func(id int64) int32
	typeSize    func(id int64) uintptr
	typeOrder   func(id int64) int32
	typeSign    func(id int64) int32
	typeBits    func(id int64) uintptr
	typeOffset  func(id int64) int32
	typeFloat   func(id int64, sign, exponent, exponentBits, fraction, fractionBits *uintptr) int32
	typeMembers func(id int64) int32
	memberName  func(id int64, i uint32) uintptr
	memberAt    func(id int64, i uint32) uintptr
	memberType  func(id int64, i uint32) int64
	typeSuper   func(id int64) int64
	arrayRank   func(id int64) int32
	arrayDims   func(id int64, dims unsafe.Pointer) int32
	isVariable  func(id int64) int32
	typeCopy    func(id int64) int64
	typeResize  func(id int64, size uintptr) int32
	typePad     func(id int64, pad int32) int32
	typeUTF8    func(id int64, set int32) int32
	typeClose   func(id int64) int32

	attributeExists func(id int64, name string) int32
	attributeOpen   func(id int64, name string, access int64) int64
	attributeSpace  func(id int64) int64
	attributeType   func(id int64) int64
	attributeRead   func(id, memory int64, to unsafe.Pointer) int32
	attributeCreate func(loc int64, name string, kind, space, create, access int64) int64
	attributeWrite  func(id, memory int64, from unsafe.Pointer) int32
	attributeClose  func(id int64) int32

	known    constants
	variable func(name string) (int64, error)
	describe uintptr // the callback for errorWalk
}

// constants are identifiers that the library makes when it starts.
type constants struct {
	accessClass, fileClass, createClass, linkClass int64
	float32, float64, int64, uint64, text          int64
}

// symbols lists the names in the library, the first that there is being taken.
func (l *library) symbols() map[any]string {
	return map[any]string{
		&l.open: "H5open", &l.version: "H5get_libversion", &l.freeMemory: "H5free_memory",
		&l.errorAuto: "H5Eset_auto2", &l.errorWalk: "H5Ewalk2",
		&l.fileOpen: "H5Fopen", &l.fileCreate: "H5Fcreate", &l.fileClose: "H5Fclose",
		&l.groupInfo: "H5Gget_info", &l.linkName: "H5Lget_name_by_idx", &l.linkInfo: "H5Lget_info H5Lget_info1",
		&l.linkHard: "H5Lcreate_hard", &l.groupCreate: "H5Gcreate2",
		&l.objectOpen: "H5Oopen", &l.objectClose: "H5Oclose", &l.objectKind: "H5Iget_type",
		&l.objectInfo: "H5Oget_info H5Oget_info1 ?",
		&l.listCreate: "H5Pcreate", &l.listClose: "H5Pclose", &l.setCloseAll: "H5Pset_fclose_degree",
		&l.setLocking: "H5Pset_file_locking ?", &l.setGroups: "H5Pset_create_intermediate_group",
		&l.setTimes: "H5Pset_obj_track_times", &l.setOrder: "H5Pset_link_creation_order",
		&l.setChunk: "H5Pset_chunk", &l.setShuffle: "H5Pset_shuffle", &l.setDeflate: "H5Pset_deflate",
		&l.layout: "H5Pget_layout", &l.chunk: "H5Pget_chunk", &l.chunkOptions: "H5Pget_chunk_opts",
		&l.filterCount: "H5Pget_nfilters", &l.filter: "H5Pget_filter2",
		&l.externalCount: "H5Pget_external_count", &l.fillValue: "H5Pget_fill_value",
		&l.spaceCreate: "H5Screate_simple", &l.spaceKind: "H5Sget_simple_extent_type",
		&l.spaceRank: "H5Sget_simple_extent_ndims", &l.spaceDims: "H5Sget_simple_extent_dims",
		&l.spaceSelect: "H5Sselect_hyperslab", &l.spaceClose: "H5Sclose",
		&l.setCreate: "H5Dcreate2", &l.setSpace: "H5Dget_space", &l.setType: "H5Dget_type", &l.setList: "H5Dget_create_plist",
		&l.setExtent: "H5Dset_extent", &l.read: "H5Dread", &l.write: "H5Dwrite", &l.chunkInfo: "H5Dget_chunk_info_by_coord",
		&l.readChunk: "H5Dread_chunk", &l.writeChunk: "H5Dwrite_chunk", &l.reclaim: "H5Treclaim H5Dvlen_reclaim",
		&l.typeClass: "H5Tget_class", &l.typeSize: "H5Tget_size", &l.typeOrder: "H5Tget_order", &l.typeSign: "H5Tget_sign",
		&l.typeBits: "H5Tget_precision", &l.typeOffset: "H5Tget_offset", &l.typeFloat: "H5Tget_fields",
		&l.typeMembers: "H5Tget_nmembers", &l.memberName: "H5Tget_member_name", &l.memberAt: "H5Tget_member_offset",
		&l.memberType: "H5Tget_member_type", &l.typeSuper: "H5Tget_super", &l.arrayRank: "H5Tget_array_ndims",
		&l.arrayDims: "H5Tget_array_dims2", &l.isVariable: "H5Tis_variable_str", &l.typeCopy: "H5Tcopy",
		&l.typeResize: "H5Tset_size", &l.typePad: "H5Tset_strpad", &l.typeUTF8: "H5Tset_cset", &l.typeClose: "H5Tclose",
		&l.attributeExists: "H5Aexists", &l.attributeOpen: "H5Aopen", &l.attributeSpace: "H5Aget_space",
		&l.attributeType: "H5Aget_type", &l.attributeRead: "H5Aread", &l.attributeCreate: "H5Acreate2",
		&l.attributeWrite: "H5Awrite", &l.attributeClose: "H5Aclose",
	}
}

// lock guards the library, which is not safe for several threads.
var lock sync.Mutex

// load finds the library once a process; it is global state in C.
var load = sync.OnceValues(newLibrary)

func newLibrary() (*library, error) {
	l := &library{}
	place, err := l.bind()
	if err != nil {
		return nil, err
	}
	if l.open() < 0 {
		return nil, fmt.Errorf("the HDF5 library %s does not start", place)
	}
	var major, minor, release uint32
	l.version(&major, &minor, &release)
	if major < 1 || major == 1 && (minor < 10 || minor == 10 && release < 5) {
		return nil, fmt.Errorf("the HDF5 library %s is version %d.%d.%d; 1.10.5 or newer is needed", place, major, minor, release)
	}
	return l, l.constants()
}

// missing says how to get the library.
func missing(cause error) error {
	return fmt.Errorf("needs the HDF5 library, which was not found (%w); install it: Debian and Ubuntu `apt install libhdf5-103-1` (newer: libhdf5-310), Fedora `dnf install hdf5`, conda `conda install hdf5`, macOS `brew install hdf5`; or set SLUICE_HDF5 to its path", cause)
}

// names are places where the library is looked for, the first that loads being taken.
func names() []string {
	if path := os.Getenv("SLUICE_HDF5"); path != "" {
		return []string{path}
	}
	var all []string
	prefix := os.Getenv("CONDA_PREFIX")
	if runtime.GOOS == "darwin" {
		all = []string{"libhdf5.dylib", "/opt/homebrew/lib/libhdf5.dylib", "/usr/local/lib/libhdf5.dylib", "/opt/local/lib/libhdf5.dylib"}
		if prefix != "" {
			all = append([]string{prefix + "/lib/libhdf5.dylib"}, all...)
		}
		return all
	}
	if prefix != "" {
		all = append(all, prefix+"/lib/libhdf5.so")
	}
	for _, name := range []string{"libhdf5_serial.so", "libhdf5.so"} {
		all = append(all, name)
		for _, number := range []string{"320", "310", "300", "200", "103"} {
			all = append(all, name+"."+number)
		}
	}
	return all
}

// do calls f while no other call is in the library. A threaded build of it keeps
// its errors for each thread.
func do(f func(l *library) error) error {
	l, err := load()
	if err != nil {
		return err
	}
	lock.Lock()
	defer lock.Unlock()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	l.errorAuto(0, 0, 0) // nothing is printed
	return f(l)
}

// failed is the library's account of its last error: what it could not do, and
// the deepest reason.
func (l *library) failed(what string) error {
	trace = trace[:0]
	const upward = 0 // from the deepest call
	l.errorWalk(0, upward, l.describe, 0)
	if len(trace) == 0 {
		return errors.New(what)
	}
	reason := trace[0]
	if last := trace[len(trace)-1]; last != reason {
		reason = last + ": " + reason
	}
	return fmt.Errorf("%s: %s", what, strings.ToValidUTF8(reason, "?"))
}

// trace collects what errorWalk tells; the lock guards it.
var trace []string

// onError is called by the library for each entry of its stack of errors, an
// H5E_error2_t: three identifiers, a line, and the names of function, file, and
// what went wrong.
func onError(_ uintptr, entry uintptr, _ uintptr) uintptr {
	const description = 48 // its offset
	if len(trace) < 64 {
		trace = append(trace, cString(*at[uintptr](entry + description)))
	}
	return 0
}

// at is a value of C's memory.
func at[T any](address uintptr) *T {
	return *(**T)(unsafe.Pointer(&address))
}

// text copies a C string, at most 1 MiB of it.
func cString(address uintptr) string {
	if address == 0 {
		return ""
	}
	n := 0
	for n < 1<<20 && *at[byte](address + uintptr(n)) != 0 {
		n++
	}
	return string(unsafe.Slice(at[byte](address), n))
}

// pointer to the first value of s, nil where it is empty.
func pointer[T any](s []T) unsafe.Pointer {
	return unsafe.Pointer(unsafe.SliceData(s))
}
