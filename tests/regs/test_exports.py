"""`vapic regs`: text, page, header and SVD file, each read by what such files are for."""

import json
import subprocess
from itertools import product
from pathlib import Path

import pytest
from cmsis_svd.parser import SVDParser

from vapic.cli import main
from vapic.config import Config
from vapic.controller import Controller
from vapic.export.c import to_c
from vapic.export.markdown import to_markdown
from vapic.export.svd import INDIRECT_OFFSET, to_svd
from vapic.regs import GROUPS, REGISTERS, Command, Errno, address, regsel
from vapic_sim.engine.compilers import find_compiler
from vapic_sim.harness import simulate
from vapic_sim.machine.bus import BusError, BusMaster

PAGE = Path(__file__).parents[2] / "docs" / "registers.md"
CONFIG = Config(rtes=3, irts=2, vcpus=3, lanes=2, domains=2, ports=64)


def test_page_is_current():
    assert PAGE.read_text() == to_markdown(), \
        "made anew by: vapic regs --markdown > docs/registers.md"


def show(capsys, *argv):
    code = main(["regs", *argv])
    out, err = capsys.readouterr()
    return code, out, err


def test_text(capsys):
    code, out, _ = show(capsys)
    assert code == 0 and all(f" {name} " in out for name in REGISTERS)
    _, out, _ = show(capsys, "0x400320")
    assert out.startswith("LAPIC_LVT_TIMER[0] at 0x400320: Timer entry.")
    assert "not built: reads 0" in out and "periodic" in out
    _, out, _ = show(capsys, "0x80c1")
    assert out.startswith("VCPU_CTL[3] at 0x80c0") and "apicid             RW  reset 0x3" in out
    _, out, _ = show(capsys, "rte_low")
    assert out.startswith("RTE_LOW at number 0x10 + 0x2 n of IOA_REGSEL")


@pytest.mark.parametrize("argv, text", [
    (["VCPU_CLT"], "no register 'VCPU_CLT'; there is VCPU_CTL"),
    (["0x1114"], "no register at 0x1114; near it are NOW at 0x1110 and PULL at 0x110c"),
    (["-1"], "no register at -1"),
    (["0xffc0"], "VCPU_CTL[511], but v < N_VCPU = 16"),
    (["CTRL", "--c"], "--c is of all registers: leave out CTRL"),
    (["--vcpus", "9999"], "vcpus must be 1..512, not 9999"),
])
def test_errors(capsys, argv, text):
    code, out, err = show(capsys, *argv)
    assert (code, out) == (2, "") and text in err


def test_json(capsys):
    _, out, _ = show(capsys, "--json", "--vcpus", "3")
    listed = json.loads(out)
    assert [r["name"] for r in listed] == [r.name for g in GROUPS.values() for r in g]
    ctl = next(r for r in listed if r["name"] == "VCPU_CTL")
    assert ctl["dims"] == [{"name": "v", "stride": 0x40, "count": 3}] and ctl["offset"] == 0x8000


def test_header(tmp_path):
    """It compiles without a warning, and its macros have the values that Python has."""
    wanted, lines = [], []

    def check(macro, value):
        lines.append(f'printf("%lu\\n", (unsigned long)({macro}));')
        wanted.append(value)

    for group in GROUPS.values():
        for register in group:
            index = tuple(range(1, 1 + len(register.dims)))
            arguments = f"({', '.join(map(str, index))})" if index else ""
            place, prefix = (regsel, "REGSEL_") if register.indirect else (address, "")
            check(f"VAPIC_{prefix}{register.name}{arguments}", place(register.name, *index))
            for part in register.fields if register.exists(CONFIG) else ():
                stem = f"VAPIC_{register.name}_{part.name.upper()}"
                check(f"{stem}_SHIFT", part.low)
                check(f"{stem}_MASK", part.mask)
    for command in Command:
        check(f"VAPIC_CMD_{command.name}", command.value)
    for error in Errno:
        check(f"VAPIC_{error.name}", error.value)
    check("VAPIC_N_VCPU", CONFIG.vcpus)
    (tmp_path / "vapic_regs.h").write_text(to_c(CONFIG))
    (tmp_path / "main.c").write_text(
        '#include "vapic_regs.h"\n#include "vapic_regs.h"\n#include <stdio.h>\n'
        "int main(void) {\n" + "\n".join(lines) + "\nreturn 0;\n}\n")
    subprocess.run([*find_compiler().command, "-std=c99", "-pedantic", "-Wall", "-Wextra",
                    "-Werror", "main.c", "-o", "main"], cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True)
    assert [int(line) for line in done.stdout.split()] == wanted


