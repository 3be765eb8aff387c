module github.com/secgen-dev/secgen/bench

go 1.26.3

require (
	github.com/elastic/go-seccomp-bpf v1.6.0
	github.com/seccomp/libseccomp-golang v0.11.1
	github.com/secgen-dev/secgen v0.0.0
	golang.org/x/net v0.62.0
	gvisor.dev/gvisor v0.0.0-20260905035102-160fafc42237
)

require (
	github.com/dave/jennifer v1.7.1 // indirect
	github.com/rogpeppe/go-internal v1.16.0 // indirect
	golang.org/x/exp v0.0.0-20250711185948-6ae5c78190dc // indirect
	golang.org/x/sys v0.50.0 // indirect
	golang.org/x/time v0.15.0 // indirect
)

replace github.com/secgen-dev/secgen => ../
