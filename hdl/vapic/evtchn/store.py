"""All memories of the event channels, read where the engine goes and written where it stands."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..rows import Read, RowMemory, Sweep
from ..rules import saturate
from .rows import BankRow, RowLayouts

__all__ = ["Store"]


class Store(wiring.Component):
    """Rows of ports, words, lanes, PIRQs and command banks.

    The engine stands at one domain, port, lane and PIRQ at a time. In the cycle in which it moves,
    ``cursor_next`` is the address of every memory; in the next one (`cursor`) the row leaves the
    memory, ``<name>_early``, with time for about two levels of logic; in the one after that it is
    in a register, ``<name>``, and `at` says whose it is. Writes go to the row of `at`, so that all
    addresses come from registers. What is read of a row in the cycle in which it is written is not
    looked at: the engine moves anew before it looks again, and a walk that has written a lane is
    done with that lane. But for the words, of which a walk looks at other bits: in the cycle of a
    write they are not read and stay as they were. PIRQs, too, are not read in the cycle of a write
    if ``hold_pirq`` is 1; but if the engine goes on with the one that is written, as a walk does
    for several lanes, the register behind the memory shows it as written. While ``stall`` is 1 the
    registers that a walk looks at keep their rows, and that of the port while ``hold_port`` is.
    Command banks are addressed apart, by ``bank`` and ``bank_part``, in the same way; the lane of a
    vCPU is ``lane_of`` one cycle after ``vcpu``.

    After reset every row is written with its reset value (GEN-06), in as many cycles as the largest
    memory has rows, but for ``port_of`` (the port of a PIRQ and lane), which has no meaning while
    the PIRQ's ``bound`` bit is 0. ``ready`` rises after that; until then nothing may be written,
    and the rows in registers that new rows are made of are 0, so that these are.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    cursor_next : ``In(RowLayouts.at)``
        Where to read.
    cursor, at : ``Out(RowLayouts.at)``
        Where that was a cycle ago, and two cycles ago: whose the rows are.
    stall : ``In(1)``
        `at`, and the rows in registers, stay.
    hold_port, hold_pirq : ``In(1)``
        The port of `at`, and its row, stay, too; rows of PIRQs are not read beside a write.
    port, word, lane, pirq, bank_row, full, port_of : ``Out``
        The rows: ``full`` the words of the domain that have no free port, ``port_of`` the port of
        the PIRQ and lane.
    port_early, word_early, lane_early, bank_early : ``Out``
        The same, of `cursor`.
    inflight : ``Out``
        Work in flight on the lane of `at`.
    write_<name>, <name>_data : ``In``
        Write strobe and new row; for ``word`` and ``bank`` one strobe per 32-bit field. A bank is
        written where ``bank`` was a cycle ago, in the row ``bank_written``.
    pirq_n, pirq_row : ``In``, ``Out(Layouts.pirq_row)``
        Read for dispatch, one cycle later; not to be used if that row was written when it was
        addressed.
    out_dom, out_k, out_value : ``In``, ``In``, ``Out(8)``
        Asynchronous read for the bank, with a write of this cycle; saturates at 255.
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
        apart, lane_depth = {"engine": Read.APART}, c.domains << c.lane_bits
        swept = {"sweep": True, "quiet": True}
        self.ports = RowMemory(rows.port, c.domains << c.port_bits, reads=apart, **swept)
        self.words = RowMemory(data.ArrayLayout(32, 4), c.domains << (c.port_bits - 5),
                               reads={"engine": Read.HELD}, granularity=1, **swept)
        self.lanes = RowMemory(rows.lane, lane_depth, reads=apart, **swept)
        self.pirqs = RowMemory(rows.pirq, c.pirqs, **swept,
                               reads={"engine": Read.HELD, "dispatch": Read.APART})
        self.port_of_rows = RowMemory(c.port_bits, c.pirqs << c.lane_bits, reads=apart)
        self.full_words = RowMemory(c.port_words, c.domains, reads={"engine": Read.NOW}, **swept)
        self.inflight_count = RowMemory(rows.out_bits, lane_depth, **swept,
                                        reads={"engine": Read.NOW, "bank": Read.NOW})
        self.banks = RowMemory(data.ArrayLayout(32, 2), 2 * lane_depth * len(BankRow),
                               reads=apart, granularity=1, **swept)
        self.lane_of_rows = RowMemory(c.lane_bits, c.vcpus, reads={"engine": Read.HELD})
        members = {}
        for name, shape, strobes in (
                ("port", rows.port, 1), ("word", rows.word, 4), ("lane", rows.lane, 1),
                ("pirq", rows.pirq, 1), ("port_of", c.port_bits, 1), ("full", c.port_words, 1),
                ("inflight", rows.out_bits, 1)):
            members |= {name: Out(shape), f"write_{name}": In(strobes), f"{name}_data": In(shape)}
        members |= {"port_early": Out(rows.port), "word_early": Out(rows.word),
                    "lane_early": Out(rows.lane), "bank_early": Out(rows.bank)}
        super().__init__(members | {
            "cursor_next": In(rows.at), "cursor": Out(rows.at), "at": Out(rows.at),
            "stall": In(1), "hold_port": In(1), "hold_pirq": In(1),
            "bank": In(range(2 * lane_depth)), "bank_part": In(BankRow), "bank_row": Out(rows.bank),
            "write_bank": In(2), "bank_written": In(BankRow), "bank_data": In(rows.bank),
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
        m.submodules.port_of_rows = self.port_of_rows
        m.submodules.lane_of_rows = self.lane_of_rows
        m.submodules.sweep = sweep = Sweep(max(memory.depth for memory in swept.values()))
        for name, memory in swept.items():
            m.submodules[name] = memory
            m.d.comb += [memory.sweep.busy.eq(sweep.busy), memory.sweep.row.eq(sweep.row)]
        m.d.comb += self.ready.eq(~sweep.busy)
        m.d.sync += self.cursor.eq(self.cursor_next)
        with m.If(~self.stall):
            m.d.sync += [self.at[name].eq(self.cursor[name]) for name in ("dom", "k", "n")]
            with m.If(~self.hold_port):
                m.d.sync += self.at.port.eq(self.cursor.port)
        self._connect_engine(m)
        self._connect_lane_of(m, sweep)
        self._connect_dispatch(m)
        self._connect_inflight(m, sweep)
        with m.If(sweep.busy):
            m.d.sync += [_bits(row).eq(0) for row in (
                self.port, self.word, self.lane, self.pirq, self.full, self.inflight)]
        return m

    def _connect_engine(self, m: Module) -> None:
        """Reads where the engine goes, writes where it stood when the row left the memory."""
        at, go, bank, early = self.at, self.cursor_next, Signal.like(self.bank), {}
        m.d.sync += bank.eq(self.bank)
        for name, memory, write_at, read_at in (
                ("port", self.ports, Cat(at.port, at.dom), Cat(go.port, go.dom)),
                ("word", self.words, Cat(at.port[5:], at.dom), Cat(go.port[5:], go.dom)),
                ("full", self.full_words, at.dom, self.cursor.dom),
                ("bank", self.banks, Cat(self.bank_written, bank),
                 Cat(self.bank_part, self.bank)),
                ("port_of", self.port_of_rows, Cat(at.k, at.n), Cat(go.k, go.n)),
                ("lane", self.lanes, Cat(at.k, at.dom), Cat(go.k, go.dom)),
                ("pirq", self.pirqs, at.n, go.n)):
            enable, read = getattr(self, f"write_{name}"), memory.engine
            _write(m, memory, write_at, enable, getattr(self, f"{name}_data"))
            m.d.comb += read.addr.eq(read_at)
            if name == "word":
                m.d.comb += read.hold.eq(enable.any())
            if name == "pirq":
                m.d.comb += read.hold.eq(enable & self.hold_pirq)
            early[name] = _bits(read.data)
        meets, pirq = self.write_pirq & (at.n == self.cursor.n), self.pirqs.engine.data
        m.d.comb += [
            _bits(self.port_early).eq(early["port"]),
            _bits(self.word_early).eq(early["word"]), _bits(self.lane_early).eq(early["lane"]),
            _bits(self.bank_early).eq(early["bank"]),
            self.words.reset[2].eq(self.words.sweep.row[:self._config.port_bits - 5] == 0),
        ]
        # A walk, which alone may stall, looks at some of them.
        m.d.sync += [self.full.eq(early["full"]), _bits(self.bank_row).eq(early["bank"]),
                     self.port_of.eq(early["port_of"])]
        with m.If(~self.stall):
            m.d.sync += [_bits(self.word).eq(early["word"]), _bits(self.lane).eq(early["lane"])]
            m.d.sync += [self.pirq[name].eq(Mux(meets, self.pirq_data[name], pirq[name]))
                         for name in ("open", "infl", "pend")]
            with m.If(~meets):
                # Only an operation of its own changes it.
                m.d.sync += self.pirq.bound.eq(pirq.bound)
            with m.If(~self.hold_port):
                m.d.sync += _bits(self.port).eq(early["port"])

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
        """PIRQ rows."""
        read = self.pirqs.dispatch
        m.d.comb += read.addr.eq(self.pirq_n)
        m.d.comb += [self.pirq_row[field].eq(read.data[field])
                     for field in ("open", "infl")]

    def _connect_inflight(self, m: Module, sweep: Sweep) -> None:
        """Work in flight: read asynchronously by the bank, and for a register by the engine."""
        memory, at = self.inflight_count, Cat(self.at.k, self.at.dom)
        go = Cat(self.cursor.k, self.cursor.dom)
        bank = Cat(self.out_k, self.out_dom)
        _write(m, memory, at, self.write_inflight, self.inflight_data)
        m.d.comb += [
            memory.engine.addr.eq(go), memory.bank.addr.eq(bank),
            self.out_value.eq(saturate(Mux(self.write_inflight & (at == bank),
                                           self.inflight_data, memory.bank.data), 8)),
        ]
        m.d.sync += [self.clearing.eq(sweep.busy & (sweep.row < self._config.domains)),
                     self.clearing_dom.eq(sweep.row)]
        with m.If(~self.stall):
            m.d.sync += self.inflight.eq(Mux(self.write_inflight & (at == go),
                                             self.inflight_data, memory.engine.data))


def _write(m: Module, memory: RowMemory, at, enable, row) -> None:
    m.d.comb += [memory.write.addr.eq(at), memory.write.en.eq(enable),
                 _bits(memory.write.data).eq(_bits(row))]


def _bits(value):
    return value.as_value() if isinstance(value, data.View) else value
