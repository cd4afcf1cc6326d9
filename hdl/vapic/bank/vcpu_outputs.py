"""Outputs of the bank that exist once a vCPU: irq, upcall, wake, frozen."""

from amaranth import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..trees import decode

__all__ = ["VcpuOutputs"]


class VcpuOutputs(wiring.Component):
    """Four flip-flops a vCPU behind one address decoder.

    What is written in cycle N is on the outputs from N+1; ``wake`` falls again in N+2 unless it is
    written anew.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    v : ``In(vcpu_bits)``
        N-1: the vCPU.
    write : ``In(1)``
        N: take the new values.
    irq_new, upcall_new, wake_new, frozen_new : ``In(1)``
        N: the values.
    irq, upcall, wake, frozen : ``Out(vcpus)``
        The outputs.
    """

    def __init__(self, config):
        self.config = config
        names = ("irq", "upcall", "wake", "frozen")
        super().__init__({"write": In(1), "v": In(config.vcpu_bits)}
                         | {f"{name}_new": In(1) for name in names}
                         | {name: Out(config.vcpus) for name in names})

    def elaborate(self, platform):
        m = Module()
        count = self.config.vcpus
        # Decoded a cycle ahead: registers keep synthesis from decoding anew for every vCPU.
        columns, rows = Signal(16), Signal(-(-count // 16))
        m.d.sync += [columns.eq(decode(self.v[:4], 16)),
                     rows.eq(decode(self.v[4:], len(rows)) if len(self.v) > 4 else 1)]
        # A signal a flip-flop, so that each is seen to have its own clock enable.
        outputs = {name: [] for name in ("irq", "upcall", "wake", "frozen")}
        for i in range(count):
            bit = {name: Signal(name=f"{name}_{i}") for name in outputs}
            hit = Signal(name=f"hit_{i}")
            m.d.comb += hit.eq(self.write & rows[i // 16] & columns[i % 16])
            m.d.sync += bit["wake"].eq(hit & self.wake_new)
            with m.If(hit):
                m.d.sync += [bit["irq"].eq(self.irq_new), bit["upcall"].eq(self.upcall_new),
                             bit["frozen"].eq(self.frozen_new)]
            for name, bits in outputs.items():
                bits.append(bit[name])
        m.d.comb += [getattr(self, name).eq(Cat(bits)) for name, bits in outputs.items()]
        return m
