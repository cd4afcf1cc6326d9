"""Which register an access to the I/O APIC's part of the address map means."""

from amaranth import Module, Mux
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..regs import address, lookup, regsel

__all__ = ["Window", "target_layout"]


def target_layout(config) -> data.StructLayout:
    """One bit a register, and the entry `n` it belongs to."""
    return data.StructLayout({
        "n": config.pirq_bits,
        "regsel": 1, "id": 1, "version": 1, "eoi": 1,
        "low": 1, "high": 1,        # of an RTE or IRT entry
        "page": 1,                  # the entry is reached through the I/O APIC page
        "reqx": 1, "stat": 1, "owner": 1,
        "unmapped": 1,              # ERR-02
        "undefined": 1,             # ERR-03
    })


class Window(wiring.Component):
    """Decode an address; combinational.

    In the page at 0x0000 any offset but IOREGSEL, IOWIN and EOI, and any register number not in the
    table of spec 2.1, is ``undefined`` (IOA-01, ERR-03); with version 0x11 so is EOI. Elsewhere
    what is not built is ``unmapped`` (ERR-02).

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    addr : ``In(16)``
        Byte offset from the block base.
    index : ``In(8)``
        IOREGSEL of this master.
    target : ``Out(target_layout(config))``
        What is meant. ARB is ``id``, of which it is the copy.
    """

    def __init__(self, config):
        self._config = config
        super().__init__({"addr": In(16), "index": In(8), "target": Out(target_layout(config))})

    def elaborate(self, platform):
        m = Module()
        c, target = self._config, self.target
        page, req, owner, irt = (self.addr[12:] == lookup(name).offset >> 12
                                 for name in ("IOA_REGSEL", "REQX", "PIRQ_OWNER", "IRT_LOW"))
        select, window, eoi = (page & (self.addr[2:12] == address(name) // 4)
                               for name in ("IOA_REGSEL", "IOA_WIN", "IOA_EOI"))

        first = regsel("RTE_LOW", 0)    # an even number; the high word has the next
        pin = self.index[1:] - first // 2
        in_rte = window & (self.index >= first) & (self.index < first + 2 * c.rtes)
        in_irt = irt & (self.addr[3:12] < c.irts) if c.irts else 0
        near = self.addr[2:11] < c.pirqs
        in_owner = owner & ~self.addr[11] & near
        high = Mux(page, self.index[0], self.addr[2])
        message = self.addr[3:12] + c.rtes
        m.d.comb += [
            target.n.eq(Mux(page, pin, Mux(irt, message, self.addr[2:11]))),
            target.regsel.eq(select),
            target.id.eq(window & ((self.index == regsel("IOA_ID"))
                                   | (self.index == regsel("IOA_ARB")))),
            target.version.eq(window & (self.index == regsel("IOA_VER"))),
            target.eoi.eq(eoi & (c.ioa_version == 0x20)),
            target.low.eq((in_rte | in_irt) & ~high),
            target.high.eq((in_rte | in_irt) & high),
            target.page.eq(page),
            target.reqx.eq(req & near & ~self.addr[11]),
            target.stat.eq(req & near & self.addr[11]),
            target.owner.eq(in_owner),
            target.unmapped.eq(~page & ~(req & near) & ~in_owner & ~in_irt),
            target.undefined.eq(page & ~(target.regsel | target.id | target.version | target.eoi
                                         | in_rte)),
        ]
        return m
