"""Architectural state as plain values, to be compared."""

from typing import Any

from .core import Core
from .registers import Kept

__all__ = ["snapshot"]


def _kept(kept: Kept) -> dict[str, int]:
    return {register.key: value for register, value in kept.items()}


def _vcpu(core: Core, v: int) -> dict[str, Any]:
    vcpu = core.vcpus[v]
    apic = vcpu.apic
    names = ("en", "irr", "isr", "tmr", "esr_pending", "ppr", "apr", "intr")
    own = ("ctl", "upvec", "upvec_valid", "owed", "pend", "line", "upcall", "irq")
    return {name: getattr(apic, name) for name in names} | _kept(apic.kept) \
        | {name: getattr(vcpu, name) for name in own} | _kept(vcpu.kept) | {"load": core.load(vcpu)}


def _request(core: Core, n: int) -> dict[str, Any]:
    names = ("low", "dest", "reqx", "owner", "pend", "rirr", "err", "parked", "waiting")
    request, events = core.requests[n], core.events
    window = events.domains[request.dom]
    bound = events.group[n].items()
    return {name: getattr(request, name) for name in names} | {
        "infl": events.infl[n],
        "bound": sum(1 << k for k, _ in bound),
        "open": sum(1 << k for k, p in bound if not window.mask >> p & 1),
        "pending_ports": sum(1 << k for k, p in bound if window.pending >> p & 1)}


def _domain(core: Core, d: int) -> dict[str, Any]:
    window = core.events.domains[d]
    return {
        "pending": window.pending, "mask": window.mask, "sel": list(window.sel),
        "upcall": list(window.upcall), "upcall_mask": list(window.upcall_mask),
        "ports": [(p.state, p.notify, p.remote_dom, p.remote_port, p.n) for p in window.ports],
        "out": list(core.events.out[d]), "rrptr": core.control.rrptr[d]}


def snapshot(core: Core) -> dict[str, Any]:
    """All architectural state: `control`, and by number `vcpus`, `requests` and `domains`.

    Bitmaps are integers; port tuples are (state, notify, remote domain, remote port, PIRQ).
    """
    p, c, io = core.params, core.control, core.ioapic
    return {
        "control": _kept(c.kept) | {"ioa_id": io.id, "ioregsel": list(io.select), "pins": io.pins},
        "vcpus": [_vcpu(core, v) for v in range(p.vcpus)],
        "requests": [_request(core, n) for n in range(p.pirqs)],
        "domains": [_domain(core, d) for d in range(p.domains)]}
