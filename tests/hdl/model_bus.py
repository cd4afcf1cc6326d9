"""Register accesses to a golden model of which a bench drives some parts only."""

from vapic_sim.model.access import perform
from vapic_sim.model.pages.place import Access

CTRL, ERRSTAT, ERRINFO, IOA_OWNER = 0x100C, 0x1010, 0x1014, 0x1028
COALESCED, PARKED, SPURIOUS = 0x1018, 0x101C, 0x1024
#: Bits of CTRL.
ENABLE, DYN_OFF, LATCH_MASKED_EDGES, RETRY_ON_IRR = 1, 2, 4, 8
AUTO_RERAISE, AUTO_UNMASK, IOA_DELEG = 0x10, 0x20, 0x40


def read(core, address):
    """A register, as the VMM reads it."""
    return perform(core, Access(True, 0, 0, address, False, 0, 15)).data


def write(core, address, data):
    """A register, as the VMM writes it."""
    perform(core, Access(True, 0, 0, address, True, data, 15))


def forget_errors(core):
    write(core, ERRSTAT, 0xFFFFFFFF)


def first_error(core):
    """The first that was logged since they were forgotten, 0 for none."""
    return read(core, ERRINFO) >> 28


def access(core, r, vmm=True):
    """The access of a bus request: data, bus error, error."""
    forget_errors(core)
    result = perform(core, Access(bool(vmm), r["dom"], r["vcpu"], r["addr"] & ~3, bool(r["we"]),
                                  r["data"], r["sel"]))
    return result.data, int(result.berr), first_error(core)
