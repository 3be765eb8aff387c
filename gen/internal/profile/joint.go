package profile

import (
	"fmt"

	"github.com/secgen-dev/secgen/gen/internal/abi"
)

// protExec is PROT_EXEC, on all ABIs.
const protExec = 4

// with names an argument that was noted apart where another had a value: code and
// other memory are mapped with different flags, and what a socket's protocol is
// depends on its domain.
func with(arg, value string) string { return arg + " with " + value }

// noteJointly notes arguments once more, by with.
func (c *Call) noteJointly(k Key, values map[string]uint64) {
	if prot, ok := values["prot"]; ok && prot&protExec != 0 {
		if flags, ok := values["flags"]; ok {
			c.note(with("flags", "PROT_EXEC"), flags, 1)
		}
	}
	if domain, ok := values["domain"]; ok {
		of := domainName(abi.Lookup(string(k.Arch)), domain)
		for _, arg := range []string{"type", "protocol"} {
			if v, ok := values[arg]; ok {
				c.note(with(arg, of), v, 1)
			}
		}
	}
}

// domainName is how an address family is called.
func domainName(arch *abi.Arch, domain uint64) string {
	for _, arg := range arch.Args("socket") {
		if arg.Name == "domain" {
			if name, ok := arch.Names("socket", arg).Value(domain); ok {
				return name
			}
		}
	}
	return fmt.Sprintf("%#x", domain)
}