@pytest.fixture(scope="module")
def svd(tmp_path_factory):
    """Registers as `cmsis-svd` reads them: those of the bus by address, indirect ones by number."""
    path = tmp_path_factory.mktemp("svd") / "vapic.svd"
    path.write_text(to_svd(CONFIG))
    device = SVDParser.for_xml_file(path).get_device(
        xml_validation=True, schema_version="1.3.9", schema_version_detection=False)
    bus, indirect = {}, {}
    for peripheral in device.peripherals:
        for register in peripheral.get_registers():
            place = peripheral.base_address + register.address_offset
            if register.name.startswith("INDIRECT_"):
                indirect[(place - INDIRECT_OFFSET) // 4] = register
            else:
                assert place not in bus, register.name
                bus[place] = register
    return bus, indirect


#: Registers that refuse a word of ones, or some of its bits, by a rule of their own.
CHOOSY = ("_CTL", "_BASE", "IOA_WIN", *(
    f"{name}[{i}]" for name in ("PIRQ_OWNER", "RRPTR", "UPCALL") for i in range(5)))


def every_place():
    """Offset of every register and element that the configuration has."""


    return {place for name, register in REGISTERS.items()
            for index in product(*map(range, register.counts(CONFIG)))
            for place in (address(name, *index), *(
                also + address(name, *index) - register.offset for also in register.also))}


def writable(register):
    """Bits of its fields that may be written."""
    return sum((1 << part.bit_width) - 1 << part.bit_offset for part in register.fields
               if "write" in part.access.value)


def test_svd_is_what_the_controller_does(svd):
    """Each address is there, resets to what the file says, and keeps no bit that is read-only."""
    bus, indirect = svd
    assert set(bus) == every_place()
    assert set(indirect) == {0, 1, 2, *range(0x10, 0x10 + 2 * CONFIG.rtes)}
    dut, wrong = Controller(CONFIG), []

    def first(register, value):
        if register.access.value == "write-only":
            if value:
                wrong.append(f"{register.name} is write-only, but reads {value:#x}")
        elif (value ^ register.reset_value) & register.reset_mask:
            wrong.append(f"{register.name} resets to {value:#x}, not {register.reset_value:#x}")

    async def ones(register, read, write):
        before = await read()
        try:
            await write(0xFFFFFFFF)
        except BusError:
            pass
        after = await read()
        changed = (after ^ before) & ~writable(register)
        if changed and register.reset_mask and register.name != "IOA_WIN":
            wrong.append(f"{register.name} has read-only bits {changed:#x} that a write changes")
        if register.access.value == "read-write" and not register.name.endswith(CHOOSY):
            lost = ~after & writable(register)
            if lost and register.modified_write_values is None:
                wrong.append(f"{register.name} does not keep bits {lost:#x}")

    async def bench(ctx):
        vmm = BusMaster(dut.bus, limit=200)

        async def select(number):
            await vmm.write(ctx, address("IOA_REGSEL"), number)
            return address("IOA_WIN")

        async def on_bus(place):
            return place

        every = [(register, on_bus, place) for place, register in bus.items()]
        every += [(register, select, number) for number, register in indirect.items()]
        await ctx.tick().until(dut.ready)
        for register, at, place in every:
            first(register, await vmm.read(ctx, await at(place)))
        for register, at, place in every:
            async def read(at=at, place=place):
                return await vmm.read(ctx, await at(place))

            async def write(value, at=at, place=place):
                await vmm.write(ctx, await at(place), value)
            await ones(register, read, write)

    simulate(dut, bench)
    assert not wrong
