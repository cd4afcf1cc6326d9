"""Who works with the request store: each drives its ports for a cycle, then has its effect."""

from vapic.layouts import Outcome
from vapic_sim.model.records import Outcome as ModelOutcome

#: Few, so that they meet.
VECTORS = (0x20, 0x21, 0x22, 0xA0)
#: Cycles from a change of a pin to the last one that does not see it.
PIN_LEADS = 2


class Partner:
    """One of those around the store.

    `drive` sets inputs and looks at outputs of a cycle, before its edge.
    """

    def __init__(self, bench):
        self.bench, self.rng = bench, bench.rng

    def chance(self, one_in):
        return self.rng.randrange(one_in) == 0


class Globals(Partner):
    """CTRL: enabled, mostly. A write of it is an access of its own, and waits for grants too."""

    enable, latch = 1, 0

    def drive(self, ctx, dut):
        if self.bench.bus.access is None and not any(self.bench.granting):
            if self.chance(20):
                self.enable ^= 1
            if self.chance(20) or (not self.enable and self.chance(2)):
                self.enable, self.latch = int(not self.chance(5)), self.rng.randrange(2)
        ctx.set(dut.globals, {"enable": self.enable, "latch_masked_edges": self.latch})
        self.bench.model.switch(self.enable, self.latch)


class Devices(Partner):
    """Lines, which pass two flip-flops, and messages.

    A message is an access of its own, so none comes during another. It is told in the cycle after
    its decision.

    Attributes
    ----------
    message, told : int or None
        Entry of the message that is decided in this cycle, and of the one that is told.
    """

    def __init__(self, bench):
        super().__init__(bench)
        self.pins = self.meta = self.sample = self.line = 0
        self.message = self.told = None
        #: Pins to be changed back.
        self.pulse = 0
        #: Merges of the message that is told in this cycle, and those that `merged` has to tell.
        self.of_message = self.owed = 0

    def drive(self, ctx, dut):
        rng, config = self.rng, self.bench.config
        pulse, selected = self.pulse, self.bench.model.n
        self.pulse = 0
        if pulse:
            self.pins ^= pulse
        elif selected < config.rtes and self.bench.dispatcher.delay == PIN_LEADS and self.chance(3):
            # The line of the request under selection is another just while an outcome is told.
            self.pulse = 1 << selected
            self.pins ^= self.pulse
        elif self.chance(3):
            self.pins ^= rng.getrandbits(config.rtes) & rng.getrandbits(config.rtes)
        ctx.set(dut.pin, self.pins)
        self.told, self.message = self.message, None
        ctx.set(dut.message.valid, self.told is not None)
        ctx.set(dut.message.index, self.told or 0)
        if config.irts and self.bench.bus.access is None and self.chance(2):
            # They like to meet the decision about their entry.
            near = self.bench.model.n - config.rtes
            self.message = near if near >= 0 and self.chance(2) else rng.randrange(config.irts)

    def occur(self, ctx, dut, handed, written):
        """Lines are looked at, but not in a cycle in which an entry is written."""
        new, bench = self.line if written is not None else self.sample, self.bench
        selected = bench.model.n
        met = bench.model.requests[selected].pend and (
            handed == selected or (new ^ self.line) >> selected & 1)
        count = bench.model.arrive(new, handed)
        assert ctx.get(dut.merged) == self.owed, bench.cycle
        # What came with the request under selection may be told a cycle late.
        self.owed = count + self.of_message - ctx.get(dut.coalesced)
        assert self.owed in ((0, 1) if met else (0,)), bench.cycle
        self.of_message = bench.model.send(self.message)
        bench.seen["late"] += self.owed
        bench.seen["messages"] += self.message is not None
        bench.seen["message merges"] += self.of_message
        assert ctx.get(dut.commits_lines.valid) == (new != self.line), self.bench.cycle
        assert ctx.get(dut.commits_lines.record.data) == new, self.bench.cycle
        self.bench.seen["lines"] += new != self.line
        self.bench.seen["merges"] += count
        self.line, self.sample, self.meta = new, self.meta, self.pins


