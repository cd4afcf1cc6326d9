"""Architectural state of the hardware, read from its memories, in the golden model's form."""

from typing import Any

__all__ = ["difference", "hardware_state"]

#: Delivery status and remote IRR in the low word of an entry.
_READ_ONLY = 1 << 12 | 1 << 14


def _bitmap(ctx: Any, memory: Any, v: int, words: int, valid: int) -> int:
    return sum(ctx.get(memory.data[v * words + word]) << 32 * word
               for word in range(words) if valid >> word & 1)


def _vcpu(ctx: Any, dut: Any, v: int) -> dict[str, Any]:
    bank, words = dut.bank, dut.config.words
    head = ctx.get(bank.heads.data[v])
    state = {
        "ctl": (head.online | head.freeze << 1 | head.dom << 4 | head.apicid << 8
                | head.freeze << 16 | head.k << 24),
        "sched": head.sched, "upvec": head.upvec, "upvec_valid": bool(head.upvec_valid),
        "pend": bool(head.up_pend), "line": bool(head.up_line),
        "irr": _bitmap(ctx, bank.irr, v, words, head.irr_words),
        "isr": _bitmap(ctx, bank.isr, v, words, head.isr_words),
        "en": bool(head.en), "owed": bool(head.owed),
        "irq": bool(ctx.get(dut.irq) >> v & 1),
    }
    if head.en:
        state |= {"dfr": head.dfr, "tmr": _bitmap(ctx, bank.tmr, v, words, head.tmr_words),
                  "id": head.id, "ldr": head.ldr, "tpr": head.tpr,
                  "svr": head.svr_vector | head.svr_enabled << 8 | head.focus_off << 9
                  | head.suppress << 12,
                  "esr": head.esr_recvill << 6 | head.esr_illrega << 7,
                  "esr_pending": head.recvill << 6 | head.illrega << 7}
    return state


def _request(ctx: Any, dut: Any, n: int) -> dict[str, Any]:
    row = ctx.get(dut.evt.store.pirqs.data[n])
    entry = ctx.get(dut.ioapic.entries.rows.data[n])
    return {"low": (entry & 0xFFF | (entry >> 12 & 1) << 13 | (entry >> 13 & 1) << 15
                    | (entry >> 14 & 1) << 16),
            "dest": entry >> 16 & 0xFF, "reqx": entry >> 24 & 0xFFFFFFFF,
            "owner": entry >> 56 & 0xF | (entry >> 60 & 1) << 8,
            "infl": row.infl, "bound": row.bound, "open": row.open, "pending_ports": row.pend}


def _port(ctx: Any, dut: Any, d: int, p: int) -> tuple[Any, ...]:
    row = ctx.get(dut.evt.store.ports.data[(d << dut.config.port_bits) + p])
    state = row.state.name.lower() if p else "reserved"
    peer = row.tie.peer
    match state:
        case "free" | "reserved":
            return state, 0, 0, 0, 0
        case "pirq":
            return state, row.notify, 0, 0, row.tie.n
        case "ipi":
            return state, row.notify, 0, 0, 0
        case "unbound":
            return state, row.notify, peer.dom, 0, 0
    return state, row.notify, peer.dom, peer.port, 0


def _domain(ctx: Any, dut: Any, d: int) -> dict[str, Any]:
    store, c = dut.evt.store, dut.config
    words = [ctx.get(store.words.data[(d << c.port_bits - 5) + w]) for w in range(c.port_words)]
    lanes = [ctx.get(store.lanes.data[(d << c.lane_bits) + k]) for k in range(c.lanes)]
    return {
        "pending": sum(word[0] << 32 * w for w, word in enumerate(words)),
        "mask": sum(word[1] << 32 * w for w, word in enumerate(words)),
        "sel": [lane.sel for lane in lanes],
        "upcall": [bool(lane.pending) for lane in lanes],
        "upcall_mask": [bool(lane.mask) for lane in lanes],
        "ports": [_port(ctx, dut, d, p) for p in range(c.ports)],
        "out": [ctx.get(store.outs.data[(d << c.lane_bits) + k]) for k in range(c.lanes)],
        "rrptr": ctx.get(dut.dispatch.rrptr[d]),
    }


def hardware_state(ctx: Any, dut: Any) -> dict[str, list[dict[str, Any]]]:
    """State of a quiescent controller: ``vcpus``, ``requests`` and ``domains`` by number.

    Of a request ``low`` is without its RO bits. Not in it: pend, RIRR, err and counters, which are
    flip-flops (read them over the bus), and command registers, which every access compares.
    """
    c = dut.config
    return {"vcpus": [_vcpu(ctx, dut, v) for v in range(c.vcpus)],
            "requests": [_request(ctx, dut, n) for n in range(c.pirqs)],
            "domains": [_domain(ctx, dut, d) for d in range(c.domains)]}


def difference(hardware: dict[str, Any], model: dict[str, Any]) -> list[str]:
    """Every value in which the model's state differs, in words; empty if none does."""
    for request in model["requests"]:
        request["low"] &= ~_READ_ONLY
    return [f"{kind}[{i}].{name}: hardware {value!r}, model {model[kind][i][name]!r}"
            for kind, rows in hardware.items() for i, row in enumerate(rows)
            for name, value in row.items() if model[kind][i][name] != value]
