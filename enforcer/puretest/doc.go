// Package puretest holds the enforcer's pure C code against the Go reference: it compiles the files with cgo and its
// tests fuzz both with the same blobs, requests, templates and files.
//
// The sources are included from the parent directory, which the go command does not watch. stamp.h, written by
// go generate, changes with them and so has them compiled again; a test fails when it is out of date.
package puretest

//go:generate go run ./stamp/gen
