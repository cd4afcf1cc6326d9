"""Commands of an event window (EVT-20) and the fast operations."""

from collections.abc import Callable
from dataclasses import dataclass

from .ports import Bank, Events, Port

__all__ = ["Issuer", "command", "fast"]

_PERM, _NOENT, _SRCH, _EXIST, _INVAL, _NOSPC, _NOSYS = -1, -2, -3, -17, -22, -28, -38
_SELF = 0x7FF0
_STATES = {"free": 0, "reserved": 0, "unbound": 1, "interdomain": 2, "pirq": 3, "ipi": 5}


@dataclass(slots=True)
class Issuer:
    """Who issues a command: in which window, as which lane (None for the VMM).

    Parameters
    ----------
    events : Events
        The event channels.
    dom : int
        Domain of the window.
    k : int or None
        Lane of the issuing vCPU.
    bank : Bank
        Its command registers.
    present : callable
        Whether (domain, k) has a vCPU, online or not.
    """

    events: Events
    dom: int
    k: int | None
    bank: Bank
    present: Callable[[int, int], bool]


def _foreign(who: Issuer, dom: int) -> int:
    if dom != who.dom and who.k is not None:
        return _PERM
    return _SRCH if dom >= who.events.params.domains else 0


def _own(who: Issuer, dom: int) -> int:
    return who.dom if dom == _SELF else dom


def _allocate(who: Issuer, d: int, port: Port) -> int:
    """Bind the lowest free port (EVT-20)."""
    for p, old in enumerate(who.events.domains[d].ports):
        if old.state == "free":
            who.events.bind(d, p, port)
            who.bank.out[0] = p
            return 0
    return _NOSPC


def _alloc_unbound(who: Issuer, dom: int, remote: int, _: int) -> int:
    dom = _own(who, dom)
    if error := _foreign(who, dom):
        return error
    if remote >= who.events.params.domains:
        return _SRCH
    return _allocate(who, dom, Port("unbound", remote_dom=remote))


def _bind_interdomain(who: Issuer, rdom: int, rport: int, _: int) -> int:
    events, rdom = who.events, _own(who, rdom)
    if rdom >= events.params.domains:
        return _SRCH
    if rport >= events.params.ports:
        return _INVAL
    peer = events.domains[rdom].ports[rport]
    if peer.state != "unbound" or peer.remote_dom != who.dom:
        return _INVAL
    local = Port("interdomain", remote_dom=rdom, remote_port=rport)
    if error := _allocate(who, who.dom, local):
        return error
    peer.state, peer.remote_dom, peer.remote_port = "interdomain", who.dom, who.bank.out[0]
    events.set_pending(who.dom, who.bank.out[0], 0)
    return 0


def _bind_pirq_vcpu(who: Issuer, n: int, k: int, _: int) -> int:
    events = who.events
    if n >= events.params.pirqs:
        return _INVAL
    request = events.requests[n]
    if not request.owned or request.dom != who.dom:
        return _PERM
    if not who.present(who.dom, k):
        return _NOENT
    if k in events.group[n]:
        return _EXIST
    return _allocate(who, who.dom, Port("pirq", notify=k, n=n))


def _bind_ipi(who: Issuer, k: int, _: int, __: int) -> int:
    if not who.present(who.dom, k):
        return _NOENT
    return _allocate(who, who.dom, Port("ipi", notify=k))


def _close(who: Issuer, p: int, _: int, __: int) -> int:
    ports = who.events.domains[who.dom].ports
    if p >= len(ports) or ports[p].state in ("free", "reserved"):
        return _INVAL
    who.events.close(who.dom, p)
    return 0


def _send(who: Issuer, p: int, _: int, __: int) -> int:
    events, ports = who.events, who.events.domains[who.dom].ports
    if p >= len(ports):
        return _INVAL
    port = ports[p]
    if port.state == "interdomain":
        peer = events.domains[port.remote_dom].ports[port.remote_port]
        events.set_pending(port.remote_dom, port.remote_port, peer.notify)
    elif port.state == "ipi":
        events.set_pending(who.dom, p, port.notify)
    elif port.state != "unbound":
        return _INVAL
    return 0


def _unmask(who: Issuer, p: int, _: int, __: int) -> int:
    if p >= who.events.params.ports:
        return _INVAL
    who.events.unmask(who.dom, p)
    return 0


def _status(who: Issuer, dom: int, p: int, _: int) -> int:
    dom = _own(who, dom)
    if error := _foreign(who, dom):
        return error
    if p >= who.events.params.ports:
        return _INVAL
    port = who.events.domains[dom].ports[p]
    detail = {"unbound": port.remote_dom << 16, "pirq": port.n,
              "interdomain": port.remote_dom << 16 | port.remote_port}
    who.bank.out[:] = [port.notify << 8 | _STATES[port.state], detail.get(port.state, 0)]
    return 0


def _claim(who: Issuer, p: int) -> int:
    dom = who.events.domains[who.dom]
    if p >= len(dom.ports) or dom.ports[p].state in ("free", "reserved"):
        return _INVAL
    old = dom.pending >> p & 1
    who.events.clear_pending(who.dom, 1 << p)
    return old


def _pirq_eoi(who: Issuer, n: int) -> int:
    events = who.events
    if n >= events.params.pirqs:
        return _INVAL
    if not events.requests[n].owned or events.requests[n].dom != who.dom:
        return _PERM
    events.pirq_eoi(who.dom, n, who.k)
    return 0


_COMMANDS: dict[int, Callable[[Issuer, int, int, int], int]] = {
    0: _bind_interdomain, 3: _close, 4: _send, 5: _status, 6: _alloc_unbound, 7: _bind_ipi,
    9: _unmask, 0x20: _bind_pirq_vcpu,
}


def command(who: Issuer, number: int) -> int:
    """Do a command with the arguments in the issuer's bank; its RESULT as 32 bits."""
    operation = _COMMANDS.get(number)
    result = operation(who, *who.bank.arg) if operation else _NOSYS
    who.bank.result = result & 0xFFFF_FFFF
    return who.bank.result


def fast(who: Issuer, name: str, value: int) -> int:
    """Do SEND, UNMASK, PIRQ_EOI or CLAIM; its FASTRES as 32 bits."""
    if name == "send":
        result = _send(who, value, 0, 0)
    elif name == "unmask":
        result = _unmask(who, value, 0, 0)
    elif name == "pirq_eoi":
        result = _pirq_eoi(who, value)
    else:
        result = _claim(who, value)
    who.bank.fastres = result & 0xFFFF_FFFF
    return who.bank.fastres
