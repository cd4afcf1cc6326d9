"""The one description of a controller's size, checked and frozen."""

from dataclasses import asdict, dataclass, fields
from typing import get_origin

from .policy import POLICIES

__all__ = ["Config"]


def _bits(count: int) -> int:
    return max(1, (count - 1).bit_length())


_RANGES = {
    "rtes": (1, 120), "irts": (0, 256), "vcpus": (1, 512), "lanes": (1, 64),
    "domains": (2, 16), "ports": (32, 1024), "trace_depth": (2, 256),
}


@dataclass(frozen=True, kw_only=True)
class Config:
    """Sizes fixed when the controller is elaborated (spec, chapter 1 "Parameters").

    Parameters
    ----------
    rtes : int
        I/O APIC pins and redirection table entries (N_RTE), 1..120.
    irts : int
        MSI interrupt table entries (N_IRT), 0..256.
    vcpus : int
        Virtual CPUs of all domains together (N_VCPU), 1..512, at most ``domains * lanes``.
    lanes : int
        Virtual CPUs of one domain at most (N_LANE), 1..64.
    domains : int
        Domains (N_DOM), 2..16.
    ports : int
        Event-channel ports of a domain (N_PORT), a multiple of 32, 32..1024.
    vectors : int
        Interrupt vectors (N_VEC): 32, 64, 128 or 256.
    ioa_version : int
        I/O APIC version: 0x20, or 0x11 which has no EOI register.
    policies : tuple of str
        Policies of target selection that are built; a request for another one is served as by
        lowpri, which is always one of them (ERR-07).
    trace_depth : int
        Records the trace FIFO holds before it drops, 2..256.
    msi_bus : bool
        A second bus port, for the MSI writes of devices alone.
    commits : bool
        The simulation-only ports ``commits`` (GEN-09).

    Raises
    ------
    TypeError
        If a value is not of its type.
    ValueError
        If a value is out of its range; the message names it and the range.
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
    trace_depth: int = 16
    msi_bus: bool = False
    commits: bool = False

    def __post_init__(self):
        for field in fields(self):
            value, kind = getattr(self, field.name), get_origin(field.type) or field.type
            if type(value) is not kind:
                raise TypeError(f"{field.name} must be {kind.__name__}, not {value!r}")
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must be {low}..{high}, not {getattr(self, name)!r}")
        if self.ports % 32:
            raise ValueError(f"ports must be a multiple of 32, not {self.ports!r}")
        if self.vectors not in (32, 64, 128, 256):
            raise ValueError(f"vectors must be 32, 64, 128 or 256, not {self.vectors!r}")
        if self.ioa_version not in (0x11, 0x20):
            raise ValueError(f"ioa_version must be 0x11 or 0x20, not {self.ioa_version:#x}")
        unknown = [name for name in self.policies if name not in POLICIES]
        twice = len({*self.policies}) < len(self.policies)
        if unknown or twice or "lowpri" not in self.policies:
            raise ValueError(f"policies must be lowpri and any of {', '.join(POLICIES)}, once "
                             f"each, not {', '.join(map(str, self.policies)) or 'none'}")
        if self.vcpus > self.domains * self.lanes:
            raise ValueError(f"vcpus must be at most domains * lanes = "
                             f"{self.domains * self.lanes}, not {self.vcpus!r}")

    @classmethod
    def for_vcpus(cls, vcpus: int, **changes) -> "Config":
        """Usual shape for so many vCPUs: 16 lanes (32 above 256) and as many domains as needed."""
        lanes = 32 if vcpus > 256 else min(16, max(1, vcpus))
        shape = {"lanes": lanes, "domains": min(16, max(4, -(-vcpus // lanes)))}
        return cls(vcpus=vcpus, **(shape | changes))

    @classmethod
    def from_dict(cls, values: dict) -> "Config":
        """Config of a mapping, as read from a file.

        Raises
        ------
        ValueError
            If a key is not a parameter; the message lists those that are.
        """
        known = [field.name for field in fields(cls)]
        for key in values:
            if key not in known:
                raise ValueError(f"unknown parameter {key!r}; known are {', '.join(known)}")
        if type(values.get("policies")) is list:
            values = values | {"policies": tuple(values["policies"])}
        return cls(**values)

    def to_dict(self) -> dict:
        """All parameters by name."""
        return asdict(self)

    @property
    def pirqs(self) -> int:
        """Interrupt sources (N_PIRQ): pins first, then MSI table entries."""
        return self.rtes + self.irts

    @property
    def words(self) -> int:
        """32-bit words of a vector bitmap."""
        return self.vectors // 32

    @property
    def port_words(self) -> int:
        """32-bit words of a domain's port bitmap."""
        return self.ports // 32

    @property
    def vcpu_bits(self) -> int:
        """Width of a vCPU number v."""
        return _bits(self.vcpus)

    @property
    def lane_bits(self) -> int:
        """Width of a lane number k."""
        return _bits(self.lanes)

    @property
    def domain_bits(self) -> int:
        """Width of a domain number."""
        return _bits(self.domains)

    @property
    def pirq_bits(self) -> int:
        """Width of an interrupt source number n."""
        return _bits(self.pirqs)

    @property
    def port_bits(self) -> int:
        """Width of a port number."""
        return _bits(self.ports)
