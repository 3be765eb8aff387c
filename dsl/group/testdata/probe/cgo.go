package main

/*
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

void called(void);

static void *thread(void *arg) {
	void *p = malloc(100000);
	memset(p, 1, 100000);
	called();
	free(p);
	return NULL;
}

// Threads that C makes and that call Go, and memory of all sizes.
static int work(void) {
	pthread_t t[4];
	for (int i = 0; i < 4; i++)
		if (pthread_create(&t[i], NULL, thread, NULL))
			return 1;
	char *p = malloc(1 << 20);
	memset(p, 1, 1 << 20);
	p = realloc(p, 8 << 20);
	memset(p, 1, 8 << 20);
	free(p);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	return 0;
}
*/
import "C"

import (
	"errors"
	"net"
	"runtime"
	"sync/atomic"
)

var calls atomic.Int64

//export called
func called() { calls.Add(1); runtime.Gosched() }

func init() {
	modes["cgo"] = func() work {
		return func() {
			if C.work() != 0 {
				must(errors.New("no thread"))
			}
			collect()
		}
	}
	modes["getaddrinfo"] = func() work {
		return func() {
			_, err := net.LookupHost("localhost")
			must(err)
		}
	}
}
