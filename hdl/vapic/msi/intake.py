"""Message-signalled interrupts: a bus write becomes an occurrence of a table entry."""

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Err, Layouts
from ..record import Recorder, record_ports

__all__ = ["MsiIntake"]


class MsiIntake(wiring.Component):
    """Decode writes to 0xFEExxxxx of the remappable format (MSI-01, MSI-04).

    A request is looked at for a cycle, then taken and decided. It is answered and recorded in the
    next one, in which the message goes out: as late as what is told of a grant of that cycle.
    Discarded with ERR-06, though acknowledged: compatibility format, an address outside 0xFEExxxxx,
    an index beyond the table, and any read, which returns 0; with ERR-04: a write of less than a
    word.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    bus : ``In(Layouts.unit_bus)``
        Accesses, with the whole 32-bit address.
    message : ``Out(Layouts.message)``
        To the I/O APIC, in the cycle after the decision.
    ready, quiet : ``Out(1)``
        Always ready; nothing is under way.
    commits : ``Out(Layouts.commit_port)``
        Only with ``config.commits``: messages.
    """

    def __init__(self, config):
        self._config = config
        layouts = self._layouts = Layouts(config)
        ports = {
            "bus": In(layouts.unit_bus), "message": Out(layouts.message),
            "ready": Out(1), "quiet": Out(1),
        }
        super().__init__(ports | record_ports(config))

    def elaborate(self, platform):
        m = Module()
        request, answer = self.bus.req.payload, self.bus.rsp
        addr, word = request.addr, request.data
        index, good, ours, take, full = Signal(17), Signal(), Signal(), Signal(), Signal()
        m.d.sync += [
            index.eq((addr[5:20] | addr[2] << 15) + Mux(addr[3], word[:16], 0)),
            full.eq(request.sel.all()),
            ours.eq(request.we & request.sel.all() & (addr[20:] == 0xFEE) & addr[4]),
            self.bus.req.ready.eq(self.bus.req.valid & ~self.bus.req.ready),
        ]
        m.d.comb += [
            good.eq(ours & (index < self._config.irts)),
            take.eq(self.bus.req.ready),
            self.ready.eq(1),
            self.quiet.eq(~self.bus.req.valid & ~answer.valid),
        ]
        m.d.sync += [
            answer.valid.eq(take),
            self.message.valid.eq(take & good), self.message.index.eq(index),
            answer.payload.err.eq(
                Mux(good, Err.NONE, Mux(request.we & ~full, Err.PARTIAL, Err.MSI))),
        ]
        Recorder.beside(m, self, self._config, "msi", msi={
            "valid": take, "index": index, "request": request, "latched": good})
        return m
