// What tests attach to: a thread where they want it. It says when it is ready, and
// what its calls returned.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void ready(void) { write(1, "ready\n", 6); }

static void say(const char *what, long result)
{
	printf("%s: %ld %s\n", what, result, result < 0 ? strerrorname_np(errno) : "");
	fflush(stdout);
}

// wait_for_end waits until standard input ends.
static void wait_for_end(void)
{
	char c;
	while (read(0, &c, 1) > 0)
		;
}

static void install(unsigned int nr, unsigned int action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof code / sizeof code[0], code };
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		abort();
}

static void read_call(void)
{
	char c;
	say("read", read(0, &c, 1));
}

static void epoll_wait_call(void)
{
	struct epoll_event e = { .events = EPOLLIN };
	int fd = epoll_create1(0);
	epoll_ctl(fd, EPOLL_CTL_ADD, 0, &e);
	say("epoll_wait", epoll_pwait(fd, &e, 1, -1, NULL)); // the same, and every architecture has it
}

static void futex_call(void)
{
	static int word;
	struct timespec t = { .tv_nsec = 700000000 };
	say("futex", syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &t, NULL, 0));
}

static void nanosleep_call(void)
{
	struct timespec t = { .tv_nsec = 700000000 }, left = { 0 }, from, to;
	clock_gettime(CLOCK_MONOTONIC, &from);
	long r = syscall(SYS_nanosleep, &t, &left);
	say("nanosleep", r);
	clock_gettime(CLOCK_MONOTONIC, &to);
	double slept = to.tv_sec - from.tv_sec + (to.tv_nsec - from.tv_nsec) / 1e9;
	say("slept enough", slept >= 0.7);
}

static void accept_call(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int n = sprintf(a.sun_path + 1, "secgen-attach-%d", getpid());
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bind(fd, (struct sockaddr *)&a, offsetof(struct sockaddr_un, sun_path) + 1 + n);
	listen(fd, 1);
	say("accept", accept(fd, NULL, NULL) >= 0);
}

// naps ends when it has slept 30 times, and says how often a call failed.
static void naps_call(void)
{
	int failed = 0;
	for (int i = 0; i < 30; i++) {
		struct timespec t = { .tv_nsec = 20000000 };
		failed += syscall(SYS_nanosleep, &t, NULL) != 0;
	}
	say("naps that failed", failed);
}

static void computes_call(void)
{
	for (volatile unsigned long i = 0;; i++)
		;
}

static volatile long total;
static void add(int signal, siginfo_t *info, void *context) { total += info->si_value.sival_int; }

// Signals are delivered in sigsuspend alone. The sum of what they bring is 5050.
static void signals_call(void)
{
	struct sigaction a = { .sa_sigaction = add, .sa_flags = SA_SIGINFO };
	sigset_t blocked, none;
	sigemptyset(&none);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	sigaction(SIGRTMIN, &a, NULL);
	ready();
	while (total < 5050)
		sigsuspend(&none);
	sigset_t after;
	sigprocmask(SIG_BLOCK, NULL, &after);
	say("sum", total);
	say("blocked", sigismember(&after, SIGRTMIN));
	say("others blocked", sigismember(&after, SIGTERM));
}

static void vfork_call(void)
{
	if (vfork() == 0) {
		char c;
		syscall(SYS_read, 0, &c, 1);
		_exit(0);
	}
	say("ran on", 0);
}

static void strict_call(void)
{
	char c;
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	syscall(SYS_read, 0, &c, 1);
	syscall(SYS_exit, 0);
}

static pthread_barrier_t barrier;

static void *own_filter(void *unused)
{
	install(SYS_acct, SECCOMP_RET_ERRNO | 98);
	pthread_barrier_wait(&barrier);
	pause();
	return NULL;
}

// Each of two threads has a filter, but not the same.
static void diverged_call(void)
{
	pthread_t t;
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&t, NULL, own_filter, NULL);
	install(SYS_acct, SECCOMP_RET_ERRNO | 99);
	pthread_barrier_wait(&barrier);
	ready();
}

static void *waits(void *unused)
{
	wait_for_end();
	say("ran on", 0);
	exit(0);
}

// The main thread has ended, and its number is the process's.
static void leaderless_call(void)
{
	pthread_t t;
	pthread_create(&t, NULL, waits, NULL);
	pthread_exit(NULL);
}

static void filter_call(const char *nr, const char *action)
{
	install(strtoul(nr, NULL, 0), strtoul(action, NULL, 0));
	ready();
	wait_for_end();
	say("ran on", 0);
	say("getpriority", getpriority(PRIO_PROCESS, 0));
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*call)(void);
	} calls[] = {
		{ "read", read_call }, { "epoll_wait", epoll_wait_call }, { "futex", futex_call },
		{ "nanosleep", nanosleep_call }, { "accept", accept_call }, { "naps", naps_call },
		{ "computes", computes_call }, { "vfork", vfork_call }, { "leaderless", leaderless_call },
		{ "strict", strict_call },
	};
	if (argc == 4)
		filter_call(argv[2], argv[3]);
	else if (strcmp(argv[1], "signals") == 0)
		signals_call();
	else if (strcmp(argv[1], "diverged") == 0)
		diverged_call();
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		if (strcmp(argv[1], calls[i].name) == 0) {
			ready();
			calls[i].call();
		}
	}
	wait_for_end();
	return 0;
}
