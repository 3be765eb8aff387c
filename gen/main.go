package gen

import (
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
//	//go:generate go run gen.go -o filter_linux.go
//
// It takes the flags -o, -other and -pkg of secgen generate, and ends the
// program: with 0 if all went well, else with 2.
func Main(policies ...dsl.Named) {
	var t Target
	flag.StringVar(&t.File, "o", "", "the Go file to write")
	flag.StringVar(&t.Other, "other", "", "a stand-in to write for systems other than Linux")
	flag.StringVar(&t.Package, "pkg", "", "the package that the file belongs to, if its directory does not tell")
	flag.Parse()
	err := fmt.Errorf("say where to write the file, with -o")
	if t.File != "" && flag.NArg() == 0 {
		err = t.Write(policies...)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(0)
}
