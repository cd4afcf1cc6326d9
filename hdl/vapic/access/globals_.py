"""The global registers: identification, control, counters and selection parameters."""

from amaranth import Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts
from ..regs import Keep, address
from ..regs.globals import REGISTERS, SETTINGS
from ..regs.layout import assemble, resets
from ..trees import select

__all__ = ["GlobalRegisters"]


class GlobalRegisters(wiring.Component):
    """Registers 0x1000..0x11FF (table 1.1, GEN-05).

    A read is combinational and has no side effect. A write is visible in the next cycle; writes of
    read-only registers and of registers of features not built do nothing (ERR-15). A count in the
    cycle of a read is not in what is read. Of COALESCED, to which many sources add, ``read`` is 0
    and ``late`` has the value a cycle later. RRPTR itself is kept by dispatch, whose rotation in
    the cycle of a write is ordered after it; a written value of N_LANE or more is ignored.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    addr : ``In(12)``
        Byte offset in the page; it must be a register's (`rights.global_words`).
    write, value : ``In(1)``, ``In(32)``
        Write strobe and value.
    read : ``Out(32)``
        Value of the register at ``addr``.
    late : ``Out(32)``
        Value of the register read in the cycle before, if it is COALESCED, else 0.
    reading : ``In(1)``
        A register is read in this cycle.
    globals : ``Out(Layouts.globals)``
        Parameters for the other blocks, flip-flops.
    changed : ``Out(1)``
        Strobe, in the first cycle with new values in ``globals``.
    now : ``In(32)``
        Register NOW.
    coalesced, joined, merged, parked, spurious, trace_dropped, aborted : ``In``
        What to count in this cycle: ``coalesced`` a number, of the cycle before, and ``joined`` one
        more of that before it (a read shows them already), the others one. No ``merged`` in the
        cycle of a read nor in the one before: it is a grant's.
    stat, info, clear : ``In(14)``, ``In(32)``, ``Out(14)``
        Error log.
    rrptr, rrptr_write : ``In(ArrayLayout(lane_bits, domains))``, ``Out(Layouts.rrptr_write)``
        Rotation pointers, kept by dispatch.
    """

    def __init__(self, config):
        self._config = config
        layouts = Layouts(config)
        super().__init__({
            "addr": In(12), "write": In(1), "value": In(32), "read": Out(32),
            "late": Out(32), "reading": In(1),
            "globals": Out(layouts.globals, init=resets(SETTINGS, Keep.FLOP)),
            "changed": Out(1), "now": In(32),
            "coalesced": In(range(config.rtes + 3)), "joined": In(1), "merged": In(1),
            "parked": In(1),
            "spurious": In(1), "trace_dropped": In(1), "aborted": In(1),
            "stat": In(14), "info": In(32), "clear": Out(14),
            "rrptr": In(data.ArrayLayout(config.lane_bits, config.domains)),
            "rrptr_write": Out(layouts.rrptr_write),
        })

    def elaborate(self, platform):
        m = Module()
        c, g, value = self._config, self.globals, self.value
        coalesced, merged, read_late = Signal.like(self.coalesced), Signal(), Signal()
        counters = {
            "COALESCED": coalesced + (self.joined + merged), "PARKED": self.parked,
            "SPURIOUS": self.spurious, "TRACE_DROP": self.trace_dropped, "ABORTS": self.aborted,
        }
        settings = [register for register in SETTINGS if register.exists(c)]
        reads = {"ERRSTAT": self.stat, "ERRINFO": self.info, "NOW": self.now}
        reads |= {register.name: Const(register.reset_of(c), 32) for register in REGISTERS
                  if register.keep is Keep.CONSTANT}
        reads |= {register.name: assemble((low, g[member])
                                          for member, low, _ in register.slots(Keep.FLOP))
                  for register in settings}

        m.d.sync += [self.changed.eq(0), coalesced.eq(self.coalesced), merged.eq(self.merged)]
        for name, amount in counters.items():
            reads[name] = count = Signal(32, name=name.lower())
            after = Signal(32, name=f"{name.lower()}_after")
            m.d.comb += after.eq(count + amount)
            m.d.sync += count.eq(after)
            if name == "COALESCED":
                # What the sources reported in the cycle of the read was decided before it.
                reads[name] = Const(0, 32)
                m.d.comb += self.late.eq(Mux(read_late, after, 0))

        # An AND-OR of the registers: half of what a multiplexer of full words takes.
        index = self.addr[2:9]
        chosen = {}
        for name in reads:
            chosen[name] = Signal(name=f"is_{name.lower()}")
            m.d.comb += chosen[name].eq(index == address(name) % 0x1000 // 4)
        m.d.sync += read_late.eq(self.reading & chosen["COALESCED"])
        rotation, domain = self.addr[6:9] == address("RRPTR", 0) % 0x1000 >> 6, self.addr[2:6]
        cases = [(chosen[name], shown) for name, shown in reads.items()]
        cases.append((rotation, self.rrptr[domain[:c.domain_bits]]))
        m.d.comb += [
            self.read.eq(select(cases)),
            self.clear.eq(Mux(self.write & chosen["ERRSTAT"], value[:14], 0)),
            self.rrptr_write.en.eq(self.write & rotation & (value < c.lanes)),
            self.rrptr_write.dom.eq(domain),
            self.rrptr_write.value.eq(value),
        ]
        for register in settings:
            built = value & register.write_mask
            with m.If(self.write & chosen[register.name]):
                m.d.sync += [self.changed.eq(1), *(
                    g[member].eq(built[low:low + bits])
                    for member, low, bits in register.slots(Keep.FLOP))]
        return m
