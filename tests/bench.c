//go:build ignore

/* The parts of tests/bench that a script would be too slow for, and which compiles them.
   The line above keeps Go from taking this file for a part of the package.

     bench paced RATE SECONDS HOW OUT         lines to standard output, one write each
     bench bulk BYTES                         the same lines in writes of 64 KiB
     bench latency RATE SECONDS HOW OUT FILE  as paced, and follows FILE, where they end up
     bench ready OUT LOGS COMMAND...          runs COMMAND on one line until a file in LOGS has it

   HOW is batches, of one millisecond, or even: each line has its own instant. From 2,000 a second
   on these are waited for busily; fewer have their own instants anyway. OUT gets the nanoseconds that were measured, as 64-bit integers: of each write,
   of each line from write to file, of the start. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 120, CHUNK = 1 << 16, STAMP = 19, PATIENCE = 5000 };

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void wait_until(int64_t instant, bool busily)
{
	struct timespec t = {instant / 1000000000, instant % 1000000000};
	if (busily)
		while (now() < instant)
			;
	else
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
			;
}

static void write_all(int fd, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, text, size);
		if (n < 0 && errno != EINTR)
			fail("write");
		if (n > 0)
			text += n, size -= n;
	}
}

static void save(const char *out, const int64_t *values, size_t count)
{
	FILE *file = fopen(out, "wb");
	if (!file || fwrite(values, sizeof *values, count, file) != count || fclose(file))
		fail(out);
}

static int64_t *values(size_t count)
{
	int64_t *all = malloc((count + 1) * sizeof *all);
	if (!all)
		fail("malloc");
	memset(all, 0xff, (count + 1) * sizeof *all); /* touched now, so that no write pays for it */
	return all;
}

/* Writes count lines and measures each write. Stamped lines bear the instant, and their
   instants are scattered, so that no program's own beat falls in with ours. */
static void pace(double rate, size_t count, bool even, bool stamped, int64_t *took)
{
	char line[LINE + 1];
	memset(line, 'x', LINE);
	line[LINE - 1] = '\n';
	size_t batch = even || rate < 2000 ? 1 : rate / 1000;
	int64_t start = now();
	prctl(PR_SET_TIMERSLACK, 1);
	for (size_t i = 0; i < count; i++) {
		double later = stamped ? drand48() * batch : 0;
		if (i % batch == 0)
			wait_until(start + (i + later) / rate * 1e9, even && rate >= 2000);
		int64_t begin = now();
		if (stamped) {
			snprintf(line, sizeof line, "%0*lld", STAMP, (long long)begin);
			line[STAMP] = 'x';
		}
		write_all(1, line, LINE);
		took[i] = now() - begin;
	}
	wait_until(start + count / rate * 1e9, false); /* the last line's interval counts as well */
}

static void bulk(int64_t bytes)
{
	enum { SIZE = CHUNK * 15 }; /* a multiple of both */
	static char text[SIZE];
	memset(text, 'x', SIZE);
	for (int i = LINE - 1; i < SIZE; i += LINE)
		text[i] = '\n';
	bytes -= bytes % LINE;
	for (int64_t sent = 0; sent < bytes; sent += CHUNK)
		write_all(1, text + sent % SIZE, bytes - sent < CHUNK ? bytes - sent : CHUNK);
}

static struct {
	int fd, notes;
	size_t count, seen;
	int64_t *delays;
} followed;

/* Reads the file whenever the kernel says that it was written to. */
static void *follow(void *unused)
{
	char text[CHUNK], notes[4096];
	size_t have = 0;
	while (followed.seen < followed.count) {
		ssize_t n = read(followed.fd, text + have, sizeof text - have);
		int64_t at = now();
		if (n < 0)
			fail("read");
		have += n;
		char *line = text;
		for (; have >= LINE && followed.seen < followed.count; line += LINE, have -= LINE)
			followed.delays[followed.seen++] = at - strtoll(line, NULL, 10);
		memmove(text, line, have);
		struct pollfd ready = {followed.notes, POLLIN, 0};
		if (n == 0) {
			if (poll(&ready, 1, PATIENCE) == 0)
				break;
			if (read(followed.notes, notes, sizeof notes) < 0)
				fail("inotify");
		}
	}
	return unused;
}

static void latency(double rate, size_t count, bool even, const char *out, const char *file)
{
	pthread_t thread;
	followed.fd = open(file, O_RDONLY);
	followed.notes = inotify_init();
	if (followed.fd < 0 || inotify_add_watch(followed.notes, file, IN_MODIFY) < 0 || lseek(followed.fd, 0, SEEK_END) < 0)
		fail(file);
	followed.count = count;
	followed.delays = values(count);
	int64_t *took = values(count);
	if (pthread_create(&thread, NULL, follow, NULL))
		fail("pthread_create");
	pace(rate, count, even, true, took);
	pthread_join(thread, NULL);
	save(out, followed.delays, followed.seen);
}

static bool has_line(const char *logs, const char *name)
{
	char path[4096];
	struct stat info;
	const char *ending = strrchr(name, '.');
	if (strcmp(name, "current") && (!ending || strcmp(ending, ".log")))
		return false;
	snprintf(path, sizeof path, "%s/%s", logs, name);
	return stat(path, &info) == 0 && info.st_size > 0;
}

static void ready(const char *out, const char *logs, char **command)
{
	_Alignas(struct inotify_event) char notes[4096];
	int ends[2], watch = inotify_init1(IN_CLOEXEC);
	if (pipe2(ends, O_CLOEXEC) < 0 || inotify_add_watch(watch, logs, IN_MODIFY) < 0)
		fail(logs);
	write_all(ends[1], "x\n", 2);
	int64_t start = now(), took = 0;
	pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ends[0], 0);
		execvp(command[0], command);
		fail(command[0]);
	}
	close(ends[0]);
	close(ends[1]);
	while (took == 0) {
		struct pollfd watched = {watch, POLLIN, 0};
		if (poll(&watched, 1, PATIENCE) <= 0)
			break;
		int64_t at = now();
		ssize_t n = read(watch, notes, sizeof notes);
		for (ssize_t i = 0; i < n;) {
			struct inotify_event *note = (struct inotify_event *)(notes + i);
			if (has_line(logs, note->name))
				took = at - start;
			i += sizeof *note + note->len;
		}
	}
	waitpid(child, NULL, 0);
	save(out, &took, took != 0);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	double rate = argc > 3 ? atof(argv[2]) : 0;
	size_t count = argc > 3 ? rate * atof(argv[3]) + 0.5 : 0;
	bool even = argc > 4 && strcmp(argv[4], "even") == 0;
	srand48(now());
	if (strcmp(what, "paced") == 0 && argc == 6) {
		int64_t *took = values(count);
		pace(rate, count, even, false, took);
		save(argv[5], took, count);
	} else if (strcmp(what, "bulk") == 0 && argc == 3) {
		bulk(atoll(argv[2]));
	} else if (strcmp(what, "latency") == 0 && argc == 7) {
		latency(rate, count, even, argv[5], argv[6]);
	} else if (strcmp(what, "ready") == 0 && argc > 4) {
		ready(argv[2], argv[3], argv + 4);
	} else {
		fprintf(stderr, "bench: %s: wrong arguments\n", what);
		return 2;
	}
	return 0;
}
