"""What a controller commits, kept in hardware until somebody asks."""

from typing import Any

from amaranth import Cat, Module, Signal
from amaranth.hdl import Elaboratable, Value
from amaranth.lib.memory import Memory

__all__ = ["KEPT", "CommitLog"]

_BITS = 6
_DEPTH = 1 << _BITS
#: Cycles for which every record is kept.
KEPT = _DEPTH - 1


class CommitLog(Elaboratable):
    """The last records of several ports, each with its cycle.

    Whoever takes them out keeps in mind how far it has come, and comes back within `KEPT` cycles.

    Parameters
    ----------
    ports : list of (Signal, Value)
        A valid bit and a record each; at most one record a cycle.
    now : Signal
        Cycles.

    Attributes
    ----------
    ends : Signal
        Records so far of each port, the one of this cycle among them, modulo `_DEPTH`; above them
        a valid bit of each port.
    width : int
        Bits of it below those.
    """

    def __init__(self, ports: list[tuple[Any, Any]], now: Any):
        self._valid = [valid for valid, _ in ports]
        self._records = [Value.cast(record) for _, record in ports]
        self._now = now
        self.width = len(ports) * _BITS
        self._memories = [Memory(shape=len(record) + len(now), depth=_DEPTH, init=[])
                          for record in self._records]
        self._rows = [[memory.data[i] for i in range(_DEPTH)] for memory in self._memories]
        self.ends = Signal(len(ports) * (_BITS + 1))

    def elaborate(self, platform):
        m = Module()
        ends = []
        for i, (valid, record, memory) in enumerate(
                zip(self._valid, self._records, self._memories, strict=True)):
            m.submodules[f"memory_{i}"] = memory
            write, end, after = memory.write_port(), Signal(_BITS), Signal(_BITS)
            m.d.comb += [write.en.eq(valid), write.addr.eq(end), after.eq(end + valid),
                         write.data.eq(Cat(record, self._now))]
            m.d.sync += end.eq(after)
            ends.append(after)
        m.d.comb += self.ends.eq(Cat(ends, self._valid))
        return m

    def take(self, get: Any, begin: int, end: int) -> list[tuple[int, int, int]]:
        """Records between two values of `ends`, the second of which is that of this cycle.

        Parameters
        ----------
        get : callable
            Reads a signal.
        begin, end : int
            The values, without the valid bits of the first.

        Returns
        -------
        list of (int, int, int)
            Number of the port, cycle and record of each, in no particular order.
        """
        taken = []
        valid, end = end >> self.width, end & (1 << self.width) - 1
        difference = begin ^ end
        while difference:
            port = ((difference & -difference).bit_length() - 1) // _BITS
            shift = port * _BITS
            difference &= -1 << shift + _BITS
            record, rows = self._records[port], self._rows[port]
            width = len(record)
            place, last = begin >> shift & _DEPTH - 1, end >> shift & _DEPTH - 1
            while place != last:
                following = place + 1 & _DEPTH - 1
                if following == last and valid >> port & 1:
                    taken.append((port, get(self._now), get(record)))
                else:
                    word = get(rows[place])
                    taken.append((port, word >> width, word & (1 << width) - 1))
                place = following
        return taken
