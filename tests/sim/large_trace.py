"""A long trace for measurements: ``python -m tests.sim.large_trace 300 > long.trace`` makes 300 MB.

Of its lines 40 % are pairs of interrupt handlers, 40 % switches of tasks, 20 % other events and
stacks, on eight CPUs; about one in a thousand pairs is lost in a gap. The same number of bytes
is always the same text.
"""

import random
import sys
from collections.abc import Iterator

__all__ = ["lines"]

_CPUS = 8
_LINES = ("36 virtio1-req.0", "38 virtio2-input.0", "39 virtio2-output.0", "42 nvme0q1", "9 acpi",
          "127 xhci_hcd", "140 eth0-TxRx-0", "141 eth0-TxRx-1")
_OTHERS = (
    "softirq_entry: vec=3 [action=NET_RX]", "softirq_exit: vec=3 [action=NET_RX]",
    "sched_wakeup: comm=kworker/u16:3 pid=812 prio=120 target_cpu=002",
    "tracing_mark_write: B|2211|irq_handler_entry: irq=5 name=fake",
    "timer_start: timer=00000000c0ffee00 function=tick_sched expires=4294940000")
_STACK = (" => __schedule", " => schedule", " => worker_thread", " => kthread", " => ret_from_fork")


def lines(size: int) -> Iterator[str]:
    """Lines of so many bytes, with the last one that begins before the end."""
    rng, written, now = random.Random(7), 0, 1_700_000_000_000_000
    running = [(f"task-{cpu}", 1000 + cpu) for cpu in range(_CPUS)]
    while written < size:
        cpu, some = rng.randrange(_CPUS), []
        comm, pid = running[cpu]
        for kind in rng.choices(("irq", "switch", "other"), (2, 4, 1.25), k=8):
            now += rng.randrange(1, 40)
            if kind == "irq":
                irq, name = rng.choice(_LINES).split()
                some += [(now, "d.h1.", f"irq_handler_entry: irq={irq} name={name}"),
                         (now + rng.randrange(1, 9), "d.h1.",
                          f"irq_handler_exit: irq={irq} ret=handled")]
                now += 9
            elif kind == "switch":
                after = rng.choice(((f"swapper/{cpu}", 0), (f"work:{rng.randrange(40)}",
                                                            2000 + rng.randrange(400))))
                some.append((now, "d..2.", f"sched_switch: prev_comm={comm} prev_pid={pid} "
                             f"prev_prio=120 prev_state={'RSD'[now % 3]} ==> "
                             f"next_comm={after[0]} next_pid={after[1]} next_prio=120"))
                comm, pid = running[cpu] = after
            else:
                some.append((now, ".....", rng.choice(_OTHERS)))
                if rng.random() < 0.1:
                    some += [(now, ".....", "kernel_stack: <stack trace>"), *_STACK]
        if rng.random() < 0.001:
            yield f"CPU:{cpu} [LOST {rng.randrange(1, 900)} EVENTS]\n"
        for one in some:
            text = one if isinstance(one, str) else (
                f"{comm:>16}-{pid:<7} [{cpu:03}] {one[1]} {one[0] // 10**6}.{one[0] % 10**6:06}: "
                f"{one[2]}")
            written += len(text) + 1
            yield text + "\n"


def main() -> None:
    """Write a trace to standard output."""
    sys.stdout.write("# tracer: nop\n#\n")
    sys.stdout.writelines(lines(int(float(sys.argv[1]) * 10**6)))


if __name__ == "__main__":
    main()
