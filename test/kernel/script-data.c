// SPDX-License-Identifier: Apache-2.0
/* Payload of tcp-script: what is written, read and on its way. */
#define _GNU_SOURCE
#include "tcp-script.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Decodes in place; the length in bytes, of `-` none. */
size_t decode_hex(char *text)
{
	size_t n = strlen(text) / 2;

	for (size_t i = 0; i < n; i++) {
		char pair[3] = {text[2 * i], text[2 * i + 1], 0};

		text[i] = (char)strtoul(pair, NULL, 16);
	}
	return n;
}

long do_write(int s, char **hex, int count)
{
	struct iovec parts[WORDS];

	for (int i = 0; i < count; i++) {
		parts[i].iov_len = decode_hex(hex[i]);
		parts[i].iov_base = hex[i];
	}
	if (count == 1)
		return write(s, parts[0].iov_base, parts[0].iov_len);
	return writev(s, parts, count);
}

long do_fill(int s, size_t count)
{
	static char data[65536];
	size_t left = count;

	memset(data, 'x', sizeof(data));
	while (left) {
		ssize_t n = write(s, data, left < sizeof(data) ? left : sizeof(data));

		if (n < 0)
			return -1;
		left -= (size_t)n;
	}
	return (long)count;
}

long do_sendfile(int s, char *hex)
{
	size_t n = decode_hex(hex);
	int file = memfd_create("payload", 0);
	long sent = -1;

	if (file >= 0 && write(file, hex, n) == (ssize_t)n && lseek(file, 0, SEEK_SET) == 0)
		sent = sendfile(s, file, NULL, n);
	close(file);
	return sent;
}

static void discard(int s, size_t left)
{
	while (left) {
		size_t most = left < (1 << 30) ? left : 1 << 30;
		ssize_t n = recv(s, NULL, most, MSG_TRUNC);

		if (n <= 0)
			_exit(1);
		left -= (size_t)n;
	}
	_exit(0);
}

/* Neither end copies: gigabytes take no longer than their segments. */
long do_stream(int from, int to, size_t count)
{
	const size_t piece = 1 << 20;
	int file = memfd_create("payload", 0), status = 1;
	size_t left = count;
	pid_t reader;

	if (file < 0 || ftruncate(file, piece))
		return -1;
	reader = fork();
	if (!reader)
		discard(to, count);
	while (reader > 0 && left) {
		off_t begin = 0;
		ssize_t n = sendfile(from, file, &begin, left < piece ? left : piece);

		if (n <= 0)
			break;
		left -= (size_t)n;
	}
	close(file);
	if (reader < 0 || waitpid(reader, &status, 0) != reader || status || left)
		return -1;
	return (long)count;
}

long do_read(int s, size_t count)
{
	static char data[65536];
	size_t left = count;

	while (left) {
		ssize_t n = read(s, data, left < sizeof(data) ? left : sizeof(data));

		if (n <= 0) {
			errno = n ? errno : EPIPE;
			return -1;
		}
		left -= (size_t)n;
	}
	return (long)count;
}

long do_drain(int s)
{
	static char data[65536];
	long sum = 0, n;

	while ((n = read(s, data, sizeof(data))) > 0)
		sum += n;
	return n < 0 ? -1 : sum;
}

long do_peek(int s, size_t count)
{
	static char data[65536];

	return recv(s, data, count < sizeof(data) ? count : sizeof(data), MSG_PEEK | MSG_WAITALL);
}

long do_unacked(int s)
{
	int bytes;

	return ioctl(s, SIOCOUTQ, &bytes) ? -1 : bytes;
}
