"""Interrupt sources: redirection and MSI table entries, their latches and their owners."""

from .control import Control
from .params import Params
from .registers import COALESCED

__all__ = ["Ioapic", "Request"]

_REQX_KEPT = 0xFFFF_F0FF


class Request:
    """One PIRQ: entry, latch, remote IRR, REQX and PIRQ_OWNER.

    Parameters
    ----------
    n : int
        Number of the PIRQ.
    pin : bool
        Whether it is a pin, else an MSI table entry.
    """

    def __init__(self, n: int, pin: bool) -> None:
        self.n, self.pin = n, pin
        self.vector = self.mode = self.dest = 0
        self.logical = self.polarity = self.trigger = False
        self.mask = True
        self.line = False
        self.pend = self.rirr = self.err = self.parked = self.waiting = False
        self.reqx = 0x70F2
        self.dom, self.owned = 0, True
        #: Lanes of the last grant, in the order of its commits.
        self.last: list[int] = []
        #: Port of the last grant on path EVT; None if a LAPIC grant came after it.
        self.last_port: int | None = 0

    @property
    def level(self) -> bool:
        """Effective trigger (IOA-19)."""
        return self.trigger and self.mode < 2

    @property
    def active(self) -> bool:
        """line_act (IOA-03)."""
        return self.line != self.polarity

    @property
    def live(self) -> bool:
        """A request exists, whatever mask and errors say (IOA-07, MSI-04)."""
        if not (self.trigger and self.mode < 2):
            return self.pend
        return not self.rirr and (self.line != self.polarity if self.pin else self.pend)

    @property
    def evt(self) -> bool:
        """Path EVT."""
        return bool(self.reqx & 1)

    @property
    def ser(self) -> bool:
        """One occurrence in flight at a time (SEL-31)."""
        return bool(self.reqx & 2)

    @property
    def autoeoi(self) -> bool:
        """Ended by clearing the port's pending bit; never for level entries (EVT-41)."""
        return bool(self.reqx & 1 << 23) and not self.level

    def dynamic(self, dyn_off: bool) -> bool:
        """SEL-02."""
        return bool(self.mode == 1 or (self.mode == 0 and self.reqx & 4)) \
            and not self.reqx & 8 and not dyn_off

    @property
    def low(self) -> int:
        """Entry low word as read."""
        status = self.live and not self.mask
        return (self.vector | self.mode << 8 | self.logical << 11 | status << 12
                | self.polarity << 13 | (self.rirr and self.level) << 14 | self.trigger << 15
                | self.mask << 16)

    def write_low(self, data: int) -> bool:
        """Write the low word; True if it ended a level occurrence (IOA-10).

        The edge detector's last sample follows a new polarity, so that makes no edge (IOA-14).
        """
        was_level = self.level
        self.vector, self.mode = data & 0xFF, data >> 8 & 7
        self.logical, self.polarity = bool(data & 0x800), bool(data & 0x2000)
        self.trigger, self.mask = bool(data & 0x8000), bool(data & 0x10000)
        self.err = False
        if self.level:
            if not was_level:
                self.pend = False
            return False
        ended, self.rirr = self.rirr, False
        return ended

    def write_reqx(self, data: int, in_flight: bool) -> bool:
        """Write REQX; False if it is refused (SEL-01)."""
        data &= _REQX_KEPT
        if (self.rirr or in_flight) and (data ^ self.reqx) & (1 | 1 << 23):
            return False
        self.reqx = data
        return True

    def write_owner(self, data: int, domains: int, busy: bool) -> bool:
        """Write PIRQ_OWNER; False if it is refused (EVT-53)."""
        dom, owned = data & 0xF, bool(data & 0x100)
        changed = (dom, owned) != (self.dom, self.owned)
        if dom >= domains or (changed and (busy or self.rirr)):
            return False
        if changed:
            self.dom, self.owned, self.pend = dom, owned, False
        return True

    @property
    def owner(self) -> int:
        """PIRQ_OWNER as read."""
        return self.dom | self.owned << 8

    def take(self) -> None:
        """The first commit of a grant: the occurrence is taken, a level entry gated (SEL-20)."""
        self.last = []
        if self.level:
            self.rirr = True
        if not self.level or not self.pin:
            self.pend = False

    def latch(self) -> bool:
        """An occurrence comes; True if it merged into one that waits."""
        merged, self.pend = self.pend, True
        return merged


class Ioapic:
    """All requests, the ID register and the two register selects (IOA-01).

    Parameters
    ----------
    params : Params
        Sizes.
    control : Control
        CTRL bits are read, COALESCED is counted there.
    """

    def __init__(self, params: Params, control: Control) -> None:
        self.params, self.control = params, control
        self.requests = [Request(n, n < params.rtes) for n in range(params.pirqs)]
        self.id = 0
        self._bits = 0
        #: IOREGSEL of the delegate and of the VMM.
        self.select = [0, 0]

    @property
    def pins(self) -> int:
        """Lines as last seen, before polarity."""
        return self._bits

    def set_lines(self, bits: int) -> None:
        """The synchronised lines change (IOA-03..05)."""
        bits &= (1 << self.params.rtes) - 1
        changed, self._bits = bits ^ self._bits, bits
        while changed:
            n = (changed & -changed).bit_length() - 1
            changed &= changed - 1
            request = self.requests[n]
            request.line = not request.line
            if request.line != request.polarity and not request.level \
                    and (not request.mask or self.control.latch_masked_edges):
                self.control.kept[COALESCED] += request.latch()

    def msi(self, address: int, data: int) -> bool:
        """A message comes; False if it is discarded (MSI-04, ERR-06)."""
        if address >> 20 != 0xFEE or not address & 0x10:
            return False
        index = (address >> 5 & 0x7FFF) | (address >> 2 & 1) << 15
        if address & 8:
            index += data & 0xFFFF
        if index >= self.params.irts:
            return False
        self.control.kept[COALESCED] += self.requests[self.params.rtes + index].latch()
        return True

    def lapic_eoi(self, dom: int, vector: int) -> None:
        """EOI broadcast of a vLAPIC of a domain (IOA-11a)."""
        for request in self.requests:
            if request.level and request.vector == vector and not request.evt \
                    and request.dom == dom:
                request.rirr = False

    def eoi(self, vector: int, dom: int | None) -> list[int]:
        """EOI register (IOA-11b), of one domain alone if `dom` is given; entries it matched."""
        matched: list[int] = []
        for request in self.requests:
            if request.level and request.vector == vector \
                    and (dom is None or (request.owned and request.dom == dom)):
                request.rirr = False
                matched.append(request.n)
        return matched
