"""The golden model behind the ports of the bank: one call for each commit of it."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from vapic_sim.model.core import Core
from vapic_sim.model.grants import Dispatcher
from vapic_sim.model.params import Params
from vapic_sim.model.records import AcceptResult
from vapic_sim.model.selection import Selection
from vapic_sim.model.vcpu import Note, Vcpu

from .model_bus import CTRL, ENABLE, RETRY_ON_IRR, SPURIOUS, access, read, write

#: Of the page of a vCPU.
LOAD, GRANTS, WAKES, ABORTS = 0x14, 0x28, 0x2C, 0x30


def lane_row(vcpu):
    """What dispatch is told of the lane of a vCPU; the out count comes from elsewhere."""
    apic = vcpu.apic
    return {"online": vcpu.online, "frozen": vcpu.freeze, "enabled": apic.en,
            "svr_enabled": apic.svr_enabled, "id": apic.id, "ldr": apic.ldr,
            "flat": apic.dfr == 15, "cluster": apic.dfr == 0, "sched": vcpu.sched,
            "tpr": apic.tpr, "ppr": apic.ppr, "apr": apic.apr,
            "count": min(255, apic.count), "v": vcpu.v}


@dataclass
class Commit:
    """One commit: the answer, row, place and owed vector before it, what others are told."""

    vcpu: Vcpu
    answer: Any
    row: dict
    place: tuple[int, int]
    owed: bool
    eois: list
    changed: bool
    grew: bool
    wake: int
    spurious: int


class BankModel:
    """All vCPUs of the golden model; what their neighbours hold is said with each operation."""

    def __init__(self, config):
        self.core = Core(Params.of(config.to_dict()))
        self.core.recorded = True       # writes of CTL come as notes
        self.vcpus, self.eois = self.core.vcpus, []
        self.core.ioapic.lapic_eoi = lambda dom, vector: self.eois.append((dom, vector))

    def _commit(self, vcpu, operation, dom=None, **entry):
        """Do it while a selection of the vCPU's domain watches."""
        core, old = self.core, (lane_row(vcpu), (vcpu.dom, vcpu.k), vcpu.owed)
        counters = 0x8000 + 0x40 * vcpu.v + WAKES, SPURIOUS
        counts = [read(core, counter) for counter in counters]
        entry = SimpleNamespace(dom=vcpu.dom if dom is None else dom, **entry)
        core.selection = watch = Selection(SimpleNamespace(entry=entry, targets=range(2)))
        self.eois.clear()
        answer = operation()
        eois = [eoi for eoi in self.eois if eoi[0] < core.params.domains]    # others own nothing
        return Commit(vcpu, answer, *old, eois, bool(watch.changed), bool(watch.grew),
                      *(read(core, at) - n for at, n in zip(counters, counts, strict=True)))

    def bus(self, r, out, counts):
        """An access: (data, bus error, error); `counts` has GRANTS and ABORTS by vCPU."""
        core, addr = self.core, r["addr"] & ~3
        vcpu = core.vcpus[min(len(core.vcpus) - 1, addr >> (13 if addr >> 22 & 1 else 6) & 511)]

        def do():
            if vcpu.online:
                core.events.out[vcpu.dom][vcpu.k] = out(vcpu.dom, vcpu.k)
            data, berr, err = access(core, r)
            slot = None if r["we"] else addr - 0x8000 - 0x40 * vcpu.v
            if slot in counts:
                data += counts[slot](vcpu.v)
            if slot == LOAD and not vcpu.online:    # see the model's masks
                data = min(255, data + out(vcpu.dom, vcpu.k))
            return data, berr, err
        return self._commit(vcpu, do)

    def accept(self, r, ok, retry_on_irr):
        """A target of a grant; dispatch says `ok`."""
        core, vcpu = self.core, self.core.vcpus[r["v"]]

        def accept():
            write(core, CTRL, ENABLE | RETRY_ON_IRR * retry_on_irr)
            if r["illegal"]:
                vcpu.apic.received_illegal()
                return AcceptResult.RECVILL
            if not ok:
                return AcceptResult.ABORT
            if Dispatcher(core).retries(core.selection, vcpu):
                return AcceptResult.RETRY
            fresh = core.accept(vcpu, r["vector"], bool(r["level"]))
            return AcceptResult.SET if fresh else AcceptResult.MERGED
        return self._commit(vcpu, accept, dynamic=bool(r["single"]), vector=r["vector"])

    def upcall(self, r):
        """A note of upcall state, which an offline vCPU has none of; whether UPVEC is injected."""
        vcpu = self.core.vcpus[r["v"]]
        pend, line = (bool(r[name] and vcpu.online) for name in ("pend", "line"))
        rose = bool(r["pend"] and (r["rise"] or not vcpu.pend))
        return self._commit(
            vcpu, lambda: self.core.take_note(vcpu, Note(pend, line, rose, True)))

    def ctl(self, r, out):
        """A write of VCPU.CTL; whether it is applied."""
        core, vcpu, data = self.core, self.core.vcpus[r["v"]], r["data"]
        dom, k = data >> 4 & 15, data >> 24 & 63

        def write():
            core.holder = {(dom, k): object() if r["held"] and data & 1 else vcpu}
            if vcpu.online:
                core.events.out[vcpu.dom][vcpu.k] = out(vcpu.dom, vcpu.k)
            return core.write_ctl(vcpu, data)
        return self._commit(vcpu, write, dom)
