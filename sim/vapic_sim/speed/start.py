"""A process of its own that simulates one cycle of the controller, and says how long that took.

Run as ``python -m vapic_sim.speed.start``; prints one JSON object.
"""

import json
import sys
from importlib import import_module
from time import perf_counter

__all__ = ["main"]


def main() -> int:
    """Import, elaborate, build, run one cycle, and print the seconds of each; the exit code."""
    begin = perf_counter()
    # Here, as it is timed.
    config = import_module("vapic.config").Config.for_vcpus(16)
    controller = import_module("vapic.controller").Controller
    engine = import_module("vapic_sim.engine")
    imported = perf_counter()
    dut = controller(config)
    made = perf_counter()
    try:
        simulator = engine.Simulator(dut, engine="compiled")
    except (engine.BuildError, engine.Unsupported) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 1
    built = perf_counter()

    async def bench(ctx):
        await ctx.tick()

    simulator.add_clock(10e-9)
    simulator.add_testbench(bench)
    simulator.run()
    end = perf_counter()
    print(json.dumps({"import_s": imported - begin, "elaborate_s": made - imported,
                      "simulator_s": built - made, "first_cycle_s": end - built,
                      "total_s": end - imported}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
