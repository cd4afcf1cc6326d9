"""Outputs of the bank that exist once a vCPU: irq, upcall, wake, frozen."""

from amaranth import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..trees import decode

__all__ = ["VcpuPins"]


class VcpuPins(wiring.Component):
    """Four flip-flops a vCPU behind one address decoder.

    What is written in cycle N is on the outputs from N+1; ``wake`` falls again in N+2 unless it is
    written anew.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    write, v : ``In(1)``, ``In(vcpu_bits)``
        Take the new values for that vCPU.
    irq_new, upcall_new, wake_new, frozen_new : ``In(1)``
        The values.
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
        columns = decode(self.v[:4], 16)
        rows = decode(self.v[4:], -(-count // 16)) if len(self.v) > 4 else Cat(1)
        rows = rows & self.write.replicate(len(rows))
        for i in range(count):
            hit = rows[i // 16] & columns[i % 16]
            m.d.sync += self.wake[i].eq(hit & self.wake_new)
            with m.If(hit):
                m.d.sync += [self.irq[i].eq(self.irq_new), self.upcall[i].eq(self.upcall_new),
                             self.frozen[i].eq(self.frozen_new)]
        return m
