"""Each driver makes the accesses that it says, in their order."""

import asyncio
import inspect

import pytest

from vapic.regs import SELF, Command, pack, regsel
from vapic_sim import drivers


class Recorder:
    """Registers that keep what is done, and read as they are told, else 0."""

    def __init__(self, **values):
        self.values, self.log = values, []

    async def read(self, name, *index):
        self.log.append((name, *index))
        value = self.values.get(name, 0)
        return value.pop(0) if isinstance(value, list) else value

    async def write(self, name, *index, value=0):
        self.log.append((name, *index, f"={value:#x}"))


def run(driver, *arguments, reads=None, **options):
    regs = Recorder(**reads or {})
    return asyncio.run(getattr(drivers, driver)(regs, *arguments, **options)), regs.log


ISSUED = [("EVT_ARG", 2, 0, "=0x7"), ("EVT_ARG", 2, 1, "=0x3"), ("EVT_CMD", 2, "=0x20")]
COMMAND = [*ISSUED, ("EVT_RESULT", 2), ("EVT_OUT", 2, 0)]


@pytest.mark.parametrize(("call", "options", "reads", "answer", "log"), [
    (("vmm_init", 258), {"dom": 2, "k": 3}, {}, None, [("VCPU_CTL", 258, "=0x3000221")]),
    (("vmm_init", 1), {"dom": 0, "k": 1, "sched": 2}, {}, None,
     [("VCPU_CTL", 1, "=0x1000101"), ("VCPU_SCHED", 1, "=0x2")]),
    (("lapic_init", 4), {}, {}, None, [("LAPIC_SVR", 4, "=0x1ff")]),
    (("lapic_init", 4), {"base": True, "ldr": 8, "flat": True}, {"LAPIC_BASE": 0xFEE00100}, None,
     [("LAPIC_BASE", 4), ("LAPIC_BASE", 4, "=0xfee00900"), ("LAPIC_SVR", 4, "=0x1ff"),
      ("LAPIC_LDR", 4, "=0x8000000"), ("LAPIC_DFR", 4, "=0xffffffff")]),
    (("inta", 4), {}, {"LAPIC_INTA": 1 << 31 | 0x61}, 0x61, [("LAPIC_INTA", 4)]),
    (("inta", 4), {}, {"LAPIC_INTA": 0xFF}, None, [("LAPIC_INTA", 4)]),
    (("eoi", 4), {}, {}, None, [("LAPIC_EOI", 4, "=0x0")]),
    (("entry_init", 5), {"dom": 1, "policy": 6}, {}, None,
     [("PIRQ_OWNER", 5, "=0x101"), ("REQX", 5, "=0x7063")]),
    (("entry_write", 2), {"rtes": 3, "high": 0xFF000000, "low": 0x131}, {}, None,
     [("IOA_REGSEL", "=0x15"), ("IOA_WIN", "=0xff000000"), ("IOA_REGSEL", "=0x14"),
      ("IOA_WIN", "=0x131")]),
    (("entry_write", 4), {"rtes": 3, "high": 0xFF000000, "low": 0x131}, {}, None,
     [("IRT_HIGH", 1, "=0xff000000"), ("IRT_LOW", 1, "=0x131")]),
    (("indirect_read", 1), {}, {"IOA_WIN": 9}, 9, [("IOA_REGSEL", "=0x1"), ("IOA_WIN",)]),
    (("issue", 2, Command.BIND_PIRQ_VCPU, 7, 3), {}, {}, None, ISSUED),
    (("command", 2, Command.BIND_PIRQ_VCPU, 7, 3), {}, {"EVT_OUT": 12}, 12, COMMAND),
    (("bind", 2, 7, 3), {}, {"EVT_OUT": 12}, 12, COMMAND),
    (("result", 2), {}, {"EVT_RESULT": 0xFFFFFFEA}, -22, [("EVT_RESULT", 2)]),
    (("alloc_unbound", 2, 5), {}, {"EVT_OUT": 3}, 3,
     [("EVT_ARG", 2, 0, f"={SELF:#x}"), ("EVT_ARG", 2, 1, "=0x5"), ("EVT_CMD", 2, "=0x6"),
      ("EVT_RESULT", 2), ("EVT_OUT", 2, 0)]),
    (("bind_interdomain", 2, 5, 3), {}, {"EVT_OUT": 33}, 33,
     [("EVT_ARG", 2, 0, "=0x5"), ("EVT_ARG", 2, 1, "=0x3"), ("EVT_CMD", 2, "=0x0"),
      ("EVT_RESULT", 2), ("EVT_OUT", 2, 0), ("EVT_PENDING_W1C", 2, 1, "=0x2")]),
    (("close", 2, 33), {}, {}, None,
     [("EVT_ARG", 2, 0, "=0x21"), ("EVT_CMD", 2, "=0x3"), ("EVT_RESULT", 2), ("EVT_OUT", 2, 0)]),
    (("send", 2, 33), {}, {}, None, [("EVT_SEND", 2, "=0x21")]),
    (("unmask", 2, 33), {}, {}, None, [("EVT_UNMASK", 2, "=0x21")]),
    (("pirq_eoi", 2, 7), {}, {}, None, [("EVT_PIRQ_EOI", 2, "=0x7")]),
    (("claim", 2, 33), {}, {"EVT_FASTRES": 1}, True,
     [("EVT_CLAIM", 2, "=0x21"), ("EVT_FASTRES", 2)]),
    (("claim", 2, 33), {}, {"EVT_FASTRES": 0xFFFFFFEA}, False,
     [("EVT_CLAIM", 2, "=0x21"), ("EVT_FASTRES", 2)]),
    (("fast_result", 2), {}, {"EVT_FASTRES": 0xFFFFFFFF}, -1, [("EVT_FASTRES", 2)]),
    (("indirect_write", 0), {"value": 5 << 24}, {}, None,
     [("IOA_REGSEL", "=0x0"), ("IOA_WIN", "=0x5000000")]),
    (("upcall_init", 4), {"dom": 2, "k": 3, "vector": 0xF3}, {}, None,
     [("EVT_UPCALL", 2, 3, "=0x0"), ("EVT_SEL_RC", 2, 3), ("VCPU_UPVEC", 4, "=0x1f3")]),
])
def test_accesses(call, options, reads, answer, log):
    assert run(*call, reads=reads, **options) == (answer, log)
    words = (inspect.getdoc(getattr(drivers, call[0])) or "").replace("`", "")
    # What it touches stands in its text, or in that of the driver it is made of.
    for name in {entry[0] for entry in log}:
        assert name in words or "command" in words or name.startswith("IOA_")


