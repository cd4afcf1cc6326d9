"""Which engine simulates: ``--engine``."""

import re
from functools import cache
from pathlib import Path

import pytest

#: What the source of a test that simulates has in it.
_SIMULATES = re.compile(
    r"\b(simulate|Simulator|[Rr]ig|SimulatedLink|simulate_by_hand|Machine|run)\b")
_ENGINES = ("python", "compiled")


def pytest_addoption(parser):
    parser.addoption(
        "--engine", choices=("auto", *_ENGINES, "both"), default=None,
        help="what simulates: the environment's VAPIC_ENGINE, or auto, if not given; both runs "
             "each test that simulates twice")


@cache
def _simulates(path: Path) -> bool:
    return _SIMULATES.search(path.read_text()) is not None


def pytest_generate_tests(metafunc):
    asked = metafunc.config.getoption("--engine")
    path = Path(metafunc.module.__file__)
    # Tests of the engine itself name the one they mean.
    if asked == "both" and path.parent.name != "engine" and _simulates(path):
        metafunc.parametrize("simulation_engine", _ENGINES, indirect=True, scope="module")


@pytest.fixture(autouse=True, scope="module")
def simulation_engine(request):
    """The engine by name, for the tests of a module; None leaves the choice to the environment.

    Fixtures that keep a simulator for more than one test ask for it.
    """
    asked = getattr(request, "param", request.config.getoption("--engine"))
    with pytest.MonkeyPatch.context() as patch:
        if asked in ("auto", *_ENGINES):
            patch.setenv("VAPIC_ENGINE", asked)
        yield asked
