"""Grants: targets, their decisions, and what the event channels ask of the bank."""

from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import Config
from .enums import AcceptResult, NoteOp

__all__ = ["SinkRecords"]


class SinkRecords:
    """Targets of grants, and notes between their sinks. Part of `Layouts`."""

    config: Config

    def _add_sinks(self):
        c = self.config
        #: One target of a grant to the bank (path LAPIC).
        self.accept = data.StructLayout({
            "n": c.pirq_bits, "v": c.vcpu_bits, "vector": 8, "level": 1,
            "single": 1,    # the grant has one target: RETRY is possible
            "first": 1, "last": 1,
            "illegal": 1,   # record ESR.RECVILL and nothing else
        })
        #: One target of a grant to the event channels (path EVT).
        self.evt_grant = data.StructLayout({
            "n": c.pirq_bits, "dom": c.domain_bits, "k": c.lane_bits, "v": c.vcpu_bits,
            "dynamic": 1, "first": 1, "last": 1,
        })
        #: End of one target, from bank or event channels, in the cycle of the decision.
        self.decision = data.StructLayout({
            "valid": 1, "result": AcceptResult, "port": c.port_bits,
        })
        #: Event channels to bank.
        self.note = data.StructLayout({
            "op": NoteOp, "v": c.vcpu_bits,
            "pend": 1,      # upcall_pending now
            "line": 1,      # upcall_pending AND NOT upcall_mask now
            "rise": 1,      # upcall_pending went 0 -> 1 by this
            "data": 32,     # value written to CTL
            "held": 1,      # CTL: another online vCPU holds the lane named in `data`
        })
        #: The bank's answer to a note, one cycle long.
        self.note_done = data.StructLayout({
            "valid": 1, "applied": 1,
            "old_dom": 4, "old_k": 6, "old_online": 1, "new_dom": 4, "new_k": 6, "new_online": 1,
        })
        #: A strobe about one vCPU.
        self.vcpu_strobe = data.StructLayout({"valid": 1, "v": c.vcpu_bits})

    def sink(self, payload) -> wiring.Signature:
        """Dispatch (initiator) to who accepts the targets of a grant: bank or event channels.

        - ``target``: one target, in the order in which they are to be decided.
        - ``ok``: in the cycle in which the sink decides, from the cycle after the transfer on: the
          choice still stands, so that the target may commit (SEL-20).
        - ``done``: what became of it, combinational in that cycle.

        Parameters
        ----------
        payload : StructLayout
            ``accept`` or ``evt_grant``.
        """
        return wiring.Signature({
            "target": Out(stream.Signature(payload)), "ok": Out(1), "done": In(self.decision),
        })
