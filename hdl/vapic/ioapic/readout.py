"""What the registers of the I/O APIC read as."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts, Outcome
from .entries import flight_layout, row_layout
from .flags import state_layout
from .window import target_layout

__all__ = ["Readout"]

_MASKED = 0x0001_0000


class Readout(wiring.Component):
    """Put together the word that an access reads; combinational.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    target : ``In(target_layout(config))``
        What is read. Nothing at all reads 0.
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
            "target": In(target_layout(config)), "foreign": In(1), "index": In(8),
            "apic_id": In(4), "row": In(row_layout), "last": In(Layouts(config).last_target),
            "state": In(state_layout), "flight": In(flight_layout), "held": In(1),
            "status": In(Outcome), "enable": In(1),
            "value": Out(32),
        })

    def elaborate(self, platform):
        m = Module()
        c, target, row, state = self._config, self.target, self.row, self.state
        requested = state.source & ~row.mask & ~state.rirr
        low = Cat(row.vector, row.mode, row.logical, requested, row.polarity, state.rirr,
                  row.trigger, row.mask)
        stands = requested & ~state.err & self.enable
        blocked = row.reqx.path & row.reqx.ser & self.flight.infl
        parked = stands & self.held & (self.status == Outcome.PARK)
        waits = stands & self.held & (self.status == Outcome.WAIT)
        status = Signal(32)
        m.d.comb += [
            status[:7].eq(Cat(state.pend, state.rirr, self.flight.infl, state.err, parked,
                              stands & ~self.held & ~blocked, waits)),
            status[8:14].eq(self.last.k), status[16:].eq(self.last.port),
            self.value.eq(
                Mux(target.regsel, self.index, 0) | Mux(target.id, self.apic_id << 24, 0)
                | Mux(target.version, (c.rtes - 1) << 16 | c.ioa_version, 0)
                | Mux(target.low, Mux(self.foreign, _MASKED, low), 0)
                | Mux(target.high & ~self.foreign, row.dest << 24, 0)
                | Mux(target.reqx, row.reqx.as_value(), 0) | Mux(target.stat, status, 0)
                | Mux(target.owner, Cat(row.dom, row.owned << 4), 0)),
        ]
        return m
