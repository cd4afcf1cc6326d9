"""What a bus access asks of the event channels: kind, operation and errors, from its address."""

from amaranth import Module, Mux, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Err
from ..regs import Command, lookup
from ..regs.events import REGISTERS

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


_COMMANDS = {command: Op[command.name] for command in Command if command.built}
_FAST = {"EVT_SEND": Op.SEND, "EVT_UNMASK": Op.UNMASK, "EVT_PIRQ_EOI": Op.PIRQ_EOI,
         "EVT_CLAIM": Op.CLAIM}

#: What a read and a write of each register is; NONE for one that is not here.
_READS = {
    "EVT_UPCALL": Kind.INFO, "EVT_SEL": Kind.SEL, "EVT_SEL_RC": Kind.SEL_RC,
    "EVT_PENDING": Kind.PENDING, "EVT_MASK": Kind.MASK,
} | dict.fromkeys(("EVT_ARG", "EVT_RESULT", "EVT_OUT", "EVT_FASTRES"), Kind.BANK)
_WRITES = {
    "EVT_UPCALL": Kind.INFO_WRITE, "EVT_UPCALL_ACK": Kind.ACK, "EVT_MASK": Kind.MASK_CHANGE,
    "EVT_MASK_W1S": Kind.MASK_CHANGE, "EVT_MASK_W1C": Kind.MASK_CHANGE,
    "EVT_PENDING_W1C": Kind.PENDING_CHANGE, "EVT_PENDING_W1S": Kind.PENDING_CHANGE,
    "EVT_ARG": Kind.ARGUMENT, "EVT_CMD": Kind.COMMAND,
} | dict.fromkeys(_FAST, Kind.OPERATE)
#: Read-only registers of which a store is logged (ERR-05).
_REPORTED = ("EVT_SEL", "EVT_PENDING")


def _at(name: str) -> int:
    """Word of the command page that a register begins at."""
    return lookup(name).offset >> 2 & 15


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
        raise_virq = offset[2:] == (lookup("EVT_RAISE_VIRQ").offset & 0x3FFF) >> 2
        known_word = offset[2:7] < c.port_words

        def outcome(register, stored):
            name = register.name
            return [
                kind.eq(Mux(we, _WRITES.get(name, Kind.NONE), _READS.get(name, Kind.NONE))),
                partial_ok.eq(register.partial),
                event_store.eq(stored if name in _REPORTED else 0),
                foreign.eq(~request.vmm if register.right == "V" else 0),
            ]

        with m.If(~window):
            m.d.comb += kind.eq(Mux(we, Kind.CTL, Kind.NONE))
        with m.Elif(info):
            m.d.comb += unmapped.eq((offset[4:6] != 0) | (offset[6:12] >= c.lanes))
            with m.Switch(offset[2:4]):
                for register in REGISTERS:
                    if register.offset & 0x3000 == 0:
                        with m.Case(register.offset >> 2 & 3):
                            m.d.comb += outcome(register, we)
        with m.Elif(commands):
            with m.Switch(offset[2:6]):
                for register in REGISTERS:
                    if register.offset & 0x3FC0 == 0x1300:
                        count = register.dims[-1].limit if len(register.dims) > 1 else 1
                        with m.Case(*(_at(register.name) + i for i in range(count))):
                            m.d.comb += outcome(register, we)
                with m.Default():
                    m.d.comb += unmapped.eq(1)
        with m.Elif(raise_virq):
            m.d.comb += foreign.eq(~request.vmm)
        with m.Elif(words):
            with m.Switch(offset[7:10]):
                for register in REGISTERS:
                    if 0x1000 <= register.offset & 0x3FFF < 0x1300:
                        with m.Case(register.offset >> 7 & 7):
                            m.d.comb += outcome(register, we & known_word)
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

        with m.If(commands & (offset[2:6] == _at("EVT_CMD"))):
            with m.Switch(request.data):
                for number, op in _COMMANDS.items():
                    with m.Case(number):
                        m.d.comb += self.op.eq(op)
        with m.Else():
            with m.Switch(offset[2:6]):
                for name, op in _FAST.items():
                    with m.Case(_at(name)):
                        m.d.comb += self.op.eq(op)
        return m
