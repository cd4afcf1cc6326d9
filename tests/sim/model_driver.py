"""A model under the usual drivers, and what the conformance cases do with it besides."""

from vapic.regs import address
from vapic_sim import drivers
from vapic_sim.model import Model, Params, Sched

_LAPIC, _EVT = 0x400000, 0x100000


def now(coroutine):
    """What a driver gives; on a model it never waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("a model answers at once")


class Role:
    """Registers of a model by name, as vCPU v of a domain, or as the VMM."""

    def __init__(self, driver, dom=0, v=None):
        self._driver, self._dom, self._v = driver, dom, v

    def _access(self, write, name, index, value=0):
        result = self._driver.model.access(
            self._v is None, self._dom, self._v or 0, address(name, *index), write, value)
        if write and self._driver.auto:
            self._driver.settle()
        return result.data

    async def read(self, name, *index):
        return self._access(False, name, index)

    async def write(self, name, *index, value=0):
        self._access(True, name, index, value)


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
            now(drivers.vmm_init(Role(self), vcpu.v, dom=vcpu.dom, k=vcpu.k, sched=Sched.RUNNING))
            now(drivers.lapic_init(self.vcpu(vcpu.v), vcpu.v))

    def vcpu(self, v: int) -> Role:
        """Registers as vCPU v, in its domain."""
        return Role(self, self.model.core.vcpus[v].dom, v)

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
        now(drivers.entry_write(Role(self), n, rtes=self.params.rtes, high=dest << 24, low=low))

    def rte_read(self, n: int) -> int:
        """Low word of a redirection table entry."""
        return now(drivers.indirect_read(Role(self), 0x10 + 2 * n))

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
        return now(drivers.inta(self.vcpu(v), v))

    def eoi(self, v: int) -> None:
        """Write EOI of vLAPIC v."""
        now(drivers.eoi(self.vcpu(v), v))

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
        role = Role(self, d, v)
        now(drivers.issue(role, d, number, *args))
        result = now(drivers.result(role, d))
        self.out, self.out1 = (now(role.read("EVT_OUT", d, i)) for i in range(2))
        return result

    def fast(self, d: int, v: int | None, offset: int, value: int) -> int:
        """SEND 0x1320, UNMASK 0x1324, PIRQ_EOI 0x1328 or CLAIM 0x1330: FASTRES, signed."""
        result = self.window(d, v, offset, value)
        return result - (result >> 31 << 32)
