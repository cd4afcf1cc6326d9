"""The sizes of a modelled controller."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

__all__ = ["Params"]


@dataclass(frozen=True, kw_only=True)
class Params:
    """Sizes of a controller (spec, chapter 1 "Parameters").

    Parameters
    ----------
    rtes, irts : int
        I/O APIC pins and MSI table entries; PIRQs are numbered in this order.
    vcpus, lanes, domains : int
        vCPUs in all, vCPUs of one domain at most, domains.
    ports : int
        Event-channel ports of a domain, a multiple of 32.
    vectors : int
        Vectors of a vLAPIC: 32, 64, 128 or 256.
    ioa_version : int
        0x20, or 0x11 without the EOI register.
    policies : tuple of str
        Names of the policies built.

    Raises
    ------
    ValueError
        If the vCPUs do not fit the domains, or ports are no multiple of 32.
    """

    rtes: int = 24
    irts: int = 32
    vcpus: int = 16
    lanes: int = 16
    domains: int = 4
    ports: int = 512
    vectors: int = 256
    ioa_version: int = 0x20
    policies: tuple[str, ...] = ("lowpri", "rr", "least", "pull")

    def __post_init__(self) -> None:
        if self.vcpus > self.domains * self.lanes:
            raise ValueError(f"{self.vcpus} vCPUs do not fit {self.domains} domains "
                             f"of {self.lanes} lanes")
        if self.ports % 32:
            raise ValueError(f"ports must be a multiple of 32, not {self.ports}")

    @classmethod
    def of(cls, sizes: Mapping[str, object]) -> "Params":
        """Sizes taken by name from a mapping; names that the model does not know are left out."""
        known: dict[str, Any] = {field.name: sizes[field.name] for field in fields(cls)
                                 if field.name in sizes}
        return cls(**known)

    @property
    def pirqs(self) -> int:
        """Interrupt sources: pins, then MSI table entries."""
        return self.rtes + self.irts

    @property
    def port_words(self) -> int:
        """32-bit words of a domain's port bitmap."""
        return self.ports // 32
