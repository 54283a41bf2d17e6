"""workload.py WRITER LINES RATE [FILE]

Logs LINES numbered records at RATE a second to standard error, or with FILE
through a TimedRotatingFileHandler that switches every second.
"""

import logging
import logging.handlers
import sys
import time

from sealed import FILLER, Sealed


def main(writer, lines, rate, file=None):
    if file is None:
        handler = logging.StreamHandler(sys.stderr)
    else:
        handler = logging.handlers.TimedRotatingFileHandler(file, when="S")
    handler.setFormatter(Sealed())
    log = logging.getLogger("workload")
    log.setLevel(logging.INFO)
    log.addHandler(handler)

    begin = time.monotonic()
    for sequence in range(int(lines)):
        early = begin + sequence / float(rate) - time.monotonic()
        if early > 0:
            time.sleep(early)
        log.info("%s %d %s", writer, sequence, FILLER)


main(*sys.argv[1:])
