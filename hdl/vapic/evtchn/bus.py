"""The access under way: what the router made of it, its answer, and its commit record."""

from amaranth import Cat, Module, Signal

from ..layouts import Err, EvtOp
from .decode import Kind, Op

__all__ = ["BusSide"]


class BusSide:
    """The bus of the event channels as the states see it.

    Parameters
    ----------
    unit : EventChannels
        Whose ports are driven.

    Attributes
    ----------
    request : ``Layouts.bus_request``
        The access; it stands still until it is answered.
    kind, op, err, berr : ``Kind``, ``Op``, ``Err``, 1
        What is asked, one cycle after the request is seen.
    fast : 1
        An operation whose result goes to FASTRES.
    window : ``domain_bits``
        Domain whose window is addressed.
    """

    def __init__(self, unit):
        c = unit.config
        self._port, self._commits = unit.bus, unit.commits if c.commits else None
        self.request = unit.bus.req.payload
        self.window = self.request.addr[14:14 + c.domain_bits]
        self.kind, self.op = Signal(Kind), Signal(Op)
        self.err, self.berr = Signal(Err), Signal()
        self.fast = Signal()

    def begin(self, m: Module, decoded) -> None:
        """Keep what is asked; in the cycle in which the request is seen."""
        m.d.sync += [self.kind.eq(decoded.kind), self.op.eq(decoded.op),
                     self.err.eq(decoded.err), self.berr.eq(decoded.berr),
                     self.fast.eq(decoded.kind == Kind.OPERATE)]

    def wait(self, m: Module) -> None:
        """Nothing is answered and nothing recorded, unless a later statement says so."""
        m.d.sync += self._port.rsp.valid.eq(0)
        if self._commits is not None:
            m.d.sync += self._commits.valid.eq(0)

    def answer(self, m: Module, value=0, *, err=Err.NONE, berr=0) -> None:
        """End the access: it is taken now and answered in the next cycle."""
        response = self._port.rsp.payload
        m.d.comb += self._port.req.ready.eq(1)
        m.d.sync += [self._port.rsp.valid.eq(1), response.data.eq(value),
                     response.err.eq(err), response.berr.eq(berr)]

    def record(self, m: Module, op: EvtOp, *, row, addr, value, result, bus: bool = False) -> None:
        """Emit a commit record in the next cycle, if they are built."""
        if self._commits is None:
            return
        record, request = self._commits.record, self.request
        m.d.sync += [
            self._commits.valid.eq(1), record.op.eq(op), record.row.eq(row),
            record.addr.eq(addr), record.data.eq(value), record.result.eq(result),
        ]
        m.d.sync += [record[name].eq(request[name] if bus else 0)
                     for name in ("vmm", "dom", "vcpu", "we", "sel")]

    def record_access(self, m: Module, value=0, berr=0) -> None:
        """Emit the record of the access under way."""
        word = Signal(32)
        m.d.comb += word.eq(value)
        self.record(m, EvtOp.BUS, row=self.request.addr[14:18], addr=self.request.addr,
                    value=self.request.data, result=Cat(word, berr), bus=True)
