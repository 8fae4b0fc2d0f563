// Package hdf5 reads and writes HDF5 files as tables of events: data sets of
// h5py (a matrix, a column each, structures) and frames of pandas (fixed and
// table), streamed by blocks of rows.
//
// The file's structure is read by the HDF Group's C library, which is loaded
// when the first file is opened and needs no C compiler. What chunks hold is
// fetched packed and unpacked here, on several cores: gzip, shuffle, fletcher32
// and zstd, and also lzf and blosc, which that library does not have. Data that
// is not in such chunks is read by the library.
//
// The library is not safe for several threads, so one lock guards it; all that
// is unpacked here runs outside the lock. It is C code that trusts its input
// more than it should: before it gets a file, the superblock is checked
// (signature, version, sizes, the end of the file), and every size that it
// reports is checked against the size of the file, but damage in the structure of
// a file, or a file made for it, can still crash or stop the installed library,
// and the program with it. In 1.10.8, of 1900 test files with a few bytes changed
// at random ten crashed it and one made it loop, mostly where it reads texts of
// variable length. Open files from strangers in a place where that does not
// matter.
package hdf5