def test_upcall_loop():
    """In ascending order, without masked ports and without those of others; W1C comes first."""
    regs = Recorder(EVT_SEL_RC=0b101, EVT_PENDING=[0b1111, 0b10], EVT_MASK=[0b0100, 0])

    async def handle(port):
        regs.log.append(port)

    asyncio.run(drivers.upcall_loop(regs, 2, 3, {0, 2, 3, 65}, handle))
    assert regs.log == [
        ("EVT_UPCALL_ACK", 2, 3, "=0x0"), ("EVT_SEL_RC", 2, 3),
        ("EVT_PENDING", 2, 0), ("EVT_MASK", 2, 0),
        ("EVT_PENDING_W1C", 2, 0, "=0x1"), 0, ("EVT_PENDING_W1C", 2, 0, "=0x8"), 3,
        ("EVT_PENDING", 2, 2), ("EVT_MASK", 2, 2), ("EVT_PENDING_W1C", 2, 2, "=0x2"), 65]


def test_a_failed_command_says_what_it_was():
    with pytest.raises(drivers.CommandFailed,
                       match=r"command 0x20\(7, 3\) of domain 2 gave -17") as failed:
        run("bind", 2, 7, 3, reads={"EVT_RESULT": 0xFFFFFFEF})
    assert failed.value.error == -17


def test_words_of_entries_are_those_of_the_specification():
    assert (regsel("RTE_LOW", 2), regsel("RTE_HIGH", 2)) == (0x14, 0x15)
    assert pack("RTE_HIGH", dest=0xFF) == 0xFF000000
