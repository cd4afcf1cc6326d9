"""Event channels: ports, pending and mask bits, selectors, upcalls, and work in flight."""

from collections.abc import Callable
from dataclasses import dataclass, field

from .control import Control
from .ioapic import Request
from .params import Params
from .registers import COALESCED

__all__ = ["Bank", "Domain", "Events", "Port"]


@dataclass
class Port:
    """One port; `state` is free, reserved, unbound, interdomain, pirq or ipi (EVT-20)."""

    state: str = "free"
    notify: int = 0
    remote_dom: int = 0
    remote_port: int = 0
    n: int = 0


@dataclass
class Bank:
    """Command registers of one issuer (EVT-02)."""

    arg: list[int] = field(default_factory=lambda: [0, 0, 0])
    out: list[int] = field(default_factory=lambda: [0, 0])
    result: int = 0
    fastres: int = 0


class Domain:
    """Window of one domain (EVT-01)."""

    def __init__(self, params: Params) -> None:
        self.pending = self.mask = 0
        self.sel = [0] * params.lanes
        self.upcall = [False] * params.lanes
        self.upcall_mask = [True] * params.lanes
        self.ports = [Port("free" if p else "reserved") for p in range(params.ports)]
        #: Banks by k; the VMM's is number -1.
        self.banks = {k: Bank() for k in range(-1, 64)}


class Events:
    """Event channels of all domains.

    Parameters
    ----------
    params : Params
        Sizes.
    control : Control
        CTRL bits and COALESCED.
    requests : list of Request
        The PIRQs.
    on_upcall : callable
        Told (domain, k, rose, changed) after each operation on upcall state.
    on_open : callable
        Told n when the open ports of PIRQ n change.
    """

    def __init__(self, params: Params, control: Control, requests: list[Request],
                 on_upcall: Callable[[int, int, bool, bool], None],
                 on_open: Callable[[int], None]) -> None:
        self.params, self.control, self.requests = params, control, requests
        self.on_upcall, self.on_open = on_upcall, on_open
        self.domains = [Domain(params) for _ in range(params.domains)]
        #: Bound port of each PIRQ by lane.
        self.group: list[dict[int, int]] = [{} for _ in requests]
        #: Lanes in flight of each PIRQ, a bitmap.
        self.infl = [0 for _ in requests]
        #: Work accepted and not finished, by domain and lane.
        self.out = [[0] * params.lanes for _ in range(params.domains)]

    def set_upcall(self, d: int, k: int, pending: bool | None = None,
                   mask: bool | None = None) -> None:
        """Change upcall_pending or upcall_mask."""
        dom = self.domains[d]
        was, was_line = dom.upcall[k], dom.upcall[k] and not dom.upcall_mask[k]
        if pending is not None:
            dom.upcall[k] = pending
        if mask is not None:
            dom.upcall_mask[k] = mask
        line = dom.upcall[k] and not dom.upcall_mask[k]
        self.on_upcall(d, k, dom.upcall[k] and not was,
                       (was, was_line) != (dom.upcall[k], line))

    def set_pending(self, d: int, p: int, k: int) -> bool:
        """EVT-10; True if the port was not pending before."""
        dom = self.domains[d]
        if dom.pending >> p & 1:
            return False
        dom.pending |= 1 << p
        if not dom.mask >> p & 1:
            self._select(d, p, k)
        return True

    def _select(self, d: int, p: int, k: int) -> None:
        dom = self.domains[d]
        if not dom.sel[k] >> (p // 32) & 1:
            dom.sel[k] |= 1 << (p // 32)
            if not dom.upcall[k]:
                self.set_upcall(d, k, pending=True)

    def set_mask(self, d: int, p: int, mask: bool) -> None:
        """Write one mask bit by a word store (EVT-12)."""
        if not mask and self.control.auto_reraise:
            self.unmask(d, p)
            return
        dom = self.domains[d]
        if dom.mask >> p & 1 == mask:
            return
        dom.mask ^= 1 << p
        if dom.ports[p].state == "pirq":
            self.on_open(dom.ports[p].n)

    def unmask(self, d: int, p: int) -> None:
        """EVT-11."""
        dom = self.domains[d]
        if not dom.mask >> p & 1:
            return
        dom.mask &= ~(1 << p)
        if dom.ports[p].state == "pirq":
            self.on_open(dom.ports[p].n)
        if dom.pending >> p & 1:
            self._select(d, p, dom.ports[p].notify)

    def clear_pending(self, d: int, bits: int) -> None:
        """Clear pending bits (W1C, CLAIM); ends what has autoeoi (EVT-41)."""
        dom = self.domains[d]
        cleared = dom.pending & bits
        dom.pending &= ~bits
        while cleared:
            p = (cleared & -cleared).bit_length() - 1
            cleared &= cleared - 1
            port = dom.ports[p]
            if port.state == "pirq" and self.requests[port.n].autoeoi:
                self.land(port.n, port.notify)

    def fly(self, n: int, k: int) -> None:
        """PIRQ n is in flight on lane k."""
        if not self.infl[n] >> k & 1:
            self.infl[n] |= 1 << k
            self.out[self.requests[n].dom][k] += 1

    def land(self, n: int, k: int) -> None:
        """PIRQ n is not in flight on lane k any more."""
        if self.infl[n] >> k & 1:
            self.infl[n] ^= 1 << k
            self.out[self.requests[n].dom][k] -= 1

    def land_all(self, n: int) -> None:
        """End the in-flight state of a PIRQ (IOA-10, IOA-11b)."""
        for k in range(self.params.lanes):
            self.land(n, k)

    def bind(self, d: int, p: int, port: Port) -> None:
        """Give a free port its purpose: pending 0, mask untouched (EVT-20)."""
        dom = self.domains[d]
        dom.ports[p] = port
        dom.pending &= ~(1 << p)
        if port.state == "pirq":
            self.group[port.n][port.notify] = p
            if not dom.mask >> p & 1:
                self.on_open(port.n)

    def close(self, d: int, p: int) -> None:
        """Free a bound port (EVT-20, EVT-24)."""
        dom = self.domains[d]
        port, was = dom.ports[p], dom.pending >> p & 1
        dom.ports[p] = Port()
        dom.pending &= ~(1 << p)
        if port.state == "interdomain":
            peer = self.domains[port.remote_dom].ports[port.remote_port]
            peer.state, peer.remote_dom, peer.remote_port = "unbound", d, 0
        if port.state != "pirq":
            return
        n, k = port.n, port.notify
        del self.group[n][k]
        if not dom.mask >> p & 1:
            self.on_open(n)
        if self.infl[n] >> k & 1:
            self.land(n, k)
            self._hand_back(n, bool(was))

    def _hand_back(self, n: int, unconsumed: bool) -> None:
        request = self.requests[n]
        if unconsumed and self.infl[n] and not request.dynamic(self.control.dyn_off):
            return
        request.rirr = False
        if unconsumed and not (request.pin and request.level):
            self.control.kept[COALESCED] += request.latch()

    def pirq_eoi(self, d: int, n: int, k: int | None) -> None:
        """End a PIRQ, issued by lane k or by the VMM (EVT-40)."""
        dom, flight = self.domains[d], self.infl[n]
        if k is None or not flight >> k & 1:
            consumed = [lane for lane in range(self.params.lanes) if flight >> lane & 1
                        and not dom.pending >> self.group[n][lane] & 1]
            if not consumed:
                return
            k = consumed[0]
        self.land(n, k)
        self.requests[n].rirr = False
        if self.control.auto_unmask:
            self.unmask(d, self.group[n][k])
