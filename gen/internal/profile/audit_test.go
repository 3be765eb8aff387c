package profile

import (
	"strings"
	"testing"
)

func TestAuditRecordsAreRead(t *testing.T) {
	const log = `type=DAEMON_START msg=audit(1732500000.000:1): op=start ver=3.0.9
type=SECCOMP msg=audit(1732500000.123:45): auid=0 uid=0 gid=0 ses=1 subj=unconfined pid=7 comm="ls" exe="/usr/bin/ls" sig=0 arch=c000003e syscall=257 compat=0 ip=0x7f code=0x7ffc0000` + "\x1d" + `AUID="root" ARCH=x86_64 SYSCALL=openat
Nov 25 01:02:03 host kernel: audit: type=1326 audit(1732500000.124:46): auid=0 uid=0 gid=0 ses=1 pid=7 comm="ls" exe="/usr/bin/ls" sig=31 arch=c000003e syscall=257 compat=0 ip=0x7f code=0x80000000
[   12.345678] audit: type=1326 audit(1732500000.125:47): auid=0 uid=0 gid=0 ses=1 pid=7 comm=6120622063 exe=2F746D702F6120622063 sig=0 arch=40000003 syscall=20 compat=1 ip=0x7f code=0x7ffc0000
type=SYSCALL msg=audit(1732500000.126:48): arch=c000003e syscall=41 success=yes exit=3 a0=2 a1=80801 a2=6 a3=7ffd items=0 ppid=1 pid=7 comm="ls" exe="/usr/bin/ls" key=(null)
type=SECCOMP msg=audit(1732500000.126:48): auid=0 uid=0 gid=0 ses=1 pid=7 comm="ls" exe="/usr/bin/ls" sig=0 arch=c000003e syscall=41 compat=0 ip=0x7f code=0x7ffc0000
type=CWD msg=audit(1732500000.126:48): cwd="/"
`
	p, err := ReadAudit("audit.log", []byte(log))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(rows(t, p), "\n"), `{"program":"/tmp/a b c","thread":"a b c","arch":"i386","call":"getpid","count":1}
{"program":"/usr/bin/ls","thread":"ls","arch":"amd64","call":"openat","count":2}
{"program":"/usr/bin/ls","thread":"ls","arch":"amd64","call":"socket","count":1,"args":{"domain":{"seen":{"0x2":1}},"protocol":{"seen":{"0x6":1}},`+
		`"protocol with AF_INET":{"seen":{"0x6":1}},"type":{"seen":{"0x80801":1}},"type with AF_INET":{"seen":{"0x80801":1}}}}`; got != want {
		t.Errorf("got\n%s", got)
	}
}

// A record is what the kernel or auditd says, and not what a user has them write.
func TestWordsOfUsersAreNoAuditRecords(t *testing.T) {
	const record = `audit(1732500000.124:46): pid=7 comm="ls" exe="/usr/bin/ls" sig=31 arch=c000003e syscall=257 code=0x80000000`
	for _, line := range []string{
		"type=SECCOMP msg=" + record, "node=host type=1326 msg=" + record, "audit: type=1326 " + record, "audit[7]: type=1326 " + record,
		"[   12.345678] audit: type=1326 " + record, "<5>[   12.345678] audit: type=1326 " + record, "[Mon Nov 25 01:02:03 2024] audit: type=1326 " + record,
		"Nov  5 01:02:03 host kernel: [   12.345678] audit: type=1326 " + record, "2024-11-25T01:02:03+00:00 host kernel: audit: type=1326 " + record,
	} {
		if p, err := ReadAudit("audit.log", []byte(line)); err != nil || p.Counts()["openat"] != 1 {
			t.Errorf("%s: %v", line, err)
		}
	}
	for _, line := range []string{
		"type=USER_MSG msg=audit(1.2:3): msg='type=1326 " + record + "'", "type=USER_MSG msg=audit(1.2:3): msg='audit: type=1326 " + record + "'",
		"Nov 25 01:02:03 host user: audit: type=1326 " + record, "Nov 25 01:02:03 host user[7]: kernel: audit: type=1326 " + record,
		"Nov 25 01:02:03 host kernel: audit: type=1334 audit(1.2:3): type=1326 " + record, "[   12.345678] evil: audit: type=1326 " + record,
		" type=SECCOMP msg=" + record, "x type=1326 " + record, "type=1326x " + record,
	} {
		if _, err := ReadAudit("audit.log", []byte(line)); err == nil || !strings.Contains(err.Error(), "no records of calls") {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestWhatIsNoAuditLogIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "audit.log: no records of calls",
		"type=CWD msg=audit(1.2:3): cwd=\"/\"": "audit.log: no records of calls",
		"\ntype=SECCOMP arch=x86_64 syscall=openat": "audit.log:2: arch=x86_64",
		"type=1326 arch=c000003e syscall=openat":    "audit.log:1: syscall=openat",
		"type=1326 arch=c0000fff syscall=1":         "no architecture that secgen knows",
		"type=SYSCALL arch=c000003e syscall=1 a0=x": "audit.log:1: a0=x",
	} {
		if _, err := ReadAudit("audit.log", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzAudit(f *testing.F) {
	for _, text := range []string{
		`type=1326 audit(1.2:3): comm=6120 exe="/x" arch=c000003e syscall=257 code=0x7ffc0000`,
		`type=SYSCALL msg=audit(1.2:3): arch=40000003 syscall=90 a0=1 a1=2 a2=3 a3=4`, "type=SECCOMP arch=c00000b7 syscall=-1",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if p, err := ReadAudit("audit.log", text); err == nil {
			survives(t, p)
		}
	})
}
