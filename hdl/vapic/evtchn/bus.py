"""The access under way: what the router made of it, its answer, and its commit record."""

from amaranth import Module, Signal

from ..layouts import Err
from ..record import Recorder
from .decode import Kind, Op

__all__ = ["BusSide"]


class BusSide:
    """The bus of the event channels as the states see it.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    unit : EventChannels
        Whose ports are driven.

    Attributes
    ----------
    request : ``Layouts.bus_request``
        The access; it stands still until it is answered.
    kind, op, err, berr : ``Kind``, ``Op``, ``Err``, 1
        What is asked, one cycle after the request is seen.
    fast : 1
        It is an operation whose result goes to FASTRES.
    window : ``domain_bits``
        Domain whose window is addressed.
    data : 32
        What is read, in the cycle after that of `answer`; from rows in registers.
    """

    def __init__(self, m: Module, unit):
        c = unit.config
        self._port, self._recorder = unit.bus, Recorder.beside(m, unit, c, "evt")
        self.request = unit.bus.req.payload
        self.window = self.request.addr[14:14 + c.domain_bits]
        self.kind, self.op = Signal(Kind), Signal(Op)
        self.err, self.berr = Signal(Err), Signal()
        self.fast = self.kind == Kind.OPERATE
        self.data = self._port.rsp.payload.data
        m.d.sync += self._port.rsp.valid.eq(0)

    def begin(self, m: Module, decoded) -> None:
        """Keep what is asked; in the cycle in which the request is seen."""
        m.d.sync += [self.kind.eq(decoded.kind), self.op.eq(decoded.op),
                     self.err.eq(decoded.err), self.berr.eq(decoded.berr)]

    def answer(self, m: Module, *, err=Err.NONE, berr=0) -> None:
        """End the access: it is taken now and answered in the next cycle."""
        response = self._port.rsp.payload
        m.d.comb += self._port.req.ready.eq(1)
        m.d.sync += [self._port.rsp.valid.eq(1), response.err.eq(err), response.berr.eq(berr)]

    def record(self, m: Module, operation: str, **values) -> None:
        """Tell the recorder, if there is one, of a decision in this cycle."""
        if self._recorder:
            self._recorder.tell(m, operation, valid=1, **values)

    def record_access(self, m: Module) -> None:
        """Tell it of the access under way, which is decided in this cycle."""
        self.record(m, "bus", window=self.request.addr[14:18], request=self.request)

    def record_answer(self, m: Module, result) -> None:
        """Tell it what was answered to the access decided one cycle ago; outside of the states."""
        response = self._port.rsp
        if self._recorder:
            self._recorder.tell(m, "bus", answer=self.data | result,
                                berr=response.valid & response.payload.berr)
