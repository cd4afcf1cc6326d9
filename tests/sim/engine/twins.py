"""The same design and the same benches on both engines, and what they log compared."""

import re
import warnings

from amaranth.hdl import Elaboratable

from vapic_sim.engine import Simulator, Unsupported

ENGINES = ("python", "compiled")
MHZ = {"sync": 1e-6}


class Design(Elaboratable):
    """A module, and by name the parts of it that benches touch."""

    def __init__(self, module, **parts):
        self.module = module
        self.__dict__.update(parts)

    def elaborate(self, platform):
        return self.module


class Log:
    """What the benches of one run tell, with the time in femtoseconds where there is one."""

    def __init__(self):
        self.entries = []

    def __call__(self, ctx, *values):
        time = None if ctx is None else round(ctx.elapsed_time() * 1e15)
        self.entries.append((time, *values))


def attempt(log, ctx, function, *args, **kwargs):
    """Call a function and log what it returns or raises."""
    try:
        log(ctx, "returned", function(*args, **kwargs))
    except Exception as error:
        log(ctx, "raised", type(error), str(error))


async def attempt_await(log, ctx, make_awaitable):
    """Await what a function returns, and log the outcome of either."""
    try:
        log(ctx, "returned", await make_awaitable())
    except Exception as error:
        log(ctx, "raised", type(error), str(error))


def build(engine, make, *benches, clocks=MHZ, background=(), processes=(), setup=None):
    """A simulator of a new design; benches are functions of a context, the design and a log.

    Parameters
    ----------
    engine : str
        One of `ENGINES`.
    make : function
        Returns the design.
    benches, background, processes : functions
        Added in this order; each process gets a log of its own, as their order is free.
    clocks : dict
        Arguments of ``add_clock`` by domain: a period, or a dictionary.
    setup : function of simulator and design, optional
        Called before anything is added.

    Returns
    -------
    tuple
        Simulator, design, and the logs: one of the benches, one of each process.
    """
    dut, logs = make(), [Log()]
    sim = Simulator(dut, engine=engine)
    if setup is not None:
        setup(sim, dut)
    for domain, clock in clocks.items():
        clock = clock if isinstance(clock, dict) else {"period": clock}
        sim.add_clock(**clock, domain=domain)
    for bench in benches:
        sim.add_testbench(_bind(bench, dut, logs[0]))
    for bench in background:
        sim.add_testbench(_bind(bench, dut, logs[0]), background=True)
    for process in processes:
        logs.append(Log())
        sim.add_process(_bind(process, dut, logs[-1]))
    return sim, dut, logs


def both(make, *benches, drive=None, may_refuse=False, **arguments):
    """Run on both engines and compare the logs; arguments as of `build`.

    Parameters
    ----------
    drive : function of simulator, design and log, optional
        Runs the simulation; otherwise ``run()`` does.
    may_refuse : bool
        Whether the compiled engine may raise `Unsupported` instead, before anything has run.

    Returns
    -------
    list
        What was logged, without the times.
    """
    told = {}
    for engine in ENGINES:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                sim, dut, logs = build(engine, make, *benches, **arguments)
            except Unsupported:
                if not may_refuse or engine == "python":
                    raise
                told[engine] = told["python"]
                break
            if drive is None:
                sim.run()
            else:
                drive(sim, dut, logs[0])
        assert sim.engine == engine
        told[engine] = [entry for log in logs for entry in log.entries]
        told[engine] += [(None, "warning", w.category, str(w.message)) for w in caught
                         if w.category in (UserWarning, DeprecationWarning)]
    compare(*told.values())
    assert told["python"], "nothing was logged: the test tests nothing"
    return [entry[1:] for entry in told["python"]]


def compare(expected, actual):
    """Assert that two logs are equal; the message shows the first difference."""
    for index in range(max(len(expected), len(actual))):
        first, second = (_plain(log, index) for log in (expected, actual))
        if first != second:
            before = [f"    {_plain(expected, i)}" for i in range(max(0, index - 4), index)]
            raise AssertionError("\n".join([
                f"the engines differ at entry {index} (time in fs, values):", *before,
                f"  {ENGINES[0]}: {first}", f"  {ENGINES[1]}: {second}"]))


def _plain(log, index):
    if index >= len(log):
        return "nothing more"
    return re.sub(r" at 0x[0-9a-f]+", "", repr(log[index]))


def _bind(bench, dut, log):
    async def bound(ctx):
        await bench(ctx, dut, log)
    return bound
