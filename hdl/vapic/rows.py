"""Memory rows: the one place that instantiates a memory, with its reset and its ways to read.

State of vCPUs, ports, entries and lanes is kept as rows of memories. What differs is what a read
sees of a write in the same cycle, and that is what block RAMs are slow or large at, so each way
that is in use has a name here, `Read`, with the reason for it.
"""

from amaranth import Module, Mux, Signal
from amaranth.hdl import Value
from amaranth.lib import data, enum, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

__all__ = ["Read", "RowMemory", "Sweep"]


class Read(enum.Enum):
    """What a read port shows, and when."""

    #: The row addressed in this cycle. LUT RAM: no cycle, but LUTs for every bit and 16 rows.
    NOW = 0
    #: The row addressed one cycle ago, as it was before a write of that cycle.
    BEFORE = 1
    #: The row addressed in the last cycle in which ``hold`` was 0. The owner sets ``hold`` where
    #: that row may be written in the same cycle: it is not read then, which needs no bypass. After
    #: a reset it shows any row until the first read.
    HELD = 2
    #: The row addressed one cycle ago, which the owner promises not to have written in that
    #: cycle. Synthesis is told (``no_rw_check``) and leaves the bypass out.
    APART = 3


class Sweep(wiring.Component):
    """Name one row a cycle after reset, for any number of memories (GEN-06).

    Parameters
    ----------
    rows : int
        How many to name: the depth of the deepest memory.

    Members
    -------
    busy : ``Out(1)``
        From reset on, ``rows`` cycles.
    row : ``Out(range(rows))``
        The row to be written in this cycle.
    """

    def __init__(self, rows: int):
        self.rows = rows
        super().__init__({"busy": Out(1, init=1), "row": Out(range(max(2, rows)))})

    def elaborate(self, platform):
        m = Module()
        with m.If(self.busy):
            m.d.sync += [self.row.eq(self.row + 1), self.busy.eq(self.row != self.rows - 1)]
        return m


class RowMemory(wiring.Component):
    """A memory of rows with one write port, named read ports, and its reset value.

    Parameters
    ----------
    shape : ShapeLike
        Of a row.
    depth : int
        Number of rows.
    reads : dict of str to Read
        Read ports by name; each becomes a member.
    granularity : int or None
        Bits (elements of an array) that a bit of ``write.en`` is for; None: the whole row.
    lut_ram : bool
        Ask for LUT RAM instead of leaving it to synthesis.
    sweep : bool
        Every row is written with ``reset`` after reset, as the member ``sweep`` names it. Without
        it the owner writes the first value of each row, or tells a row never written by a
        valid bit of its own.
    quiet : bool
        ``write.data`` is 0 while the sweep is busy, so that only the ones of ``reset`` need a
        gate. Who writes must see to it: of a row read before the reset nothing may get there.

    Members
    -------
    write : ``In``: ``addr``, ``data``, ``en``
        Write the row at the end of this cycle. Ignored while the sweep is busy.
    <name> : ``In``: ``addr``, ``data`` (``Out``), and ``hold`` (HELD)
        A read port, see `Read`.
    sweep : ``In``: ``busy``, ``row``
        Of a `Sweep`; rows beyond the depth are none of this memory's.
    reset : ``In(shape)``
        Row to write in a sweep; 0 unless driven.

    Attributes
    ----------
    data : sequence of Signal
        The rows, for simulation.
    """

    def __init__(self, shape, depth: int, *, reads: dict[str, Read], granularity: int | None = None,
                 lut_ram: bool = False, sweep: bool = False, quiet: bool = False):
        self.shape, self.depth = shape, depth
        self._reads, self._sweeps, self._quiet = reads, sweep, quiet
        attrs = {"ram_style": "distributed"} if lut_ram else {}
        if {Read.APART, Read.HELD} & set(reads.values()):
            attrs["no_rw_check"] = 1
        self._memory = Memory(shape=shape, depth=depth, init=[], attrs=attrs)
        self.data = self._memory.data
        self._write = self._memory.write_port(granularity=granularity)
        address = range(max(2, depth))
        members = {"write": In(wiring.Signature({
            "addr": Out(address), "data": Out(shape), "en": Out(len(self._write.en))}))}
        for name, kind in reads.items():
            extra = {"hold": Out(1)} if kind is Read.HELD else {}
            members[name] = In(wiring.Signature({
                "addr": Out(address), "data": In(shape), **extra}))
        if sweep:
            members |= {"sweep": In(wiring.Signature({"busy": Out(1), "row": Out(32)})),
                        "reset": In(shape)}
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = self._memory
        port, write = self._write, self.write
        m.d.comb += [port.addr.eq(write.addr), _plain(port.data).eq(_plain(write.data)),
                     port.en.eq(write.en)]
        if self._sweeps:
            self._add_sweep(m)
        for name, kind in self._reads.items():
            self._add_read(m, getattr(self, name), kind, name)
        return m

    def _add_sweep(self, m: Module) -> None:
        port, write, busy, row = self._write, self.write, self.sweep.busy, self.sweep.row
        mine, given, reset = Signal(), _plain(write.data), _plain(self.reset)
        within = row < self.depth
        m.d.comb += [
            mine.eq(busy & within), port.addr.eq(Mux(busy, row, write.addr)),
            port.en.eq(Mux(busy, mine.replicate(len(port.en)), write.en)),
            _plain(port.data).eq(given | reset & busy.replicate(len(reset)) if self._quiet
                                 else Mux(busy, reset, given)),
        ]

    def _add_read(self, m: Module, read, kind: Read, name: str) -> None:
        if kind is Read.BEFORE:
            port = self._memory.read_port()
            m.d.comb += [port.addr.eq(read.addr), _plain(read.data).eq(_plain(port.data))]
            return
        port = self._memory.read_port(domain="comb")
        m.d.comb += port.addr.eq(read.addr)
        if kind is Read.NOW:
            m.d.comb += _plain(read.data).eq(_plain(port.data))
            return
        # An asynchronous port with a register behind it: synthesis makes the two one synchronous
        # port, and only then honours what is promised of reads beside writes. A reset of that
        # register would take a multiplexer behind the block RAM.
        row = Signal(len(_plain(read.data)), name=f"{name}_row", reset_less=True)
        with m.If(~read.hold if kind is Read.HELD else 1):
            m.d.sync += row.eq(_plain(port.data))
        m.d.comb += _plain(read.data).eq(row)


def _plain(value) -> Value:
    """The bits of a view or a signal."""
    return value.as_value() if isinstance(value, data.View) else Value.cast(value)
