"""Bits of recorded read data that the model does not compare, each with its reason."""

from collections.abc import Callable
from dataclasses import dataclass

from .core import Core
from .records import Err
from .registers import (
    CTL,
    ERRINFO,
    ERRSTAT,
    GLOBAL_PAGE,
    LOAD,
    NOW,
    TRACE_DROP,
    VCPU_PAGE,
    VCPU_STRIDE,
    Register,
)

__all__ = ["MASKS", "Mask", "compared"]

_ALL = 0xFFFF_FFFF


@dataclass(frozen=True)
class Mask:
    """Registers and their bits that are not compared.

    Parameters
    ----------
    where : callable
        Whether an address belongs to it.
    bits : callable
        Bits not compared, from the state, the address and the recorded data.
    why : str
        The reason.
    """

    where: Callable[[int], bool]
    bits: Callable[[Core, int, int], int]
    why: str


def _everything(_: Core, __: int, ___: int) -> int:
    return _ALL


def _policy_error(_: Core, __: int, ___: int) -> int:
    return 1 << Err.POLICY - 1


def _global(register: Register) -> Callable[[int], bool]:
    return lambda address: address == GLOBAL_PAGE + register.offset


def _of_vcpu(address: int) -> int:
    """Offset among the registers of one vCPU; -1 if it is none of those."""
    return (address - VCPU_PAGE) % VCPU_STRIDE if VCPU_PAGE <= address < 0x10000 else -1


def _reqstat(core: Core, address: int, data: int) -> int:
    n = (address & 0x7FF) >> 2
    if n >= len(core.requests):
        return 0
    request = core.requests[n]
    bits = 1 << 5
    if request.last_port is None:
        bits |= 0xFFFF << 16
    if len(request.last) > 1 and (data >> 8 & 0x3F) in request.last:
        bits |= 0x3F << 8 | 0xFFFF << 16
    return bits


def _vcpu(core: Core, address: int, _: int) -> int:
    v = (address - VCPU_PAGE) // VCPU_STRIDE
    if v >= len(core.vcpus):
        return 0
    vcpu = core.vcpus[v]
    if _of_vcpu(address) == CTL.offset:
        return vcpu.freeze << 16
    return 0 if vcpu.apic.en and vcpu.online else _ALL


def _lapic(core: Core, address: int, _: int) -> int:
    v = address - 0x400000 >> 13
    return 0 if v >= len(core.vcpus) or core.vcpus[v].apic.en else _ALL


def _errinfo(core: Core, _: int, data: int) -> int:
    numbers = {data >> 28, core.control.kept[ERRINFO] >> 28}
    if Err.POLICY in numbers:
        return _ALL
    local = numbers == {int(Err.BUSY)} and 0x8000 <= data & 0xFFFFFF < 0x10000
    return 0xF << 24 if local else 0


#: Every exception from exact comparison.
MASKS: tuple[Mask, ...] = (
    Mask(_global(NOW), _everything, "NOW is not modelled"),
    Mask(_global(TRACE_DROP), _everything, "TRACE_DROP follows the reader of the trace stream"),
    Mask(_global(ERRSTAT), _policy_error, "ERR-07 is logged some cycles after its grant"),
    Mask(_global(ERRINFO), _errinfo, "as above; and a CTL record does not tell its bus master"),
    Mask(lambda a: 0x2800 <= a < 0x3000, _reqstat,
         "serviceable is re-evaluated between records; a static grant has several last targets; "
         "the port of a grant on path LAPIC means nothing"),
    Mask(lambda a: _of_vcpu(a) in (CTL.offset, LOAD.offset), _vcpu,
         "frozen_ack comes some cycles after freeze; a disabled APIC holds nothing, it is open "
         "from when on; LOAD of an offline vCPU counts what another on its lane has in flight"),
    Mask(lambda a: 0x400000 <= a < 0x800000 and a & 0x1FFF in (0xFA0, 0x1FA0), _lapic,
         "TPR of a disabled APIC, likewise"),
)


def compared(core: Core, address: int, data: int) -> int:
    """Bits of a read that must agree; taken on the state before the read."""
    skipped = 0
    for mask in MASKS:
        if mask.where(address):
            skipped |= mask.bits(core, address, data)
    return _ALL & ~skipped
