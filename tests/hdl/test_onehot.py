# amaranth: UnusedElaboratable=no
"""OneHot against Amaranth's state machine with the same states."""

import random

import pytest
from amaranth.hdl import Module, Signal

from vapic.onehot import OneHot
from vapic_sim.engine import Simulator

#: Of each state: where it goes, and on which bit of the input; the last that is reached counts.
_WAYS = {
    "A": (("B", None), ("C", 0), ("D", 1)),
    "B": (("A", 2),),
    "C": (("C", None), ("D", 0)),
    "D": (("A", 0), ("B", 1), ("D", 2)),
}


def test_states_are_those_of_the_state_machine_of_amaranth():
    m, inputs = Module(), Signal(3)
    with m.FSM() as fsm:
        for name, ways in _WAYS.items():
            with m.State(name):
                for to, bit in ways:
                    with m.If(1 if bit is None else inputs[bit]):
                        m.next = to
    states = OneHot(m, init="A")
    for name, ways in _WAYS.items():
        with states.state(name):
            for to, bit in ways:
                with m.If(1 if bit is None else inputs[bit]):
                    states.go(to)
    states.finish()
    rng, seen = random.Random(1), set()

    async def bench(ctx):
        for _ in range(400):
            here = {name for name in _WAYS if ctx.get(fsm.ongoing(name))}
            assert {name for name in _WAYS if ctx.get(states.ongoing(name))} == here
            word = rng.randrange(8)
            seen.add((*here, word))
            ctx.set(inputs, word)
            await ctx.tick()

    sim = Simulator(m)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()
    assert len(seen) == 8 * len(_WAYS)


def test_wrong_states():
    m = Module()
    states = OneHot(m, init="A")
    with pytest.raises(SyntaxError, match="no state to go to 'B' from"):
        states.go("B")
    with states.state("A"):
        states.go("B")
    with pytest.raises(NameError, match="state 'A' is already defined"), states.state("A"):
        pass
    with pytest.raises(NameError, match="state 'B' is not defined"):
        states.finish()
    with states.state("B"):
        states.ongoing("C")
    with pytest.raises(NameError, match="state 'C' is not defined"):
        states.finish()


def test_a_state_writes_what_it_says():
    m, row, other = Module(), Signal(2, name="row"), Signal(name="other")
    states = OneHot(m, init="A")
    with pytest.raises(NameError, match="state '' does not say that it writes 'row'"):
        states.write(row)
    with states.state("A", writes=(row,)):
        states.write(row, 3)
        with pytest.raises(NameError, match="state 'A' does not say that it writes 'other'"):
            states.write(other)
        states.go("B")
    with states.state("B"), pytest.raises(NameError, match="state 'B' does not say"):
        states.write(row)
    states.finish()
    seen = []

    async def bench(ctx):
        for _ in range(3):
            seen.append(ctx.get(row))
            await ctx.tick()

    sim = Simulator(m)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()
    assert seen == [3, 0, 0]
