"""What the registers of the I/O APIC read as."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts, Outcome
from .entries import flight_layout, row_layout
from .flags import state_layout
from .window import target_layout

__all__ = ["Readout"]

_MASKED = 0x0001_0000

#: Of a read that was decided: flags of its entry then, which of them it shows, and all else.
_kept = data.StructLayout({
    "state": state_layout, "infl": 1, "held": 1, "status": Outcome, "enable": 1,
    "low": 1, "stat": 1, "fixed": 32,
})


class Readout(wiring.Component):
    """Put together the word that an access reads, from flip-flops: state is kept as of ``take``.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    take : ``In(1)``
        The access is decided in this cycle: ``value`` is there from the next one on.
    reads, target : ``In(1)``, ``In(target_layout(config))``
        It reads, and what. Nothing at all reads 0.
    foreign : ``In(1)``
        The entry is hidden from the master: masked, and 0.
    index, apic_id : ``In(8)``, ``In(4)``
        IOREGSEL of the master; the ID register.
    row, last, state, flight : ``In``
        The entry, its last target, and the flags of its request.
    held, status : ``In(1)``, ``In(Outcome)``
        Whether its request is put off, and why.
    enable : ``In(1)``
        CTRL.enable.
    value : ``Out(32)``
        The word.
    """

    def __init__(self, config):
        self._config = config
        super().__init__({
            "take": In(1), "reads": In(1), "target": In(target_layout(config)),
            "foreign": In(1), "index": In(8),
            "apic_id": In(4), "row": In(row_layout), "last": In(Layouts(config).last_target),
            "state": In(state_layout), "flight": In(flight_layout), "held": In(1),
            "status": In(Outcome), "enable": In(1),
            "value": Out(32),
        })

    def elaborate(self, platform):
        m = Module()
        c, target, row = self._config, self.target, self.row
        low = Cat(row.vector, row.mode, row.logical, Const(0, 1), row.polarity, Const(0, 1),
                  row.trigger, row.mask)
        status, kept = Signal(32), Signal(_kept)
        m.d.comb += [status[8:14].eq(self.last.k), status[16:].eq(self.last.port)]
        fixed = (
            Mux(target.regsel, self.index, 0) | Mux(target.id, self.apic_id << 24, 0)
            | Mux(target.version, (c.rtes - 1) << 16 | c.ioa_version, 0)
            | Mux(target.low, Mux(self.foreign, _MASKED, low), 0)
            | Mux(target.high & ~self.foreign, row.dest << 24, 0)
            | Mux(target.reqx, row.reqx.as_value(), 0) | Mux(target.stat, status, 0)
            | Mux(target.owner, Cat(row.dom, row.owned << 4), 0))
        with m.If(self.take):
            m.d.sync += [
                kept.state.eq(self.state), kept.infl.eq(self.flight.infl),
                kept.held.eq(self.held), kept.status.eq(self.status), kept.enable.eq(self.enable),
                kept.low.eq(self.reads & target.low & ~self.foreign),
                kept.stat.eq(self.reads & target.stat),
                kept.fixed.eq(Mux(self.reads & ~target.unmapped, fixed, 0)),
            ]

        state = kept.state
        requested = state.source & ~row.mask & ~state.rirr
        stands = requested & ~state.err & kept.enable
        blocked = row.reqx.path & row.reqx.ser & kept.infl
        parked = stands & kept.held & (kept.status == Outcome.PARK)
        waits = stands & kept.held & (kept.status == Outcome.WAIT)
        m.d.comb += self.value.eq(
            kept.fixed
            | Mux(kept.low, Cat(Const(0, 12), requested, Const(0, 1), state.rirr), 0)
            | Mux(kept.stat, Cat(state.pend, state.rirr, kept.infl, state.err, parked,
                                 stands & ~kept.held & ~blocked, waits), 0))
        return m
