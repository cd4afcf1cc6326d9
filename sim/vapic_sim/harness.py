"""The short way to simulate one component with testbenches."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .engine import Simulator

__all__ = ["simulate"]


def simulate(dut: Any, *benches: Callable, background: Sequence[Callable] = (),
             vcd: str | Path | None = None) -> None:
    """Run testbenches on a component until all but the background ones have ended.

    Parameters
    ----------
    dut : amaranth.hdl.Elaboratable
        What is simulated; its clock domain ``sync`` gets 100 MHz.
    benches : async functions of a simulation context
        The testbenches.
    background : sequence of such functions
        Agents that do not keep the simulation running.
    vcd : path, optional
        Where to write a waveform.
    """
    sim = Simulator(dut)
    sim.add_clock(10e-9)
    for bench in benches:
        sim.add_testbench(bench)
    for bench in background:
        sim.add_testbench(bench, background=True)
    if vcd is None:
        sim.run()
    else:
        with sim.write_vcd(str(vcd)):
            sim.run()
