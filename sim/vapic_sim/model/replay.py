"""Commit records applied to the model, which disagrees in words."""

from collections.abc import Callable

from .access import perform
from .answers import check_answer, check_flags, check_port, check_word
from .core import Core
from .grants import Dispatcher
from .masks import compared
from .pages.place import Access
from .records import AcceptResult, BusResult, Err, Mismatch, Outcome, Record
from .selection import Selection
from .vcpu import Note
from .views import LaneView

__all__ = ["Replay"]

_RESULT_WRITES = {0x130C, 0x1320, 0x1324, 0x1328, 0x1330}


def _window(address: int) -> tuple[int, int] | None:
    """Domain and offset in its event window."""
    if 0x100000 <= address < 0x140000:
        return address - 0x100000 >> 14, address & 0x3FFF
    return None


class Replay:
    """Advance the state by records and check each of them.

    Parameters
    ----------
    core : Core
        State of the controller.
    dispatcher : Dispatcher
        Carries out selections.
    """

    def __init__(self, core: Core, dispatcher: Dispatcher) -> None:
        self.core, self.dispatcher = core, dispatcher
        self._last = -1
        self._stored: list[tuple[int, int]] = []
        self._operations: dict[str, Callable[[Record], None]] = {
            "BUS": self._bus, "LINES": self._lines, "MSI": self._msi, "CTL": self._ctl,
            "UPCALL": self._upcall, "MASK_BIT": self._mask_bit, "ACCEPT": self._target,
            "GRANT": self._target, "START": self._start, "END": self._end}

    def apply(self, record: Record) -> None:
        """Apply one record; `Core.refresh` is left to the caller.

        Raises
        ------
        Mismatch
            If the record is not what the state allows; the state is then of no further use.
        """
        self.core.recorded = True
        try:
            if record.seq <= self._last:
                raise Mismatch(f"it comes after record {self._last}: not in commit order")
            operation = self._operations.get(record.op)
            if operation is None:
                raise Mismatch("there is no such operation")
            self._last = record.seq
            operation(record)
        except Mismatch as mismatch:
            raise Mismatch(f"record {record.seq} ({record.unit} {record.op} row {record.row:#x} "
                           f"addr {record.addr:#x} data {record.data:#x} result "
                           f"{record.result:#x}): {mismatch}") from None
        finally:
            self.core.recorded = False

    def check_quiet(self) -> None:
        """Check that nothing is under way or owed.

        Raises
        ------
        Mismatch
            If a selection is open, a mask store unfinished or an upcall note owed.
        """
        if self.core.selection:
            raise Mismatch(f"the selection of {self.core.selection.n} did not end")
        if self._stored:
            raise Mismatch("a mask store has no BUS record")
        for vcpu in self.core.vcpus:
            if any(note.needed for note in vcpu.notes):
                raise Mismatch(f"vCPU {vcpu.v} was not told of its upcall state")

    def _bus(self, record: Record) -> None:
        address = record.addr & ~3
        access = Access(record.vmm, record.dom, record.vcpu, address, record.we,
                        record.data & 0xFFFF_FFFF, record.sel)
        self._check_held(address, record.we)
        self._check_mask_store(access)
        bits = 0 if record.we else compared(self.core, address, record.result & 0xFFFF_FFFF)
        selection = self.core.selection
        written = selection.entry_written if selection else False
        result = perform(self.core, access)
        # An illegal vector is reported to all targets also if the entry was written before.
        if selection and selection.multi and selection.entry_written and not written:
            raise Mismatch(f"the entry of {selection.n} was written between the commits of its "
                           "grant (IOA-15)")
        window = _window(address)
        if record.we and window and window[1] in _RESULT_WRITES and record.sel == 0xF:
            bits = 0xFFFF_FFFF
        self._compare(record, result, 0xFFFF_FFFF if result.berr else bits)

    def _compare(self, record: Record, result: BusResult, bits: int) -> None:
        berr, data = bool(record.result >> 32 & 1), record.result & 0xFFFF_FFFF
        if berr != result.berr:
            raise Mismatch("expected " + ("a bus error" if result.berr else "no bus error"))
        if (data ^ result.data) & bits:
            raise Mismatch(f"expected data {result.data:#x}, compared in bits {bits:#x}")

    def _check_held(self, address: int, write: bool) -> None:
        """Writes to a target of a static grant wait for its last commit (SEL-20)."""
        selection = self.core.selection
        if not write or not selection or not selection.multi:
            return
        v = -1
        if 0x400000 <= address < 0x800000:
            v = address - 0x400000 >> 13
        if v in (lane.v for lane in selection.choice.targets):
            raise Mismatch(f"vLAPIC {v} is written between the commits of the grant of "
                           f"{selection.n}, whose target it is")

    def _check_mask_store(self, access: Access) -> None:
        stored, window = self._stored, _window(access.address)
        if not stored or window is None:
            return
        d, offset = window
        ports = self.core.params.ports
        word, group = (offset & 0x7F) >> 2, offset & ~0x7F
        if group == 0x1080:
            bits = sum(0xFF << 8 * i for i in range(4) if access.sel >> i & 1)
        else:
            bits = access.data if group in (0x1180, 0x1200) and access.sel == 0xF else 0
        for row, _ in stored:
            bit = row - ports * d - 32 * word
            if not access.write or not 0 <= bit < 32 or not bits >> bit & 1:
                raise Mismatch(f"mask bits were written (first row {stored[0][0]:#x}), but this "
                               "access stores none of them")
        self._stored = []

    def _mask_bit(self, record: Record) -> None:
        if self._stored and record.row <= self._stored[-1][0]:
            raise Mismatch("mask bits commit in ascending port order (EVT-15)")
        self._stored.append((record.row, record.data))
        d, p = divmod(record.row, self.core.params.ports)
        self.core.events.set_mask(d, p, bool(record.data & 1))

    def _lines(self, record: Record) -> None:
        self.core.ioapic.set_lines(record.data)

    def _msi(self, record: Record) -> None:
        latched = self.core.ioapic.msi(record.addr, record.data)
        if not latched:
            self.core.log(Err.MSI, record.addr, record.dom)
        if latched != bool(record.result):
            raise Mismatch("expected it " + ("latched" if latched else "discarded (ERR-06)"))

    def _ctl(self, record: Record) -> None:
        vcpu, selection = self.core.vcpus[record.row], self.core.selection
        if selection and selection.multi \
                and vcpu.v in (lane.v for lane in selection.choice.targets):
            raise Mismatch(f"CTL of a target of {selection.n} between the commits of its grant")
        old = vcpu.ctl
        applied = self.core.write_ctl(vcpu, record.data & 0xFFFF_FFFF)
        if not applied:
            self.core.log(Err.BUSY, 0x8000 + 0x40 * record.row, record.dom)
        if applied != bool(record.result):
            raise Mismatch(f"expected the write {'applied' if applied else 'ignored (ERR-09)'}; "
                           f"CTL was {old:#x}")

    def _upcall(self, record: Record) -> None:
        vcpu = self.core.vcpus[record.row]
        line, pend = bool(record.data & 1), bool(record.data & 2)
        owed = list(vcpu.notes)
        rose = False
        while vcpu.notes:
            note = vcpu.notes.popleft()
            rose |= note.rose
            if (note.pend, note.line) == (pend, line):
                break
        else:
            # Said again, as when v comes online: no change, and nothing else may be owed.
            if (pend, line) == (vcpu.pend, vcpu.line) and not owed:
                if record.result & 1:
                    raise Mismatch("UPVEC was injected though the upcall state did not change")
                return
            states = ", ".join(f"pend {note.pend:d} line {note.line:d}" for note in owed)
            raise Mismatch(f"upcall pend {pend:d} line {line:d} is not owed to vCPU {vcpu.v}: "
                           f"owed is {states or 'nothing'}")
        injected = self.core.take_note(vcpu, Note(pend, line, rose, True))
        if injected != bool(record.result & 1):
            raise Mismatch(f"expected UPVEC {'injected' if injected else 'not injected'}: pend "
                           f"{pend:d}, rose {rose:d}, UPVEC valid {vcpu.upvec_valid:d}, vCPU "
                           f"accepts {vcpu.accepts:d}")

    def _start(self, record: Record) -> None:
        n, core = record.row, self.core
        if core.selection:
            raise Mismatch(f"the selection of {core.selection.n} is not over")
        if n >= core.params.pirqs:
            raise Mismatch(f"there is no request {n}")
        if reason := core.request_fault(n):
            raise Mismatch(f"request {n} is not serviceable: {reason}")
        if record.data != core.requests[n].dom:
            raise Mismatch(f"PIRQ {n} is of domain {core.requests[n].dom}")
        self.dispatcher.start(n)

    def _open(self, n: int) -> Selection:
        selection = self.core.selection
        if selection is None or selection.n != n:
            raise Mismatch(f"no selection of {n} is under way")
        return selection

    def _end(self, record: Record) -> None:
        selection = self._open(record.row)
        expected = selection.choice.outcome
        if record.result == Outcome.AGAIN:
            if not (selection.entry_written or selection.eoi_written
                    or self.core.request_fault(selection.n)):
                raise Mismatch(f"{selection.n} is still requested as at the start: it must end "
                               f"with {expected.name}")
            self.core.selection = None
            return
        if record.result != expected or expected == Outcome.NONE:
            raise Mismatch(f"the selection must end with {expected.name}, says the state at its "
                           f"start: {self.dispatcher.explain(selection.n)}")
        if expected == Outcome.ERROR and selection.entry_written:
            raise Mismatch("the entry was written since the start: the error is not its own")
        left = selection.left if selection.begun else selection.choice.targets
        if expected == Outcome.ERROR and left:
            raise Mismatch(f"vCPUs {[lane.v for lane in left]} were not told of the illegal vector")
        self.dispatcher.end(selection)

    def _target(self, record: Record) -> None:
        selection = self._open(record.addr)
        entry = selection.choice.entry
        if entry.evt != (record.op == "GRANT"):
            raise Mismatch(f"path of {selection.n} is {'EVT' if entry.evt else 'LAPIC'}")
        lane = self._expected(selection, record)
        result = AcceptResult(record.result & 7)
        if result == AcceptResult.ABORT:
            if selection.begun or not self.dispatcher.stale(selection, lane):
                raise Mismatch(f"vCPU {lane.v}: nothing that the selection of {selection.n} "
                               "rests on changed since its start, so it must not abort")
            self.dispatcher.abort(selection, lane)
            return
        # A report of an illegal vector delivers nothing, so nothing is checked again for it.
        reports = selection.choice.outcome == Outcome.ERROR
        if not (reports or selection.begun) and (reason := self.dispatcher.lost(selection, lane)):
            raise Mismatch(f"the selection of {selection.n} must abort: {reason}")
        if entry.evt:
            check_port(self.dispatcher, selection, lane, record, result)
        elif reports:
            check_word(record, entry.vector, entry.level)
            check_answer(result, AcceptResult.RECVILL, lane)
            self.dispatcher.report(selection, lane)
            return
        else:
            check_word(record, entry.vector, entry.level)
            if self.dispatcher.retries(selection, lane):
                check_answer(result, AcceptResult.RETRY, lane)
                self.dispatcher.retry(selection, lane)
                return
        check_flags(selection, record)
        check_answer(result, self.dispatcher.grant(selection, lane), lane)

    def _expected(self, selection: Selection, record: Record) -> LaneView:
        """The target of a record, if it is the one that the snapshot gives."""
        choice, v = selection.choice, record.row
        if choice.outcome not in (Outcome.NONE, Outcome.ERROR) or not choice.targets:
            raise Mismatch(f"there is nothing to grant: {self.dispatcher.explain(selection.n)}")
        if choice.outcome == Outcome.NONE and choice.entry.dynamic:
            winner = self.dispatcher.winner(selection)
            if winner is None or winner.v != v:
                raise Mismatch(f"the winner is vCPU {winner.v if winner else None}: "
                               f"{self.dispatcher.explain(selection.n)}")
            return winner
        left = selection.left if selection.begun else choice.targets
        for lane in left:
            if lane.v == v:
                return lane
        raise Mismatch(f"targets left are {[lane.v for lane in left]}: "
                       f"{self.dispatcher.explain(selection.n)}")
