#define _GNU_SOURCE
#include "child.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A child may make no call but those that its filter allows: results go through
   memory, and clock_gettime is the vDSO's. */
static int64_t *shared;

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int64_t install(const struct sock_filter *program, int length)
{
	struct sock_fprog p = { length, (struct sock_filter *)program };
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p) ? -errno : 0;
}

/* in_child is 1 in a child that was forked; its parent gets the result. */
static int in_child(int64_t *result)
{
	int status;
	pid_t child;

	if (!shared)
		shared = mmap(0, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	*shared = -ECHILD;
	child = fork();
	if (child == 0) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		return 1;
	}
	if (child > 0)
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
	*result = *shared;
	return 0;
}

int64_t install_time(const struct sock_filter *program, int length)
{
	int64_t start, result;

	if (!in_child(&result))
		return result;
	now();
	start = now();
	result = install(program, length);
	*shared = result ? result : now() - start;
	_exit(0);
}

int64_t call_time(const struct sock_filter *program, int length, int copies,
		  const struct timed_call *calls, int n, int batches, int batch)
{
	int64_t start, took, best = INT64_MAX, result;
	int i, k;

	if (!in_child(&result))
		return result;
	for (i = 0; i < copies; i++)
		if ((result = install(program, length))) {
			*shared = result;
			_exit(1);
		}
	for (i = 0; i < batches; i++) {
		start = now();
		for (k = 0; k < batch; k++) {
			const struct timed_call *c = &calls[k % n];
			syscall(c->nr, c->args[0], c->args[1], c->args[2], c->args[3], c->args[4], c->args[5]);
		}
		took = now() - start;
		if (took < best)
			best = took;
	}
	*shared = best * 1000 / batch;
	_exit(0);
}

int64_t room(const struct sock_filter *program, int length, int copies)
{
	static const struct sock_filter allow = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW };
	int64_t result, n = 0;

	if (!in_child(&result))
		return result;
	while (copies-- > 0)
		if ((result = install(program, length))) {
			*shared = result;
			_exit(1);
		}
	while ((result = install(&allow, 1)) == 0)
		n++;
	*shared = result == -ENOMEM ? n : result;
	_exit(0);
}
