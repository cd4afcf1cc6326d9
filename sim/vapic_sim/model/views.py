"""What a selection sees: the vCPUs of a domain, the request, the global terms."""

from dataclasses import dataclass

from .registers import PULL, Kept

__all__ = ["EntryView", "LaneView", "Terms"]


@dataclass(slots=True, eq=False)
class LaneView:
    """One vCPU of the domain as selection sees it.

    `kept` has the registers of `VCPU` by row; `port` is its bound port, if any.
    """

    k: int
    v: int
    online: bool
    frozen: bool
    en: bool
    svr: bool
    id: int
    ldr: int
    dfr: int
    sched: int
    tpr: int
    ppr: int
    apr: int
    load: int
    kept: Kept
    port: int | None
    masked: bool
    infl: bool


@dataclass(slots=True)
class EntryView:
    """One request's entry, REQX and PIRQ_OWNER together; `hint` only if it is valid."""

    n: int
    pin: bool
    vector: int
    mode: int
    logical: bool
    level: bool
    dest: int
    evt: bool
    ser: bool
    dynamic: bool
    policy: int
    allow: int
    hint: int | None
    learn: bool
    slack: int
    owned: bool
    dom: int
    infl: bool


@dataclass(slots=True)
class Terms:
    """Global terms of a selection; `kept` has the registers of `GLOBAL` by row."""

    kept: Kept
    rrptr: int
    lanes: int
    vectors: int
    built: tuple[str, ...]

    @property
    def depth(self) -> int:
        """Load below which PULL finds room."""
        return self.kept[PULL] & 0xFF

    @property
    def wake(self) -> bool:
        """PULL takes a blocked vCPU though others run."""
        return bool(self.kept[PULL] & 0x100)
