"""Log records that end in a checksum, so that a reader can tell a broken one."""

import logging
import zlib

# Any piece of a record that is long enough to matter holds some of this. The
# servers' own messages do not.
FILLER = "~" * 80


def filler(writer, sequence, size):
    """Returns what fills a record up to its size, with its newline, in bytes. Each
    piece of it names the record, so that a reader can tell whose it is."""
    others = len(f"1700000000.000000 {writer} {sequence}  01234567\n")
    length = max(1, size - others)
    name = f"~{writer}.{sequence}"
    return (name * (length // len(name) + 1))[:length]


class Sealed(logging.Formatter):
    """Formats a record, with its traceback, and puts the checksum of all of it at its
    end. By default it is seconds since 1970 and the message."""

    def __init__(self, format="%(created).6f %(message)s"):
        super().__init__(format)

    def format(self, record):
        line = super().format(record)
        return f"{line} {zlib.crc32(line.encode()):08x}"
