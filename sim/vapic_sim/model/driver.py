"""The usual accesses to a model by name, as a VMM and its guests make them."""

from .machine import Model
from .params import Params
from .records import Sched

__all__ = ["Driver"]

_LAPIC, _EVT = 0x400000, 0x100000


class Driver:
    """A model, set up as the conformance cases want it (spec chapter 7).

    Every vCPU is online, running and software enabled, with its number as APIC ID. Each write
    and each change of a line is followed by `Model.settle`, if `auto` is set.

    Parameters
    ----------
    params : Params
        Sizes; four vCPUs in one domain if not given.
    """

    def __init__(self, params: Params | None = None) -> None:
        self.params = params or Params(rtes=8, irts=8, vcpus=4, lanes=4, domains=4, ports=64)
        self.model = Model(self.params)
        self.auto = True
        self.lines = 0
        for vcpu in self.model.core.vcpus:
            self.write(0x8000 + 0x40 * vcpu.v, vcpu.ctl | 1)
            self.sched(vcpu.v, Sched.RUNNING)
            self.lapic_write(vcpu.v, 0xF0, 0x1FF)

    def settle(self) -> int:
        """Serve what can be served."""
        return self.model.settle()

    def read(self, address: int) -> int:
        """Read as the VMM."""
        return self.model.access(True, 0, 0, address, False).data

    def write(self, address: int, data: int) -> int:
        """Write as the VMM; the result of a command."""
        result = self.model.access(True, 0, 0, address, True, data)
        if self.auto:
            self.settle()
        return result.data

    def rte_write(self, n: int, low: int, dest: int = 0) -> None:
        """Write a redirection table entry, destination first."""
        for index, data in ((0x11 + 2 * n, dest << 24), (0x10 + 2 * n, low)):
            self.write(0x00, index)
            self.write(0x10, data)

    def rte_read(self, n: int) -> int:
        """Low word of a redirection table entry."""
        self.write(0x00, 0x10 + 2 * n)
        return self.read(0x10)

    def reqx(self, n: int, data: int) -> None:
        """Write REQX[n]."""
        self.write(0x2000 + 4 * n, data)

    def reqstat(self, n: int) -> int:
        """Read REQSTAT[n]."""
        return self.read(0x2800 + 4 * n)

    def line(self, n: int, level: bool) -> None:
        """Drive one pin."""
        self.lines = self.lines | 1 << n if level else self.lines & ~(1 << n)
        self.model.set_lines(self.lines)
        if self.auto:
            self.settle()

    def pulse(self, n: int) -> None:
        """Raise and lower one pin."""
        self.line(n, True)
        self.line(n, False)

    def sched(self, v: int, state: Sched) -> None:
        """Write VCPU.SCHED."""
        self.write(0x8004 + 0x40 * v, state)

    def ctl(self, v: int, clear: int = 0, put: int = 0) -> None:
        """Change bits of VCPU.CTL."""
        old = self.read(0x8000 + 0x40 * v) & ~0x10000
        self.write(0x8000 + 0x40 * v, old & ~clear | put)

    def lapic_read(self, v: int, offset: int) -> int:
        """Read a register of vLAPIC v as vCPU v."""
        dom = self.model.core.vcpus[v].dom
        return self.model.access(False, dom, v, _LAPIC + 0x2000 * v + offset, False).data

    def lapic_write(self, v: int, offset: int, data: int) -> None:
        """Write a register of vLAPIC v as vCPU v."""
        dom = self.model.core.vcpus[v].dom
        self.model.access(False, dom, v, _LAPIC + 0x2000 * v + offset, True, data)
        if self.auto:
            self.settle()

    def inta(self, v: int) -> int | None:
        """Acknowledge: the vector, or None if spurious."""
        word = self.lapic_read(v, 0xFC0)
        return word & 0xFF if word >> 31 else None

    def eoi(self, v: int) -> None:
        """Write EOI of vLAPIC v."""
        self.lapic_write(v, 0xB0, 0)

    def drain(self, v: int, limit: int = 16) -> list[int]:
        """Acknowledge and end all that vCPU v has, until spurious."""
        vectors: list[int] = []
        while len(vectors) < limit and (vector := self.inta(v)) is not None:
            vectors.append(vector)
            self.eoi(v)
        return vectors

    def bitmap(self, v: int, offset: int) -> int:
        """ISR (0x100), TMR (0x180) or IRR (0x200) of vLAPIC v as one number."""
        return sum(self.lapic_read(v, offset + 16 * i) << 32 * i for i in range(8))

    def window(self, d: int, v: int | None, offset: int, data: int | None = None) -> int:
        """Access a domain's event window as vCPU v, or as the VMM."""
        address = _EVT + 0x4000 * d + offset
        result = self.model.access(v is None, d, v or 0, address, data is not None, data or 0)
        if self.auto:
            self.settle()
        return result.data

    def command(self, d: int, v: int | None, number: int, *args: int) -> int:
        """Issue a command: 0 or a negative errno; OUT0 is in `out`."""
        for i, arg in enumerate(args):
            self.window(d, v, 0x1300 + 4 * i, arg)
        result = self.window(d, v, 0x130C, number)
        self.out = self.window(d, v, 0x1314)
        self.out1 = self.window(d, v, 0x1318)
        return result - (result >> 31 << 32)

    def fast(self, d: int, v: int | None, offset: int, value: int) -> int:
        """SEND 0x1320, UNMASK 0x1324, PIRQ_EOI 0x1328 or CLAIM 0x1330: FASTRES, signed."""
        result = self.window(d, v, offset, value)
        return result - (result >> 31 << 32)
