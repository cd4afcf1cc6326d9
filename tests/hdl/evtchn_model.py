"""The golden model's event channels behind the ports of the unit: one call for each commit."""

from dataclasses import replace

from vapic_sim.model.core import Core
from vapic_sim.model.grants import Dispatcher
from vapic_sim.model.params import Params
from vapic_sim.model.records import AcceptResult, Outcome, Record
from vapic_sim.model.replay import Replay
from vapic_sim.model.selection import Selection, choose

from .model_bus import first_error, forget_errors

WINDOW, MASK = 0x100000, 0xFFFFFFFF


class EventModel:
    """Event channels of the golden model, and what they tell their neighbours.

    Attributes
    ----------
    notes : list of (v, pend, line, rise)
        To the bank, of each change of upcall state.
    hands : list of (n, set_pend)
        To the request store, for each PIRQ that ends.
    outs : list of (domain, lane, count)
        To dispatch, of each change of what is in flight.
    """

    def __init__(self, config):
        self.core = core = Core(Params.of(config.to_dict()))
        self.events, self.vcpus, self.requests = core.events, core.vcpus, core.requests
        self.notes, self.hands, self.outs = [], [], []
        self._dispatcher, self._seq = Dispatcher(core), 0
        self._replay = Replay(core, self._dispatcher)
        self.events.on_upcall = self._upcall
        self.events.fly = self._counted(self.events.fly)
        self.events.land = self._counted(self.events.land)
        #: A vCPU that may have anything.
        self._lane = replace(core.lane_views(0)[0], online=True, sched=0)
        for request in self.requests:
            request.rirr = True     # so that each end is seen

    def _counted(self, change):
        def counted(n, k):
            out = self.events.out[self.requests[n].dom]
            before = out[k]
            change(n, k)
            if out[k] != before:
                self.outs.append((self.requests[n].dom, k, out[k]))
        return counted

    def _upcall(self, d, k, rose, changed):
        vcpu, window = self.core.holder.get((d, k)), self.events.domains[d]
        if changed and vcpu:
            pend = window.upcall[k]
            self.notes.append((vcpu.v, pend, pend and not window.upcall_mask[k], rose))

    def apply(self, op, record):
        """A bus access or a mask bit, judged by replay; (data, bus error, error) of the answer."""
        forget_errors(self.core)
        self._seq += 1
        self._replay.apply(Record(
            self._seq, "evt", op, record.row, bool(record.vmm), record.dom, record.vcpu,
            bool(record.we), record.sel, record.addr, record.data, record.result))
        for request in self.requests:
            if not request.rirr:
                self.hands.append((request.n, request.pend))
                request.rirr, request.pend = True, False
        data = 0 if record.we else record.result & MASK
        return data, record.result >> 32, first_error(self.core)

    def grant(self, g, ok):
        """A target of a grant: its result, and its port if it is delivered."""
        n, k = g["n"], g["k"]
        port = self.events.group[n].get(k)
        masked = port is not None and bool(self.events.domains[g["dom"]].mask >> port & 1)
        lane = replace(self._lane, k=k, v=g["v"], port=port, masked=masked,
                       infl=bool(self.events.infl[n] >> k & 1))
        entry = replace(self.core.entry_view(n), dest=0xFF, evt=True, ser=False, owned=True,
                        dynamic=bool(g["dynamic"]), policy=0, allow=7)
        choice = choose(entry, (lane,), self.core.terms(n))
        if g["first"] and not (ok and choice.outcome == Outcome.NONE):
            return AcceptResult.ABORT, None
        self._dispatcher.said[n] = choice, []
        result = self._dispatcher.grant(Selection(choice, begun=not g["first"]), lane)
        return result, None if result == AcceptResult.SKIP else port

    def write_ctl(self, v, data):
        """The bank's decision (LAPIC-60): whether applied, and online and place before it."""
        vcpu = self.vcpus[v]
        old = vcpu.online, vcpu.dom, vcpu.k
        applied = self.core.write_ctl(vcpu, data)
        if vcpu.online and not old[0]:
            # All that it has not heard of, as no rise.
            window = self.events.domains[vcpu.dom]
            pend = window.upcall[vcpu.k]
            self.notes.append((v, pend, pend and not window.upcall_mask[vcpu.k], False))
        return applied, old

    def held(self, v, dom, k):
        """Whether the place is not there, or another vCPU holds it."""
        params, holder = self.core.params, self.core.holder.get((dom, k))
        return dom >= params.domains or k >= params.lanes \
            or holder not in (None, self.vcpus[v])

    def check_quiet(self):
        """No mask store is unfinished."""
        self._replay.check_quiet()

    def row(self, n):
        """Bits open, infl, pend and bound of a PIRQ."""
        window, lanes = self.events.domains[self.requests[n].dom], self.events.group[n].items()
        return (sum(1 << k for k, p in lanes if not window.mask >> p & 1), self.events.infl[n],
                sum(1 << k for k, p in lanes if window.pending >> p & 1),
                sum(1 << k for k, _ in lanes))
