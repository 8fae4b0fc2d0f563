package hdf5

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"unsafe"

	"github.com/sluice-hep/sluice/events/column"
)

// library holds the functions of the HDF Group's library that are used here.
// Identifiers of objects (hid_t) are int64, which they are since version 1.10;
// negative ones, and negative results, are errors. A tag has the names in the
// library, the first that there is being taken; where it ends in a question mark,
// older ones lack it, and it is nil.
type library struct {
	open       func() int32                              `c:"H5open"`
	version    func(major, minor, release *uint32) int32 `c:"H5get_libversion"`
	freeMemory func(p uintptr) int32                     `c:"H5free_memory"`

	errorAuto func(stack int64, print, data uintptr) int32              `c:"H5Eset_auto2"`
	errorWalk func(stack int64, direction int32, f, data uintptr) int32 `c:"H5Ewalk2"`

	fileOpen   func(name string, flags uint32, access int64) int64         `c:"H5Fopen"`
	fileCreate func(name string, flags uint32, create, access int64) int64 `c:"H5Fcreate"`
	fileClose  func(id int64) int32                                        `c:"H5Fclose"`

	groupInfo     func(id int64, info unsafe.Pointer) int32                                        `c:"H5Gget_info"`
	linkInfo      func(loc int64, name string, info unsafe.Pointer, access int64) int32            `c:"H5Lget_info H5Lget_info1"`
	linkHard      func(from int64, name string, to int64, link string, create, access int64) int32 `c:"H5Lcreate_hard"`
	groupCreate   func(loc int64, name string, link, create, access int64) int64                   `c:"H5Gcreate2"`
	objectOpen    func(loc int64, name string, access int64) int64                                 `c:"H5Oopen"`
	objectClose   func(id int64) int32                                                             `c:"H5Oclose"`
	objectKind    func(id int64) int32                                                             `c:"H5Iget_type"`
	objectInfo    func(id int64, info unsafe.Pointer) int32                                        `c:"H5Oget_info H5Oget_info1 ?"`
	listCreate    func(class int64) int64                                                          `c:"H5Pcreate"`
	listClose     func(id int64) int32                                                             `c:"H5Pclose"`
	setCloseAll   func(access int64, degree int32) int32                                           `c:"H5Pset_fclose_degree"`
	setLocking    func(access int64, use, ignore bool) int32                                       `c:"H5Pset_file_locking ?"`
	setGroups     func(link int64, create uint32) int32                                            `c:"H5Pset_create_intermediate_group"`
	setTimes      func(create int64, track bool) int32                                             `c:"H5Pset_obj_track_times"`
	setOrder      func(create int64, flags uint32) int32                                           `c:"H5Pset_link_creation_order"`
	setChunk      func(create int64, rank int32, dims unsafe.Pointer) int32                        `c:"H5Pset_chunk"`
	setShuffle    func(create int64) int32                                                         `c:"H5Pset_shuffle"`
	setDeflate    func(create int64, level uint32) int32                                           `c:"H5Pset_deflate"`
	layout        func(create int64) int32                                                         `c:"H5Pget_layout"`
	chunk         func(create int64, rank int32, dims unsafe.Pointer) int32                        `c:"H5Pget_chunk"`
	chunkOptions  func(create int64, options *uint32) int32                                        `c:"H5Pget_chunk_opts"`
	filterCount   func(create int64) int32                                                         `c:"H5Pget_nfilters"`
	externalCount func(create int64) int32                                                         `c:"H5Pget_external_count"`
	fillValue     func(create, kind int64, value unsafe.Pointer) int32                             `c:"H5Pget_fill_value"`

	linkName func(loc int64, group string, index, order int32, n uint64, name unsafe.Pointer, size uintptr, access int64) int64                          `c:"H5Lget_name_by_idx"`
	filter   func(create int64, i uint32, flags *uint32, count *uintptr, values unsafe.Pointer, size uintptr, name unsafe.Pointer, config *uint32) int32 `c:"H5Pget_filter2"`

	spaceCreate func(rank int32, dims, most unsafe.Pointer) int64                          `c:"H5Screate_simple"`
	spaceKind   func(id int64) int32                                                       `c:"H5Sget_simple_extent_type"`
	spaceRank   func(id int64) int32                                                       `c:"H5Sget_simple_extent_ndims"`
	spaceDims   func(id int64, dims, most unsafe.Pointer) int32                            `c:"H5Sget_simple_extent_dims"`
	spaceSelect func(id int64, op int32, start, stride, count, block unsafe.Pointer) int32 `c:"H5Sselect_hyperslab"`
	spaceClose  func(id int64) int32                                                       `c:"H5Sclose"`

	setCreate   func(loc int64, name string, kind, space, link, create, access int64) int64                              `c:"H5Dcreate2"`
	setSpace    func(id int64) int64                                                                                     `c:"H5Dget_space"`
	setType     func(id int64) int64                                                                                     `c:"H5Dget_type"`
	setList     func(id int64) int64                                                                                     `c:"H5Dget_create_plist"`
	setExtent   func(id int64, dims unsafe.Pointer) int32                                                                `c:"H5Dset_extent"`
	read        func(id, memory, memorySpace, fileSpace, transfer int64, to unsafe.Pointer) int32                        `c:"H5Dread"`
	write       func(id, memory, memorySpace, fileSpace, transfer int64, from unsafe.Pointer) int32                      `c:"H5Dwrite"`
	chunkInfo   func(id int64, offset unsafe.Pointer, skipped *uint32, address, bytes *uint64) int32                     `c:"H5Dget_chunk_info_by_coord"`
	readChunk   func(id, transfer int64, offset unsafe.Pointer, skipped *uint32, to unsafe.Pointer) int32                `c:"H5Dread_chunk"`
	writeChunk  func(id, transfer int64, skipped uint32, offset unsafe.Pointer, size uintptr, from unsafe.Pointer) int32 `c:"H5Dwrite_chunk"`
	reclaim     func(kind, space, transfer int64, values unsafe.Pointer) int32                                           `c:"H5Treclaim H5Dvlen_reclaim"`
	typeClass   func(id int64) int32                                                                                     `c:"H5Tget_class"`
	typeSize    func(id int64) uintptr                                                                                   `c:"H5Tget_size"`
	typeOrder   func(id int64) int32                                                                                     `c:"H5Tget_order"`
	typeSign    func(id int64) int32                                                                                     `c:"H5Tget_sign"`
	typeBits    func(id int64) uintptr                                                                                   `c:"H5Tget_precision"`
	typeOffset  func(id int64) int32                                                                                     `c:"H5Tget_offset"`
	typeFloat   func(id int64, sign, exponent, exponentBits, fraction, fractionBits *uintptr) int32                      `c:"H5Tget_fields"`
	typeMembers func(id int64) int32                                                                                     `c:"H5Tget_nmembers"`
	memberName  func(id int64, i uint32) uintptr                                                                         `c:"H5Tget_member_name"`
	memberAt    func(id int64, i uint32) uintptr                                                                         `c:"H5Tget_member_offset"`
	memberType  func(id int64, i uint32) int64                                                                           `c:"H5Tget_member_type"`
	typeSuper   func(id int64) int64                                                                                     `c:"H5Tget_super"`
	arrayRank   func(id int64) int32                                                                                     `c:"H5Tget_array_ndims"`
	arrayDims   func(id int64, dims unsafe.Pointer) int32                                                                `c:"H5Tget_array_dims2"`
	isVariable  func(id int64) int32                                                                                     `c:"H5Tis_variable_str"`
	typeCopy    func(id int64) int64                                                                                     `c:"H5Tcopy"`
	typeResize  func(id int64, size uintptr) int32                                                                       `c:"H5Tset_size"`
	typePad     func(id int64, pad int32) int32                                                                          `c:"H5Tset_strpad"`
	typeUTF8    func(id int64, set int32) int32                                                                          `c:"H5Tset_cset"`
	typeClose   func(id int64) int32                                                                                     `c:"H5Tclose"`

	attributeExists func(id int64, name string) int32                                     `c:"H5Aexists"`
	attributeOpen   func(id int64, name string, access int64) int64                       `c:"H5Aopen"`
	attributeSpace  func(id int64) int64                                                  `c:"H5Aget_space"`
	attributeType   func(id int64) int64                                                  `c:"H5Aget_type"`
	attributeRead   func(id, memory int64, to unsafe.Pointer) int32                       `c:"H5Aread"`
	attributeCreate func(loc int64, name string, kind, space, create, access int64) int64 `c:"H5Acreate2"`
	attributeWrite  func(id, memory int64, from unsafe.Pointer) int32                     `c:"H5Awrite"`
	attributeClose  func(id int64) int32                                                  `c:"H5Aclose"`

	// Identifiers that the library makes when it starts.
	accessClass *int64 `c:"H5P_CLS_FILE_ACCESS_ID_g"`
	fileClass   *int64 `c:"H5P_CLS_FILE_CREATE_ID_g"`
	createClass *int64 `c:"H5P_CLS_DATASET_CREATE_ID_g"`
	linkClass   *int64 `c:"H5P_CLS_LINK_CREATE_ID_g"`
	textKind    *int64 `c:"H5T_C_S1_g"`
	float32     *int64 `c:"H5T_IEEE_F32LE_g"`
	float64     *int64 `c:"H5T_IEEE_F64LE_g"`
	int64       *int64 `c:"H5T_STD_I64LE_g"`
	uint64      *int64 `c:"H5T_STD_U64LE_g"`

	kinds    [column.Text + 1]int64 // of values in the files that are written, by the type of their column
	describe uintptr                // the callback for errorWalk
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
	const variable = ^uintptr(0)
	l.kinds = [...]int64{column.Float32: *l.float32, column.Float64: *l.float64, column.Int64: *l.int64, column.Uint64: *l.uint64, column.Text: l.textType(variable)}
	return l, nil
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

// closeFile closes a file that is open, with the data sets in it.
func closeFile(file *int64, what string, sets ...*dataset) error {
	id := *file
	if *file = 0; id <= 0 {
		return nil
	}
	return do(func(l *library) error {
		for _, d := range sets {
			l.closeSet(d)
		}
		if l.fileClose(id) < 0 {
			return l.failed(what)
		}
		return nil
	})
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
