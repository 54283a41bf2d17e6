"""Log records that end in a checksum, so that a reader can tell a broken line."""

import logging
import zlib

# Any piece of a record that is long enough to matter holds some of this. The
# servers' own messages do not.
FILLER = "~" * 80


class Sealed(logging.Formatter):
    """Formats a record as: seconds since 1970, message, checksum of both."""

    def __init__(self):
        super().__init__("%(created).6f %(message)s")

    def format(self, record):
        line = super().format(record)
        return f"{line} {zlib.crc32(line.encode()):08x}"
