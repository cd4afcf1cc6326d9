"""Address decode and access rights of table 1.1: which block an access goes to, if any."""

from itertools import product
from operator import mul

from amaranth import Module, Mux, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Err
from ..regs.globals import REGISTERS

__all__ = ["Rights", "Unit", "global_words"]


class Unit(enum.Enum, shape=3):
    """Who finishes an access."""

    #: The access unit itself, with the error that goes with it.
    REFUSED = 0
    GLOBALS = 1
    IOAPIC = 2
    MSI = 3
    BANK = 4
    EVT = 5


_PAGE = 0x1000


def global_words(config) -> list[int]:
    """Byte offsets of all global registers, in ascending order."""
    words = set()
    for register in REGISTERS:
        words |= {register.offset + sum(map(mul, index, register.strides))
                  for index in product(*map(range, register.counts(config)))}
    return sorted(words)


class Rights(wiring.Component):
    """Decide who may reach what (GEN-02, EVT-50, EVT-51, ERR-01, ERR-02, MSI-01); combinational.

    The role, domain and vCPU are the sideband of the master. The VMM reaches everything that
    exists; another master its own vLAPIC, its domain's event window and, if delegated to its
    domain, the I/O APIC page. All else is ERR-01 for it, whether it exists or not; ERR-02 is left
    for the vLAPIC or window that it has the right to and that the configuration does not have.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    addr, we : ``In(32)``, ``In(1)``
        Byte address (bits [1:0] ignored) and whether it is a write.
    vmm, dom, vcpu : ``In(1)``, ``In(4)``, ``In(9)``
        Sideband of the master.
    device : ``In(1)``
        The access came in on ``msi_bus``: no right is needed, 0xFEExxxxx writes alone are taken.
    ioa_deleg, ioa_owner : ``In(1)``, ``In(4)``
        Of the registers CTRL and IOA_OWNER.
    unit : ``Out(Unit)``
        Where the access goes.
    err : ``Out(Err)``
        Why it is refused; NONE unless ``unit`` is REFUSED.
    """

    def __init__(self, config):
        self._config = config
        super().__init__({
            "addr": In(32), "we": In(1), "vmm": In(1), "dom": In(4), "vcpu": In(9),
            "device": In(1), "ioa_deleg": In(1), "ioa_owner": In(4),
            "unit": Out(Unit), "err": Out(Err),
        })

    def elaborate(self, platform):
        m = Module()
        c, addr = self._config, self.addr

        # Regions, by alignment; none overlaps another.
        low = addr[16:] == 0
        page = addr[12:16]
        ioapic_page = low & (page == 0)
        global_page = low & (page == 1)
        entries = low & (page == 2) | low & (page == 3) & ~addr[11]
        table = low & (page == 4) & ~addr[11]
        vcpus = low & addr[15]
        window = (addr[18:] == 0x100000 >> 18)
        lapics = (addr[22:] == 0x400000 >> 22)
        message = (addr[20:] == 0xFEE) & self.we

        # What of a region the configuration has.
        exists = Signal()
        m.d.comb += exists.eq(
            ioapic_page
            | global_page & addr[2:12].matches(*(w % _PAGE // 4 for w in global_words(c)))
            | entries & (addr[2:11] < c.pirqs)
            | table & (addr[3:11] < c.irts)
            | vcpus & (addr[6:15] < c.vcpus)
            | window & (addr[14:18] < c.domains)
            | lapics & (addr[13:22] < c.vcpus)
            | message)

        # What the master has a right to.
        right = Signal()
        m.d.comb += right.eq(
            self.vmm
            | ioapic_page & self.ioa_deleg & (self.dom == self.ioa_owner)
            | window & (addr[14:18] == self.dom)
            | lapics & (addr[13:22] == self.vcpu))

        control = (addr[2:6] == 0) & self.we
        with m.If(self.device):
            m.d.comb += [self.unit.eq(Mux(message, Unit.MSI, Unit.REFUSED)),
                         self.err.eq(Mux(message, Err.NONE, Err.MSI))]
        with m.Elif(~right):
            m.d.comb += self.err.eq(Err.ACCESS)
        with m.Elif(~exists):
            m.d.comb += self.err.eq(Err.UNMAPPED)
        with m.Elif(global_page):
            m.d.comb += self.unit.eq(Unit.GLOBALS)
        with m.Elif(message):
            m.d.comb += self.unit.eq(Unit.MSI)
        with m.Elif(window | vcpus & control):
            m.d.comb += self.unit.eq(Unit.EVT)
        with m.Elif(lapics | vcpus):
            m.d.comb += self.unit.eq(Unit.BANK)
        with m.Else():
            m.d.comb += self.unit.eq(Unit.IOAPIC)
        return m
