"""A controller under load from a stimulus in hardware: what a free run is measured on."""

from contextlib import suppress

from amaranth import Array, Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Out

from vapic.config import Config
from vapic.controller import Controller
from vapic.layouts import SchedState
from vapic.regs import address, pack

from ..drivers import entry_write, lapic_init, vmm_init

__all__ = ["LoadedController"]

#: Feedback of the shift register that moves the lines: x^32 + x^22 + x^2 + x + 1.
_TAPS = (31, 21, 1, 0)
_FIRST_VECTOR = 0x40


class _Recorder:
    """Registers that keep writes as rows of a memory; a driver that only writes never waits."""

    def __init__(self, rows: list[dict[str, int]], **side: int):
        self._rows, self._side = rows, {"vmm": 0, "dom": 0, "vcpu": 0} | side

    async def read(self, name: str, *index: int) -> int:
        raise NotImplementedError(f"nobody is there who could read {name}")

    async def write(self, name: str, *index: int, value: int = 0) -> None:
        self._rows.append(self._side | {"adr": address(name, *index), "dat_w": value})


async def _set_up(config: Config, rows: list[dict[str, int]]) -> None:
    vmm = _Recorder(rows, vmm=1)
    for v in range(config.vcpus):
        dom, k = divmod(v, config.lanes)
        await vmm_init(vmm, v, dom=dom, k=k, sched=SchedState.RUNNING.value)
        await lapic_init(_Recorder(rows, dom=dom, vcpu=v), v)
    for n in range(config.rtes):
        vector = _FIRST_VECTOR + (256 - _FIRST_VECTOR) * n // config.rtes
        await entry_write(vmm, n, rtes=config.rtes, high=pack("RTE_HIGH", dest=0xFF),
                          low=pack("RTE_LOW", vector=vector, mode=1))


def _writes(config: Config) -> list[dict[str, int]]:
    """What brings every vCPU online and lets every pin be distributed among those of domain 0."""
    rows: list[dict[str, int]] = []
    with suppress(StopIteration):
        _set_up(config, rows).send(None)
    return rows


class LoadedController(wiring.Component):
    """A controller whose bus and pins are driven by a small machine beside it.

    After set-up, pins rise and fall at random, one change in four cycles, each edge distributed
    to one of the vCPUs of domain 0; one bus master takes and ends the interrupts of every vCPU
    whose ``irq`` is 1, in turn.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    taken : ``Out(32)``
        Interrupts taken by INTA.
    digest : ``Out(32)``
        Folds every output of the controller of every cycle: two engines that agree in it have
        most probably done the same work.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__({"taken": Out(32), "digest": Out(32)})

    def elaborate(self, platform):
        m = Module()
        c = self.config
        m.submodules.controller = dut = Controller(c)
        m.d.sync += dut.now.eq(dut.now + 1)

        lfsr = Signal(32, init=0x1234567)
        m.d.sync += lfsr.eq(Cat(lfsr[bit] for bit in _TAPS).xor() | lfsr << 1)
        flip = (1 << lfsr[8:8 + (c.rtes - 1).bit_length()])[:c.rtes]
        with m.If(dut.ready & (lfsr[:2] == 0)):
            m.d.sync += dut.pin.eq(dut.pin ^ flip)

        write = data.StructLayout({"vmm": 1, "dom": 4, "vcpu": 9, "adr": 32, "dat_w": 32})
        init = _writes(c)
        m.submodules.writes = writes = Memory(shape=write, depth=len(init), init=init)
        port = writes.read_port(domain="comb")
        v, done = Signal(range(c.vcpus)), dut.bus.ack | dut.bus.err
        inta, eoi = (Array(address(name, i) for i in range(c.vcpus))[v]
                     for name in ("LAPIC_INTA", "LAPIC_EOI"))
        dom = Array(i // c.lanes for i in range(c.vcpus))[v]
        m.d.comb += [dut.bus.sel.eq(0xF), dut.trace.ready.eq(1), dut.bus.cyc.eq(dut.bus.stb)]
        with m.FSM():
            with m.State("setup"):
                m.d.comb += [dut.bus.stb.eq(1), dut.bus.we.eq(1)]
                m.d.comb += [getattr(dut.bus, name).eq(port.data[name])
                             for name in ("vmm", "dom", "vcpu", "adr", "dat_w")]
                with m.If(done):
                    m.d.sync += port.addr.eq(port.addr + 1)
                    with m.If(port.addr == len(init) - 1):
                        m.next = "look"
            with m.State("look"):
                m.d.sync += v.eq(Mux(v == c.vcpus - 1, 0, v + 1))
                with m.If(dut.irq.bit_select(v, 1)):
                    m.d.sync += v.eq(v)
                    m.next = "take"
            for state, place, we, after in (("take", inta, 0, "end"), ("end", eoi, 1, "look")):
                with m.State(state):
                    m.d.comb += [dut.bus.stb.eq(1), dut.bus.we.eq(we), dut.bus.dom.eq(dom),
                                 dut.bus.vcpu.eq(v), dut.bus.adr.eq(place)]
                    with m.If(done):
                        m.next = after
                        if state == "take":
                            m.d.sync += self.taken.eq(self.taken + dut.bus.dat_r[31])

        outputs = Cat(dut.irq, dut.upcall, dut.wake, dut.frozen, dut.ready, dut.idle,
                      dut.trace.valid, dut.trace.payload, dut.bus.dat_r, dut.bus.ack, dut.bus.err)
        folded = 0
        for start in range(0, len(outputs), 32):
            folded = folded ^ outputs[start:start + 32]
        m.d.sync += self.digest.eq(self.digest.rotate_left(1) ^ folded)
        return m
