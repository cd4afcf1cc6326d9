import os
import re
import subprocess
import sys
import time

import pytest

from vapic.progress import Progress


def test_nothing_is_told_of_what_is_short(capsys):
    with Progress("vapic verilog", delay=10) as progress:
        progress.stage("one")
        progress.count(1, 2)
        progress.done("all")
    assert capsys.readouterr().err == ""


def test_what_lasts_is_told_in_a_line(capsys):
    with Progress("vapic verilog", delay=0.1) as progress:
        progress.stage("one")
        progress.count(1, 2)
        time.sleep(0.4)
        progress.stage("short")
        progress.stage("two")
        time.sleep(0.4)
        progress.done("all")
    assert capsys.readouterr().err == (
        "vapic verilog: one ...\nvapic verilog: two ...\nvapic verilog: all, 1 s\n")


def test_quarters_of_tasks_by_name(capsys):
    with Progress(delay=10) as progress:
        for done in range(11):
            progress.count(done, 10, "pull")
        progress.count(10, 10, "rr")
    assert capsys.readouterr().err == (
        "pull: 25 %\npull: 50 %\npull: 75 %\npull: 100 %\nrr: 100 %\n")


SCRIPT = """
import time
from vapic.progress import Progress
with Progress("outer", delay=0.1) as outer:
    outer.stage("long")
    time.sleep(0.7)
    with Progress(delay=0.1) as inner:
        inner.stage("within")
        inner.count(3, 8)
        time.sleep(1)
    outer.count(1, 2, "pull")
    outer.stage("short")
print("end")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal")
def test_a_terminal_gets_bars_that_go_away():
    import pty

    parent, child = pty.openpty()
    program = subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=child, stderr=child,
                               env=os.environ | {"TERM": "xterm", "COLUMNS": "100"})
    os.close(child)
    seen = b""
    try:
        while part := os.read(parent, 4096):
            seen += part
    except OSError:
        pass                        # how Linux tells that the other end is closed
    os.close(parent)
    assert program.wait(30) == 0
    text = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", seen.decode())
    assert re.search(r"outer: long [^\n]*\n *within[^\n]*3 of 8", text.replace("\r", ""))
    assert "short" not in text
    assert seen.decode().rstrip().splitlines()[-1].endswith("end")
    assert b"\x1b[2K" in seen       # lines were taken back
