import pytest

from vapic import Config
from vapic.policy import POLICIES

SMALL = Config(rtes=8, irts=8, vcpus=4, lanes=4, domains=3, ports=64, policies=tuple(POLICIES))


@pytest.fixture(scope="module")
def rig(simulation_engine):
    """One compiled controller a test file and engine; every scenario starts from reset."""
    from vapic_sim.verify.rig import Rig

    return Rig(SMALL)
