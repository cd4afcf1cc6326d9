"""What the registers of a vCPU read, and what an operation makes of them."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Err
from .decode import access_layout
from .head import Kind, ctl_layout, head_layout, legal, op_layout

__all__ = ["RegisterRead", "RegisterUpdate"]

_BASE = 0xFEE00
_VERSION = 0x01050014


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
        super().__init__({"access": In(access_layout(config)), "head": In(head_layout(config)),
                          "live": Out(1), "value": Out(32)})

    def elaborate(self, platform):
        m = Module()
        access, head, target = self.access, self.head, self.access.target
        byte_3 = Const(0, 24)
        values = {
            "CTL": Cat(head.online, head.freeze, Const(0, 2), head.dom, head.apicid, head.freeze,
                       Const(0, 7), head.k),
            "SCHED": head.sched,
            "UPVEC": Cat(head.upvec, head.upvec_valid),
            "ID": Cat(byte_3, head.id),
            "VERSION": Const(_VERSION, 32),
            "TPR": head.tpr,
            "LDR": Cat(byte_3, head.ldr),
            "DFR": Cat(Const(0xFFFFFFF, 28), head.dfr),
            "SVR": Cat(head.svr_vector, head.svr_enabled, head.focus_off, Const(0, 2),
                       head.suppress),
            "ESR": Cat(Const(0, 6), head.esr_recvill, head.esr_illrega),
            "CR8": head.tpr[4:],
            **({"RQPOS": head.rqpos} if "rqpos" in head.shape().members else {}),
            "INTA": Cat(Mux(head.intr, head.irrv, head.svr_vector), Const(0, 23), head.intr),
            "BASE": Cat(Const(0, 8), head.k == 0, Const(0, 2), head.en, Const(_BASE, 20)),
        }
        read = Signal()
        value = (~self.live & ~access.msr).replicate(32)
        for name, word in values.items():
            padded = Cat(word, Const(0, 32 - len(word))) if len(word) < 32 else word
            value = value | (padded & (target[name] & self.live).replicate(32))
        m.d.comb += [
            self.live.eq(access.always | head.en),
            read.eq(~access.we),
            self.value.eq(value & read.replicate(32)),
        ]
        return m


class RegisterUpdate(wiring.Component):
    """State of a vCPU after an operation, bitmaps, counts and outputs excepted; combinational.

    In one operation APIC reset (APIC_BASE.EN rises, LAPIC-01) beats everything. An owed
    upcall vector is injected by the operation that ends what it waits for (EVT-05, LAPIC-19).

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    op, access, ctl : ``In``
        The operation, with the bus access or CTL word if it is one.
    live : ``In(1)``
        Of `RegisterRead`.
    outstanding : ``In(1)``
        out[v] is not 0 (LAPIC-60).
    head, head_next : ``In(head_layout)``, ``Out(head_layout)``
        State before and after.
    applied : ``Out(1)``
        A CTL write that is not ignored.
    reset : ``Out(1)``
        APIC reset: the bitmaps are empty from now on.
    inject : ``Out(1)``
        The upcall vector, ``head_next.upvec``, becomes pending.
    changed : ``Out(1)``
        A term of eligibility changed value.
    berr, err : ``Out(1)``, ``Out(Err)``
        Of a bus access.
    """

    def __init__(self, config):
        self.config = config
        head = head_layout(config)
        super().__init__({
            "op": In(op_layout(config)), "access": In(access_layout(config)),
            "ctl": In(ctl_layout()), "live": In(1), "outstanding": In(1),
            "head": In(head), "head_next": Out(head),
            "applied": Out(1), "reset": Out(1), "inject": Out(1), "changed": Out(1),
            "berr": Out(1), "err": Out(Err),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config
        op, access, ctl, head, after = self.op, self.access, self.ctl, self.head, self.head_next
        target, data = access.target, access.data
        on_bus = op.valid & (op.kind == Kind.BUS)
        store = Signal()
        m.d.comb += store.eq(on_bus & access.we & access.whole & self.live)

        # VCPU.CTL
        moved = (ctl.dom != head.dom) | (ctl.k != head.k)
        nowhere = (ctl.k >= config.lanes) | ctl.held
        if config.domains < 16:
            nowhere = nowhere | (ctl.dom >= config.domains)
        refused = (head.online & moved | ctl.online & nowhere
                   | head.online & ~ctl.online & self.outstanding)
        m.d.comb += self.applied.eq(op.valid & (op.kind == Kind.CTL) & ~refused)

        # APIC_BASE
        base_ok = (data[12:] == _BASE) & (data[9:11] == 0) & (data[:8] == 0)
        base_bad = on_bus & target.BASE & access.we & access.whole & ~base_ok
        m.d.comb += self.reset.eq(store & target.BASE & base_ok & data[11] & ~head.en)

        m.d.comb += after.eq(head)
        with m.If(self.applied):
            m.d.comb += [after[name].eq(ctl[name])
                         for name in ("online", "freeze", "dom", "apicid", "k")]
        with m.If(store & target.SCHED):
            m.d.comb += after.sched.eq(data[:2])
        if "rqpos" in head.shape().members:
            with m.If(store & target.RQPOS):
                m.d.comb += after.rqpos.eq(data[:8])
        with m.If(store & target.UPVEC):
            m.d.comb += [after.upvec.eq(data[:8]),
                         after.upvec_valid.eq(data[8] & legal(config, data[:8]))]
        with m.If(store & target.ID):
            m.d.comb += after.id.eq(data[24:])
        with m.If(store & target.LDR):
            m.d.comb += after.ldr.eq(data[24:])
        with m.If(store & target.DFR):
            m.d.comb += after.dfr.eq(data[28:])
        with m.If(store & target.TPR):
            m.d.comb += after.tpr.eq(data[:8])
        with m.If(store & target.CR8):
            m.d.comb += after.tpr.eq(Cat(Const(0, 4), data[:4]))
        with m.If(store & target.SVR):
            m.d.comb += [after.svr_vector.eq(data[:8]), after.svr_enabled.eq(data[8]),
                         after.focus_off.eq(data[9]), after.suppress.eq(data[12])]
        with m.If(store & target.ESR):
            m.d.comb += [after.esr_recvill.eq(head.recvill), after.esr_illrega.eq(head.illrega),
                         after.recvill.eq(0), after.illrega.eq(0)]
        with m.If(on_bus & target.RESERVED & head.en & (access.whole | ~access.we)):
            m.d.comb += after.illrega.eq(1)
        with m.If(op.valid & (op.kind == Kind.ACCEPT) & op.illegal):
            m.d.comb += after.recvill.eq(1)
        with m.If(store & target.BASE & base_ok):
            m.d.comb += after.en.eq(data[11])
        with m.If(self.reset):
            m.d.comb += [
                after.id.eq(head.apicid), after.ldr.eq(0), after.dfr.eq(0xF),
                after.tpr.eq(0), after.svr_vector.eq(0xFF), after.svr_enabled.eq(0),
                after.focus_off.eq(0), after.suppress.eq(0), after.recvill.eq(0),
                after.illrega.eq(0), after.esr_recvill.eq(0), after.esr_illrega.eq(0),
            ]

        # Upcall (EVT-05): what makes an injection due, and whether the vCPU can take it.
        upcall = op.valid & (op.kind == Kind.UPCALL)
        rose = upcall & (op.rise | ~head.up_pend)
        svr_rose = after.svr_enabled & ~head.svr_enabled
        renamed = (store & target.UPVEC
                   & (~head.upvec_valid | (after.upvec != head.upvec)))
        due, can = Signal(), Signal()
        m.d.comb += [
            after.up_pend.eq(Mux(upcall, op.pend, head.up_pend) & after.online),
            after.up_line.eq(Mux(upcall, op.line, head.up_line) & after.online),
            due.eq(after.up_pend & after.upvec_valid & (rose | svr_rose | renamed | head.owed)),
            can.eq(after.online & after.en & after.svr_enabled & ~after.freeze),
            self.inject.eq(due & can),
            after.owed.eq(due & ~can),
        ]

        def terms(row):
            return Cat(row.online, row.freeze, row.en, row.svr_enabled, row.id, row.ldr,
                       row.dfr, row.sched)

        dead = ~self.live & access.msr
        m.d.comb += [
            self.changed.eq(terms(after) != terms(head)),
            self.berr.eq(target.FAULT | target.UNMAPPED | dead | base_bad),
            self.err.eq(Mux(target.UNMAPPED, Err.UNMAPPED,
                            Mux(access.whole | self.berr, Err.NONE, Err.PARTIAL))),
        ]
        return m
