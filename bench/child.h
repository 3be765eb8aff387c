#include <linux/filter.h>
#include <stdint.h>

struct timed_call {
	long nr, args[6];
};

/* Each forks a child for one measurement and returns its result, or minus an
   errno of linux/errno.h, -ECHILD if the child died. */

/* How long seccomp(2) takes to install a program, in ns. */
int64_t install_time(const struct sock_filter *program, int length);

/* How long one of the calls takes under so many copies of a program, in ps: of the
   batches, each of which makes so many calls in turn, the fastest. */
int64_t call_time(const struct sock_filter *program, int length, int copies,
		  const struct timed_call *calls, int n, int batches, int batch);

/* How many one-instruction filters fit on top of so many copies of a program. */
int64_t room(const struct sock_filter *program, int length, int copies);
