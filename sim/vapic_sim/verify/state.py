"""Architectural state of the hardware, read from its memories, in the golden model's form."""

from collections.abc import Callable
from typing import Any

from amaranth.hdl import Value

from vapic.bank.head import head_layout
from vapic.controller import Controller
from vapic.evtchn.rows import PortState, RowLayouts
from vapic.regs import Keep, lookup, mask, pack

from ..model.registers import VCPU, Kind
from ..world.fields import Fields
from ..world.port import Testbench

__all__ = ["HardwareState", "difference"]

#: Delivery status and remote IRR in the low word of an entry.
_READ_ONLY = mask("RTE_LOW", "status", "rirr")
_NAMES = {state.value: state.name.lower() for state in PortState}
#: Registers that keep what is written, by name in the model: members of the head row, lowest bits.
_PLAIN = {register.key: [(member, low) for member, low, _ in
                         lookup(f"VCPU_{register.name}").slots(Keep.HEAD)]
          for register in VCPU if register.kind == Kind.PLAIN}


def _rows(memory: Any) -> list[Any]:
    """Rows of a memory as plain values."""
    return [Value.cast(memory.data[i]) for i in range(memory.depth)]


class HardwareState:
    """Reader of the state of a quiescent controller.

    Rows are read as integers and cut here, as a view of each costs many times as much.

    Parameters
    ----------
    dut : Controller
        Whose.
    """

    def __init__(self, dut: Controller):
        self._dut, self._config = dut, dut.config
        bank, store, rows = dut.bank, dut.evt.store, RowLayouts(dut.config)
        self._heads, self._entries = _rows(bank.heads), _rows(dut.ioapic.entries.rows)
        self._maps = [_rows(memory) for memory in (bank.irr, bank.isr, bank.tmr)]
        self._pirqs, self._ports, self._words, self._lanes, self._outs = [
            _rows(memory) for memory in (store.pirqs, store.ports, store.words, store.lanes,
                                         store.inflight_count)]
        self._head = Fields(head_layout(dut.config))
        self._pirq, self._port = Fields(rows.pirq), Fields(rows.port)
        self._lane, self._peer = Fields(rows.lane), Fields(rows.peer)

    def read(self, ctx: Testbench) -> dict[str, list[dict[str, Any]]]:
        """State by kind and number: ``vcpus``, ``requests`` and ``domains``.

        Of a request ``low`` is without its RO bits. Not in it: pend, RIRR, err and counters, which
        are flip-flops (read them over the bus), and command registers, which every access
        compares.
        """
        c, get = self._config, ctx.get
        irq, rrptr = get(self._dut.irq), get(Value.cast(self._dut.dispatch.rrptr))
        return {"vcpus": [self._vcpu(get, v, irq >> v & 1) for v in range(c.vcpus)],
                "requests": [self._request(get, n) for n in range(c.pirqs)],
                "domains": [self._domain(get, d, rrptr) for d in range(c.domains)]}

    def _vcpu(self, get: Callable[[Any], int], v: int, irq: int) -> dict[str, Any]:
        words = self._config.words
        head = self._head.named(get(self._heads[v]))
        irr, isr, tmr = [
            sum(get(rows[v * words + word]) << 32 * word
                for word in range(words) if head[valid] >> word & 1)
            for rows, valid in zip(self._maps, ("irr_words", "isr_words", "tmr_words"),
                                   strict=True)]
        state = {
            "ctl": pack("VCPU_CTL", frozen=head["freeze"], **{
                name: head[name] for name in ("online", "freeze", "dom", "apicid", "k")}),
            "upvec": head["upvec"], "upvec_valid": bool(head["upvec_valid"]),
            "pend": bool(head["up_pend"]), "line": bool(head["up_line"]),
            "irr": irr, "isr": isr, "en": bool(head["en"]), "owed": bool(head["owed"]),
            "irq": bool(irq),
        } | {name: sum(head.get(member, 0) << low for member, low in parts)
             for name, parts in _PLAIN.items()}
        if head["en"]:
            state |= {
                "dfr": head["dfr"], "tmr": tmr, "id": head["id"], "ldr": head["ldr"],
                "tpr": head["tpr"],
                "svr": pack("LAPIC_SVR", vector=head["svr_vector"], enable=head["svr_enabled"],
                            focus_off=head["focus_off"], suppress=head["suppress"]),
                "esr": pack("LAPIC_ESR", recvill=head["esr_recvill"], illrega=head["esr_illrega"]),
                "esr_pending": pack("LAPIC_ESR", recvill=head["recvill"],
                                    illrega=head["illrega"])}
        return state

    def _request(self, get: Callable[[Any], int], n: int) -> dict[str, Any]:
        open_, infl, pend, bound = self._pirq.cut(get(self._pirqs[n]))
        entry = get(self._entries[n])
        return {"low": pack("RTE_LOW", entry & 0xFFF, polarity=entry >> 12 & 1,
                            trigger=entry >> 13 & 1, mask=entry >> 14 & 1),
                "dest": entry >> 16 & 0xFF, "reqx": entry >> 24 & 0xFFFFFFFF,
                "owner": pack("PIRQ_OWNER", dom=entry >> 56 & 0xF, valid=entry >> 60 & 1),
                "infl": infl, "bound": bound, "open": open_, "pending_ports": pend}

    def _port_state(self, word: int) -> tuple[Any, ...]:
        if not word:
            return "free", 0, 0, 0, 0
        number, notify, tie = self._port.cut(word)
        port, dom = self._peer.cut(tie)
        match state := _NAMES[number]:
            case "free":
                return state, 0, 0, 0, 0
            case "pirq":
                return state, notify, 0, 0, tie & (1 << self._config.pirq_bits) - 1
            case "ipi":
                return state, notify, 0, 0, 0
            case "unbound":
                return state, notify, dom, 0, 0
        return state, notify, dom, port, 0

    def _domain(self, get: Callable[[Any], int], d: int, rrptr: int) -> dict[str, Any]:
        c = self._config
        words = [get(self._words[(d << c.port_bits - 5) + w]) for w in range(c.port_words)]
        lanes = [self._lane.cut(get(self._lanes[(d << c.lane_bits) + k]), "sel", "pending", "mask")
                 for k in range(c.lanes)]
        ports = [self._port_state(get(self._ports[(d << c.port_bits) + p]))
                 for p in range(1, c.ports)]
        return {
            "pending": sum((word & 0xFFFFFFFF) << 32 * w for w, word in enumerate(words)),
            "mask": sum((word >> 32 & 0xFFFFFFFF) << 32 * w for w, word in enumerate(words)),
            "sel": [lane[0] for lane in lanes],
            "upcall": [bool(lane[1]) for lane in lanes],
            "upcall_mask": [bool(lane[2]) for lane in lanes],
            "ports": [("reserved", 0, 0, 0, 0), *ports],
            "out": [get(self._outs[(d << c.lane_bits) + k]) for k in range(c.lanes)],
            "rrptr": rrptr >> d * c.lane_bits & (1 << c.lane_bits) - 1,
        }


def difference(hardware: dict[str, Any], model: dict[str, Any]) -> list[str]:
    """Every value in which the model's state differs, in words; empty if none does."""
    for request in model["requests"]:
        request["low"] &= ~_READ_ONLY
    return [f"{kind}[{i}].{name}: hardware {value!r}, model {model[kind][i][name]!r}"
            for kind, rows in hardware.items() for i, row in enumerate(rows)
            for name, value in row.items() if model[kind][i][name] != value]