class Bank(Partner):
    """EOI broadcasts, which act in the cycle after they are told.

    Each is an access of a vCPU, which takes some cycles; no other is answered meanwhile.
    """

    told = acts = None
    since = 0

    def drive(self, ctx, dut):
        rng, bench = self.rng, self.bench
        self.acts, self.told = self.told, None
        self.since += not ctx.get(dut.registers.ending)
        if self.since >= 11 and bench.bus.expected is None and self.chance(4):
            # They like to match the request under selection.
            near = bench.model.requests[bench.model.n]
            self.told = (near.dom, near.vector) if self.chance(3) else (
                rng.randrange(2), rng.choice(VECTORS))
            self.since = 0
        dom, vector = self.told or (0, 0)
        ctx.set(dut.eoi, {"valid": self.told is not None, "dom": dom, "vector": vector})


class EventChannels(Partner):
    """Hand-backs and notes of PIRQ rows, which act a cycle later; they end flights on request."""

    def __init__(self, bench):
        super().__init__(bench)
        #: As told in this cycle, and as they act in it; flights that are about to end.
        self.back = self.note = self.back_acts = self.note_acts = None
        self.ending = []
        #: Flights that a register write is to end, and waits for.
        self.owed = set()

    def drive(self, ctx, dut):
        self.back_acts, self.back, self.note_acts, self.note = self.back, None, self.note, None
        # They like to touch the entry that the bus is at, or a message.
        near, message = self.bench.bus.entry(), self.bench.devices.message
        if message is not None:
            near = self.bench.config.rtes + message
        near = near if self.chance(2) else None
        calm = self.bench.cycle >> 5 & 1    # each makes accesses wait
        if self.chance(9) and not calm:
            self.back = self._hand_back(near)
        ctx.set(dut.hand_back, {"valid": 1, **self.back} if self.back else {"valid": 0})
        if self.ending and self.chance(3):
            self.note = self.ending.pop(), 0, self.rng.randrange(2)
        elif not (self.ending or self.owed or ctx.get(dut.registers.draining)
                  or calm) and self.chance(6):
            self.note = self._note(near)
        names = ("valid", "n", "infl_any", "bound_any")
        ctx.set(dut.pirq_note, dict(zip(names, (1, *self.note), strict=True))
                if self.note else {"valid": 0})
        self._end_flight(ctx, dut)

    def _hand_back(self, near):
        """Not an occurrence of a level pin, nor of one that becomes it in this cycle."""
        n = near or self.rng.randrange(self.bench.config.pirqs)
        request = self.bench.model.requests[n]
        level = request.pin and (request.level or self.bench.spoils == n)
        return {"n": n, "clear_rirr": self.rng.randrange(2),
                "set_pend": self.rng.randrange(2) & (not level)}

    def _note(self, near):
        """Nothing is in flight of a PIRQ without an owner, and nothing bound."""
        n = near or self.rng.randrange(self.bench.config.pirqs)
        disowned = not self.bench.model.requests[n].owned or self.bench.bus.owner() == n
        return n, int(self.rng.randrange(2) and not disowned), int(self.chance(3) and not disowned)

    def _end_flight(self, ctx, dut):
        ctx.set(dut.end_flight.ready, self.rng.randrange(2))
        if ctx.get(dut.end_flight.valid):
            n = ctx.get(dut.end_flight.payload)
            assert n in self.owed, self.bench.cycle
            if ctx.get(dut.end_flight.ready):
                self.ending.append(n)
                self.bench.seen["end_flight"] += 1

    def tell(self):
        """A note acts."""
        if self.note_acts:
            n, infl, bound = self.note_acts
            self.bench.model.tell(n, infl, bound)
            if not infl:
                self.owed.discard(n)


