"""Stage 4: placement and upcall of a vCPU, what VCPU.CTL and the event channels change.

The words of bitmaps are read meanwhile.
"""

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .head import head_layout, terms, terms_layout
from .operation import Op, ctl_layout, op_layout, pass_on, subject, updated

__all__ = ["UpcallStage", "UpcallUpdate"]


class UpcallStage(wiring.Component):
    """Whether a vector becomes pending: that of a grant, or the upcall vector.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    i, o : ``In(subject)``, ``Out(updated)``
        The operation.
    ctl : ``In(ctl_layout)``
        The CTL write in the pipeline.
    outstanding : ``In(1)``
        Work accepted by way of ports is not finished on the vCPU's lane.
    """

    def __init__(self, config):
        self.config = config
        super().__init__({"i": In(subject(config)), "o": Out(updated(config)),
                          "ctl": In(ctl_layout()), "outstanding": In(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.update = update = UpcallUpdate(self.config)
        i, o, head = self.i, self.o, self.i.head
        inject = i.op.valid & update.inject
        m.d.comb += [
            update.op.eq(i.op), update.ctl.eq(self.ctl), update.outstanding.eq(self.outstanding),
            update.before.eq(i.before), update.renamed.eq(i.renamed), update.head.eq(head),
        ]
        pass_on(m, self)
        m.d.sync += [
            o.head.eq(update.head_next), o.inject.eq(inject),
            o.put.eq(inject | i.accept & ~i.op.illegal),
            o.applied.eq(update.applied), o.changed.eq(update.changed),
            o.old.online.eq(head.online), o.old.dom.eq(head.dom), o.old.k.eq(head.k),
        ]
        return m


class UpcallUpdate(wiring.Component):
    """State of a vCPU after CTL writes and upcall notes, and after all that may end a wait.

    An owed upcall vector is injected by the operation that ends what it waits for (EVT-05,
    LAPIC-19). Combinational.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    op, ctl : ``In``
        The operation, with the CTL word if it is one.
    outstanding : ``In(1)``
        out[v] is not 0 (LAPIC-60).
    before : ``In(terms_layout)``
        Terms of eligibility before the operation.
    renamed : ``In(1)``
        Of `RegisterUpdate`.
    head, head_next : ``In(head_layout)``, ``Out(head_layout)``
        State after `RegisterUpdate`, and after all.
    applied : ``Out(1)``
        A CTL write that is not ignored.
    inject : ``Out(1)``
        The upcall vector, ``head_next.upvec``, becomes pending.
    changed : ``Out(1)``
        A term of eligibility changed value.
    """

    def __init__(self, config):
        self.config = config
        head = head_layout(config)
        super().__init__({
            "op": In(op_layout(config)), "ctl": In(ctl_layout()), "outstanding": In(1),
            "before": In(terms_layout(config)), "renamed": In(1),
            "head": In(head), "head_next": Out(head),
            "applied": Out(1), "inject": Out(1), "changed": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.head_next.eq(self.head)
        self._place(m)
        self._upcall(m)
        m.d.comb += self.changed.eq(terms(self.head_next) != self.before.as_value())
        return m

    def _place(self, m):
        """VCPU.CTL: a write that may not be done is ignored as a whole (LAPIC-60)."""
        config, op, ctl, head = self.config, self.op, self.ctl, self.head
        moved = (ctl.dom != head.dom) | (ctl.k != head.k)
        nowhere = (ctl.k >= config.lanes) | ctl.held
        if config.domains < 16:
            nowhere = nowhere | (ctl.dom >= config.domains)
        refused = (head.online & moved | ctl.online & nowhere
                   | head.online & ~ctl.online & self.outstanding)
        m.d.comb += self.applied.eq(op.valid & (op.kind == Op.CTL) & ~refused)
        with m.If(self.applied):
            m.d.comb += [self.head_next[name].eq(ctl[name])
                         for name in ("online", "freeze", "dom", "apicid", "k")]

    def _upcall(self, m):
        """EVT-05: what makes an injection due, and whether the vCPU can take it."""
        op, head, after = self.op, self.head, self.head_next
        upcall = op.valid & (op.kind == Op.UPCALL)
        rose = upcall & (op.rise | ~head.up_pend)
        svr_rose = after.svr_enabled & ~self.before.svr_enabled
        due, can = Signal(), Signal()
        m.d.comb += [
            after.up_pend.eq(Mux(upcall, op.pend, head.up_pend) & after.online),
            after.up_line.eq(Mux(upcall, op.line, head.up_line) & after.online),
            due.eq(after.up_pend & after.upvec_valid
                   & (rose | svr_rose | self.renamed | head.owed)),
            can.eq(after.online & after.en & after.svr_enabled & ~after.freeze),
            self.inject.eq(due & can),
            after.owed.eq(due & ~can),
        ]
