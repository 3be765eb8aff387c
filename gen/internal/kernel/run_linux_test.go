package kernel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/secgen-dev/secgen/runtime/install"
)

const (
	trialsEnv = "SECGEN_KERNEL_TRIALS"
	roomEnv   = "SECGEN_KERNEL_ROOM"
)

// trial is a program about one call number, and calls by it. The program ends
// in an errno, whose 12 bits are the low ones of what it computed.
type trial struct {
	Program Program
	Nr      uint32
	Args    [][6]uint64
}

func TestMain(m *testing.M) {
	if os.Getenv(trialsEnv) != "" {
		if err := child(os.Stdin); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.Getenv(roomEnv) != "" {
		if err := fill(os.Stdin); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// instructions are a program as the installer takes it.
func instructions(p Program) (list []install.Instruction) {
	for _, r := range p {
		list = append(list, install.Instruction{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K})
	}
	return list
}

// copies is how often fill installs a program before it fills the room that is left.
const copies = 8

// fill installs programs and prints how many of the shortest the kernel takes on top.
func fill(in io.Reader) error {
	var p Program
	if err := json.NewDecoder(in).Decode(&p); err != nil {
		return err
	}
	for range copies {
		if err := install.ThisThread("program", instructions(p), 0); err != nil {
			return err
		}
	}
	n := 0
	for install.ThisThread("shortest", []install.Instruction{{Code: Return, K: 0x7fff0000}}, 0) == nil {
		n++
	}
	_, err := fmt.Println(n)
	return err
}

// The kernel counts what it made of filters, not what it was given.
func TestConvertedIsWhatTheKernelCounts(t *testing.T) {
	const (
		most = 1 << 15 // MAX_INSNS_PER_PATH
		each = 4       // that a filter counts besides its own
	)
	r := rand.New(rand.NewPCG(9, 10))
	shortest := Converted(Program{{Op: Return}})
	for range 10 {
		p := randomProgram(r, 1000)
		out := inChild(t, roomEnv, p)
		var got int
		if _, err := fmt.Sscan(string(out), &got); err != nil {
			t.Fatal(err)
		}
		left := most + each - copies*(Converted(p)+each) // the newest does not count each
		if want := left / (shortest + each); got != want {
			t.Errorf("%d of the shortest fit on %d programs of %d instructions, want %d: %v", got, copies, Converted(p), want, p)
		}
	}
}

// inChild is what this test prints as a child of its own that the variable tells what
// to do, with the input as JSON.
func inChild(t *testing.T, variable string, input any) []byte {
	t.Helper()
	text, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), variable+"=1")
	cmd.Stdin = bytes.NewReader(text)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func child(in io.Reader) error {
	var trials []trial
	if err := json.NewDecoder(in).Decode(&trials); err != nil {
		return err
	}
	for _, tr := range trials {
		if err := install.ThisThread("trial", instructions(tr.Program), 0); err != nil {
			return err
		}
	}
	var got [][]uint32
	for _, tr := range trials {
		var errnos []uint32
		for _, a := range tr.Args {
			r1, _, errno := syscall.RawSyscall6(uintptr(tr.Nr), uintptr(a[0]), uintptr(a[1]), uintptr(a[2]), uintptr(a[3]), uintptr(a[4]), uintptr(a[5]))
			if errno == 0 {
				errno = syscall.Errno(-r1) // 4095 does not count as an error to Go
			}
			errnos = append(errnos, uint32(errno))
		}
		got = append(got, errnos)
	}
	return json.NewEncoder(os.Stdout).Encode(got)
}

// Random programs of all arithmetic, registers and scratch memory compute in the
// running kernel what Run says.
func TestRunDoesWhatTheKernelDoes(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the words of arguments are amd64's here")
	}
	r := rand.New(rand.NewPCG(7, 8))
	var trials []trial
	for i := range 120 {
		nr := uint32(1000 + i)
		tr := trial{Program: randomProgram(r, nr), Nr: nr}
		if err := Check(tr.Program); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			tr.Args = append(tr.Args, [6]uint64{r.Uint64(), r.Uint64() >> r.IntN(64), r.Uint64N(40), r.Uint64(), 0, ^uint64(0)})
		}
		trials = append(trials, tr)
	}
	out := inChild(t, trialsEnv, trials)
	var got [][]uint32
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	for i, tr := range trials {
		for j, args := range tr.Args {
			data := [16]uint32{0: tr.Nr, 1: 0xc000003e}
			for k, a := range args {
				data[4+2*k], data[5+2*k] = uint32(a), uint32(a>>32)
			}
			want, _ := Run(tr.Program, data)
			if want&0xffff0000 != 0x00050000 || got[i][j] != want&0xffff {
				t.Errorf("program %v on %x: the kernel answers errno %#x, Run %#x", tr.Program, args, got[i][j], want)
			}
		}
	}
}

// randomProgram allows every number but nr, for which it computes something.
func randomProgram(r *rand.Rand, nr uint32) Program {
	p := Program{
		{Op: LoadWord, K: 0},
		{Op: JumpEqual, K: nr, Jt: 1},
		{Op: Return, K: 0x7fff0000},
	}
	add := func(op uint16, k uint32) { p = append(p, bpf.RawInstruction{Op: op, K: k}) }
	for slot := range uint32(3) { // fill the scratch memory that is read later
		add(LoadWord, 16+4*uint32(r.IntN(12)))
		add(Store, slot)
	}
	add(LoadXMem, 0)
	operations := []uint16{Add, Sub, Mul, Div, Or, And, Lsh, Rsh, Xor}
	for range 20 {
		switch r.IntN(12) {
		case 0:
			add(LoadWord, 16+4*uint32(r.IntN(12)))
		case 1:
			add(LoadMem, uint32(r.IntN(3)))
		case 2:
			add(LoadXMem, uint32(r.IntN(3)))
		case 3:
			add([]uint16{Store, StoreX}[r.IntN(2)], uint32(r.IntN(3)))
		case 4:
			add([]uint16{ToX, FromX, Neg}[r.IntN(3)], 0)
		case 5:
			add([]uint16{LoadLen, LoadXLen}[r.IntN(2)], 0)
		case 6:
			add([]uint16{LoadConst, LoadXConst}[r.IntN(2)], r.Uint32())
		case 7: // skip one instruction or none
			op := []uint16{JumpEqual, JumpGreater, JumpGreaterEq, JumpAnyBit}[r.IntN(4)] | uint16(r.IntN(2))*UseX
			p = append(p, bpf.RawInstruction{Op: op, K: r.Uint32() >> r.IntN(32), Jt: uint8(r.IntN(2)), Jf: uint8(r.IntN(2))})
			add(Neg, 0)
		default:
			op := operations[r.IntN(len(operations))]
			k := 1 + r.Uint32()>>1>>r.IntN(31)
			if op == Lsh || op == Rsh {
				k %= 32
			}
			if op != Div && r.IntN(2) == 0 {
				op |= UseX
			}
			add(op, k)
		}
	}
	// Division by X, which must not be zero here, between two that keep A alive.
	add(Store, 15)
	add(FromX, 0)
	add(Or, 1)
	add(ToX, 0)
	add(LoadMem, 15)
	add(Div|UseX, 0)
	add(And, 0xfff)
	add(Or, 0x00050000)
	add(ReturnA, 0)
	return p
}
