// What the C library does for threads, memory and signals, under the filter in
// the file that is named, if one is. No output: it is about the library alone.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 8 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ready = PTHREAD_COND_INITIALIZER, go = PTHREAD_COND_INITIALIZER;
static int waiting, gone;
static volatile sig_atomic_t signals;

#ifdef LIBRARY
int library(void);
#else
static int library(void) { return 0; }
#endif

static void handle(int sig) { signals++; }

static void *nothing(void *arg) { return NULL; }

static void *run(void *arg) {
	char *p = malloc(100);
	for (int i = 0; i < 100; i++) {
		p = realloc(p, 100 + i * 10000);
		if (!p)
			exit(4);
		p[99 + i * 10000] = 1;
	}
	free(p);
	pthread_mutex_lock(&mutex);
	waiting++;
	pthread_cond_signal(&ready);
	while (!gone)
		pthread_cond_wait(&go, &mutex);
	pthread_mutex_unlock(&mutex);
	return NULL;
}

static void install(const char *path) {
	static struct sock_filter filter[BPF_MAXINSNS];
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, filter, sizeof filter);
	struct sock_fprog program = {n / sizeof filter[0], filter};
	close(fd);
	if (n <= 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		exit(3);
}

int main(int argc, char **argv) {
	pthread_t threads[THREADS];
	signal(SIGUSR1, handle);
	// The first memory and the first thread belong to the program's start.
	free(malloc(1));
	if (pthread_create(&threads[0], NULL, nothing, NULL) || pthread_join(threads[0], NULL))
		return 1;
	if (argc > 1)
		install(argv[1]);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, run, NULL))
			return 1;
	pthread_mutex_lock(&mutex);
	while (waiting < THREADS) {
		struct timespec at;
		clock_gettime(CLOCK_REALTIME, &at);
		at.tv_sec++;
		pthread_cond_timedwait(&ready, &mutex, &at);
	}
	gone = 1;
	pthread_cond_broadcast(&go);
	pthread_mutex_unlock(&mutex);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_kill(pthread_self(), SIGUSR1);
	return signals == 1 ? library() : 2;
}
