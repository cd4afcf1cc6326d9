import gc
import signal
import sys

import pytest

LIMIT = 180     # seconds, of a test that is not marked slow; the compiler takes its time


@pytest.fixture(autouse=True)
def no_hanging(request):
    """A simulation that waits for ever fails instead."""
    if request.node.get_closest_marker("slow") or not hasattr(signal, "SIGALRM"):
        yield
        return

    def stop(*_):
        pytest.fail(f"the test ran for more than {LIMIT} seconds", pytrace=False)

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True, scope="session")
def dropped_benches():
    """Amaranth's `until` and `repeat` grumble when their bench is dropped while it waits."""
    hook = sys.unraisablehook

    def filtered(unraisable):
        if "asynchronous generator is already running" not in str(unraisable.exc_value):
            hook(unraisable)

    sys.unraisablehook = filtered
    yield
    gc.collect()
    sys.unraisablehook = hook
