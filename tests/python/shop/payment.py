"""The page that fails."""

import logging

log = logging.getLogger(__name__)


class Declined(Exception):
    pass


def charge(number, size):
    """Raises, with a message of so many bytes in lines."""
    line = f"\n    order {number} declined, which is an ERROR"
    raise Declined(line * (size // len(line) + 1))


def pay(request, number, size):
    """Logs a record of each level, prints a line, and raises, which Django logs. Errors
    have a traceback of a little more than so many bytes."""
    log.debug("%s", number)
    log.info("%s", number)
    log.warning("%s", number)
    for level in logging.ERROR, logging.CRITICAL:
        try:
            charge(number, size)
        except Declined:
            log.log(level, "%s", number, exc_info=True)
    # In one write, even where it is not buffered: a pipe mixes lines that come in two.
    print(f"printed {number}\n", end="", flush=True)
    charge(number, size)
