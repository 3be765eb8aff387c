package gen

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/secgen-dev/secgen/dsl"
)

// Main is the main of a program that generates a file from policies, for those
// who would rather not use the secgen command:
//
//	//go:build ignore
//
//	package main
//
//	func main() { gen.Main(dsl.Named{Name: "Serve", Policy: &policy.Serve}) }
//
// run by
//
//	//go:generate env GOOS= GOARCH= go run gen.go -o filter_linux.go
//
// It takes the flags -o, -other, -pkg, -weights and -profile of secgen generate, and -check to
// compare only, as secgen check does. It ends the program: with 0 if all is
// well, with 1 if -check found a difference, else with 2.
func Main(policies ...dsl.Named) {
	var t Target
	flag.StringVar(&t.File, "o", "", "the Go file to write")
	flag.StringVar(&t.Other, "other", "", "a stand-in to write for systems other than Linux")
	flag.StringVar(&t.Package, "pkg", "", "the package that the file belongs to, if its directory does not tell")
	weights := flag.String("weights", "default", "default, or uniform: each call that is ever allowed counts the same")
	profile := flag.String("profile", "", "counts of calls to make the filters fast for: a profile of secgen learn's, strace -c's table, or JSON of names and numbers")
	check := flag.Bool("check", false, "write nothing; show how the files on disk differ, and exit with 1 if they do")
	flag.Parse()
	var stale []byte
	var err error
	t.Weights, err = ReadWeights(*weights, *profile)
	switch {
	case err != nil:
	case flag.NArg() > 0:
		err = fmt.Errorf("unexpected argument %s", flag.Arg(0))
	case t.File == "":
		err = errors.New("say where to write the file, with -o")
	case *check:
		stale, err = t.Stale(policies...)
	default:
		err = t.Write(context.Background(), policies...)
	}
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	case len(stale) > 0:
		os.Stdout.Write(stale)
		os.Exit(1)
	}
	os.Exit(0)
}
