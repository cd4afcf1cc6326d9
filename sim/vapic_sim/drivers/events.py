"""Event channels of a domain: commands and fast operations (EVT-20, EVT-21)."""

from vapic.regs import SELF, Command

from .registers import Registers

__all__ = [
    "CommandFailed", "alloc_unbound", "bind", "bind_interdomain", "claim", "close", "command",
    "fast_result", "issue", "pirq_eoi", "result", "send", "unmask",
]


class CommandFailed(RuntimeError):
    """A command gave an error.

    Attributes
    ----------
    error : int
        Negative errno.
    """

    def __init__(self, dom: int, number: int, arguments: tuple[int, ...], error: int):
        super().__init__(f"event-channel command {number:#x}{arguments} of domain {dom} "
                         f"gave {error}")
        self.error = error


def _signed(word: int) -> int:
    return word - (word >> 31 << 32)


async def issue(regs: Registers, dom: int, number: int, *arguments: int) -> None:
    """Start a command: writes EVT_ARG 0.., then EVT_CMD."""
    for i, argument in enumerate(arguments):
        await regs.write("EVT_ARG", dom, i, value=argument)
    await regs.write("EVT_CMD", dom, value=number)


async def result(regs: Registers, dom: int) -> int:
    """What the last command gave, 0 or a negative errno: reads EVT_RESULT, which waits for it."""
    return _signed(await regs.read("EVT_RESULT", dom))


async def command(regs: Registers, dom: int, number: int, *arguments: int) -> int:
    """Run a command (`issue`, `result`) and read EVT_OUT 0: what it gave, as a port.

    Raises
    ------
    CommandFailed
        If it gave an error.
    """
    await issue(regs, dom, number, *arguments)
    error = await result(regs, dom)
    if error:
        raise CommandFailed(dom, int(number), arguments, error)
    return await regs.read("EVT_OUT", dom, 0)


async def bind(regs: Registers, dom: int, n: int, k: int) -> int:
    """Bind physical interrupt n to lane k by a port of its own, EVT-25; the port. A `command`."""
    return await command(regs, dom, Command.BIND_PIRQ_VCPU, n, k)


async def alloc_unbound(regs: Registers, dom: int, remote: int) -> int:
    """Make a port to which a remote domain may bind; the port. A `command`."""
    return await command(regs, dom, Command.ALLOC_UNBOUND, SELF, remote)


async def bind_interdomain(regs: Registers, dom: int, remote: int, port: int) -> int:
    """Bind a port to an unbound one of a remote domain; the port.

    A `command`, then EVT_PENDING_W1C: a new port is pending at its own end (EVT-20), an event that
    nobody sent.
    """
    local = await command(regs, dom, Command.BIND_INTERDOMAIN, remote, port)
    await regs.write("EVT_PENDING_W1C", dom, local // 32, value=1 << local % 32)
    return local


async def close(regs: Registers, dom: int, port: int) -> None:
    """Close a port. A `command` (EVT-24)."""
    await command(regs, dom, Command.CLOSE, port)


async def send(regs: Registers, dom: int, port: int) -> None:
    """Raise the event of a port at its other end. Writes EVT_SEND (EVT-52)."""
    await regs.write("EVT_SEND", dom, value=port)


async def unmask(regs: Registers, dom: int, port: int) -> None:
    """Unmask a port, and raise it anew if it is pending. Writes EVT_UNMASK (EVT-11)."""
    await regs.write("EVT_UNMASK", dom, value=port)


async def pirq_eoi(regs: Registers, dom: int, n: int) -> None:
    """End physical interrupt n. Writes EVT_PIRQ_EOI (EVT-40)."""
    await regs.write("EVT_PIRQ_EOI", dom, value=n)


async def claim(regs: Registers, dom: int, port: int) -> bool:
    """Take the event of a port if nobody else has. Writes EVT_CLAIM, reads EVT_FASTRES (EVT-14)."""
    await regs.write("EVT_CLAIM", dom, value=port)
    return await fast_result(regs, dom) == 1


async def fast_result(regs: Registers, dom: int) -> int:
    """What the last fast operation gave: reads EVT_FASTRES, negative for an errno."""
    return _signed(await regs.read("EVT_FASTRES", dom))
