"""Global registers, counters and the error log."""

from .params import Params
from .records import Err
from .registers import CTRL, ERRINFO, ERRSTAT, GLOBAL, IOA_OWNER, resets

__all__ = ["Control"]


class Control:
    """Global registers (spec 1.1), the counters, ERRSTAT and ERRINFO (chapter 6).

    Parameters
    ----------
    params : Params
        Sizes.

    Attributes
    ----------
    kept : dict of Register to int
        Values of the registers of `GLOBAL` that are kept.
    rrptr : list of int
        RRPTR of each domain.
    """

    def __init__(self, params: Params) -> None:
        self.kept = resets(GLOBAL)
        self.rrptr = [0] * params.domains

    @property
    def enable(self) -> bool:
        """I/O grants are made (GEN-05)."""
        return bool(self.kept[CTRL] & 1)

    @property
    def dyn_off(self) -> bool:
        """Every request is static."""
        return bool(self.kept[CTRL] & 2)

    @property
    def latch_masked_edges(self) -> bool:
        """An edge on a masked pin is kept (IOA-05)."""
        return bool(self.kept[CTRL] & 4)

    @property
    def retry_on_irr(self) -> bool:
        """A vector that is in IRR already answers RETRY (IOA-20)."""
        return bool(self.kept[CTRL] & 8)

    @property
    def auto_reraise(self) -> bool:
        """Clearing a mask bit re-raises (EVT-12)."""
        return bool(self.kept[CTRL] & 0x10)

    @property
    def auto_unmask(self) -> bool:
        """PIRQ_EOI unmasks the port (EVT-40)."""
        return bool(self.kept[CTRL] & 0x20)

    @property
    def ioa_deleg(self) -> bool:
        """The domain IOA_OWNER may use the I/O APIC page."""
        return bool(self.kept[CTRL] & 0x40)

    @property
    def ioa_owner(self) -> int:
        """That domain."""
        return self.kept[IOA_OWNER]

    def log(self, err: Err, address: int, dom: int) -> None:
        """Log an error; ERRINFO keeps the first until its bit is cleared."""
        self.kept[ERRSTAT] |= 1 << (err - 1)
        if not self.kept[ERRINFO]:
            self.kept[ERRINFO] = address & 0xFFFFFF | (dom & 0xF) << 24 | err << 28

    def clear_errors(self, bits: int) -> None:
        """Write ERRSTAT (W1C)."""
        self.kept[ERRSTAT] &= ~bits
        first = self.kept[ERRINFO]
        if first and bits >> ((first >> 28) - 1) & 1:
            self.kept[ERRINFO] = 0
