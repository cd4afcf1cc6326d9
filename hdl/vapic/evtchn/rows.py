"""What one row of each event-channel memory holds, and the numbers of states."""

from amaranth.hdl import Value
from amaranth.lib import data, enum

__all__ = ["BankRow", "PortState", "RowLayouts", "put"]


class PortState(enum.Enum, shape=3):
    """State of a port (EVT-20), numbered as command status reports it."""

    FREE = 0
    UNBOUND = 1
    INTERDOMAIN = 2
    PIRQ = 3
    VIRQ = 4
    IPI = 5


class BankRow(enum.Enum, shape=2):
    """Row of a bank with two command registers: bits 4:3 of their address."""

    ARGUMENTS = 0
    FAST = 1
    RESULTS = 2
    OUT1 = 3


class RowLayouts:
    """Rows of the memories of one configuration.

    Parameters
    ----------
    config : Config
        Sizes of the controller.
    """

    def __init__(self, config):
        c = config
        #: Where the engine stands: one number for each kind of row.
        self.at = data.StructLayout({
            "dom": c.domain_bits, "port": c.port_bits, "k": c.lane_bits, "n": c.pirq_bits,
        })
        #: The far end of a port; both fields are 0 where the state has none.
        self.peer = data.StructLayout({"port": c.port_bits, "dom": c.domain_bits})
        #: A port; what it is tied to depends on the state: `peer`, or n in the low bits.
        self.port = data.StructLayout({
            "state": PortState, "notify": c.lane_bits,
            "tie": data.UnionLayout({"peer": self.peer, "n": c.pirq_bits}),
        })
        #: 32 ports of a domain. `used`: not free (port 0 counts as used); `pirq`: bound to one.
        self.word = data.StructLayout({"pending": 32, "mask": 32, "used": 32, "pirq": 32})
        #: A lane: vcpu_info, and who holds it.
        self.lane = data.StructLayout({
            "sel": c.port_words, "pending": 1, "mask": 1,
            "names": c.vcpus.bit_length(),      # vCPUs whose CTL names the lane
            "online": 1, "v": c.vcpu_bits,      # one of them is online, and which
        })
        #: A PIRQ, one bit a lane each: the bits dispatch knows, and whether a port is bound.
        self.pirq = data.StructLayout({
            "open": c.lanes, "infl": c.lanes, "pend": c.lanes, "bound": c.lanes,
        })
        #: Two command registers of a bank, those of an even and the next odd place of the page:
        #: ARG0 and ARG1, ARG2 and FASTRES, RESULT and OUT0, OUT1; see `BankRow`.
        self.bank = data.StructLayout({"even": 32, "odd": 32})
        #: Width of a count of work in flight (SEL-10).
        self.out_bits = max(8, c.pirqs.bit_length())


def put(word: Value, hot: Value, value: Value) -> Value:
    """The word with the bit of `hot` set to `value`."""
    return (word & ~hot) | (hot & value.replicate(len(hot)))
