"""Commit records of the bank; simulation only (GEN-09)."""

from amaranth import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..layouts import AcceptResult, Layouts
from .head import Kind, ctl_layout, op_layout

__all__ = ["CommitRecord"]


class CommitRecord(wiring.Component):
    """Make one record of each operation, in the cycle after its decision.

    Members
    -------
    op, request, ctl : ``In``
        Decision cycle: the operation, with the bus access or CTL word if it is one.
    result : ``In(AcceptResult)``
        Decision cycle: how it ended, but for a bus access.
    response : ``In(Layouts.bus_response)``
        Commit cycle: the answer to a bus access.
    commits : ``Out(Layouts.commit_port)``
        The record; ``seq`` counts the records of this unit.
    """

    def __init__(self, config):
        layouts = Layouts(config)
        super().__init__({
            "op": In(op_layout(config)), "request": In(layouts.bus_request),
            "ctl": In(ctl_layout()), "result": In(AcceptResult),
            "response": In(layouts.bus_response), "commits": Out(layouts.commit_port),
        })

    def elaborate(self, platform):
        m = Module()
        op, request, ctl = Signal.like(self.op), Signal.like(self.request), Signal.like(self.ctl)
        result, count = Signal(3), Signal(32)
        record = self.commits.record
        m.d.sync += [op.eq(self.op), request.eq(self.request), ctl.eq(self.ctl),
                     result.eq(self.result), count.eq(count + op.valid)]
        m.d.comb += [self.commits.valid.eq(op.valid), record.seq.eq(count), record.op.eq(op.kind),
                     record.row.eq(op.v), record.result.eq(result)]
        with m.Switch(op.kind):
            with m.Case(Kind.BUS):
                response = self.response
                m.d.comb += [
                    record.vmm.eq(request.vmm), record.dom.eq(request.dom),
                    record.vcpu.eq(request.vcpu), record.we.eq(request.we),
                    record.sel.eq(request.sel), record.addr.eq(request.addr),
                    record.data.eq(request.data),
                    record.result.eq(Cat(response.data, response.berr)),
                ]
            with m.Case(Kind.ACCEPT):
                m.d.comb += [record.addr.eq(op.n),
                             record.data.eq(Cat(op.vector, op.level, op.last, op.first))]
            with m.Case(Kind.UPCALL):
                m.d.comb += record.data.eq(Cat(op.line, op.pend))
            with m.Case(Kind.CTL):
                m.d.comb += record.data.eq(ctl.as_value()[:32])
        return m
