// Command server carries a generated file and nothing else, to be looked into.
package main

import "github.com/secgen-dev/secgen/golden/plain"

func main() {
	if err := plain.Plain.Install(); err != nil {
		panic(err)
	}
}
