// Command secgen turns seccomp policies, written as Go values, into Go files
// that carry proved filters.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime/debug"
	"slices"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit codes.
const (
	okay      = 0
	different = 1 // check: a file is stale; diff: the filters differ; lint: errors or warnings
	trouble   = 2

	// Of secgen run and learn, beside the command's own, as env(1) and the shell have them.
	failed        = 125
	notExecutable = 126
	notFound      = 127
)

// errDifferent makes a command end with the exit code different; what differs
// has been printed.
var errDifferent = errors.New("different")

// exit makes a command end with a code, and print the error if there is one.
type exit struct {
	code int
	err  error
}

func (e exit) Error() string { return fmt.Sprint(e.err) }

type cli struct {
	Generate generateCmd `cmd:"" help:"Write the filters of a policy package as a Go file."`
	Check    checkCmd    `cmd:"" help:"Exit with 1, and show a diff, if the file on disk is not what generate would write."`
	Diff     diffCmd     `cmd:"" help:"Show exactly which calls two filters answer differently; exit with 1 if any."`
	Lint     lintCmd     `cmd:"" help:"Say what is wrong with a filter, worst first; exit with 1 if there are errors or warnings."`
	Export   exportCmd   `cmd:"" help:"Write one program of a filter to standard output, for the kernel or for an SMT solver."`
	Explain  explainCmd  `cmd:"" help:"Show what a filter answers to every call, or to one, and why."`
	Tree     treeCmd     `cmd:"" help:"Show the decision tree of a filter, as text, for Graphviz or as a drawing."`
	List     listCmd     `cmd:"" help:"List system calls with their arguments, constants, errnos or groups of rules, on one architecture."`
	Import   importCmd   `cmd:"" help:"Turn a profile of another kind into a policy in Go."`
	Learn    learnCmd    `cmd:"" help:"Run a command and write a policy of the system calls that it makes."`
	Run      runCmd      `cmd:"" help:"Run a command under filters, and say which of its calls they deny, and why."`
	Attach   attachCmd   `cmd:"" help:"Install a filter in a running process, on all its threads."`

	Version kong.VersionFlag `help:"Print secgen's version."`
}

// session is what commands act on besides their arguments.
type session struct {
	ctx            context.Context
	stdout, stderr io.Writer
	rest           []string // what follows --, byte for byte, which kong does not keep
}

func main() {
	becomeCommand()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second signal ends the process at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// exited carries an exit code that kong asked for out of its parser.
type exited int

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (code int) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case exited:
			code = int(e)
		default:
			panic(e)
		}
	}()
	var c cli
	parser, err := kong.New(&c,
		kong.Name("secgen"),
		kong.Description("Static seccomp filters from policies written in Go, each proved to mean what its policy says."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(exited(code)) }),
		kong.Vars{"version": version()},
		kong.UsageOnError(),
	)
	if err != nil {
		panic(err) // the struct above is malformed
	}
	parsed, err := parser.Parse(longFlags(args))
	if err != nil {
		fmt.Fprintf(stderr, "secgen: %v; see secgen [COMMAND] --help\n", err)
		return trouble
	}
	err = parsed.Run(&session{ctx, stdout, stderr, after(args)})
	var e exit
	if errors.As(err, &e) {
		if e.err != nil {
			fmt.Fprintln(stderr, prefixed(e.err))
		}
		return e.code
	}
	switch {
	case errors.Is(err, errDifferent):
		return different
	case err != nil:
		fmt.Fprintln(stderr, prefixed(err))
		return trouble
	}
	return okay
}

// place is where an error says that it is, file:line.
var place = regexp.MustCompile(`^[^ ]+\.(go|json):[0-9]+:`)

// prefixed names the command before an error that does not begin with a place.
func prefixed(err error) string {
	text := err.Error()
	if place.MatchString(text) {
		return text
	}
	return "secgen: " + text
}

// after is what follows -- among arguments.
func after(args []string) []string {
	i := slices.Index(args, "--")
	if i < 0 {
		return nil
	}
	return args[i+1:]
}

// longFlags lets flags be written as Go's are, -other for --other; -100 is none.
func longFlags(args []string) []string {
	out := make([]string, len(args))
	copy(out, args)
	for i, a := range out {
		if a == "--" {
			break
		}
		if len(a) > 2 && a[0] == '-' && a[1] != '-' && (a[1] < '0' || a[1] > '9') && a[2] != '=' {
			out[i] = "-" + a
		}
	}
	return out
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return "secgen " + info.Main.Version
	}
	return "secgen (unknown version)"
}
