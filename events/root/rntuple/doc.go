// Package rntuple reads RNTuples, ROOT's columnar tables of version 1.0, that lie in ROOT files. Package root finds them and
// hands over their anchor; it also unpacks what ROOT has packed.
//
// An RNTuple is a schema (header, and what the footer adds to it), clusters of events, and of each column and cluster a list
// of pages, each packed by itself. The layout follows the RNTuple Binary Format Specification of ROOT
// (tree/ntuple/doc/BinaryFormatSpecification.md), the bits of truncated and quantised floats ROOT's RColumnElement.hxx.
package rntuple
