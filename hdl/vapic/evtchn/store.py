"""All memories of the event channels, read where the engine goes and written where it stands."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from .rows import RowLayouts

__all__ = ["Store"]

_COMMAND_WORDS = 7


class Store(wiring.Component):
    """Rows of ports, words, lanes, PIRQs and command banks.

    The engine stands at one domain, port, lane and PIRQ at a time: every cycle the rows named by
    ``go`` are read and `here` becomes ``go``, so that in the next cycle the outputs are the rows
    of `here`; a write goes to the row of `here`. In the cycle of a write the memory is not read:
    its row stays as it was, which needs no bypass around the block RAM. Lanes are read beside a
    write of another row, PIRQs always, with the row as it is written. Command banks
    are addressed apart, by ``bank``, in the same way; the lane of a vCPU is ``vcpu_k`` one cycle
    after ``vcpu``. After reset every row is written with its reset value (GEN-06), in as
    many cycles as the largest memory has rows, but for ``tied`` (the port of a PIRQ and lane),
    which has no meaning while the PIRQ's ``bound`` bit is 0. ``ready`` rises after that; until
    then nothing may be written.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    go : ``In(RowLayouts.at)``
        Where to read.
    here : ``Out(RowLayouts.at)``
        Where the outputs belong to, and where writes go.
    port, word, lane, pirq, bank_row, tied, full, out : ``Out``
        The rows: ``tied`` the port number of (n, k), ``full`` the words of the domain that have
        no free port, ``out`` the work in flight on the lane.
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
    """

    def __init__(self, config, layouts):
        c = self._config = config
        rows = self._rows = RowLayouts(config)
        self.ports = Memory(shape=rows.port, depth=c.domains << c.port_bits, init=[])
        self.words = Memory(shape=data.ArrayLayout(32, 4),
                            depth=c.domains << (c.port_bits - 5), init=[])
        self.lanes = Memory(shape=rows.lane, depth=c.domains << c.lane_bits, init=[])
        self.pirqs = Memory(shape=rows.pirq, depth=c.pirqs, init=[])
        self.ties = Memory(shape=c.port_bits, depth=c.pirqs << c.lane_bits, init=[])
        self.fulls = Memory(shape=c.port_words, depth=c.domains, init=[])
        self.outs = Memory(shape=rows.out_bits, depth=c.domains << c.lane_bits, init=[])
        self.banks = Memory(shape=data.ArrayLayout(32, _COMMAND_WORDS),
                            depth=c.domains << (c.lane_bits + 1), init=[])
        self.places = Memory(shape=c.lane_bits, depth=c.vcpus, init=[])
        members = {}
        for name, shape, strobes in (
                ("port", rows.port, 1), ("word", rows.word, 4), ("lane", rows.lane, 1),
                ("pirq", rows.pirq, 1), ("tied", c.port_bits, 1), ("full", c.port_words, 1),
                ("out", rows.out_bits, 1)):
            members |= {name: Out(shape), f"write_{name}": In(strobes), f"{name}_data": In(shape)}
        super().__init__(members | {
            "row_busy": In(1),
            "go": In(rows.at), "here": Out(rows.at),
            "bank": In(range(self.banks.depth)), "bank_row": Out(rows.bank),
            "write_bank": In(_COMMAND_WORDS), "bank_data": In(rows.bank),
            "vcpu": In(c.vcpu_bits), "vcpu_k": Out(c.lane_bits),
            "write_vcpu": In(1), "vcpu_v": In(c.vcpu_bits), "vcpu_data": In(c.lane_bits),
            "pirq_n": In(c.pirq_bits), "pirq_row": Out(layouts.pirq_row),
            "out_dom": In(c.domain_bits), "out_k": In(c.lane_bits), "out_value": Out(8),
            "ready": Out(1), "clearing": Out(1), "clearing_dom": Out(c.domain_bits),
        })

    def elaborate(self, platform):
        m = Module()
        c, rows = self._config, self._rows
        memories = {"ports": self.ports, "words": self.words, "lanes": self.lanes,
                    "pirqs": self.pirqs, "ties": self.ties, "fulls": self.fulls,
                    "outs": self.outs, "banks": self.banks, "places": self.places}
        for name, memory in memories.items():
            m.submodules[name] = memory

        # Initialisation: row `count` of every memory that has one. The lanes go by domain and k,
        # so that `v` counts the vCPUs in the order of their reset lanes (LAPIC-60).
        clear = ~self.ready
        last = max(memory.depth for memory in memories.values() if memory is not self.ties) - 1
        count, v = Signal(range(last + 1)), Signal(range(c.vcpus + 1))
        names = Signal()
        m.d.comb += [
            names.eq((count < self.lanes.depth) & (count[:c.lane_bits] < c.lanes)
                     & (v < c.vcpus)),
            self.clearing.eq(clear & (count < c.domains)), self.clearing_dom.eq(count),
        ]
        with m.If(clear):
            m.d.sync += [count.eq(count + 1), v.eq(v + names), self.ready.eq(count == last)]
        empty = Signal(rows.lane)
        m.d.comb += [empty.mask.eq(1), empty.names.eq(names)]
        word_bits = c.port_bits - 5
        first_word = count[:word_bits] == 0
        reset = {"words": Mux(first_word, 1 << 64, 0), "lanes": empty.as_value()}

        go, here, bank = self.go, self.here, Signal.like(self.bank)
        m.d.sync += [here.eq(go), bank.eq(self.bank)]

        def connect(name, memory, at, enable, value):
            """The write port, with the initialisation."""
            write = memory.write_port(granularity=1 if len(enable) > 1 else None)
            m.d.comb += [
                write.addr.eq(Mux(clear, count, at)),
                plain(write.data).eq(Mux(clear, reset.get(name, 0), plain(value))),
                write.en.eq((clear & (count < memory.depth)).replicate(len(enable)) | enable),
            ]
            return write

        def held(memory, at, row, blocked):
            """A read port that keeps its row while it is blocked; a block RAM all the same."""
            read = memory.read_port(domain="comb")
            m.d.comb += read.addr.eq(at)
            with m.If(~blocked):
                m.d.sync += plain(row).eq(plain(read.data))

        def plain(value):
            return value.as_value() if isinstance(value, data.View) else value

        for name, memory, at, read_at, enable, value, row in (
                ("ports", self.ports, Cat(here.port, here.dom), Cat(go.port, go.dom),
                 self.write_port, self.port_data, self.port),
                ("words", self.words, Cat(here.port[5:], here.dom), Cat(go.port[5:], go.dom),
                 self.write_word, self.word_data, self.word),
                ("fulls", self.fulls, here.dom, go.dom,
                 self.write_full, self.full_data, self.full),
                ("banks", self.banks, bank, self.bank,
                 self.write_bank, self.bank_data, self.bank_row)):
            write = connect(name, memory, at, enable, value)
            held(memory, read_at, row, write.en.any())

        write = connect("lanes", self.lanes, Cat(here.k, here.dom), self.write_lane,
                        self.lane_data)
        held(self.lanes, Cat(go.k, go.dom), self.lane,
             clear | self.row_busy & (write.addr == Cat(go.k, go.dom)))

        write = connect("pirqs", self.pirqs, here.n, self.write_pirq, self.pirq_data)
        read = self.pirqs.read_port(transparent_for=(write,))
        m.d.comb += [read.addr.eq(go.n), self.pirq.eq(read.data)]

        # Ties: not initialised.
        write = self.ties.write_port()
        m.d.comb += [write.addr.eq(Cat(here.k, here.n)), write.data.eq(self.tied_data),
                     write.en.eq(self.write_tied)]
        held(self.ties, Cat(go.k, go.n), self.tied, write.en)

        # Lane numbers by v.
        write = self.places.write_port()
        m.d.comb += [
            write.addr.eq(Mux(clear, v, self.vcpu_v)),
            write.data.eq(Mux(clear, count, self.vcpu_data)),
            write.en.eq(Mux(clear, names, self.write_vcpu)),
        ]
        held(self.places, self.vcpu, self.vcpu_k, write.en)

        # Work in flight: read asynchronously, by engine and bank.
        connect("outs", self.outs, Cat(here.k, here.dom), self.write_out, self.out_data)
        own, other = (self.outs.read_port(domain="comb") for _ in range(2))
        m.d.comb += [
            own.addr.eq(Cat(here.k, here.dom)), self.out.eq(own.data),
            other.addr.eq(Cat(self.out_k, self.out_dom)),
            self.out_value.eq(Mux(other.data > 255, 255, other.data)),
        ]

        # Dispatch's read of a PIRQ row. Where it may be written it is not read: the engine has it.
        read, kept, same = Signal(rows.pirq), Signal(rows.pirq), Signal()
        meets = self.row_busy & (here.n == self.pirq_n)
        held(self.pirqs, self.pirq_n, read, clear | meets)
        m.d.sync += [same.eq(meets), kept.eq(self.pirq)]
        m.d.comb += [self.pirq_row[field].eq(Mux(same, kept[field], read[field]))
                     for field in ("open", "infl", "pend")]
        return m
