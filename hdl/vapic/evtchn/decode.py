"""What a bus access asks of the event channels: kind, operation and errors, from its address."""

from amaranth import Module, Mux, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Err

__all__ = ["Decode", "Kind", "Op"]


class Kind(enum.Enum, shape=4):
    """Class of a bus access; one branch of the engine each."""

    #: Nothing is done, 0 is read.
    NONE = 0
    INFO = 1
    SEL = 2
    SEL_RC = 3
    INFO_WRITE = 4
    ACK = 5
    PENDING = 6
    MASK = 7
    #: Store, W1S or W1C of mask bits.
    MASK_CHANGE = 8
    #: W1S or W1C of pending bits.
    PENDING_CHANGE = 9
    #: Read of a command register.
    BANK = 10
    #: Write of an argument.
    ARGUMENT = 11
    COMMAND = 12
    #: An operation on a port: SEND, UNMASK, PIRQ_EOI, CLAIM, or a command whose arguments are in.
    OPERATE = 13
    CTL = 14


class Op(enum.Enum, shape=4):
    """Operation on a port or allocation (EVT-20, EVT-14, EVT-40)."""

    #: A command that is not built.
    UNKNOWN = 0
    SEND = 1
    UNMASK = 2
    PIRQ_EOI = 3
    CLAIM = 4
    CLOSE = 5
    STATUS = 6
    ALLOC_UNBOUND = 7
    BIND_INTERDOMAIN = 8
    BIND_PIRQ_VCPU = 9
    BIND_IPI = 10


_COMMANDS = {
    6: Op.ALLOC_UNBOUND, 0: Op.BIND_INTERDOMAIN, 0x20: Op.BIND_PIRQ_VCPU, 7: Op.BIND_IPI,
    3: Op.CLOSE, 4: Op.SEND, 9: Op.UNMASK, 5: Op.STATUS,
}
_FAST = {8: Op.SEND, 9: Op.UNMASK, 10: Op.PIRQ_EOI, 12: Op.CLAIM}


class Decode(wiring.Component):
    """Decode one access (EVT-01, ERR-01, ERR-02, ERR-04, ERR-05, ERR-15); combinational.

    ERR-02 wins over ERR-01 (pending W1S and RAISE_VIRQ by another than the VMM), this over
    ERR-04 (partial select; not for vcpu_info +0 and the mask word), and this over ERR-05. A
    partial read is done in full and reported.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    request : ``In(Layouts.bus_request)``
        The access.
    kind, op : ``Out(Kind)``, ``Out(Op)``
        What to do.
    err, berr : ``Out(Err)``, ``Out(1)``
        What to answer besides data; ``berr`` also makes `kind` NONE.
    """

    def __init__(self, config, layouts):
        self._config = config
        super().__init__({
            "request": In(layouts.bus_request),
            "kind": Out(Kind), "op": Out(Op), "err": Out(Err), "berr": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        c, request = self._config, self.request
        we, offset = request.we, request.addr[:14]
        window = request.addr[20]
        unmapped, foreign, partial_ok, event_store = (Signal() for _ in range(4))
        kind = Signal(Kind)

        info, words = offset[12:] == 0, (offset[10:] == 0b0100) & (offset[8:10] != 3)
        commands = offset[6:] == 0x1300 >> 6
        raise_virq = offset[2:] == 0x1340 >> 2
        known_word = offset[2:7] < c.port_words

        with m.If(~window):
            m.d.comb += kind.eq(Mux(we, Kind.CTL, Kind.NONE))
        with m.Elif(info):
            m.d.comb += unmapped.eq((offset[4:6] != 0) | (offset[6:12] >= c.lanes))
            with m.Switch(offset[2:4]):
                with m.Case(0):
                    m.d.comb += [kind.eq(Mux(we, Kind.INFO_WRITE, Kind.INFO)), partial_ok.eq(1)]
                with m.Case(1):
                    m.d.comb += [kind.eq(Mux(we, Kind.NONE, Kind.SEL)), event_store.eq(we)]
                with m.Case(2):
                    m.d.comb += kind.eq(Mux(we, Kind.NONE, Kind.SEL_RC))
                with m.Case(3):
                    m.d.comb += kind.eq(Mux(we, Kind.ACK, Kind.NONE))
        with m.Elif(commands):
            with m.Switch(offset[2:6]):
                with m.Case(0, 1, 2):
                    m.d.comb += kind.eq(Mux(we, Kind.ARGUMENT, Kind.BANK))
                with m.Case(3):
                    m.d.comb += kind.eq(Mux(we, Kind.COMMAND, Kind.NONE))
                with m.Case(4, 5, 6, 11):
                    m.d.comb += kind.eq(Mux(we, Kind.NONE, Kind.BANK))
                with m.Case(*_FAST):
                    m.d.comb += kind.eq(Mux(we, Kind.OPERATE, Kind.NONE))
                with m.Case(13, 14, 15):
                    m.d.comb += unmapped.eq(1)
        with m.Elif(raise_virq):
            m.d.comb += foreign.eq(~request.vmm)
        with m.Elif(words):
            with m.Switch(offset[7:10]):
                with m.Case(0):
                    m.d.comb += [kind.eq(Mux(we, Kind.NONE, Kind.PENDING)),
                                 event_store.eq(we & known_word)]
                with m.Case(1):
                    m.d.comb += [kind.eq(Mux(we, Kind.MASK_CHANGE, Kind.MASK)), partial_ok.eq(1)]
                with m.Case(3, 4):
                    m.d.comb += kind.eq(Mux(we, Kind.MASK_CHANGE, Kind.NONE))
                with m.Case(2):
                    m.d.comb += kind.eq(Mux(we, Kind.PENDING_CHANGE, Kind.NONE))
                with m.Case(5):
                    m.d.comb += [kind.eq(Mux(we, Kind.PENDING_CHANGE, Kind.NONE)),
                                 foreign.eq(~request.vmm)]
                with m.Default():
                    m.d.comb += unmapped.eq(1)
        with m.Else():
            m.d.comb += unmapped.eq(1)

        partial = (request.sel != 0b1111) & ~partial_ok
        nothing = unmapped | foreign | partial & we | window & words & ~known_word
        m.d.comb += [self.kind.eq(Mux(nothing, Kind.NONE, kind)), self.berr.eq(unmapped | foreign)]
        with m.If(unmapped):
            m.d.comb += self.err.eq(Err.UNMAPPED)
        with m.Elif(foreign):
            m.d.comb += self.err.eq(Err.ACCESS)
        with m.Elif(partial):
            m.d.comb += self.err.eq(Err.PARTIAL)
        with m.Elif(event_store):
            m.d.comb += self.err.eq(Err.EVENT_STORE)

        with m.If(commands & (offset[2:6] == 3)):
            with m.Switch(request.data):
                for number, op in _COMMANDS.items():
                    with m.Case(number):
                        m.d.comb += self.op.eq(op)
        with m.Else():
            with m.Switch(offset[2:6]):
                for index, op in _FAST.items():
                    with m.Case(index):
                        m.d.comb += self.op.eq(op)
        return m
