"""What dispatch is told of vCPUs and PIRQs."""

from amaranth.lib import data

from ..config import Config
from ..numbers import SchedState
from ..regs import Keep, vcpu
from ..regs.layout import kept

__all__ = ["LaneRecords", "policy_registers"]


def policy_registers() -> dict[str, int]:
    """Members of a lane that are registers which a vCPU has for a policy: name and width."""
    return kept((register for register in vcpu.REGISTERS if register.policy), Keep.HEAD)


class LaneRecords:
    """State that a choice of dispatch rests on. Part of `Layouts`."""

    config: Config

    def _add_lanes(self):
        c = self.config
        #: What dispatch may have to know of one vCPU, written by the bank. The lane keeps of it
        #: what every request needs and what the policies built name (`dispatch.lanes.kept`).
        self.lane = data.StructLayout({
            "online": 1, "frozen": 1, "enabled": 1,   # enabled: APIC_BASE.EN
            "svr_enabled": 1,
            "id": 8, "ldr": 8,
            "flat": 1, "cluster": 1,                  # of DFR; neither: matches broadcast only
            "sched": SchedState,
            "tpr": 8, "ppr": 8, "apr": 8,
            **policy_registers(),                     # 0 if their policy is not built
            "count": 8,                               # IRR plus ISR bits, saturating at 255
            "v": c.vcpu_bits,
        })
        #: A lane row being written, `lanes` one bit a lane (all of them at initialisation).
        self.lane_write = data.StructLayout({
            "en": 1, "dom": c.domain_bits, "lanes": c.lanes, "row": self.lane,
        })
        #: Notice of a commit that may change what a lane is eligible for, a cycle before it.
        self.lane_note = data.StructLayout({
            "valid": 1, "dom": c.domain_bits, "k": c.lane_bits,
            "config": 1,    # an eligibility term other than load changed value
            "grew": 1,      # load grew other than by a grant
        })
        #: Work accepted by way of ports and not finished (out[v]), per lane, by the event channels.
        self.out_write = data.StructLayout({
            "en": 1, "dom": c.domain_bits, "lanes": c.lanes, "out": 8,
        })
        #: Row of a PIRQ in the event channels: one bit a lane each.
        self.pirq_row = data.StructLayout({
            "open": c.lanes,    # a port is bound for (n, k) and not masked
            "infl": c.lanes,    # in flight
        })
        #: Summary of a PIRQ row, kept by the request store in flip-flops.
        self.pirq_note = data.StructLayout({
            "valid": 1, "n": c.pirq_bits, "infl_any": 1, "bound_any": 1,
            "open_changed": 1,  # an `open` bit of the row changed
        })
