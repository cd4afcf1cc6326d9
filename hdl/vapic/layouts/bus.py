"""Accesses: of the masters, and of the access unit to the blocks."""

from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import Config
from ..regs import Keep
from ..regs.globals import SETTINGS
from ..regs.layout import kept
from .enums import Err

__all__ = ["BusRecords"]


class BusRecords:
    """Accesses, and what the access unit keeps for all. Part of `Layouts`."""

    config: Config

    def _add_bus(self):
        c = self.config
        #: One access as the access unit hands it to a block; the right to it is already checked.
        self.bus_request = data.StructLayout({
            "addr": 32,     # byte offset from the block base, as in spec 1.1; MSI: whole address
            "we": 1, "data": 32, "sel": 4,
            "vmm": 1,       # 1 = VMM role
            "dom": 4, "vcpu": 9,   # of the master (sideband), not of the addressed thing
        })
        #: Answer to it.
        self.bus_response = data.StructLayout({"data": 32, "berr": 1, "err": Err})
        #: Global registers that other blocks act on; plain flip-flops of the access unit.
        self.globals = data.StructLayout(kept(SETTINGS, Keep.FLOP))
        #: RRPTR write of the access unit.
        self.rrptr_write = data.StructLayout({"en": 1, "dom": c.domain_bits, "value": c.lane_bits})

    @property
    def unit_bus(self) -> wiring.Signature:
        """Access unit (initiator) to a block: one access at a time, answered by one strobe.

        ``req`` is held until taken; ``rsp.valid`` is one cycle long, at or after the commit.
        """
        return wiring.Signature({
            "req": Out(stream.Signature(self.bus_request)),
            "rsp": In(stream.Signature(self.bus_response, always_ready=True)),
        })

    @property
    def bus(self) -> wiring.Signature:
        """Wishbone (initiator side), 32-bit data, byte addresses, with the master's sideband.

        ``vmm``, ``dom`` and ``vcpu`` are set by the interconnect from the wire the access came
        in on (GEN-02). Bits [1:0] of ``adr`` are ignored; ``sel`` names byte lanes. ``err`` is
        the bus error of spec chapter 6, with ``dat_r`` 0.
        """
        return wiring.Signature({
            "cyc": Out(1), "stb": Out(1), "we": Out(1), "adr": Out(32), "dat_w": Out(32),
            "sel": Out(4), "vmm": Out(1), "dom": Out(4), "vcpu": Out(9),
            "dat_r": In(32), "ack": In(1), "err": In(1),
        })
