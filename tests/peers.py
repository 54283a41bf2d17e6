"""What tests/faults and tests/bench share: the programs that they run side by side, and
the section of a file of results that is each one's own."""

import argparse
import contextlib
import datetime
import os
import pathlib
import platform
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Program:
    """How one program is started, and where its output is."""

    def __init__(self, name, package, *words, status=0):
        self.name, self.package, self.words, self.status = name, package, words, status
        self.binary = name
        self.named_by_time = any("%" in word for word in words)
        self.takes_directives = "LOGS" in words

    def command(self, logs, switch, options=(), directives=()):
        """Switch is the number of bytes in the second that a file is for, or 0 where a file is for a day. Directives
        are what svlogd, s6-log and multilog have in the place of options."""
        if self.name == "svlogd":  # has its configuration in a file
            (logs / "config").write_text("s0\nn0\n" + ("t1\n" if switch else "") + "".join(d + "\n" for d in directives))
        fields = {
            "%": f"{logs}/%Y-%m-%d{'-%H%M%S' if switch else ''}.log",
            "SECONDS": 1 if switch else 86400,
            "SIZE": min(max(switch, 4096), 16777215) if switch else 16777215,  # the bounds of multilog
            "LOGS": logs,
        }
        words = [re.sub("|".join(fields), lambda found: str(fields[found[0]]), word) for word in self.words]
        if self.takes_directives and self.name != "svlogd":
            words[-1:-1] = directives
        return [self.binary, *options, *words]

    def files(self, logs):
        """The files in the order they were written: by their names, in which @ comes before current."""
        return sorted(path for path in logs.glob("*") if re.search(r"\.log$|^@|^current$", path.name))

    def version(self):
        if not self.package:
            return subprocess.run([self.binary, "--version"], capture_output=True, text=True).stdout.split()[-1]
        return installed(self.package)


def installed(package):
    """The version of a Debian package."""
    query = ["dpkg-query", "-W", "-f", "${Version}", package]
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        return subprocess.run(query, capture_output=True, check=True, text=True).stdout
    return "of unknown version"


PROGRAMS = [
    Program("logreel", "", "%"),
    Program("rotatelogs", "apache2-utils", "%", "SECONDS"),
    Program("cronolog", "cronolog", "%", status=3),
    Program("multilog", "daemontools", "sSIZE", "n9999", "LOGS"),
    Program("svlogd", "runit", "LOGS"),
    Program("s6-log", "s6", "--", "n9999", "sSIZE", "LOGS"),
]


def build(binary):
    """Builds logreel as packages do, but for the version, which names the commit."""
    command = ["go", "build", "-trimpath", "-buildvcs=auto", "-ldflags", "-s -w", "-o", binary, "."]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "CGO_ENABLED": "0"}, check=True)


def parser(description):
    """With the flags that both scripts have."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--logreel", metavar="PATH", type=os.path.abspath, help="this one; default: built here")
    made.add_argument("--markdown", metavar="FILE", type=pathlib.Path, help="put the tables into this file, in the place of the former ones")
    return made


def file_system(place):
    return subprocess.run(["df", "--output=fstype", place], capture_output=True, text=True).stdout.split()[-1]


class Results:
    """What a script prints. In a file of results it is a section, between two comments."""

    def __init__(self):
        self.script = "tests/" + pathlib.Path(sys.argv[0]).name
        self.lines = []

    def say(self, text=""):
        print(text, flush=True)
        self.lines.append(text)

    def say_row(self, *cells):
        self.say(f"| {' | '.join(cells)} |")

    def say_header(self, *cells):
        self.say_row("", *cells)
        self.say("|---" * (len(cells) + 1) + "|")

    def say_origin(self, title, programs, place):
        """Says what was measured, when, and where."""
        cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
        distribution = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
        self.say(f"## {title}\n")
        self.say(f"- when: {datetime.datetime.now().astimezone():%Y-%m-%d %H:%M %Z}, by `{shlex.join([self.script, *sys.argv[1:]])}`")
        self.say(f"- where: {os.cpu_count()} × {cpu[1] if cpu else platform.machine()}, Linux {platform.release()}, {distribution}; {file_system(place)}")
        self.say(f"- what: {', '.join(f'{p.name} {p.version()}' for p in programs)}")

    def put(self, path):
        """Replaces the section in the file, or appends it."""
        begin, end = f"<!-- {self.script} -->", f"<!-- end of {self.script} -->"
        section = "\n".join([begin, "", *self.lines, "", end])
        text = path.read_text() if path.exists() else ""
        before, found, rest = text.partition(begin)
        after = rest.partition(end)[2] if found else "\n"
        if not found and before:
            before = before.rstrip("\n") + "\n\n"
        path.write_text(before + section + after)
