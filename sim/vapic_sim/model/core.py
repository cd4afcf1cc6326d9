"""All state of a controller, and the operations that cross from one part to another."""

from .control import Control
from .ioapic import Ioapic
from .params import Params
from .ports import Events
from .records import Err
from .selection import Selection
from .vcpu import Note, Vcpu
from .views import EntryView, LaneView, Terms

__all__ = ["Core"]


def _by_lane(view: LaneView) -> tuple[int, int]:
    return view.k, view.v


class Core:
    """State of the whole controller.

    Parameters
    ----------
    params : Params
        Sizes.

    Attributes
    ----------
    recorded : bool
        True while a record is applied: upcall notes then wait for their own record.
    selection : Selection or None
        The selection under way.
    warnings : list of str
        Software that shares a vector between level and edge sources (annex D28).
    """

    def __init__(self, params: Params) -> None:
        self.params = params
        self.control = Control(params)
        self.ioapic = Ioapic(params, self.control)
        self.requests = self.ioapic.requests
        self.vcpus = [Vcpu(params, v) for v in range(params.vcpus)]
        self.events = Events(params, self.control, self.requests, self._upcall, self._open)
        self.recorded = False
        self.selection: Selection | None = None
        self.holder: dict[tuple[int, int], Vcpu] = {}
        self.resting: set[int] = set()
        self.warnings: list[str] = []

    # Views of selection; by position, as they are made anew for every record of a selection

    def entry_view(self, n: int) -> EntryView:
        """Request n as it stands now."""
        r = self.requests[n]
        return EntryView(
            n, r.pin, r.vector, r.mode, r.logical, r.level, r.dest, r.evt, r.ser,
            r.dynamic(self.control.dyn_off), r.reqx >> 4 & 0xF, r.reqx >> 12 & 7,
            r.reqx >> 16 & 0x3F if r.reqx >> 15 & 1 else None, bool(r.reqx >> 22 & 1),
            r.reqx >> 24, r.owned, r.dom,
            bool(self.events.infl[n]))

    def lane_views(self, n: int) -> tuple[LaneView, ...]:
        """The vCPUs of the domain of request n as they stand now, by lane."""
        dom = self.requests[n].dom
        views = [self._lane_view(n, vcpu) for vcpu in self.vcpus if vcpu.dom == dom]
        views.sort(key=_by_lane)
        return tuple(views)

    def _lane_view(self, n: int, vcpu: Vcpu) -> LaneView:
        apic, k, d, events = vcpu.apic, vcpu.k, vcpu.dom, self.events
        port = events.group[n].get(k)
        ppr, apr = apic.priorities
        return LaneView(
            k, vcpu.v, vcpu.online, vcpu.freeze, apic.en, bool(apic.svr & 0x100), apic.id,
            apic.ldr, apic.dfr, vcpu.sched, apic.tpr, ppr, apr, self.load(vcpu),
            vcpu.kept.copy(), port,
            port is not None and bool(events.domains[d].mask >> port & 1),
            bool(events.infl[n] >> k & 1))

    def terms(self, n: int) -> Terms:
        """Global terms for request n as they stand now."""
        c = self.control
        return Terms(c.kept.copy(), c.rrptr[self.requests[n].dom], self.params.lanes,
                     self.params.vectors, self.params.policies)

    def load(self, vcpu: Vcpu) -> int:
        """load(v) of SEL-10."""
        load = vcpu.apic.irr.bit_count() + vcpu.apic.isr.bit_count()
        if vcpu.online:
            load += self.events.out[vcpu.dom][vcpu.k]
        return load if load < 255 else 255

    # Requests

    def request_fault(self, n: int) -> str:
        """Which request term of SEL-04 does not hold, ser/infl apart; empty if all do."""
        r = self.requests[n]
        if not self.control.enable:
            return "CTRL.enable is 0"
        if r.err:
            return "the entry is in error"
        if r.mask:
            return "the entry is masked"
        if not r.live:
            return "its remote IRR is set" if r.rirr and r.level else "there is no request"
        return ""

    def blocked(self, n: int) -> bool:
        """Path EVT, ser=1 and in flight (SEL-31)."""
        r = self.requests[n]
        return r.reqx & 3 == 3 and bool(self.events.infl[n])

    def wrote_entry(self, n: int) -> None:
        """A write to RTE, IRT entry, REQX or PIRQ_OWNER of n was accepted."""
        if self.selection and self.selection.n == n:
            self.selection.entry_written = True

    def refresh(self) -> None:
        """Requests that fell are parked or waiting no more."""
        if self.resting:
            requests, infl, enable = self.requests, self.events.infl, self.control.enable
            for n in tuple(self.resting):
                r = requests[n]
                if r.mask or r.err or not enable or not r.live \
                        or (infl[n] and r.reqx & 3 == 3):
                    self.rouse(n)

    def rouse(self, n: int) -> None:
        """Request n is neither parked nor waiting."""
        self.resting.discard(n)
        self.requests[n].parked = self.requests[n].waiting = False

    def _open(self, n: int) -> None:
        if self.selection and self.selection.n == n:
            self.selection.open_changed = True

    # vCPUs

    def present(self, dom: int, k: int) -> bool:
        """Some vCPU, online or not, has this domain and lane (EVT-04)."""
        return k < self.params.lanes and any((v.dom, v.k) == (dom, k) for v in self.vcpus)

    def accept(self, vcpu: Vcpu, vector: int, level: bool) -> bool:
        """A vLAPIC takes a message; True if it did not merge."""
        apic = vcpu.apic
        bit = 1 << vector
        if not level and apic.tmr & bit and (apic.irr | apic.isr) & bit:
            self.warnings.append(f"vCPU {vcpu.v}: edge vector {vector:#x} meets its level "
                                 "occurrence, whose EOI will not be broadcast")
        fresh = apic.accept(vector, level)
        self.settle_vcpu(vcpu)
        return fresh

    def eoi(self, vcpu: Vcpu) -> None:
        """EOI register of a vLAPIC."""
        vector = vcpu.apic.eoi()
        if vector is not None:
            self.ioapic.lapic_eoi(vcpu.dom, vector)

    def settle_vcpu(self, vcpu: Vcpu) -> bool:
        """Follow up an operation on a vCPU: owed vector, wake, notice to the selection.

        Returns
        -------
        bool
            Whether UPVEC was injected.
        """
        injected = vcpu.owed and vcpu.accepts
        if injected:
            vcpu.owed = False
            if vcpu.apic.accept(vcpu.upvec, False) and self.selection \
                    and self.selection.choice.entry.dom == vcpu.dom:
                self.selection.grew.add(vcpu.k)
        vcpu.count_wake()
        terms = vcpu.terms
        if terms != vcpu.seen:
            for online, dom, k, *_ in (vcpu.seen, terms):
                if online and self.selection and self.selection.choice.entry.dom == dom:
                    self.selection.changed.add(k)
            vcpu.seen = terms
        return injected

    def write_ctl(self, vcpu: Vcpu, data: int) -> bool:
        """Write VCPU.CTL; False if it is ignored as a whole (LAPIC-60, ERR-09)."""
        online, freeze = bool(data & 1), bool(data & 2)
        dom, k = data >> 4 & 0xF, data >> 24 & 0x3F
        if vcpu.online and (dom, k) != (vcpu.dom, vcpu.k):
            return False
        if online:
            holder = self.holder.get((dom, k))
            if k >= self.params.lanes or dom >= self.params.domains \
                    or holder not in (None, vcpu):
                return False
        elif vcpu.online and self.events.out[vcpu.dom][vcpu.k]:
            return False
        rises, falls = online and not vcpu.online, vcpu.online and not online
        vcpu.online, vcpu.freeze, vcpu.dom, vcpu.k = online, freeze, dom, k
        vcpu.apicid = data >> 8 & 0xFF
        if rises:
            self.holder[dom, k] = vcpu
            vcpu.notes.clear()
            self._upcall(dom, k, self.events.domains[dom].upcall[k], True)
        elif falls:
            del self.holder[dom, k]
            vcpu.pend = vcpu.line = vcpu.owed = False
            vcpu.notes.clear()
        self.settle_vcpu(vcpu)
        return True

    def write_upvec(self, vcpu: Vcpu, data: int) -> None:
        """Write VCPU.UPVEC (EVT-05)."""
        vector = data & 0xFF
        valid = bool(data & 0x100) and not vcpu.apic.illegal(vector)
        news = valid and (not vcpu.upvec_valid or vector != vcpu.upvec)
        vcpu.upvec, vcpu.upvec_valid = vector, valid
        vcpu.owed = valid and (vcpu.owed or (news and vcpu.pend))
        self.settle_vcpu(vcpu)

    # Upcalls

    def _upcall(self, dom: int, k: int, rose: bool, changed: bool) -> None:
        vcpu = self.holder.get((dom, k))
        if vcpu is None:
            return
        window = self.events.domains[dom]
        pend = window.upcall[k]
        note = Note(pend, pend and not window.upcall_mask[k], rose, changed)
        if self.recorded:
            vcpu.notes.append(note)
        elif changed:
            self.take_note(vcpu, note)

    def take_note(self, vcpu: Vcpu, note: Note) -> bool:
        """The bank takes over upcall state; whether UPVEC was injected."""
        vcpu.pend, vcpu.line = note.pend, note.line
        if not note.pend:
            vcpu.owed = False
        elif note.rose and vcpu.upvec_valid:
            vcpu.owed = True
        return self.settle_vcpu(vcpu)

    def log(self, err: Err, address: int, dom: int) -> None:
        """Log an error."""
        self.control.log(err, address, dom)
