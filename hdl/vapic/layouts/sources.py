"""Requests: what a source offers and is told, and what ends its occurrences."""

from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..config import Config
from ..policy import falls_back
from .enums import Mode, Outcome, SourceKind

__all__ = ["SourceRecords"]


class SourceRecords:
    """Requests and their sources. Part of `Layouts`."""

    config: Config

    def _add_sources(self):
        c = self.config
        #: What the event channels need of a table entry.
        self.entry = data.StructLayout({
            "mode": Mode, "level": 1,       # effective trigger
            "force_dyn": 1, "force_static": 1, "autoeoi": 1,
            "dom": c.domain_bits, "owned": 1,
        })
        #: One request, with all that dispatch must know of it, whoever asks (SEL-01). A source
        #: without an entry says what stands there for its kind: path 0, ser 0, allow 7.
        self.request = data.StructLayout({
            "kind": SourceKind,
            "vector": 8, "mode": Mode, "logical": 1, "dest": 8,
            "level": 1,     # effective trigger: of the target's TMR bit
            "path": 1,      # 1 = EVT, for PIRQs alone
            "ser": 1, "force_dyn": 1, "force_static": 1,
            "policy": 4,    # 15 = POLICY[3:0]
            "allow": 3,
            "dom": c.domain_bits,
            "owned": 1,     # `dom` is valid; without it no vCPU matches
            # Of a policy that falls back, if one is built.
            **({"hint_valid": 1, "hint": 6, "learn": 1, "slack": 8} if falls_back(c) else {}),
        })
        #: A target of a grant as its source keeps it (SEL-24).
        self.last_target = data.StructLayout({"k": c.lane_bits, "port": c.port_bits})
        #: What the event channels do to a request outside a grant, all in one cycle.
        self.hand_back = data.StructLayout({
            "valid": 1, "n": c.pirq_bits,
            "clear_rirr": 1,
            "set_pend": 1,      # edge and IRT entries: the occurrence is pending again
            "port": c.port_bits,
        })
        #: A message for MSI table entry `index`, one cycle long, never refused.
        self.message = data.StructLayout({
            "valid": 1, "index": max(1, (c.irts - 1).bit_length()),
        })
        #: EOI broadcast of a vLAPIC (IOA-11a).
        self.eoi = data.StructLayout({"valid": 1, "dom": c.domain_bits, "vector": 8})

    @property
    def source(self) -> wiring.Signature:
        """A source of requests (initiator) to dispatch, or to the arbiter before it.

        The way of a request, one at a time:

        - ``offer``: request ``tag`` is serviceable in this very cycle, as far as the source itself
          can tell (SEL-04). It may change or go until taken. ``tag`` counts within the kind: PIRQ,
          slot or sender; it is as wide as the widest of the sources that are built.
        - ``take`` in a cycle with ``offer`` starts its selection. ``request`` is valid from the
          next cycle on and stays until the next take: it is a snapshot, whatever happens to
          the entry. So a source may read it from a memory at the address ``tag``.
        - ``ok``, from the second cycle after ``take`` until the grant or outcome is decided: the
          request stands and nothing of it was written since the start. It comes from flip-flops.
          The first decision of a grant commits only with ``ok`` (SEL-20), the others do not ask.
        - Then, in the cycle after the decision, either ``first`` and ``last`` (both at once for one
          target) with the ``target`` of that decision, and ``multi`` while more are to come;
        - or an ``outcome``, one cycle long: no target. It is told a cycle after it was judged, and
          is AGAIN if ``ok`` was 0 then.
        - ``learn``, with ``first``: the request's hint becomes ``target.k`` and is valid (SEL-13);
          only if a policy built falls back.
        - ``offer_dom``, with ``config.commits`` alone: the domain of the offer, for the record of
          its start.
        """
        return wiring.Signature({
            "offer": Out(1), "tag": Out(self.config.pirq_bits), "take": In(1),
            "request": Out(self.request), "ok": Out(1),
            "first": In(1), "last": In(1), "target": In(self.last_target), "multi": In(1),
            "outcome": In(Outcome),
            **({"learn": In(1)} if falls_back(self.config) else {}),
            **({"offer_dom": Out(self.config.domain_bits)} if self.config.commits else {}),
        })
