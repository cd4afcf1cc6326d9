"""The faults of the hardware that tests have to find, one text of one file each."""

from dataclasses import dataclass

__all__ = ["MUTANTS", "Mutant", "MutantError"]


class MutantError(ValueError):
    """A text to be replaced is not there, or not once."""


@dataclass(frozen=True)
class Mutant:
    """One fault.

    Parameters
    ----------
    file : str
        In hdl/vapic.
    old, new : str
        Text, once in the file, and what stands there instead.
    fault : str
        What is wrong then.
    """

    file: str
    old: str
    new: str
    fault: str

    def __str__(self) -> str:
        return f"{self.file}: {self.fault}"

    @property
    def block(self) -> str:
        """Key in `mutants.BLOCKS`."""
        return self.file.partition("/")[0]

    def apply(self, text: str) -> str:
        """The file with the fault."""
        if text.count(self.old) != 1:
            raise MutantError(f"{self.file} has {self.old!r} {text.count(self.old)} times, not 1")
        return text.replace(self.old, self.new)


def _exchanged(one: str, other: str) -> tuple[str, str]:
    """A text of two parts, and the same with the parts exchanged."""
    return one + other, other + one


MUTANTS = (
    Mutant("policy/pull.py", "(result.key < settings.pull_depth)",
           "(result.key <= settings.pull_depth)", "room for one more than PULL.depth"),
    Mutant("policy/lowpri.py", '"tpr": ~apr & ~ppr, "ppr": ~apr & ppr',
           '"tpr": ~apr & ppr, "ppr": ~apr & ~ppr', "TPR and PPR exchanged"),
    Mutant("dispatch/tournament.py", "(key < limit)", "(key <= limit)",
           "a hint at the slack itself is not taken"),
    Mutant("policy/runfirst.py", "Cat(Const(0, 8), place,",
           "Cat(place, Const(0, 8),", "the place in the queue among the bits of the load"),
    Mutant("dispatch/tournament.py", "Mux(since[1], self.plays[1], self.plays[0])",
           "Mux(since[2], self.plays[1], self.plays[0])", "second round a cycle late"),
    Mutant("dispatch/watch.py", "(note.config | self.load & note.grew)", "note.config",
           "a load that grew is no reason to abort"),
    Mutant("dispatch/watch.py", "            | hits(self.next_note))", "            | 0)",
           "a change decided in the cycle of the grant is not seen"),
    Mutant("dispatch/watch.py", "(stale | opened & ~self.dynamic)", "stale",
           "a port that opened is not seen by a static grant"),
    Mutant("dispatch/rotation.py", "if lanes < 1 << self._config.lane_bits:", "if False:",
           "RRPTR runs beyond the last lane"),
    Mutant("evtchn/step.py", "self.was_pending | todo.notify", "todo.notify",
           "a pending bit that is not put is lost"),
    Mutant("evtchn/step.py", "& entry.autoeoi & ~entry.level)", "& entry.autoeoi)",
           "autoeoi of a level entry"),
    Mutant("evtchn/step.py", "& self._others)", "& ~self._others)",
           "close looks for its own work, not that of other lanes"),
    Mutant("evtchn/grant.py", "target.dynamic & pirq.was_infl", "0",
           "a second occurrence in flight on a lane"),
    Mutant("evtchn/ops.py", '(_PORT, _USED), Then.STEP, {"put": 1, "autoeoi": 1})',
           '(_PORT,), Then.STEP, {"put": 1, "autoeoi": 1})', "CLAIM of a free port"),
    Mutant("evtchn/ops.py", '{"mask": 1, "reraise": 1})', '{"mask": 1})',
           "UNMASK does not raise anew"),
    Mutant("evtchn/walk.py", "word.pending.bit_select(bit, 1) | self.of_pending",
           "word.pending.bit_select(bit, 1)", "a cleared pending bit was not pending"),
    Mutant("ioapic/flags.py", "& ~(at & released)", "",
           "neither a hand-back nor a change to edge clears RIRR"),
    Mutant("ioapic/flags.py", "self.first | self.fail & ~current_level",
           "self.first | self.fail", "a configuration error ends a level occurrence"),
    Mutant("ioapic/request_state.py", "~self.take & changed | self.recheck",
           "~self.take & changed", "targets that change during a selection are forgotten"),
    Mutant("ioapic/request_state.py", "| here & all_of(put_off)) & self.stands &",
           "| here & all_of(put_off)) &",
           "parked beyond the end of the request"),
    Mutant("ioapic/unit.py", "state.spoils.eq(registers.spoils | registers.change.valid)",
           "state.spoils.eq(registers.change.valid)", "a write is seen a cycle late"),
    Mutant("ioapic/unit.py", "state.rest.eq(registers.change.valid)", "state.rest.eq(0)",
           "a line that is about to change does, in a cycle in which lines rest"),
    Mutant("sources/arbiter.py", "offers[1:].any() & ~(owed & offers[0])", "offers[1:].any()",
           "two slots in a row for other sources than the table"),
    Mutant("sources/arbiter.py", "Cat(fine < i for i in range(8))",
           "Cat(fine <= i for i in range(8))", "the one served last comes first"),
    Mutant("record/table.py", *_exchanged(
        """    Row("bank", Op.UPCALL, "Upcall state taken over; `injected` if UPVEC was",
        row=_V, data=(Value("line"), Value("pend")), result=(Value("injected"),)),
""", """    Row("evt", Op.GRANT, "One target of a grant to a port", row=_V, addr=_N,
        data=(Value("none", 9), *_ENDS), result=(Value("result", 3), Value("port", 12))),
    Row("lines", Op.LINES, "The synchronised lines changed to this, polarity not applied",
        data=(Value("lines", 128, late=True),)),
"""), "a grant and the lines before an upcall"),
    Mutant("ioapic/flags.py", "& ~(here & self._all(ends & ~again)))",
           "& ~(here & self._all(ends)))", "an edge beside the decision of its grant is lost"),
    Mutant("ioapic/match.py", """
                                     & ~self.accepted)""", ")",
           "an EOI ends what was granted after it"),
    Mutant("ioapic/request_state.py", "& self.stands & all_of(self.enable)\n", "\n",
           "what has ended stays put off"),
    Mutant("ioapic/readout.py", "kept.held.eq(self.held)", "kept.held.eq(0)",
           "nothing is shown as parked"),
    Mutant("evtchn/notes.py", "writes.eq(writes ^ new)", "writes.eq(writes)",
           "a note is written over one that waits"),
    Mutant("dispatch/deliver.py", "oldest.eq(oldest + self.deciding)",
           "oldest.eq(oldest + self.done)", "the target decided is looked up too late"),
    Mutant("msi/intake.py", "(index < self._config.irts)", "(index <= self._config.irts)",
           "a message for one entry too many"),
    Mutant("slices.py", "self.i.ready.eq(~full)", "self.i.ready.eq(1)",
           "a target is taken though there is no room"),
    Mutant("rows.py", "port = self._memory.read_port()",
           "port = self._memory.read_port(transparent_for=[self._write])",
           "BEFORE shows the row after the write"),
    Mutant("rows.py", "~read.hold if kind is Read.HELD else 1", "1", "HELD does not hold"),
    Mutant("access/globals_.py", "built = value & register.write_mask", "built = value",
           "bits that are not built are kept"),
    Mutant("access/rights.py", "entries & (addr[2:11] < c.pirqs)",
           "entries & (addr[2:11] <= c.pirqs)", "one entry too many"),
    Mutant("regs/layout.py", "if part.built and register.keep_of(part) is keep", "if part.built",
           "reset values of what is kept elsewhere"),
    Mutant("bank/registers.py", "store.eq(self.bus & access.we & access.whole & self.live)",
           "store.eq(self.bus & access.we & self.live)", "a partial write is done"),
    Mutant("bank/issue.py", "for stage in stages[:-1]).any()", "for stage in stages[:-2]).any()",
           "an operation issued while the one before of its vCPU is decided"),
    Mutant("bank/bitmaps.py", " & below_2[3].replicate(8)", "",
           "a vector is found below the lowest word"),
    Mutant("bank/decide.py", "(irr > tpr) & (irr > isr)", "(irr >= tpr) & (irr > isr)",
           "a request of the class of TPR"),
    Mutant("controller.py", "access.hold.eq(granting | settling.any())",
           "access.hold.eq(granting)", "what a grant did is read before it is counted"),
    Mutant("controller.py", "settling.eq(Cat(granting, settling))", "settling.eq(granting)",
           "an access a cycle too early for what is counted"),
    Mutant("controller.py", "self.evt.note.valid | self.ioapic.recheck", "self.evt.note.valid",
           "idle while what is parked is about to be looked at anew"),
    Mutant("controller.py", "self.idle.eq(rested & unchanged)", "self.idle.eq(rested)",
           "idle in the cycle in which an input changes"),
    Mutant("onehot.py", ", *(other.eq(0) for other in ways)]", "]",
           "an earlier way counts beside the last one"),
    Mutant("evtchn/store.py", "read.hold.eq(enable.any())", "read.hold.eq(0)",
           "words are read beside a write"),
    Mutant("evtchn/store.py", "read.hold.eq(enable & self.hold_pirq)", "read.hold.eq(0)",
           "a PIRQ is read beside a write"),
    Mutant("evtchn/store.py", "Mux(meets, self.pirq_data[name], pirq[name])", "pirq[name]",
           "two steps of a walk at one PIRQ"),
    Mutant("evtchn/store.py", "self.write_inflight & (at == bank)", "0",
           "work in flight that begins or ends now is not counted for the bank"),
    Mutant("evtchn/store.py", "self.write_inflight & (at == go)", "0",
           "two steps of a walk at one lane"),
    Mutant("evtchn/store.py", "[:self._config.port_bits - 5] == 0", " == 0",
           "port 0 of all domains but the first is free"),
    Mutant("evtchn/store.py", """with m.If(~self.hold_port):
                m.d.sync += _bits(self.port)""", """with m.If(1):
                m.d.sync += _bits(self.port)""", "the port that waits in a walk is lost"),
    Mutant("evtchn/first_bit.py", "some[j] & ~some[:j].any()", "some[j]",
           "a bit in each group of four is the lowest"),
    Mutant("evtchn/end_flight.py", "masked=~(row.open & hot).any()", "masked=0",
           "the end of flight opens a masked port"),
    Mutant("evtchn/end_flight.py", "cursor.move(m, k=k, dom=pirq.entry.dom)",
           "cursor.move(m, k=k)", "work in flight ends in the domain of what was before"),
    Mutant("ioapic/readout.py", "self.reads & target.low & ~self.foreign",
           "self.reads & target.low", "state of a hidden entry is shown"),
    Mutant("ioapic/readout.py", "row.reqx.path & row.reqx.ser & kept.infl",
           "row.reqx.path & kept.infl", "blocked by what is in flight though not serialised"),
    Mutant("evtchn/router.py", "aim.eq(grant.multi | ", "aim.eq(",
           "an access between the targets of a static grant"),
    Mutant("evtchn/router.py", "take & ~aim & valid", "take & valid",
           "an access at the rows of a target that did not come"),
    Mutant("evtchn/cursor.py", "self._queries, self.now.n", "self._queries, 0",
           "the table entry of an operation that stays where it is"),
    Mutant("access/errors.py", "before & clear.any()", "0",
           "a reserved policy in the cycle in which ERRINFO is cleared"),
    Mutant("access/unit.py", "issued & writes & ~self.hold", "issued & writes",
           "a global register is written while a grant is decided"),
    Mutant("bank/counters.py", "late_2 | _is(self.strobe, read_v_2)", "late_2",
           "a grant in the cycle in which its counter is answered"),
    Mutant("bank/answer.py", "(answer + late)", "answer",
           "a grant counted beside a read is not shown"),
    Mutant("bank/subject.py", "with m.If(self.clear):", "with m.If(0):",
           "a row read before a reset is in rows after it"),
    Mutant("dispatch/unit.py", "ending.eq(~committed)", "ending.eq(1)",
           "a grant that committed has an outcome too"),
    Mutant("ioapic/entries.py", "targets.write.addr.eq(self.current)",
           "targets.write.addr.eq(self.n)", "the last target of the entry that software looks at"),
    Mutant("sources/arbiter.py", "requests.learn & mine", "requests.learn",
           "a hint is learnt by all sources"),
    Mutant("sources/arbiter.py", """with m.If(others):
                m.d.sync += last.eq(rotation.n)""", """m.d.sync += last.eq(rotation.n)""",
           "a slot of the table moves the turn of the others"),
)
