"""All memories of the event channels, read where the engine goes and written where it stands."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..rows import Read, RowMemory, Sweep
from ..rules import saturate
from .rows import RowLayouts

__all__ = ["Store"]

_COMMAND_WORDS = 7


class Store(wiring.Component):
    """Rows of ports, words, lanes, PIRQs and command banks.

    The engine stands at one domain, port, lane and PIRQ at a time: every cycle the rows named by
    ``cursor_next`` are read and `cursor` becomes that, so that in the next cycle the outputs are
    the rows of `cursor`; a write goes to the row of `cursor`. In the cycle of a write the memory
    is not read: its row stays as it was. Lanes are read beside a write of another row, PIRQs
    always, with the row as it is written. Command banks are addressed apart, by ``bank``, in the
    same way; the lane of a vCPU is ``lane_of`` one cycle after ``vcpu``. After reset every row is
    written with its reset value (GEN-06), in as many cycles as the largest memory has rows, but
    for ``port_of`` (the port of a PIRQ and lane), which has no meaning while the PIRQ's ``bound``
    bit is 0. ``ready`` rises after that; until then nothing may be written.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    cursor_next : ``In(RowLayouts.at)``
        Where to read.
    cursor : ``Out(RowLayouts.at)``
        Where the outputs belong to, and where writes go.
    port, word, lane, pirq, bank_row, port_of, full, inflight : ``Out``
        The rows: ``port_of`` the port number of (n, k), ``full`` the words of the domain that have
        no free port, ``inflight`` the work in flight on the lane.
    write_<name>, <name>_data : ``In``
        Write strobe and new row; for ``word`` and ``bank`` one strobe per 32-bit field.
    row_busy : ``In(1)``
        `write_lane` or `write_pirq` may be 1: the row of the lane here is not read again.
    pirq_n, pirq_row : ``In``, ``Out(Layouts.pirq_row)``
        Read for dispatch, one cycle later; a row written in the same cycle is read as it was.
    out_dom, out_k, out_value : ``In``, ``In``, ``Out(8)``
        Asynchronous read for the bank; saturates at 255.
    write_vcpu, vcpu_v, vcpu_data : ``In``
        Sets the lane number of a vCPU.
    clearing, clearing_dom : ``Out``
        During initialisation: all counts of this domain are 0 now.

    Attributes
    ----------
    ports, words, lanes, pirqs, port_of_rows, full_words, inflight_count, banks, lane_of_rows
        The memories, each a `RowMemory`.
    """

    def __init__(self, config, layouts):
        c = self._config = config
        rows = self._rows = RowLayouts(config)
        held, lane_depth = {"engine": Read.HELD}, c.domains << c.lane_bits
        self.ports = RowMemory(rows.port, c.domains << c.port_bits, reads=held, sweep=True)
        self.words = RowMemory(data.ArrayLayout(32, 4), c.domains << (c.port_bits - 5),
                               reads=held, sweep=True, granularity=1)
        self.lanes = RowMemory(rows.lane, lane_depth, reads=held, sweep=True)
        self.pirqs = RowMemory(rows.pirq, c.pirqs, sweep=True,
                               reads={"engine": Read.AFTER, "dispatch": Read.HELD})
        self.port_of_rows = RowMemory(c.port_bits, c.pirqs << c.lane_bits, reads=held)
        self.full_words = RowMemory(c.port_words, c.domains, reads=held, sweep=True)
        self.inflight_count = RowMemory(rows.out_bits, lane_depth, sweep=True,
                                        reads={"engine": Read.NOW, "bank": Read.NOW})
        self.banks = RowMemory(data.ArrayLayout(32, _COMMAND_WORDS), 2 * lane_depth,
                               reads=held, sweep=True, granularity=1)
        self.lane_of_rows = RowMemory(c.lane_bits, c.vcpus, reads=held)
        members = {}
        for name, shape, strobes in (
                ("port", rows.port, 1), ("word", rows.word, 4), ("lane", rows.lane, 1),
                ("pirq", rows.pirq, 1), ("port_of", c.port_bits, 1), ("full", c.port_words, 1),
                ("inflight", rows.out_bits, 1)):
            members |= {name: Out(shape), f"write_{name}": In(strobes), f"{name}_data": In(shape)}
        super().__init__(members | {
            "row_busy": In(1), "cursor_next": In(rows.at), "cursor": Out(rows.at),
            "bank": In(range(self.banks.depth)), "bank_row": Out(rows.bank),
            "write_bank": In(_COMMAND_WORDS), "bank_data": In(rows.bank),
            "vcpu": In(c.vcpu_bits), "lane_of": Out(c.lane_bits),
            "write_vcpu": In(1), "vcpu_v": In(c.vcpu_bits), "vcpu_data": In(c.lane_bits),
            "pirq_n": In(c.pirq_bits), "pirq_row": Out(layouts.pirq_row),
            "out_dom": In(c.domain_bits), "out_k": In(c.lane_bits), "out_value": Out(8),
            "ready": Out(1), "clearing": Out(1), "clearing_dom": Out(c.domain_bits),
        })

    def elaborate(self, platform):
        m = Module()
        swept = {"ports": self.ports, "words": self.words, "lanes": self.lanes,
                 "pirqs": self.pirqs, "full_words": self.full_words,
                 "inflight_count": self.inflight_count, "banks": self.banks}
        m.submodules += (self.port_of_rows, self.lane_of_rows)
        m.submodules.sweep = sweep = Sweep(max(memory.depth for memory in swept.values()))
        for name, memory in swept.items():
            m.submodules[name] = memory
            m.d.comb += [memory.sweep.busy.eq(sweep.busy), memory.sweep.row.eq(sweep.row)]
        m.d.comb += self.ready.eq(~sweep.busy)
        m.d.sync += self.cursor.eq(self.cursor_next)
        self._connect_engine(m)
        self._connect_lane_of(m, sweep)
        self._connect_dispatch(m)
        self._connect_inflight(m, sweep)
        return m

    def _connect_engine(self, m: Module) -> None:
        """Reads where the engine goes, writes where it stands."""
        now, go, bank = self.cursor, self.cursor_next, Signal.like(self.bank)
        m.d.sync += bank.eq(self.bank)
        for memory, at, read_at, enable, row, new in (
                (self.ports, Cat(now.port, now.dom), Cat(go.port, go.dom),
                 self.write_port, self.port, self.port_data),
                (self.words, Cat(now.port[5:], now.dom), Cat(go.port[5:], go.dom),
                 self.write_word, self.word, self.word_data),
                (self.full_words, now.dom, go.dom, self.write_full, self.full, self.full_data),
                (self.banks, bank, self.bank, self.write_bank, self.bank_row, self.bank_data),
                (self.port_of_rows, Cat(now.k, now.n), Cat(go.k, go.n),
                 self.write_port_of, self.port_of, self.port_of_data)):
            _write(m, memory, at, enable, new)
            m.d.comb += [memory.engine.addr.eq(read_at), _bits(row).eq(_bits(memory.engine.data)),
                         memory.engine.hold.eq(enable.any())]

        lane_at, lane_to = Cat(now.k, now.dom), Cat(go.k, go.dom)
        _write(m, self.lanes, lane_at, self.write_lane, self.lane_data)
        _write(m, self.pirqs, now.n, self.write_pirq, self.pirq_data)
        m.d.comb += [
            self.lanes.engine.addr.eq(lane_to), self.lane.eq(self.lanes.engine.data),
            self.lanes.engine.hold.eq(self.row_busy & (lane_at == lane_to)),
            self.pirqs.engine.addr.eq(go.n), self.pirq.eq(self.pirqs.engine.data),
        ]
        m.d.comb += self.words.reset[2].eq(self.words.sweep.row[:self._config.port_bits - 5] == 0)

    def _connect_lane_of(self, m: Module, sweep: Sweep) -> None:
        """Lane numbers by v; at initialisation v counts the lanes, by domain and k (LAPIC-60)."""
        c, memory = self._config, self.lane_of_rows
        v, named = Signal(range(c.vcpus + 1)), Signal()
        m.d.comb += [
            named.eq((sweep.row < self.lanes.depth) & (sweep.row[:c.lane_bits] < c.lanes)
                     & (v < c.vcpus)),
            self.lanes.reset.mask.eq(1), self.lanes.reset.names.eq(named),
            memory.write.addr.eq(Mux(sweep.busy, v, self.vcpu_v)),
            memory.write.data.eq(Mux(sweep.busy, sweep.row, self.vcpu_data)),
            memory.write.en.eq(Mux(sweep.busy, named, self.write_vcpu)),
            memory.engine.addr.eq(self.vcpu), self.lane_of.eq(memory.engine.data),
            memory.engine.hold.eq(memory.write.en),
        ]
        with m.If(sweep.busy):
            m.d.sync += v.eq(v + named)

    def _connect_dispatch(self, m: Module) -> None:
        """PIRQ rows: where one may be written it is not read, the engine has it."""
        kept, same, meets = Signal(self._rows.pirq), Signal(), Signal()
        read = self.pirqs.dispatch
        m.d.comb += [meets.eq(self.row_busy & (self.cursor.n == self.pirq_n)),
                     read.addr.eq(self.pirq_n), read.hold.eq(meets)]
        m.d.sync += [same.eq(meets), kept.eq(self.pirq)]
        m.d.comb += [self.pirq_row[field].eq(Mux(same, kept[field], read.data[field]))
                     for field in ("open", "infl", "pend")]

    def _connect_inflight(self, m: Module, sweep: Sweep) -> None:
        """Work in flight: read asynchronously, by engine and bank."""
        memory, at = self.inflight_count, Cat(self.cursor.k, self.cursor.dom)
        _write(m, memory, at, self.write_inflight, self.inflight_data)
        m.d.comb += [
            memory.engine.addr.eq(at), self.inflight.eq(memory.engine.data),
            memory.bank.addr.eq(Cat(self.out_k, self.out_dom)),
            self.out_value.eq(saturate(memory.bank.data, 8)),
            self.clearing.eq(sweep.busy & (sweep.row < self._config.domains)),
            self.clearing_dom.eq(sweep.row),
        ]


def _write(m: Module, memory: RowMemory, at, enable, row) -> None:
    m.d.comb += [memory.write.addr.eq(at), memory.write.en.eq(enable),
                 _bits(memory.write.data).eq(_bits(row))]


def _bits(value):
    return value.as_value() if isinstance(value, data.View) else value
