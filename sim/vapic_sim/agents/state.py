"""Architectural state of the hardware, read from its memories, in the golden model's form."""

from typing import Any

__all__ = ["difference", "hardware_state"]


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
        "en": bool(head.en),
        "irq": bool(ctx.get(dut.irq) >> v & 1),
    }
    if head.en:
        state |= {"tmr": _bitmap(ctx, bank.tmr, v, words, head.tmr_words),
                  "id": head.id, "ldr": head.ldr, "tpr": head.tpr,
                  "svr": head.svr_vector | head.svr_enabled << 8 | head.focus_off << 9
                  | head.suppress << 12,
                  "esr": head.esr_recvill << 6 | head.esr_illrega << 7,
                  "esr_pending": head.recvill << 6 | head.illrega << 7}
    return state


def _request(ctx: Any, dut: Any, n: int) -> dict[str, Any]:
    row = ctx.get(dut.evt.store.pirqs.data[n])
    return {"infl": row.infl, "bound": row.bound, "open": row.open, "pending_ports": row.pend}


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
        "out": [ctx.get(store.outs.data[(d << c.lane_bits) + k]) for k in range(c.lanes)],
        "rrptr": ctx.get(dut.dispatch.rrptr[d]),
    }


def hardware_state(ctx: Any, dut: Any) -> dict[str, list[dict[str, Any]]]:
    """State of a quiescent controller: ``vcpus``, ``requests`` and ``domains`` by number.

    What only flip-flops hold (pend, RIRR, err, counters) is not in it: read it over the bus.
    """
    c = dut.config
    return {"vcpus": [_vcpu(ctx, dut, v) for v in range(c.vcpus)],
            "requests": [_request(ctx, dut, n) for n in range(c.pirqs)],
            "domains": [_domain(ctx, dut, d) for d in range(c.domains)]}


def difference(hardware: dict[str, Any], model: dict[str, Any]) -> list[str]:
    """Every value in which the model's state differs, in words; empty if none does."""
    return [f"{kind}[{i}].{name}: hardware {value!r}, model {model[kind][i][name]!r}"
            for kind, rows in hardware.items() for i, row in enumerate(rows)
            for name, value in row.items() if model[kind][i][name] != value]
