"""The state that the parts of the event-channel engine share, and how an operation is answered."""

from amaranth import Module, Signal, signed
from amaranth.lib import data

from ..layouts import Err, Layouts, NoteOp
from ..record import Recorder
from ..trees import decode
from .decode import Decode, Kind, Op
from .rows import Errno, PortState, RowLayouts
from .store import Store

__all__ = ["STEP", "Engine"]

#: What the step of raise_.py does to port, lane and PIRQ of `here`; set by who leads up to it.
STEP = data.StructLayout({
    "notify": 1,        # set pending and go on as EVT-10
    "put": 1, "value": 1,   # set the pending bit to `value` and nothing more
    "mask": 1, "flip": 1,   # mask bit: clear it, or flip it
    "reraise": 1,       # a mask bit that is cleared goes on as EVT-11
    "bitwise": 1,       # write the port's bits of the words (else their caller does)
    "begin": 1,         # work in flight begins (grant)
    "end": 1,           # it ends
    "autoeoi": 1,       # it ends if pending was 1 and the entry has autoeoi in force
    "alloc": 1, "close": 1,
})


class Engine:
    """Signals between the states of one engine.

    ``go`` (next) and ``here`` (now) say where it stands, see `Store`. ``fire`` runs one step, in
    the decision cycle of a port operation, of a grant, or of one bit of a walk.

    Parameters
    ----------
    unit : EventChannels
        Whose ports are driven.
    m : Module
        Where the logic goes.
    """

    def __init__(self, unit, m: Module, store: Store):
        c = self.config = unit.config
        layouts = Layouts(c)
        rows = RowLayouts(c)
        self.unit, self.store, self.globals = unit, store, unit.globals
        self.request, self.entry = unit.bus.req.payload, unit.query_entry
        self.go, self.here = store.go, store.here
        #: The lane's row as it is to be written.
        self.lane_next = store.lane_data
        self.step = Signal(STEP)
        self.fire, self.done = Signal(), Signal()
        # What the step makes of the port's bits.
        self.now_pending, self.now_masked = Signal(), Signal()
        #: The PIRQ was in flight to the lane, a cycle ago.
        self.was_infl = Signal()
        # Latched one cycle before the step.
        self.bit = Signal(5)
        self.was_pending, self.was_masked, self.is_pirq = Signal(), Signal(), Signal()
        # The access under way, one cycle after the request is seen.
        self.kind, self.op = Signal(Kind), Signal(Op)
        self.err, self.berr = Signal(Err), Signal()
        #: Result of a command, and of a failed one the negative error number.
        self.code = Signal(signed(7))
        #: Of a fast operation, whose result goes to FASTRES.
        self.fast = Signal()
        #: The operation got as far as its step.
        self.apply = Signal()
        self.decode = m.submodules.decode = Decode(c, layouts)
        m.d.comb += self.decode.request.eq(self.request)
        # Operands of an operation, their checks, and the places that a command names.
        self.operand, self.lane_operand = Signal(32), Signal(32)
        self.place = Signal(rows.at)
        self.window = self.request.addr[14:14 + c.domain_bits]
        self.port_ok, self.n_ok, self.k_ok = Signal(), Signal(), Signal()
        self.dom_ok, self.dom_own, self.remote_ok = Signal(), Signal(), Signal()
        # What an operation found in the rows, latched in state ROWS.
        self.state = Signal(PortState)
        self.mine_to_bind, self.absent, self.owner, self.bound = (Signal() for _ in range(4))
        # PIRQ_EOI: in flight to the issuer; lanes that have consumed theirs.
        self.ended_own, self.candidates = Signal(), Signal(c.lanes)
        # The grant under way.
        self.granting, self.refused = Signal(), Signal()
        self.grant = Signal(layouts.evt_grant)
        self.multi, self.granted = Signal(), Signal()
        # The walk over bits of a word: those to do, and what its three stages hold.
        self.left = Signal(32)
        self.walking, self.walk_pending = Signal(), Signal()
        self.second, self.third, self.written = Signal(), Signal(), Signal()
        #: Mask word as the steps leave it; the row read lags behind.
        self.mask_now = Signal(32)
        #: The near and the far end of a pair of ports.
        self.mine, self.far = Signal(rows.peer), Signal(rows.peer)
        # One note on its way to the bank.
        self.note, self.note_valid = Signal(layouts.note), Signal()
        self.note_free = Signal()
        self.rows = rows
        self.recorder = Recorder.beside(m, unit, c, "evt")
        # One-hot numbers of where it stands.
        self.word_hot = decode(self.here.port[5:], c.port_words)
        self.lane_hot = decode(self.here.k, c.lanes)

    def answer(self, m: Module, value=0, *, err=Err.NONE, berr=0) -> None:
        """End the access: it is taken now and answered in the next cycle."""
        response = self.unit.bus.rsp.payload
        m.d.comb += self.unit.bus.req.ready.eq(1)
        m.d.sync += [self.unit.bus.rsp.valid.eq(1), response.data.eq(value),
                     response.err.eq(err), response.berr.eq(berr)]

    def upcall(self, m: Module, *, pending, mask, rise) -> None:
        """Note the upcall state of the lane here, which is about to be this."""
        lane = self.store.lane
        with m.If(lane.online):
            m.d.sync += [
                self.note_valid.eq(1), self.note.op.eq(NoteOp.UPCALL), self.note.v.eq(lane.v),
                self.note.pend.eq(pending), self.note.line.eq(pending & ~mask),
                self.note.rise.eq(rise),
            ]

    def fail(self, m: Module, errno: Errno) -> None:
        """End the operation with this result, nothing changed."""
        m.d.sync += self.code.eq(-int(errno))
        m.next = "DECIDE"

    def record(self, m: Module, operation: str, **values) -> None:
        """Tell the recorder, if there is one, of a decision in this cycle."""
        if self.recorder:
            self.recorder.tell(m, operation, valid=1, **values)

    def record_access(self, m: Module, value=0, berr=0) -> None:
        """Tell it of the access under way."""
        self.record(m, "bus", window=self.request.addr[14:18], request=self.request,
                    answer=value, berr=berr)

    def below(self, value, limit: int):
        """Whether a number is below a limit; a power of two costs a look at the high bits."""
        bits = max(1, (limit - 1).bit_length())
        small = value[bits:] == 0
        return small if limit == 1 << bits else small & (value[:bits] < limit)
