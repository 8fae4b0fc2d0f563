// Package root reads and writes tables of events as ROOT files: TTrees (and
// TNtuples) with a branch a column, written by ROOT 4 to 6. RNTuples are read by
// package rntuple. It writes histograms as TH1D, beside a tree or alone.
//
// It decodes baskets whole and straight into columns, several at once. The
// go-hep library groot (v0.38.1) reads every kind of ROOT object, but hands out
// trees an event at a time, at a third of the speed (docs/formats.md), reads
// baskets that lie in a tree's own record shifted, trusts lengths, and takes the
// start of the program some milliseconds. So it is not linked; the module groottest
// compares with it, as an independent reader and writer of the same files.
//
// The layout of the files follows the notes in ROOT's own sources: TFile.cxx and
// TKey.cxx (records), TBufferFile.cxx (objects and references), TTree.h,
// TBranch.h, TLeaf.h and TBasket.cxx (trees), TH1.h and TAxis.h (histograms),
// RZip.cxx (compressed blocks).
package root
