"""What a vCPU does when events call it up (EVT-13)."""

from collections.abc import Awaitable, Callable, Container, Iterator

from vapic.regs import pack

from .registers import Registers

__all__ = ["upcall_init", "upcall_loop"]


def _bits(word: int) -> Iterator[int]:
    """Numbers of the bits set, ascending."""
    while word:
        yield (word & -word).bit_length() - 1
        word &= word - 1


async def upcall_init(regs: Registers, v: int, *, dom: int, k: int, vector: int) -> None:
    """Forget what set-up left of events, then have upcalls of lane k injected by vector.

    Writes EVT_UPCALL (clears pending and mask), reads EVT_SEL_RC, writes VCPU_UPVEC (EVT-05); the
    last is the VMM's.
    """
    await regs.write("EVT_UPCALL", dom, k)
    await regs.read("EVT_SEL_RC", dom, k)
    await regs.write("VCPU_UPVEC", v, value=pack("VCPU_UPVEC", vector=vector, valid=1))


async def upcall_loop(regs: Registers, dom: int, k: int, ports: Container[int],
                      handle: Callable[[int], Awaitable[None]]) -> None:
    """Handle every event that is pending and not masked, in ascending order of ports.

    Writes EVT_UPCALL_ACK, reads EVT_SEL_RC; for each word it names reads EVT_PENDING and EVT_MASK;
    for each port in them writes EVT_PENDING_W1C, then awaits `handle`. What comes meanwhile calls
    the vCPU up again. Ports that are not this vCPU's are left alone (EVT-26).
    """
    await regs.write("EVT_UPCALL_ACK", dom, k)
    for word in _bits(await regs.read("EVT_SEL_RC", dom, k)):
        pending = await regs.read("EVT_PENDING", dom, word)
        pending &= ~await regs.read("EVT_MASK", dom, word)
        for bit in _bits(pending):
            port = 32 * word + bit
            if port in ports:
                await regs.write("EVT_PENDING_W1C", dom, word, value=1 << bit)
                await handle(port)
