"""Which entries an EOI is for: rows of a memory, by vector, domain and path."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts
from ..rows import Read, RowMemory, Sweep
from .entries import row_layout, write_layout
from .flags import change_layout

__all__ = ["EoiMatch"]

#: Rows of a bit an entry: which of them have that vector, are of that domain, have that path.
_VECTOR, _DOMAIN, _PATH = 0x000, 0x100, 0x110
_ROWS = _PATH + 2


class EoiMatch(wiring.Component):
    """Find the entries of an EOI in three rows, and move an entry from row to row (IOA-11).

    An EOI reads the rows of its vector, of its domain and of path LAPIC, one a cycle, and keeps the
    entries that stand in all of them. The path does not count for the EOI register, nor does the
    domain if the VMM writes it. An entry whose RIRR is set at the end of the cycle after ``eoi`` or
    later is taken out: only bits that were set when the EOI was issued are cleared (IOA-24).

    A write that changes vector, owner or path takes its entry out of one row and puts it into
    another in the three cycles after it, later by the cycles with ``away``. An EOI of a vLAPIC
    issued meanwhile waits, and so does one issued while the EOI register is ending what is in
    flight. In the controller neither happens: such an EOI is an access, and accesses come one at
    a time.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    eoi : ``In(Layouts.eoi)``
        EOI of a vLAPIC; clears RIRR at the end of the fifth cycle after this one unless it waits.
        The next one comes in the cycle in which it does or later.
    apply : ``In(1)``
        The EOI register is written in this cycle; clears RIRR at the end of the fourth after it.
    ending, over : ``In(1)``
        From ``apply`` to the cycle with ``over`` its entries are wanted.
    vector, dom, every : ``In``
        What is written to it, the domain of the master, and whether it is for all domains; valid
        while ``ending``.
    change, write, was : ``In(change_layout)``, ``In(write_layout)``, ``In(row_layout)``
        Register write of this cycle; what its entry is after it, and what it was.
    at, away : ``In(pirqs)``, ``In(1)``
        That entry, one-hot, while ``moving``, but in a cycle with ``away``.
    accepted : ``In(pirqs)``
        Entries whose RIRR is set at the end of this cycle.
    ended : ``Out(pirqs)``
        Entries whose RIRR an EOI clears in this cycle, level triggered or not: those that are not
        have RIRR=0.
    kept, keeps : ``Out(pirqs)``, ``Out(1)``
        With ``keeps``: what the EOI register is for, from its clear to ``over``.
    busy : ``Out(1)``
        An EOI of a vLAPIC waits or is under way.
    moving : ``Out(1)``
        Rows are being moved, from the cycle after the write.
    ready, quiet : ``Out(1)``
        Rows are initialised; no EOI of a vLAPIC is under way.
    """

    def __init__(self, config):
        c = config
        self.rows = RowMemory(c.pirqs, _ROWS, sweep=True, reads={"row": Read.APART})
        super().__init__({
            "eoi": In(Layouts(c).eoi),
            "apply": In(1), "ending": In(1), "over": In(1),
            "vector": In(8), "dom": In(4), "every": In(1),
            "change": In(change_layout), "write": In(write_layout), "was": In(row_layout),
            "at": In(c.pirqs), "away": In(1), "accepted": In(c.pirqs),
            "ended": Out(c.pirqs), "keeps": Out(1),
            "kept": Out(c.pirqs, init=-1),      # a flip-flop sets to its value after reset alone
            "busy": Out(1), "moving": Out(1), "ready": Out(1), "quiet": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        rows, eoi = self.rows, Signal.like(self.eoi)
        m.submodules.rows = rows
        m.submodules.sweep = sweep = Sweep(_ROWS)
        place, to, moves = self._moved(m)
        row = rows.row.data
        skip = Signal(init=1)       # the row that comes out does not count
        writes, ends, last = Signal(), Signal(), Signal()
        first = Cat(sweep.row == base for base in (_VECTOR, _DOMAIN, _PATH)).any()
        m.d.comb += [
            rows.sweep.busy.eq(sweep.busy), rows.sweep.row.eq(sweep.row),
            rows.reset.eq(first.replicate(len(row))),
            rows.write.en.eq(writes), rows.write.addr.eq(place),
            rows.write.data.eq(row ^ self.at),
            self.ready.eq(~sweep.busy), self.quiet.eq(~eoi.valid),
            last.eq(ends & ~self.ending), self.busy.eq(eoi.valid),
            self.ended.eq(self.kept & ends.replicate(len(row))),
        ]

        with m.If(self.eoi.valid):
            m.d.sync += eoi.eq(self.eoi)
        with m.Elif(last):
            m.d.sync += eoi.valid.eq(0)
        with m.If(Mux(self.ending, self.over, ends | ~eoi.valid)):
            m.d.sync += self.kept.eq(-1)
        with m.Else():
            m.d.sync += self.kept.eq(self.kept & (row | skip.replicate(len(row)))
                                     & ~self.accepted)

        with m.FSM():
            with m.State("REST"):
                m.d.comb += rows.row.addr.eq(
                    _VECTOR | Mux(self.ending, self.vector, eoi.vector))
                with m.If(moves):
                    m.next = "TAKE"
                with m.Elif(self.apply | eoi.valid):
                    m.d.sync += skip.eq(0)
                    m.next = "VECTOR"
            with m.State("VECTOR"):
                m.d.comb += rows.row.addr.eq(_DOMAIN | Mux(self.ending, self.dom, eoi.dom))
                m.d.sync += skip.eq(self.ending & self.every)
                m.next = "DOMAIN"
            with m.State("DOMAIN"):
                m.d.comb += rows.row.addr.eq(_PATH)
                m.d.sync += skip.eq(self.ending)
                m.next = "PATH"
            with m.State("PATH"):
                m.d.sync += skip.eq(1)
                m.next = "END"
            with m.State("END"):
                m.d.comb += ends.eq(1)
                m.next = "REST"
                with m.If(self.ending):
                    m.next = "KEEP"
            with m.State("KEEP"):
                m.d.comb += self.keeps.eq(1)
                with m.If(self.over):
                    m.next = "REST"

            # The entry's bit is turned in one row, then in the other.
            with m.State("TAKE"):
                m.d.comb += [rows.row.addr.eq(place), self.moving.eq(1)]
                m.next = "TAKEN"
            with m.State("TAKEN"):
                m.d.comb += [rows.row.addr.eq(Mux(self.away, place, to)), self.moving.eq(1),
                             writes.eq(~self.away)]
                with m.If(~self.away):
                    m.d.sync += place.eq(to)
                    m.next = "PUT"
            with m.State("PUT"):
                m.d.comb += [rows.row.addr.eq(place), self.moving.eq(1), writes.eq(~self.away)]
                with m.If(~self.away):
                    m.next = "REST"
        return m

    def _moved(self, m):
        """Row to take the entry out of, row to put it into, and whether a write moves it."""
        write, change, was = self.write, self.change, self.was
        place, to, moves = Signal(range(_ROWS)), Signal(range(_ROWS)), Signal()
        before, after = (Signal.like(place, name=name) for name in ("before", "after"))
        for which, vector, dom, path in ((before, was.vector, was.dom, was.reqx.path),
                                         (after, change.vector, change.dom, change.path)):
            m.d.comb += which.eq(Mux(write.low, _VECTOR | vector, 0)
                                 | Mux(write.owner, _DOMAIN | dom, 0)
                                 | Mux(write.reqx, _PATH | path, 0))
        m.d.comb += moves.eq(before != after)
        with m.If(moves):
            m.d.sync += [place.eq(before), to.eq(after)]
        return place, to, moves
