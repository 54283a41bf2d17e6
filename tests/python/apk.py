"""apk.py PACKAGE NAME VERSION ARCH

Reads a package of Alpine's format, version 2, as apk-tools does, and prints what is
wrong with it, or else how many files it holds. The format is in apk-v2(5) and
https://wiki.alpinelinux.org/wiki/Apk_spec, and what apk refuses in its src/tar.c,
src/extract_v2.c and src/database.c.
"""

import hashlib
import io
import re
import sys
import tarfile
import zlib

BLOCK = 512

# Where numbers are in the header of a tar file.
NUMBERS = {
    "mode": (100, 108),
    "uid": (108, 116),
    "gid": (116, 124),
    "size": (124, 136),
    "mtime": (136, 148),
}

VERSION = re.compile(
    r"\d+(\.\d+)*[a-z]?(_(alpha|beta|pre|rc|cvs|svn|git|hg|p)\d*)*(-r\d+)?"
)

# What .PKGINFO may say more than once.
REPEATED = {"depend", "provides", "replaces"}


def streams(package):
    """Yields the gzip streams of a package, packed and unpacked."""
    while package:
        stream = zlib.decompressobj(wbits=31)
        unpacked = stream.decompress(package)
        if not stream.eof:
            raise EOFError("a gzip stream is cut short")
        yield package[: len(package) - len(stream.unused_data)], unpacked
        package = stream.unused_data


def headers(segment):
    """Yields the headers of a tar segment, and its length without the blocks of zeros at
    the end. apk reads numbers in octal digits only."""
    at = 0
    while at < len(segment) and segment[at]:
        header = segment[at : at + BLOCK]
        yield header
        size = int(re.match(rb"[0-7]*", header[124:136])[0] or b"0", 8)
        at += BLOCK + -(-size // BLOCK) * BLOCK


def check_headers(segment):
    for header in headers(segment):
        name = header[:100].rstrip(b"\0").decode()
        if header[257:262] != b"ustar":
            yield f"{name}: not of the format ustar"
        for field, (begin, end) in NUMBERS.items():
            if not re.fullmatch(rb"[0-7]+[\0 ]*", header[begin:end]):
                yield f"{name}: {field} {header[begin:end]} is not octal"


def check_control(segment, data, size, name, version, arch):
    """Checks what the package says of itself. data is the packed stream of its files."""
    tar = tarfile.open(fileobj=io.BytesIO(segment))
    if tar.getnames() != [".PKGINFO"]:
        yield f"the control segment holds {tar.getnames()}"
        return
    if not any(segment[-BLOCK:]):
        yield "the control segment has an end, where the data is to go on"
    said = {}
    for line in tar.extractfile(".PKGINFO").read().decode().splitlines():
        key, equals, value = line.partition(" = ")
        if not equals or line.startswith("#"):
            continue  # apk skips it
        if not re.fullmatch("[a-z_]+", key) or not value or key in said and key not in REPEATED:
            yield f".PKGINFO: {line!r}"
        said[key] = value
    for key, want in {
        "pkgname": name,
        "pkgver": version,
        "arch": arch,
        "size": str(size),
        "datahash": hashlib.sha256(data).hexdigest(),
        # A static program needs nothing, and a package provides its own name.
        "depend": None if name == "logreel" else f"logreel>={version}",
        "provides": None if name == "logreel" else name.removeprefix("logreel-"),
    }.items():
        if said.get(key) != want:
            yield f".PKGINFO: {key} is {said.get(key)}, want {want}"
    if not VERSION.fullmatch(version):
        yield f"{version} is not a version to apk"
    for key in "pkgdesc", "license", "maintainer":
        if key not in said:
            yield f".PKGINFO: {key} is missing"


def check_files(tar):
    directories = set()
    for entry in tar:
        about = f"{entry.name}: "
        above, _, last = entry.name.rpartition("/")
        if last in ("", ".", "..") or above and above not in directories:
            yield about + "no directory comes before it"
        names = ("root", "root") if not entry.issym() else ("", "")  # the numbers count, and are 0
        if (entry.uid, entry.gid, entry.uname, entry.gname) != (0, 0, *names):
            yield about + "not root's"
        if entry.isdir():
            directories.add(entry.name)
            if entry.mode != 0o755:
                yield about + f"mode {entry.mode:o}"
            continue
        if entry.issym():
            if entry.linkname != ("logreel" if entry.name.startswith("usr/bin/") else "../../bin/logreel"):
                yield about + f"leads to {entry.linkname}"
            continue
        if not entry.isfile():
            yield about + "neither a file, a directory nor a symlink"
            continue
        if entry.mode != (0o755 if entry.name.startswith("usr/bin/") else 0o644):
            yield about + f"mode {entry.mode:o}"
        want = hashlib.sha1(tar.extractfile(entry).read()).hexdigest()
        if entry.pax_headers.get("APK-TOOLS.checksum.SHA1") != want:
            yield about + f"got {entry.pax_headers}, want {want}"


def check(path, name, version, arch):
    with open(path, "rb") as package:
        parts = list(streams(package.read()))
    if len(parts) != 2:
        yield f"{len(parts)} gzip streams, want one for the control segment and one for the data"
        return
    (_, control), (packed, data) = parts
    for segment in control, data:
        if len(segment) % BLOCK:
            yield "a segment is not of whole blocks"
        yield from check_headers(segment)
    if any(data[-2 * BLOCK :]):
        yield "the data has no end"
    tar = tarfile.open(fileobj=io.BytesIO(data))
    size = sum(entry.size for entry in tar)
    yield from check_control(control, packed, size, name, version, arch)
    yield from check_files(tar)
    # As one archive it is what tar sees.
    whole = tarfile.open(fileobj=io.BytesIO(control + data)).getnames()
    if whole != [".PKGINFO", *tar.getnames()]:
        yield f"as one archive it holds {whole}"


def main(path, name, version, arch):
    faults = list(check(path, name, version, arch))
    if faults:
        print("\n".join(faults))
        return
    with tarfile.open(path) as tar:
        print(sum(entry.isfile() for entry in tar) - 1, "files")  # without .PKGINFO


main(*sys.argv[1:])
