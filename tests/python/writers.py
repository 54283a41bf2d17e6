"""writers.py WRITER BURSTS LINES PIECE

Writes BURSTS times LINES numbered lines of random length, as fast as it can, to
standard output and standard error in turn. Each burst begins shortly before a second
is over. With PIECE other than 0, a line is written in so many bytes at a time.
"""

import os
import sys
import time

LONGEST = 300_000


def lengths():
    """Yields lengths from 1 to LONGEST, in each magnitude about as many. writers_test.go
    reckons the same."""
    state = 1
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield 1 + (state >> 40) % (LONGEST >> (state >> 33) % 18)


def write(fd, line, piece):
    rest = memoryview(line)
    while rest:
        rest = rest[os.write(fd, rest[:piece] if piece else rest) :]


def main(writer, bursts, lines, piece):
    length = lengths()
    sequence = 0
    for _ in range(int(bursts)):
        time.sleep((0.95 - time.time()) % 1)
        for _ in range(int(lines)):
            name = f"{writer}.{sequence}~"
            n = next(length)
            line = (name * (n // len(name) + 1))[:n] + "\n"
            write(1 + sequence % 2, line.encode(), int(piece))
            sequence += 1


main(*sys.argv[1:])
