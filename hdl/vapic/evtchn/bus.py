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
        An operation whose result goes to FASTRES.
    window : ``domain_bits``
        Domain whose window is addressed.
    lane, word, bank : 32, 32, 32
        Data that is read of a lane's row, of a word, or of a command register, in the cycle of
        `answer`; else 0.
    """

    def __init__(self, m: Module, unit):
        c = unit.config
        self._port, self._recorder = unit.bus, Recorder.beside(m, unit, c, "evt")
        self.request = unit.bus.req.payload
        self.window = self.request.addr[14:14 + c.domain_bits]
        self.kind, self.op = Signal(Kind), Signal(Op)
        self.err, self.berr = Signal(Err), Signal()
        self.fast = Signal()
        self.lane, self.word, self.bank = Signal(32), Signal(32), Signal(32)
        # What is read comes from a memory: a register for each, and little logic before it.
        reads = {"lane": self.lane, "word": self.word, "bank": self.bank}
        kept = {name: Signal(32, name=f"read_{name}") for name in reads}
        m.d.comb += self._port.rsp.payload.data.eq(kept["lane"] | kept["word"] | kept["bank"])
        m.d.sync += [self._port.rsp.valid.eq(0), *(kept[name].eq(reads[name]) for name in reads)]

    def begin(self, m: Module, decoded) -> None:
        """Keep what is asked; in the cycle in which the request is seen."""
        m.d.sync += [self.kind.eq(decoded.kind), self.op.eq(decoded.op),
                     self.err.eq(decoded.err), self.berr.eq(decoded.berr),
                     self.fast.eq(decoded.kind == Kind.OPERATE)]

    def answer(self, m: Module, *, err=Err.NONE, berr=0) -> None:
        """End the access: it is taken now and answered in the next cycle."""
        response = self._port.rsp.payload
        m.d.comb += self._port.req.ready.eq(1)
        m.d.sync += [self._port.rsp.valid.eq(1), response.err.eq(err), response.berr.eq(berr)]

    def record(self, m: Module, operation: str, **values) -> None:
        """Tell the recorder, if there is one, of a decision in this cycle."""
        if self._recorder:
            self._recorder.tell(m, operation, valid=1, **values)

    def record_access(self, m: Module, value=0, berr=0) -> None:
        """Tell it of the access under way."""
        self.record(m, "bus", window=self.request.addr[14:18], request=self.request,
                    answer=value, berr=berr)
