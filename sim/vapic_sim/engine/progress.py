"""Tells on stderr that a model is being built, when it takes longer than a moment."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["building"]

_MOMENT = 2.0


@contextmanager
def building(name: str) -> Iterator[Callable[[int, int], None]]:
    """Show progress of a build that takes over two seconds.

    Parameters
    ----------
    name : str
        What is built.

    Yields
    ------
    callable
        To be called with the number of parts that are compiled, and of all.
    """
    start, done, parts, stop = time.monotonic(), 0, 0, threading.Event()
    shown = False

    def note(now_done: int, now_parts: int) -> None:
        nonlocal done, parts
        done, parts = now_done, now_parts

    def show() -> None:
        nonlocal shown
        wait = _MOMENT
        terminal = sys.stderr.isatty()
        while not stop.wait(wait):
            how = f"{done} of {parts} parts" if parts else "translating"
            text = f"compiling {name} for simulation: {how}, {time.monotonic() - start:.0f} s"
            if terminal:
                print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)
            elif not shown:
                print(text, file=sys.stderr, flush=True)
            shown, wait = True, 0.5

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield note
    finally:
        stop.set()
        thread.join()
        if shown and sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
