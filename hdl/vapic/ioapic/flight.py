"""Asks the event channels to end what is in flight of an entry."""

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..trees import lowest

__all__ = ["FlightEnder"]


class FlightEnder(wiring.Component):
    """Send entries out one by one until none is in flight (IOA-10, IOA-11b).

    The lowest first, found in two cycles of its own. After an entry was taken, nothing is sent
    until it is no longer in flight.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    many, wanted : ``In(1)``, ``In(pirqs)``
        With ``many``: entries that are matched and in flight.
    one, n, one_stands : ``In``
        End this one, if it is in flight.
    end_flight : ``Out(stream)``
        Entry of which nothing is to be in flight.
    done : ``Out(1)``
        Under ``many``: nothing is left.
    """

    def __init__(self, config):
        index = config.pirq_bits
        super().__init__({
            "many": In(1), "wanted": In(config.pirqs),
            "one": In(1), "n": In(index), "one_stands": In(1),
            "end_flight": Out(stream.Signature(index)), "done": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        out, sent, looked = self.end_flight, Signal(), Signal()
        some, first = Signal(), Signal.like(self.n)
        many, wanted = Signal(), Signal.like(self.wanted)
        found, index = lowest(m, wanted, name="flight")
        m.d.sync += [many.eq(self.many), wanted.eq(self.wanted), some.eq(found & many),
                     first.eq(index), looked.eq(many & self.many)]
        stands = Mux(self.one, self.one_stands, some)
        m.d.comb += self.done.eq(looked & ~some & ~out.valid & ~sent)
        with m.If(out.valid):
            with m.If(out.ready):
                m.d.sync += [out.valid.eq(0), sent.eq(1)]
        with m.Elif(sent):
            # What was sent is the lowest until it has ended.
            with m.If(~stands | (~self.one & (first != out.payload))):
                m.d.sync += sent.eq(0)
        with m.Elif((self.one | looked) & stands):
            m.d.sync += [out.valid.eq(1), out.payload.eq(Mux(self.one, self.n, first))]
        return m
