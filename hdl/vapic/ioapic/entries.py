"""Table entries: the part that is only read, as memory rows."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts, Mode, SourceKind
from ..policy import falls_back
from ..regs import lookup
from ..regs.layout import struct
from ..rows import Read, RowMemory, Sweep
from ..rules import effective_level

__all__ = ["Entries", "flight_layout", "row_layout", "write_layout"]

#: Extension of an entry as in REQX (SEL-01); hint, learn and slack are for STICKY.
REQX = struct("REQX")
_REQX_MASK, _REQX_RESET = lookup("REQX").write_mask, lookup("REQX").reset

#: Eight bytes an entry; a byte belongs to one register only.
row_layout = data.StructLayout({
    "vector": 8,
    "mode": Mode, "logical": 1, "polarity": 1, "trigger": 1, "mask": 1, "zero": 1,
    "dest": 8,
    "reqx": REQX,
    "dom": 4, "owned": 1, "zeros": 3,
})
_LOW, _HIGH, _REQX, _OWNER = 0b00000011, 0b00000100, 0b01111000, 0b10000000
_HINT = 0b00110000

#: What the event channels tell of an entry: in flight for some vCPU, bound to some port.
flight_layout = data.StructLayout({"infl": 1, "bound": 1})

#: Which register of an entry is written in this cycle.
write_layout = data.StructLayout({"low": 1, "high": 1, "reqx": 1, "owner": 1})


class Entries(wiring.Component):
    """RTE or IRT entry, REQX and PIRQ_OWNER of every interrupt source, and its last target.

    Reads take one cycle. What is read of a row in the cycle of a write to it is not looked at: no
    offer follows such a cycle, an access reads before it writes, and what the event channels look
    at belongs to an access, which comes after the one that writes; a grant looks at nothing of the
    entry. Nor is the last target looked at in the three cycles from a grant on. So block RAM needs
    no bypass. After reset one row a cycle is written with its reset value, then ``ready`` rises
    (GEN-06).

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    n : ``In(pirq_bits)``
        Row that the bus reads or writes.
    write : ``In(write_layout)``
        Registers of row ``n`` to write.
    word : ``In(32)``
        What to write, as on the bus; 0 until ``ready``.
    row : ``Out(row_layout)``
        Row ``n`` of the previous cycle.
    last : ``Out(Layouts.last_target)``
        Last target of row ``n`` of the previous cycle.
    next_n : ``In(pirq_bits)``
        Row that is offered in the next cycle, if one is: so a block RAM has time.
    take : ``In(1)``
        Dispatch starts a selection of the row named a cycle ago.
    request : ``Out(Layouts.request)``
        That row, from the cycle after ``take`` until the next one, from flip-flops.
    offer_dom : ``Out(domain_bits)``
        Only with ``config.commits``: domain of the row named a cycle ago.
    query_n, query_entry : ``In``, ``Out(Layouts.entry)``
        Row that the event channels read, a cycle later; not one written in its cycle.
    note : ``In(Layouts.pirq_note)``
        What the event channels tell of an entry.
    flight : ``Out(flight_layout)``
        What they told of ``n`` before this cycle.
    current : ``In(pirq_bits)``
        The row last taken.
    grant, target : ``In(1)``, ``In(Layouts.last_target)``
        Write ``target`` as its last target, a cycle later.
    learn : ``In(1)``
        Only if a policy built falls back: write ``target.k`` as its hint (SEL-13). No register is
        written in this cycle, as accesses wait while a grant is decided.
    ready : ``Out(1)``
        All rows are initialised.
    """

    def __init__(self, config):
        layouts = Layouts(config)
        index = config.pirq_bits
        self._config = config
        self.rows = RowMemory(64, config.pirqs, granularity=8, sweep=True, quiet=True, reads={
            "bus": Read.APART, "start": Read.APART, "query": Read.APART})
        self.targets = RowMemory(layouts.last_target, config.pirqs, sweep=True,
                                 reads={"bus": Read.APART})
        self.flights = RowMemory(flight_layout, config.pirqs, sweep=True, lut_ram=True,
                                 reads={"bus": Read.NOW})
        super().__init__({
            "note": In(layouts.pirq_note), "flight": Out(flight_layout),
            "n": In(index), "write": In(write_layout), "word": In(32),
            "row": Out(row_layout), "last": Out(layouts.last_target),
            "next_n": In(index), "take": In(1), "request": Out(layouts.request),
            "query_n": In(index), "query_entry": Out(layouts.entry),
            "current": In(index), "grant": In(1), "target": In(layouts.last_target),
            "ready": Out(1), **({"learn": In(1)} if falls_back(config) else {}),
        } | ({"offer_dom": Out(config.domain_bits)} if config.commits else {}))

    def elaborate(self, platform):
        m = Module()
        c, word = self._config, self.word
        m.submodules.rows, m.submodules.targets = rows, targets = self.rows, self.targets
        m.submodules.flights = flights = self.flights
        m.submodules.sweep = sweep = Sweep(c.pirqs)
        new, reset, taken = Signal(row_layout), Signal(row_layout), Signal(row_layout)
        with m.If(self.take):
            m.d.sync += taken.eq(rows.start.data)
        m.d.comb += [
            new.vector.eq(word[0:8]), Cat(new.mode, new.logical).eq(word[8:12]),
            new.polarity.eq(word[13]), new.trigger.eq(word[15]), new.mask.eq(word[16]),
            new.dest.eq(word[24:32]), new.reqx.as_value().eq(word & _REQX_MASK),
            new.dom.eq(word[0:4]), new.owned.eq(word[8]),
            reset.mask.eq(1), reset.reqx.as_value().eq(_REQX_RESET), reset.owned.eq(1),
            rows.reset.eq(reset), rows.write.addr.eq(self.n), rows.write.data.eq(new),
            rows.write.en.eq(
                Mux(self.write.low, _LOW, 0) | Mux(self.write.high, _HIGH, 0)
                | Mux(self.write.reqx, _REQX, 0) | Mux(self.write.owner, _OWNER, 0)),
            rows.bus.addr.eq(self.n), self.row.eq(rows.bus.data),
            targets.bus.addr.eq(self.n), self.last.eq(targets.bus.data),
            rows.start.addr.eq(self.next_n),
            rows.query.addr.eq(self.query_n),
            flights.write.en.eq(self.note.valid), flights.write.addr.eq(self.note.n),
            flights.write.data.infl.eq(self.note.infl_any),
            flights.write.data.bound.eq(self.note.bound_any),
            flights.bus.addr.eq(self.n), self.flight.eq(flights.bus.data),
            self.ready.eq(~sweep.busy),
        ]
        m.d.sync += [
            targets.write.en.eq(self.grant), targets.write.addr.eq(self.current),
            targets.write.data.eq(self.target),
        ]
        for memory in (rows, targets, flights):
            m.d.comb += [memory.sweep.busy.eq(sweep.busy), memory.sweep.row.eq(sweep.row)]
        m.d.comb += [
            *_read(rows.query.data, self.query_entry), *_read(taken, self.request),
            self.request.kind.eq(Mux(self.current < c.rtes, SourceKind.PIN, SourceKind.IRT)),
        ]
        if falls_back(c):
            learned = Signal(row_layout)
            m.d.comb += [learned.eq(taken), learned.reqx.hint.eq(self.target.k),
                         learned.reqx.hint_valid.eq(1)]
            with m.If(self.learn):
                m.d.comb += [rows.write.addr.eq(self.current), rows.write.data.eq(learned),
                             rows.write.en.eq(_HINT)]
        if c.commits:
            m.d.comb += self.offer_dom.eq(data.View(row_layout, rows.start.data).dom)
        return m


def _read(word, view):
    """What `view`, an entry or a request, has of a row."""
    row, names = data.View(row_layout, word), view.shape().members
    return [
        *(view[name].eq(row[name]) for name in names if name in row_layout.members),
        *(view[name].eq(row.reqx[name]) for name in names if name in REQX.members),
        view.level.eq(effective_level(row.trigger, row.mode)),
    ]
