#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <signal.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int count;

static void *run(void *arg) {
	char *p = malloc(100);
	for (int i = 0; i < 200; i++) {
		p = realloc(p, 100 + i * 10000);
		p[100 + i * 10000 - 1] = 1;
	}
	free(p);
	pthread_mutex_lock(&mutex);
	count++;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&mutex);
	return NULL;
}
static void handler(int sig) { (void)sig; }

int main(void) {
	signal(SIGUSR1, handler);
	pthread_t t[4];
	for (int i = 0; i < 4; i++)
		if (pthread_create(&t[i], NULL, run, NULL))
			return 1;
	pthread_mutex_lock(&mutex);
	while (count < 4) {
		struct timespec at;
		clock_gettime(CLOCK_REALTIME, &at);
		at.tv_sec++;
		pthread_cond_timedwait(&cond, &mutex, &at);
	}
	pthread_mutex_unlock(&mutex);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	pthread_kill(pthread_self(), SIGUSR1);
	puts("done");
	return 0;
}
