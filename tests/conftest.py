"""Which engine simulates: ``--engine``."""

from pathlib import Path

import pytest

_ENGINES = ("python", "compiled")
#: Folders in which every test is one of hardware; elsewhere those that simulate are marked.
_HARDWARE = ("hdl", "e2e")


def pytest_addoption(parser):
    parser.addoption(
        "--engine", choices=("auto", *_ENGINES, "both"), default=None,
        help="what simulates: the environment's VAPIC_ENGINE, or auto, if not given; both runs "
             "each test that simulates twice")


def _folder(module):
    return Path(module.__file__).parent.name


def pytest_generate_tests(metafunc):
    if metafunc.config.getoption("--engine") == "both" and (
            _folder(metafunc.module) in _HARDWARE
            or metafunc.definition.get_closest_marker("simulates")):
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
        elif asked == "both" and _folder(request.module) != "engine":
            # Tests of the engine itself name the one they mean; all others are marked.
            patch.setenv("VAPIC_ENGINE", "the one of a test without pytest.mark.simulates")
        yield asked
