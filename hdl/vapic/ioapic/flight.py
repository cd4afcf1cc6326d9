"""Asks the event channels to end what is in flight of an entry."""

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["FlightEnder"]


class FlightEnder(wiring.Component):
    """Send entries out one by one until none is in flight (IOA-10, IOA-11b).

    After an entry was taken, nothing is sent until it is no longer in flight.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    many : ``In(1)``
        End all that is picked.
    pick_valid, pick_n : ``In``
        An entry that is matched and in flight, three cycles ago.
    coming : ``In(1)``
        There was one two cycles ago.
    loaded : ``In(1)``
        What is picked from is the EOI's.
    one, n : ``In``
        End this one.
    one_stands : ``In(1)``
        It is in flight.
    end_flight : ``Out(stream)``
        Entry of which nothing is to be in flight.
    done : ``Out(1)``
        Under ``many``: nothing is left.
    """

    def __init__(self, config):
        index = config.pirq_bits
        super().__init__({
            "many": In(1), "pick_valid": In(1), "pick_n": In(index), "coming": In(1),
            "loaded": In(1), "one": In(1), "n": In(index), "one_stands": In(1),
            "end_flight": Out(stream.Signature(index)), "done": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        out, sent, loaded, fresh, picked = self.end_flight, *(Signal() for _ in range(4))
        stands = Mux(self.one, self.one_stands, self.pick_valid)
        asked = (self.many & picked) | self.one
        m.d.comb += self.done.eq(fresh & ~(self.coming | self.pick_valid) & ~out.valid & ~sent)
        # What is picked comes two cycles later, and stands in the third: before that it may be an
        # entry that is one of them by chance, and was picked out of others.
        m.d.sync += [loaded.eq(self.many & self.loaded), fresh.eq(self.many & loaded),
                     picked.eq(self.many & fresh)]
        with m.If(out.valid):
            with m.If(out.ready):
                m.d.sync += [out.valid.eq(0), sent.eq(1)]
        with m.Elif(sent):
            with m.If(~stands):
                m.d.sync += sent.eq(0)
        with m.Elif(asked & stands):
            m.d.sync += [out.valid.eq(1), out.payload.eq(Mux(self.one, self.n, self.pick_n))]
        return m
