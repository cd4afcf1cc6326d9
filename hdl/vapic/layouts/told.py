"""What leaves the controller about its decisions: explanations and commit records."""

from amaranth.lib import data, wiring
from amaranth.lib.wiring import Out

from ..config import Config
from ..policy import Policy
from .enums import SourceKind

__all__ = ["ToldRecords"]


class ToldRecords:
    """Explanations and commit records. Part of `Layouts`."""

    config: Config

    def _add_told(self):
        c = self.config
        #: One explained grant (GEN-08).
        self.trace = data.StructLayout({
            "now": 32, "n": 9, "kind": SourceKind, "candidates": c.lanes, "eligible": c.lanes,
            "policy": Policy, "key": 32, "target": 9, "port": 10,
        })
        #: One commit record (GEN-09); simulation only. See `record.TABLE`.
        self.commit = data.StructLayout({
            "seq": 32, "op": 4, "row": 16,
            "vmm": 1, "dom": 4, "vcpu": 9, "we": 1, "sel": 4,
            "addr": 32, "data": 128, "result": 40,
        })

    @property
    def commit_port(self) -> wiring.Signature:
        """A unit's commit records: one strobe and one record a cycle, no backpressure."""
        return wiring.Signature({"valid": Out(1), "record": Out(self.commit)})
