"""What a driver needs of the world: registers by name."""

from typing import Protocol

__all__ = ["Registers"]


class Registers(Protocol):
    """Reads and writes of one role: the VMM, or a vCPU of a domain."""

    async def read(self, name: str, *index: int) -> int:
        """Read a register."""
        ...

    async def write(self, name: str, *index: int, value: int = 0) -> None:
        """Write a register."""
        ...
