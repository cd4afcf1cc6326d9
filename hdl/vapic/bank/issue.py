"""Issue of the bank's pipeline: its sources take turns, an operation waits for its vCPU."""

from amaranth import Cat, Const, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .operation import op_layout

__all__ = ["Issue"]


class Issue(wiring.Component):
    """Choose the operation that enters the pipeline in this cycle.

    Combinational from source to `op`. The source served last comes last, the others follow it in
    turn (LAPIC-12). A source whose vCPU has an operation that is not decided yet is passed over.

    Parameters
    ----------
    config : Config
        Sizes of the controller.
    sources : int
        How many there are.
    stages : int
        Stages of the pipeline after issue.

    Members
    -------
    enable : ``In(1)``
        Operations may be issued (initialisation is done).
    sources : ``In(stream.Signature(op_layout))`` x ``sources``
        What they want, see `vapic.bank.sources`.
    under_way : ``In(ArrayLayout)``
        The operations in stages 1, 2, ...
    op : ``Out(op_layout)``
        The operation issued; 0 if there is none.
    """

    def __init__(self, config, *, sources: int, stages: int):
        op = op_layout(config)
        super().__init__({
            "enable": In(1), "sources": In(stream.Signature(op)).array(sources),
            "under_way": In(data.ArrayLayout(op, stages)), "op": Out(op),
        })

    def elaborate(self, platform):
        m = Module()
        sources, count, op = self.sources, len(self.sources), self.op
        stages = [self.under_way[i] for i in range(len(self.under_way))]

        def free(v):
            # The last stage writes now, and what is issued now reads its row in the next cycle.
            return ~Cat(stage.valid & (stage.v == v) for stage in stages[:-1]).any()

        want, take, last = Signal(count), Signal(count), Signal(range(max(2, count)))
        for i, source in enumerate(sources):
            m.d.comb += [
                want[i].eq(source.valid & free(source.payload.v)),
                take[i].eq(self.enable & want[i] & ~Cat(
                    want[j] & _before(j, i, last, count) for j in range(count) if j != i).any()),
                source.ready.eq(take[i]),
            ]
            with m.If(take[i]):
                m.d.sync += last.eq(i)

        # At most one is taken.
        chosen = Const(0, len(op.as_value()))
        for i, source in enumerate(sources):
            chosen = chosen | source.payload.as_value() & take[i].replicate(len(chosen))
        m.d.comb += [op.as_value().eq(chosen), op.valid.eq(take.any())]
        return m


def _before(j: int, i: int, last: Signal, count: int):
    """Source `j` comes before source `i`, if source `last` was served last."""
    return Cat(last == n for n in range(count)
               if (j - n - 1) % count < (i - n - 1) % count).any()
