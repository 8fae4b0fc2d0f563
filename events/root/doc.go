// Package root reads and writes tables of events as ROOT files: TTrees (and
// TNtuples) with a branch a column, written by ROOT 4 to 6.
//
// It decodes baskets whole and straight into columns, several at once. The
// go-hep library groot, which reads every kind of ROOT object, hands out trees
// an event at a time and its baskets to nobody: 12 million values a second where
// this package decodes some hundreds. So groot is not linked; the tests use it,
// as an independent reader and writer of the same files.
//
// The layout of the files follows the notes in ROOT's own sources: TFile.cxx and
// TKey.cxx (records), TBufferFile.cxx (objects and references), TTree.h,
// TBranch.h, TLeaf.h and TBasket.cxx (trees), RZip.cxx (compressed blocks).
package root
