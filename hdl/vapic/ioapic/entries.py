"""Table entries: the part that is only read, as memory rows."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts, Mode

__all__ = ["Entries", "last_layout", "row_layout", "write_layout"]

#: Extension of an entry as in REQX (SEL-01); hint, learn and slack are only kept.
REQX = data.StructLayout({
    "path": 1, "ser": 1, "force_dyn": 1, "force_static": 1, "policy": 4, "zero": 4,
    "allow": 3, "hint_valid": 1, "hint": 6, "learn": 1, "autoeoi": 1, "slack": 8,
})
_REQX_MASK, _REQX_RESET = 0xFFFF_F0FF, 0x0000_70F2

#: Eight bytes an entry; a byte belongs to one register only.
row_layout = data.StructLayout({
    "vector": 8,
    "mode": Mode, "logical": 1, "polarity": 1, "trigger": 1, "mask": 1, "zero": 1,
    "dest": 8,
    "reqx": REQX,
    "dom": 4, "owned": 1, "zeros": 3,
})
_LOW, _HIGH, _REQX, _OWNER = 0b00000011, 0b00000100, 0b01111000, 0b10000000

#: Which register of an entry is written in this cycle.
write_layout = data.StructLayout({"low": 1, "high": 1, "reqx": 1, "owner": 1})


def last_layout(config) -> data.StructLayout:
    """Target of the last grant, for REQSTAT (SEL-24)."""
    return data.StructLayout({"k": config.lane_bits, "port": config.port_bits})


class Entries(wiring.Component):
    """RTE or IRT entry, REQX and PIRQ_OWNER of every interrupt source, and its last target.

    Reads take one cycle and see what was decided before the cycle of the address. After reset one
    row a cycle is written with its reset value, then ``ready`` rises (GEN-06).

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
    last : ``Out(last_layout(config))``
        Last target of row ``n`` of the previous cycle.
    offer_n, take : ``In``
        Row that dispatch starts a selection of, and in which cycle.
    entry : ``Out(Layouts.entry)``
        That row, from the cycle after ``take`` until the next one.
    offer_dom : ``Out(domain_bits)``
        Only with ``config.commits``: its domain, in the same cycle, for the record of the start.
    query_n, query_entry : ``In``, ``Out(Layouts.entry)``
        Row that the event channels read, a cycle later.
    grant, grant_n, grant_last : ``In``
        Write ``grant_last`` as last target of ``grant_n``.
    ready : ``Out(1)``
        All rows are initialised.
    """

    def __init__(self, config):
        layouts = Layouts(config)
        index = config.pirq_bits
        self._config = config
        self.rows = Memory(shape=64, depth=config.pirqs, init=[])
        self.targets = Memory(shape=last_layout(config), depth=config.pirqs, init=[])
        super().__init__({
            "n": In(index), "write": In(write_layout), "word": In(32),
            "row": Out(row_layout), "last": Out(last_layout(config)),
            "offer_n": In(index), "take": In(1), "entry": Out(layouts.entry),
            "query_n": In(index), "query_entry": Out(layouts.entry),
            "grant": In(1), "grant_n": In(index), "grant_last": In(last_layout(config)),
            "ready": Out(1),
        } | ({"offer_dom": Out(config.domain_bits)} if config.commits else {}))

    def elaborate(self, platform):
        m = Module()
        c, word = self._config, self.word
        m.submodules.rows, m.submodules.targets = self.rows, self.targets
        put = self.rows.write_port(granularity=8)
        bus, start, query = (self.rows.read_port() for _ in range(3))
        put_last, get_last = self.targets.write_port(), self.targets.read_port()

        clear, clear_n = Signal(init=1), Signal(c.pirq_bits)
        with m.If(clear):
            m.d.sync += [clear_n.eq(clear_n + 1), clear.eq(clear_n != c.pirqs - 1)]

        # While clearing, `word` is 0: only the ones of a reset value need a gate.
        new = data.View(row_layout, Signal(64, name="new_row"))
        m.d.comb += [
            new.vector.eq(word[0:8]), Cat(new.mode, new.logical).eq(word[8:12]),
            new.polarity.eq(word[13]), new.trigger.eq(word[15]), new.mask.eq(word[16] | clear),
            new.dest.eq(word[24:32]),
            new.reqx.as_value().eq(word & _REQX_MASK | Mux(clear, _REQX_RESET, 0)),
            new.dom.eq(word[0:4]), new.owned.eq(word[8] | clear),
            put.addr.eq(Mux(clear, clear_n, self.n)), put.data.eq(new),
            put.en.eq(clear.replicate(8)
                      | Mux(self.write.low, _LOW, 0) | Mux(self.write.high, _HIGH, 0)
                      | Mux(self.write.reqx, _REQX, 0) | Mux(self.write.owner, _OWNER, 0)),
            put_last.en.eq(clear | self.grant),
            put_last.addr.eq(Mux(clear, clear_n, self.grant_n)),
            put_last.data.eq(Mux(clear, 0, self.grant_last.as_value())),
        ]
        m.d.comb += [
            bus.addr.eq(self.n), self.row.eq(bus.data),
            get_last.addr.eq(self.n), self.last.eq(get_last.data),
            start.addr.eq(self.offer_n), start.en.eq(self.take),
            query.addr.eq(self.query_n),
            self.ready.eq(~clear),
        ]
        if c.commits:
            peek = self.rows.read_port(domain="comb")
            m.d.comb += [peek.addr.eq(self.offer_n),
                         self.offer_dom.eq(data.View(row_layout, peek.data).dom)]
        m.d.comb += _entry(start.data, self.entry) + _entry(query.data, self.query_entry)
        return m


def _entry(word, entry):
    row = data.View(row_layout, word)
    same = ("vector", "mode", "logical", "dest")
    extra = ("path", "ser", "force_dyn", "force_static", "policy", "allow", "autoeoi")
    return [
        *(entry[name].eq(row[name]) for name in same),
        *(entry[name].eq(row.reqx[name]) for name in extra),
        entry.level.eq(row.trigger & ~row.mode.as_value()[1:].any()),
        entry.dom.eq(row.dom), entry.owned.eq(row.owned),
    ]
