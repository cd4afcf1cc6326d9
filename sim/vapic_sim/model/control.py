"""Global registers, counters and the error log."""

from dataclasses import dataclass, field

from .params import Params
from .records import Err

__all__ = ["Control"]


@dataclass
class Control:
    """Global registers (spec 1.1), the counters, ERRSTAT and ERRINFO (chapter 6)."""

    params: Params
    ctrl: int = 1
    policy: int = 0x30
    lpcfg: int = 1
    schedrank: int = 0xD8
    pull: int = 1
    ioa_owner: int = 0
    rrptr: list[int] = field(default_factory=list[int])
    coalesced: int = 0
    parked: int = 0
    spurious: int = 0
    aborts: int = 0
    errstat: int = 0
    errinfo: int = 0

    def __post_init__(self) -> None:
        self.rrptr = [0] * self.params.domains

    @property
    def enable(self) -> bool:
        """I/O grants are made (GEN-05)."""
        return bool(self.ctrl & 1)

    @property
    def dyn_off(self) -> bool:
        """Every request is static."""
        return bool(self.ctrl & 2)

    @property
    def latch_masked_edges(self) -> bool:
        """An edge on a masked pin is kept (IOA-05)."""
        return bool(self.ctrl & 4)

    @property
    def retry_on_irr(self) -> bool:
        """A vector that is in IRR already answers RETRY (IOA-20)."""
        return bool(self.ctrl & 8)

    @property
    def auto_reraise(self) -> bool:
        """Clearing a mask bit re-raises (EVT-12)."""
        return bool(self.ctrl & 0x10)

    @property
    def auto_unmask(self) -> bool:
        """PIRQ_EOI unmasks the port (EVT-40)."""
        return bool(self.ctrl & 0x20)

    @property
    def ioa_deleg(self) -> bool:
        """The domain IOA_OWNER may use the I/O APIC page."""
        return bool(self.ctrl & 0x40)

    def log(self, err: Err, address: int, dom: int) -> None:
        """Log an error; ERRINFO keeps the first until its bit is cleared."""
        self.errstat |= 1 << (err - 1)
        if not self.errinfo:
            self.errinfo = address & 0xFFFFFF | (dom & 0xF) << 24 | err << 28

    def clear_errors(self, bits: int) -> None:
        """Write ERRSTAT (W1C)."""
        self.errstat &= ~bits
        if self.errinfo and bits >> ((self.errinfo >> 28) - 1) & 1:
            self.errinfo = 0
