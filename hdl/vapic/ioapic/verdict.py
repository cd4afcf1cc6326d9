"""What an access to the I/O APIC may do, and the error if it may not."""

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Err, Layouts
from .entries import REQX, flight_layout, row_layout
from .window import target_layout

__all__ = ["Verdict"]


class Verdict(wiring.Component):
    """Judge one access; combinational.

    Of several errors the first of ERR-02, ERR-04, ERR-03, ERR-14, ERR-09 counts. A path or autoeoi
    that changes, and an owner that does, is refused while an occurrence is not finished (SEL-01,
    EVT-53).

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    request : ``In(Layouts.bus_request)``
        The access.
    target : ``In(target_layout(config))``
        What it means.
    row, rirr, flight : ``In(row_layout)``, ``In(1)``, ``In(flight_layout)``
        The entry it means.
    foreign : ``Out(1)``
        The entry is hidden from this master (spec 1.1, ioa_deleg).
    moves : ``Out(1)``
        What is written names another owner.
    err : ``Out(Err)``
        The error, or NONE.
    """

    def __init__(self, config):
        self._config = config
        super().__init__({
            "request": In(Layouts(config).bus_request), "target": In(target_layout(config)),
            "row": In(row_layout), "rirr": In(1), "flight": In(flight_layout),
            "foreign": Out(1), "moves": Out(1), "err": Out(Err),
        })

    def elaborate(self, platform):
        m = Module()
        request, target, row = self.request, self.target, self.row
        word, engaged = request.data, self.rirr | self.flight.infl
        reqx = Signal(REQX)
        narrow, refused = Signal(), Signal()
        m.d.comb += [
            reqx.as_value().eq(word),
            narrow.eq(~request.sel.all() & ~(target.regsel & (request.sel == 1))),
            self.foreign.eq(target.page & (target.low | target.high) & ~request.vmm
                            & ~(row.owned & (row.dom == request.dom))),
            self.moves.eq((word[:4] != row.dom) | (word[8] != row.owned)),
            refused.eq(target.reqx & engaged & ((reqx.path != row.reqx.path)
                                                | (reqx.autoeoi != row.reqx.autoeoi))
                       | target.owner & (self.moves & (engaged | self.flight.bound)
                                         | (word[:4] >= self._config.domains))),
            self.err.eq(Mux(target.unmapped, Err.UNMAPPED,
                        Mux(narrow, Err.PARTIAL,
                        Mux(target.undefined, Err.INDEX,
                        Mux(request.we & self.foreign, Err.FOREIGN,
                        Mux(request.we & refused, Err.BUSY, Err.NONE)))))),
        ]
        return m
