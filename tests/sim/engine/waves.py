"""Waveforms as a reader of others sees them, recorded on both engines and compared."""

import pywellen

from vapic_sim.engine import Simulator

from .twins import ENGINES, build


def history(path):
    """By full name of each variable: its type, its width, and (time, value) of each change."""
    wave, found = pywellen.Waveform(str(path)), {}
    for var in wave.all_vars():
        # Of several values at one time the last counts, and then only if it is another one.
        values, changes = dict(var.signal), []
        for time, value in values.items():
            if not changes or changes[-1][1] != value:
                changes.append((time, value))
        found[var.full_name] = var.var_type, var.bitwidth, changes
    return found, {(scope.full_name, scope.scope_type) for scope in wave.all_scopes()}


def end_of(path):
    """The last time that a file tells."""
    return [line for line in path.read_text().splitlines() if line.startswith("#")][-1]


def record(folder, make, *benches, traces=(), run=Simulator.run, **arguments):
    """Record on both engines and compare what the files tell; the history."""
    told = []
    for engine in ENGINES:
        sim, dut, _ = build(engine, make, *benches, **arguments)
        vcd, gtkw = folder / f"{engine}.vcd", folder / f"{engine}.gtkw"
        with sim.write_vcd(str(vcd), str(gtkw), traces=traces(dut) if traces else ()):
            run(sim)
        saved = [line for line in gtkw.read_text().splitlines() if "[dumpfile" not in line]
        told.append((*history(vcd), end_of(vcd), saved))
    (expected, *more), (actual, *other) = told
    assert list(actual) == list(expected)
    for name, values in expected.items():
        assert actual[name] == values, name
    assert more == other
    assert sum(len(changes) > 1 for *_, changes in expected.values()) > 1, "nothing moves"
    return expected
