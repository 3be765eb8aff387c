package profile

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secgen-dev/secgen/dsl"
)

// rows are a profile's lines of JSON.
func rows(t *testing.T, p *Profile) []string {
	t.Helper()
	text, err := p.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, `{"`) {
			list = append(list, strings.TrimSuffix(line, ","))
		}
	}
	return list
}

func TestStraceIsReadAsItIsPrinted(t *testing.T) {
	for name, test := range map[string]struct {
		log  string
		want []string
	}{
		"one process, whose program is what it executes": {`execve("/usr/local/bin/x", ["x"], 0x7ffd /* 35 vars */) = -1 ENOENT (No such file or directory)
execve("/usr/bin/x", ["x", "a, \")b"], 0x7ffd /* 35 vars */) = 0
write(1, "read(3, 4) = 5, \"\\", 12)       = 12
exit_group(0)                           = ?
+++ exited with 0 +++`, []string{
			`{"arch":"amd64","call":"execve","count":1}`,
			`{"program":"/usr/bin/x","arch":"amd64","call":"execve","count":1}`,
			`{"program":"/usr/bin/x","arch":"amd64","call":"exit_group","count":1,"args":{"status":{"seen":{"0x0":1}}}}`,
			`{"program":"/usr/bin/x","arch":"amd64","call":"write","count":1,"args":{"fd":{"seen":{"0x1":1}}}}`,
		}},
		"processes in a file": {`12 execve("/bin/sh", ["sh"], 0x1) = 0
12 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f) = 13
13 getpid( <unfinished ...>
12 wait4(-1,  <unfinished ...>
13 <... getpid resumed>) = 13
13 execve("/bin/ls", ["ls"], 0x1 <unfinished ...>
13 <... execve resumed>) = 0
13 ioctl(1, TCGETS, {B38400 opost isig icanon echo ...}) = 0
13 +++ exited with 0 +++
12 <... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 13
12 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=13, si_uid=0, si_status=0, si_utime=0, si_stime=0} ---`, []string{
			`{"program":"/bin/ls","arch":"amd64","call":"ioctl","count":1,"args":{"fd":{"seen":{"0x1":1}},"request":{"seen":{"0x5401":1}}}}`,
			`{"program":"/bin/sh","arch":"amd64","call":"clone","count":1,"args":{"flags":{"seen":{"0x1200011":1}}}}`,
			`{"program":"/bin/sh","arch":"amd64","call":"execve","count":2}`,
			`{"program":"/bin/sh","arch":"amd64","call":"getpid","count":1}`,
			`{"program":"/bin/sh","arch":"amd64","call":"wait4","count":1,"args":{"options":{"seen":{"0x0":1}},"pid":{"seen":{"0xffffffff":1}}}}`,
		}},
		"processes on a terminal, where strace's own messages break into lines": {`execve("/bin/sh", ["sh"], 0x1) = 0
vfork(strace: Process 13 attached
 <unfinished ...>
[pid    13] execve("/bin/ls", ["ls"], 0x1 <unfinished ...>
[pid    12] <... vfork resumed>) = 13
[pid    13] <... execve resumed>) = 0
[pid    13] getpid() = 13
[pid    13] +++ exited with 0 +++
getppid() = 1`, []string{
			`{"program":"/bin/ls","arch":"amd64","call":"getpid","count":1}`,
			`{"program":"/bin/sh","arch":"amd64","call":"execve","count":2}`,
			`{"program":"/bin/sh","arch":"amd64","call":"getppid","count":1}`,
			`{"program":"/bin/sh","arch":"amd64","call":"vfork","count":1}`,
		}},
		"threads with names, times, addresses and numbers": {`12<strace> 10:20:30.123456 (+     0.000000) [00007f7f7f7f7f7f] [  59] execve("/bin/x", ["x"], 0x1) = 0 <0.000123>
12<x> 10:20:30 clone3({flags=CLONE_VM|CLONE_THREAD|0x40000, child_tid=0x7f, exit_signal=SIGCHLD, stack=0x7f, stack_size=0x7fff80} => {parent_tid=[13]}, 88) = 13<w> <0.1>
13<worker 1> 1700000000.123 [????????????????] sched_yield() = 0
[pid 14<a>] 0.000001 sched_yield() = 0`, []string{
			`{"program":"/bin/x","thread":"a","arch":"amd64","call":"sched_yield","count":1}`,
			`{"program":"/bin/x","thread":"strace","arch":"amd64","call":"execve","count":1}`,
			`{"program":"/bin/x","thread":"worker 1","arch":"amd64","call":"sched_yield","count":1}`,
			`{"program":"/bin/x","thread":"x","arch":"amd64","call":"clone3","count":1,"args":{"flags":{"seen":{"0x50111":1}}}}`,
		}},
		"files of descriptors, comments, unknown names and what lacks": {`openat(AT_FDCWD</tmp/a, b>, "x, y", O_RDONLY|O_CLOEXEC) = 3</tmp/x>
openat(3</tmp>, "x", O_RDONLY|O_WONDERFUL) = -1 EINVAL (Invalid argument)
arch_prctl(0x3001 /* ARCH_??? */, 0x7ffc) = -1 EINVAL (Invalid argument)
ioctl(3, _IOC(_IOC_READ|_IOC_WRITE, 0x46, 0x1, 0x20), 0x7f) = 0
ioctl(3, SNDCTL_TMR_TIMEBASE or TCGETS, 0x7f) = 0
tgkill(1, 2<x>, SIGRT_1) = 0
fcntl(3, F_GETFL) = 0x8002 (flags O_RDWR|O_LARGEFILE)
recvmsg(3,  <unfinished ...>`, []string{
			`{"arch":"amd64","call":"arch_prctl","count":1,"args":{"code":{"seen":{"0x3001":1}}}}`,
			`{"arch":"amd64","call":"fcntl","count":1,"args":{"cmd":{"seen":{"0x3":1}},"fd":{"seen":{"0x3":1}}}}`,
			`{"arch":"amd64","call":"ioctl","count":2,"args":{"fd":{"seen":{"0x3":2}},"request":{"seen":{"0x5401":1,"0xc0204601":1}}}}`,
			`{"arch":"amd64","call":"openat","count":2,"args":{"dirfd":{"seen":{"0x3":1,"0xffffff9c":1}},"flags":{"seen":{"0x80000":1}}}}`,
			`{"arch":"amd64","call":"recvmsg","count":1,"args":{"sockfd":{"seen":{"0x3":1}}}}`,
			`{"arch":"amd64","call":"tgkill","count":1,"args":{"sig":{"seen":{"0x21":1}},"tgid":{"seen":{"0x1":1}},"tid":{"seen":{"0x2":1}}}}`,
		}},
		"memory that is mapped to be executed": {`mmap(NULL, 4096, PROT_READ|PROT_EXEC, MAP_PRIVATE|MAP_DENYWRITE, 3, 0) = 0x7f
mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3, 0) = 0x7f`, []string{
			`{"arch":"amd64","call":"mmap","count":2,"args":{"fd":{"seen":{"0x3":2}},"flags":{"seen":{"0x1":1,"0x802":1}},` +
				`"flags with PROT_EXEC":{"seen":{"0x802":1}},"prot":{"seen":{"0x1":1,"0x5":1}}}}`,
		}},
		"a process of another mode, and a number without a name": {`execve("/bin/x", ["x"], 0x1) = 0
strace: [ Process PID=12 runs in 32 bit mode. ]
[ Process PID=0 runs in 32 bit mode. ]
mmap2(NULL, 4096, PROT_READ, MAP_PRIVATE, -1, 0) = 0xf7
_llseek(3, 5, [5], SEEK_SET) = 0
syscall_0x3e8(0x1, 0, 0, 0, 0, 0) = -1 ENOSYS (Function not implemented)`, []string{
			`{"program":"/bin/x","arch":"amd64","call":"execve","count":1}`,
			`{"program":"/bin/x","arch":"i386","number":1000,"count":1}`,
			`{"program":"/bin/x","arch":"i386","call":"_llseek","count":1}`,
			`{"program":"/bin/x","arch":"i386","call":"mmap2","count":1,"args":{"addr":{"seen":{"0x0":1}},"fd":{"seen":{"0xffffffff":1}},` +
				`"flags":{"seen":{"0x2":1}},"length":{"seen":{"0x1000":1}},"pgoffset":{"seen":{"0x0":1}},"prot":{"seen":{"0x1":1}}}}`,
		}},
		"execve of a thread that does not lead": {`12 execve("/bin/x", ["x"], 0x1) = 0
13 execve("/bin/y", ["y"], 0x1 <unfinished ...>
12 pause( <unfinished ...>
12 +++ superseded by execve in pid 13 +++
12 <... execve resumed>) = 0
12 getpid() = 12`, []string{
			`{"program":"/bin/x","arch":"amd64","call":"execve","count":2}`,
			`{"program":"/bin/x","arch":"amd64","call":"pause","count":1}`,
			`{"program":"/bin/y","arch":"amd64","call":"getpid","count":1}`,
		}},
		"tables of two modes": {`% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 40.00    0.000012           3         4         1 openat
 60.00    0.000012           3     1,000           read
`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := ReadStrace("log", []byte(test.log), StraceOptions{Arch: dsl.AMD64})
			if test.want == nil {
				if err == nil {
					t.Error("it was read")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for i, got := range rows(t, p) {
				got = strings.Replace(got, `"phase":"start",`, "", 1)
				if i >= len(test.want) || got != test.want[i] {
					t.Errorf("row %d is %s", i, got)
				}
			}
			if p.Len() != len(test.want) {
				t.Errorf("%d rows", p.Len())
			}
		})
	}
}

func TestStraceTablesAreSummed(t *testing.T) {
	const text = `System call usage summary for 64 bit mode:
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 40.00    0.000012           3         4         1 openat
 60.00    0.000012           3        40           read
------ ----------- ----------- --------- --------- ----------------
100.00    0.000024           3        44         1 total
System call usage summary for 32 bit mode:
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
100.00    0.000012           3         2           mmap2
------ ----------- ----------- --------- --------- ----------------
100.00    0.000024           3         2           total
`
	p, err := ReadStrace("counts", []byte(text+text[strings.Index(text, "%"):]), StraceOptions{Arch: dsl.AMD64})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(rows(t, p), "\n")
	if want := `{"arch":"amd64","call":"openat","count":8}
{"arch":"amd64","call":"read","count":80}
{"arch":"i386","call":"mmap2","count":4}`; got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestTheMarkerDividesALog(t *testing.T) {
	p, err := ReadStrace("log", []byte("socket(AF_INET, SOCK_STREAM, 0) = 3\nlisten(3, 5) = 0\naccept(3, NULL, NULL) = 4\n"), StraceOptions{Arch: dsl.AMD64, Marker: "listen"})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range p.Keys() {
		if want := map[bool]string{true: Serve, false: Start}[k.Name() == "accept"]; k.Phase != want {
			t.Errorf("%s is of phase %s", k.Name(), k.Phase)
		}
	}
}

func TestWhatIsNoLogOfStracesIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "log: no calls",
		"hello\n":                    "log: no calls",
		"getpid() = 1\nmmap2() = 1":  "log:2: amd64 has no call mmap2: if the log is another architecture's",
		"syscall_0xfffffffff() = 1":  "log:1: syscall_0xfffffffff is no number",
		"a calls syscall\nb 1 mmap2": "log: line 2: amd64 has no call mmap2",
		"a calls syscall\nb -1 read": "log: line 2: read: -1 is no count",
	} {
		if _, err := ReadStrace("log", []byte(text), StraceOptions{Arch: dsl.AMD64}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := ReadStrace("log", []byte("getpid() = 1"), StraceOptions{Arch: "vax"}); err == nil {
		t.Error("there is a vax")
	}
}

// What strace prints of one program is the same calls however it prints them.
func TestStraceIsReadWithAllItsOptions(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not installed")
	}
	var first string
	for _, options := range []string{"-f", "-f -y", "-f -tt -T", "-f -r -i", "-f -Y -ttt", "-f -n -yy", "-f -v -s 5", "-f -X verbose", "-f -X raw", "-f -X raw -t -r"} {
		path := filepath.Join(t.TempDir(), "log")
		args := append(strings.Fields(options), "-o", path, "sh", "-c", "cat /dev/null; cat /does/not/exist")
		if out, err := exec.Command("strace", args...).CombinedOutput(); !strings.Contains(string(out), "exist") {
			t.Skipf("strace does not run here: %v: %s", err, out)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		p, err := ReadStrace(path, text, StraceOptions{})
		if err != nil {
			t.Fatalf("%s: %v\n%s", options, err, text)
		}
		// Addresses are other ones each time, and so are numbers of processes.
		var got []string
		for _, k := range p.Keys() {
			if name := k.Name(); k.Program == "/usr/bin/cat" && (name == "openat" || name == "execve") || name == "mmap" || name == "mprotect" {
				k.Thread = ""
				one := &Profile{}
				one.MergeAs(p.Select(func(other Key) bool { other.Thread = ""; return other == k }), func(Key) Key { return k })
				if row := rows(t, one)[0]; !strings.Contains(strings.Join(got, "\n"), row) {
					got = append(got, row)
				}
			}
		}
		if text := strings.Join(got, "\n"); first == "" {
			first = text
			t.Log(text)
		} else if text != first {
			t.Errorf("%s:\n%s\nand with -f alone\n%s", options, text, first)
		}
	}
}

func FuzzStrace(f *testing.F) {
	for _, text := range []string{
		`12 execve("/bin/x", ["x"], 0x1) = 0`, "[pid 1<a>] <... read resumed>, 1) = 2", "clone3({flags=CLONE_VM, exit_signal=SIGCHLD}, 88 <unfinished ...>",
		"+++ superseded by execve in pid 2 +++", "vfork(strace: Process 3 attached", "a calls syscall\nb 1 read", "[ Process PID=2 runs in 32 bit mode. ]",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ReadStrace("log", text, StraceOptions{Arch: dsl.AMD64, Marker: "listen"})
		if err != nil {
			return
		}
		survives(t, p)
	})
}

// survives reports a profile that is not written as it is read, or of which no policy
// can be made.
func survives(t *testing.T, p *Profile) {
	t.Helper()
	text, err := p.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read("profile.json", text); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if _, err := p.Policies("Policy"); err != nil {
		t.Fatal(err)
	}
}
