"""What the registers of a vCPU read, and what a bus access makes of them."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Err
from ..regs import Keep, lapic, lookup, mask
from ..regs.layout import assemble, resets
from ..rules import legal_vector
from .decode import access_layout
from .head import head_layout, head_registers

__all__ = ["RegisterRead", "RegisterUpdate"]

_BASE, _ENABLE = (lookup("LAPIC_BASE")[name] for name in ("base", "enable"))


class RegisterRead(wiring.Component):
    """Value of a register that is held in the head row; combinational.

    0 for a target kept elsewhere (bitmaps, PPR, APR, LOAD, counters), and for a write. INTA gives
    {valid[31], vector[7:0]} (LAPIC-15, 22): valid is the request as the vCPU sees it, so a frozen
    vCPU reads its spurious vector.

    Members
    -------
    access : ``In(access_layout)``
        The access.
    head : ``In(head_layout)``
        The vCPU's state before it.
    live : ``Out(1)``
        The page is in force: the access has its effect (LAPIC-02).
    value : ``Out(32)``
        Read data.
    """

    def __init__(self, config):
        self._config = config
        super().__init__({"access": In(access_layout(config)), "head": In(head_layout(config)),
                          "live": Out(1), "value": Out(32)})

    def elaborate(self, platform):
        m = Module()
        access, head, target = self.access, self.head, self.access.target
        # What is not simply kept.
        computed = {
            ("CR8", "class"): head.tpr[4:],
            ("INTA", "vector"): Mux(head.intr, head.irrv, head.svr_vector),
            ("INTA", "valid"): head.intr,
            ("BASE", "bsp"): head.k == 0,
        }

        def field(name, register, part):
            match register.keep_of(part):
                case Keep.HEAD:
                    return head[part.member]
                case Keep.CONSTANT:
                    return Const(part.reset, part.bits)
            return computed.get((name, part.name))

        values = {}
        for register in head_registers(self._config):
            name = register.name.partition("_")[2]
            parts = [(part.low, field(name, register, part)) for part in register.fields
                     if part.built]
            if all(value is not None for _, value in parts):
                values[name] = assemble(parts)
        read = Signal()
        value = (~self.live & ~access.msr).replicate(32)
        for name, word in values.items():
            value = value | (word & (target[name] & self.live).replicate(32))
        m.d.comb += [
            self.live.eq(access.always | head.en),
            read.eq(~access.we),
            self.value.eq(value & read.replicate(32)),
        ]
        return m


class RegisterUpdate(wiring.Component):
    """Registers of a vCPU after an operation, VCPU.CTL excepted; combinational.

    In one operation APIC reset (APIC_BASE.EN rises, LAPIC-01) beats everything.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    bus, refused : ``In(1)``
        The operation is a bus access; it is the acceptance of an illegal vector (LAPIC-13).
    access : ``In(access_layout)``
        The bus access.
    live : ``In(1)``
        Of `RegisterRead`.
    head, head_next : ``In(head_layout)``, ``Out(head_layout)``
        State before and after.
    reset : ``Out(1)``
        APIC reset: the bitmaps are empty from now on.
    renamed : ``Out(1)``
        UPVEC names another vector than before, or one where there was none.
    berr, err : ``Out(1)``, ``Out(Err)``
        Of a bus access.
    """

    def __init__(self, config):
        self.config = config
        head = head_layout(config)
        super().__init__({
            "bus": In(1), "refused": In(1), "access": In(access_layout(config)), "live": In(1),
            "head": In(head), "head_next": Out(head), "reset": Out(1), "renamed": Out(1),
            "berr": Out(1), "err": Out(Err),
        })

    def elaborate(self, platform):
        m = Module()
        access, head, after = self.access, self.head, self.head_next
        target, data = access.target, access.data
        store = Signal()
        m.d.comb += store.eq(self.bus & access.we & access.whole & self.live)

        # APIC_BASE: only the fixed base is taken.
        base_ok = (data & ~mask("LAPIC_BASE", "bsp", "enable")) == _BASE.reset << _BASE.low
        base_bad = self.bus & target.BASE & access.we & access.whole & ~base_ok
        enable = data[_ENABLE.low]
        m.d.comb += self.reset.eq(store & target.BASE & base_ok & enable & ~head.en)

        m.d.comb += after.eq(head)
        self._store(m, store)
        with m.If(store & target.ESR):
            m.d.comb += [after.esr_recvill.eq(head.recvill), after.esr_illrega.eq(head.illrega),
                         after.recvill.eq(0), after.illrega.eq(0)]
        with m.If(self.bus & target.RESERVED & head.en & (access.whole | ~access.we)):
            m.d.comb += after.illrega.eq(1)
        with m.If(self.refused):
            m.d.comb += after.recvill.eq(1)
        with m.If(store & target.BASE & base_ok):
            m.d.comb += after.en.eq(enable)
        with m.If(self.reset):
            kept = resets((r for r in lapic.REGISTERS if r.name != "LAPIC_BASE"), Keep.HEAD)
            m.d.comb += [after[name].eq(value) for name, value in kept.items()]
            m.d.comb += [after.id.eq(head.apicid), after.recvill.eq(0), after.illrega.eq(0)]

        dead = ~self.live & access.msr
        m.d.comb += [
            self.renamed.eq(store & target.UPVEC
                            & (~head.upvec_valid | (data[:8] != head.upvec))),
            self.berr.eq(target.FAULT | target.UNMAPPED | dead | base_bad),
            self.err.eq(Mux(target.UNMAPPED, Err.UNMAPPED,
                            Mux(access.whole | self.berr, Err.NONE, Err.PARTIAL))),
        ]
        return m

    def _store(self, m, store):
        """Registers that keep what is written to them, and the two that keep it changed."""
        target, data, after = self.access.target, self.access.data, self.head_next
        for register in head_registers(self.config):
            name = register.name.partition("_")[2]
            parts = [part for part in register.fields if part.built
                     and register.keep_of(part) is Keep.HEAD and register.access_of(part).writable]
            if name in ("CTL", "BASE") or not parts:
                continue
            with m.If(store & target[name]):
                m.d.comb += [after[part.member].eq(data[part.low:part.top + 1]) for part in parts]
        with m.If(store & target.UPVEC):
            m.d.comb += after.upvec_valid.eq(data[8] & legal_vector(data[:8], self.config.vectors))
        with m.If(store & target.CR8):
            m.d.comb += after.tpr.eq(Cat(Const(0, 4), data[:4]))
