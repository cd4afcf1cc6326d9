"""Says on standard error what is being measured, once it has taken two seconds."""

import sys
import threading
from types import TracebackType

__all__ = ["Progress"]


class Progress:
    """Context manager; of each thing that is said, only what takes longer is printed.

    Parameters
    ----------
    delay : float
        Seconds.
    """

    def __init__(self, delay: float = 2.0):
        self._delay = delay
        self._timer: threading.Timer | None = None
        self.heading = ""

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._stop()

    def say(self, text: str) -> None:
        """This is done now, and what was done before is over."""
        self._stop()
        self._timer = threading.Timer(self._delay, self._print, (f"{self.heading}: {text}",))
        self._timer.daemon = True
        self._timer.start()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    @staticmethod
    def _print(text: str) -> None:
        print(f"vapic bench: {text}", file=sys.stderr, flush=True)