class Dispatcher(Partner):
    """Takes an offer, and grants it to some targets or ends it, some cycles later.

    A grant is decided in one cycle, in which `granting` is 1, and told in the next; so is an
    outcome. It is AGAIN if the request did not stand still until it was decided.

    Attributes
    ----------
    ends : list of Outcome
        What a selection may end with.
    grants : bool
        It may end with a grant too.
    """

    def __init__(self, bench):
        super().__init__(bench)
        self.ends, self.grants = list(Outcome)[1:], True
        #: Cycles until it may decide; targets left, None before the first; the entry as taken.
        self.delay, self.left, self.entry, self.kind = None, None, None, 0
        self.idle_live = 0
        #: The request whose grant or outcome is told in this cycle, and that outcome.
        self.about, self.told = None, Outcome.NONE
        #: Whether a request became parked in the cycle before.
        self.parked = False

    def drive(self, ctx, dut):
        rng, bench, requests = self.rng, self.bench, dut.requests
        self.first = self.last = self.multi = 0
        self.outcome, self.taken = Outcome.NONE, None
        self.recheck = int(self.chance(10))
        if self.entry is not None:
            bench.check_entry(ctx.get(requests.request), self.entry)
        self._check(ctx, dut)
        if self.entry is None:
            self._take(ctx, dut)
        elif self.told != Outcome.NONE:
            pass
        elif self.delay:
            self.delay -= 1
            self.fresh = False
        elif self.left is None:
            self._decide(ctx, dut)
        else:
            self.multi = self.left > 0
            self.left -= self.chance(3)
            self.last = int(self.left <= 0 and self.multi)
        self.target = rng.randrange(bench.config.lanes), rng.randrange(bench.config.ports)
        ctx.set(dut.recheck, self.recheck)
        ctx.set(requests.take, self.taken is not None)
        ctx.set(requests.multi, self.multi)
        ctx.set(dut.granting, self.first | self.last | (self.outcome != Outcome.NONE)
                | self.chance(15))

    def _check(self, ctx, dut):
        """What stands is offered, and no access that ends flights is under way."""
        bench, requests = self.bench, dut.requests
        draining = ctx.get(dut.registers.draining)
        assert draining or not bench.channels.owed, bench.cycle
        selecting = self.entry is not None and self.told == Outcome.NONE
        if selecting and self.left is None and not self.fresh:
            assert ctx.get(requests.ok) == (
                bench.model.good() and not ctx.get(dut.registers.ending)), bench.cycle
        offer = ctx.get(requests.offer)
        if offer:
            assert bench.live[ctx.get(requests.tag)] and not draining, bench.cycle
        live = any(live and n not in bench.late for n, live in enumerate(bench.live))
        waits = self.entry is None and live and not (offer or draining)
        self.idle_live = self.idle_live + 1 if waits else 0
        # A pick takes three cycles and is lost if its line falls; an access takes two.
        assert self.idle_live < 12, bench.cycle

    def _take(self, ctx, dut):
        requests = dut.requests
        if not ctx.get(requests.offer) or self.chance(4):
            return
        self.taken = n = ctx.get(requests.tag)
        assert ctx.get(requests.offer_dom) == self.bench.model.requests[n].dom
        self.entry = self.bench.entry_row(n) | {"kind": int(n >= self.bench.config.rtes)}
        del self.entry["autoeoi"]
        self.delay, self.left, self.fresh = self.rng.randrange(1, 7), None, True

    def _decide(self, ctx, dut):
        bench, n = self.bench, self.bench.model.n
        back = bench.channels.back
        # The bank decides one thing a cycle, and what is to be granted has no RIRR; nobody may have
        # what has no owner.
        barred = not self.grants or bench.bank.told or not bench.model.requests[n].owned \
            or (back and back["n"] == n and back["clear_rirr"])
        if ctx.get(dut.requests.ok) and not barred and self.rng.randrange(3):
            self.left, self.first = self.rng.choice((0, 0, 1, 2, 3)), 1
            self.last, self.multi = int(self.left == 0), int(self.left != 0)
            bench.seen["multi" if self.multi else "grant"] += 1
        else:
            ends = self.rng.choice(self.ends)
            self.outcome = ends if ctx.get(dut.requests.ok) else Outcome.AGAIN
            bench.seen[self.outcome] += 1
            bench.seen["late outcome"] += self.outcome != ends

    def tell(self, ctx, dut):
        """In the cycle after: the grant or outcome that was decided."""
        requests = dut.requests
        ctx.set(requests.first, self.first)
        ctx.set(requests.last, self.last)
        ctx.set(requests.target.k, self.target[0])
        ctx.set(requests.target.port, self.target[1])
        ctx.set(requests.outcome, self.outcome)

    def end(self, ctx, dut, stood):
        """An outcome; every request that does not stand is put off no more."""
        model, bench = self.bench.model, self.bench
        assert ctx.get(dut.parked) == self.parked, bench.cycle
        self.parked = model.end(ModelOutcome(self.outcome.value))
        bench.seen["parked"] += self.parked
        for n, stands in enumerate(stood):
            if not stands:
                model.rouse(n)
        if self.recheck:
            model.due.update(model.everyone)

    def commit(self, written):
        """The selection sees what is written in the next cycle, and ends."""
        self.bench.model.look(self.taken, written, self.recheck)
        if self.last or self.told != Outcome.NONE:
            self.entry = None
        decides = self.first or self.last or self.outcome != Outcome.NONE
        self.about, self.told = self.bench.model.n if decides else None, self.outcome
