"""The golden model's request store behind the ports of `Ioapic`: one call for each operation."""

from types import SimpleNamespace

from vapic_sim.model.core import Core
from vapic_sim.model.grants import Dispatcher
from vapic_sim.model.params import Params
from vapic_sim.model.records import Outcome
from vapic_sim.model.selection import Selection

from .model_bus import (
    COALESCED,
    CTRL,
    ENABLE,
    IOA_DELEG,
    IOA_OWNER,
    LATCH_MASKED_EDGES,
    PARKED,
    access,
    read,
    write,
)

#: Bit of REQSTAT.
SERVICEABLE = 1 << 5


class StoreModel:
    """Requests of the golden model, and the selection that dispatch makes of one of them.

    What is in flight and bound is what the event channels said last, any lane of it.

    Attributes
    ----------
    n : int
        The request under selection.
    due : set of int
        Requests to be offered if they stand: those not put off since something last changed.
    """

    def __init__(self, config):
        self.core = core = Core(Params.of(config.to_dict()))
        core.recorded = True        # what rouses a request is for the bench to say
        core.wrote_entry = self._wrote
        self.requests, self.events, self.ioapic = core.requests, core.events, core.ioapic
        self.everyone = range(core.params.pirqs)
        self.n, self.due, self._blocked = 0, set(self.everyone), set()
        self._stale = self._changed = False

    def switch(self, enable, latch_masked_edges):
        write(self.core, CTRL, ENABLE * enable | LATCH_MASKED_EDGES * latch_masked_edges
              | IOA_DELEG)

    def stands(self, n):
        """The request terms of SEL-04 hold, and grants are made."""
        return not self.core.request_fault(n)

    def good(self):
        """The selection may still be granted."""
        return self.stands(self.n) and not self._stale

    def _wrote(self, n):
        self.written = n
        self.due.add(n)

    def access(self, a):
        """A register access: (data, error, bus error), entry written, entries that it ends."""
        addr, flights, self.written = a["addr"], list(self.events.infl), None
        # Access rights are another unit's: any domain may be the delegate.
        write(self.core, IOA_OWNER, a["dom"])
        data, berr, err = access(self.core, a, a["vmm"] or addr >= 0x1000)
        if 0x2800 <= addr < 0x3000 and (addr & 0x7FF) >> 2 in self._blocked:
            data &= ~SERVICEABLE        # put off, until something changes
        ended = {n for n in self.everyone if flights[n] and not self.events.infl[n]}
        return (data, err, berr), self.written, ended

    def look(self, taken, written, recheck):
        """What the selection sees in this cycle: it starts, an entry is written, targets change."""
        if taken is not None:
            self.n, self._stale, self._changed = taken, False, False
        self._stale |= self.n == written
        self._changed |= bool(recheck)

    def end(self, outcome):
        """The selection ends without a grant; whether its request became parked."""
        parked = read(self.core, PARKED)
        if outcome in (Outcome.NONE, Outcome.AGAIN):
            return False
        self._blocked.discard(self.n)
        Dispatcher(self.core).end(
            Selection(SimpleNamespace(outcome=outcome, entry=SimpleNamespace(n=self.n))))
        if outcome == Outcome.BLOCKED:
            self._blocked.add(self.n)
        if outcome != Outcome.ERROR and not self._changed:
            self.due.discard(self.n)
        return read(self.core, PARKED) > parked

    def rouse(self, n):
        """Request n is put off no more."""
        self.core.rouse(n)
        self._blocked.discard(n)
        self.due.add(n)

    def grant(self, first, last, k, port):
        """A target of a grant: the first takes the request, and both ends of it are shown."""
        request = self.requests[self.n]
        if first:
            request.take()
        if first or last:
            self.rouse(self.n)
            request.last.append(k)
            request.last_port = port

    def tell(self, n, infl, bound):
        """The event channels tell of a PIRQ."""
        self.events.infl[n], self.events.group[n] = int(infl), {0: 0} if bound else {}

    def hand_back(self, n, clear_rirr):
        self.requests[n].rirr &= not clear_rirr

    def arrive(self, lines, handed):
        """What occurs in a cycle, on the lines last; how often it merges."""
        before, merged = read(self.core, COALESCED), 0
        if handed is not None:
            merged += self.requests[handed].latch()
        self.ioapic.set_lines(lines)
        return merged + read(self.core, COALESCED) - before

    def send(self, message):
        """A message; how often it merges."""
        before = read(self.core, COALESCED)
        if message is not None:
            self.ioapic.msi(0xFEE00010 | message << 5, 0)
        return read(self.core, COALESCED) - before
