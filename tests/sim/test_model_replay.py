"""Replay of commit records: a right story is followed, each wrong one is refused in words."""

import random
from dataclasses import replace

import pytest

from vapic_sim.model import AcceptResult, Mismatch, Model, Outcome, Params, Record
from vapic_sim.model.registers import ABORTS, COALESCED, ERRSTAT, PARKED, VCPU_ABORTS

PARAMS = Params(rtes=4, irts=4, vcpus=6, lanes=4, domains=2, ports=32)
LEVEL, MASK, LOGICAL, LOWEST = 1 << 15, 1 << 16, 1 << 11, 0x100
WINDOW = 0x100000


class Story:
    """Drives one model directly and tells what happens as records, applied to a second one."""

    def __init__(self, params=PARAMS):
        self.told, self.params = Model(params), params
        self.model = Model(params)
        self.records = []

    def tell(self, op, **fields):
        record = Record(seq=len(self.records), unit="", op=op, **fields)
        self.records.append(record)
        self.told.apply(record)
        return record

    def notes(self):
        for vcpu in self.told.core.vcpus:
            while vcpu.notes:
                note = vcpu.notes[0]
                held = vcpu.owed or (note.rose and vcpu.upvec_valid)
                injected = note.pend and held and vcpu.accepts
                self.tell("UPCALL", row=vcpu.v, data=note.pend << 1 | note.line,
                          result=int(injected))

    def bus(self, address, data=None, vmm=True, dom=0, vcpu=0, sel=0xF):
        write = data is not None
        data = data or 0
        if 0x8000 <= address < 0x10000 and address & 0x3F == 0 and write and vmm and sel == 0xF:
            v = address - 0x8000 >> 6
            before = self.model.core.control.kept[ERRSTAT]
            self.model.core.control.kept[ERRSTAT] = 0
            self.model.access(vmm, dom, vcpu, address, True, data, sel)
            applied = not self.model.core.control.kept[ERRSTAT]
            self.model.core.control.kept[ERRSTAT] |= before
            self.tell("CTL", row=v, data=data, result=int(applied))
            self.tell("BUS", addr=address, data=data, vmm=vmm, dom=dom, vcpu=vcpu, we=True)
            return
        d, offset = divmod(address - WINDOW, 0x4000)
        masks = [window.mask for window in self.model.core.events.domains]
        result = self.model.access(vmm, dom, vcpu, address, write, data, sel)
        if write and address >= WINDOW and offset & ~0x7F in (0x1080, 0x1180, 0x1200):
            changed = masks[d] ^ self.model.core.events.domains[d].mask
            for p in range(self.params.ports):
                if changed >> p & 1:
                    self.tell("MASK_BIT", row=d * self.params.ports + p,
                              data=int(not masks[d] >> p & 1))
        self.tell("BUS", addr=address, data=data, vmm=vmm, dom=dom, vcpu=vcpu, we=write, sel=sel,
                  result=result.berr << 32 | result.data)
        self.notes()

    def lines(self, bits):
        self.model.set_lines(bits)
        self.tell("LINES", data=bits)

    def msi(self, address, data):
        latched = self.model.msi(address, data)
        self.tell("MSI", addr=address, data=data, result=int(latched))

    def start(self, n):
        self.selection = self.model.start(n)
        self.tell("START", row=n, data=self.model.core.requests[n].dom)

    def finish(self):
        choice, n = self.selection.choice, self.selection.n
        self.model.finish()
        answers = self.model._dispatcher.said[n][1]
        for i, (lane, result) in enumerate(answers):
            single = choice.entry.dynamic
            flags = (i == 0 or single) << 10 | (i == len(answers) - 1 or single) << 9
            data = flags | choice.entry.level << 8 | choice.entry.vector
            if choice.entry.evt:
                self.tell("GRANT", row=lane.v, addr=n, data=flags,
                          result=(lane.port or 0) << 3 | result)
            else:
                self.tell("ACCEPT", row=lane.v, addr=n, data=data, result=int(result))
            self.notes()
        if choice.outcome != Outcome.NONE and AcceptResult.ABORT not in [a[1] for a in answers]:
            self.tell("END", row=n, result=int(choice.outcome))

    def serve(self):
        core, waits = self.model.core, set()
        while True:
            ready = [n for n in range(self.params.pirqs) if n not in waits
                     and not core.request_fault(n) and not core.blocked(n)]
            if not ready:
                return
            self.start(ready[0])
            waits.add(ready[0])
            self.finish()

    def set_up(self):
        for v in range(self.params.vcpus):
            self.bus(0x8000 + 0x40 * v, self.model.core.vcpus[v].ctl | 1)
            self.bus(0x8004 + 0x40 * v, 0)
            self.bus(0x4000F0 + 0x2000 * v, 0x1FF, False, v // 4, v)
            self.bus(0x4000D0 + 0x2000 * v, 1 << 24 + v % 4, False, v // 4, v)

    def rte(self, n, low, dest):
        for index, data in ((0x11 + 2 * n, dest << 24), (0x10 + 2 * n, low)):
            self.bus(0x00, index)
            self.bus(0x10, data)


def scramble(story, rng):
    """One random operation."""
    kind, v, n = rng.randrange(13), rng.randrange(6), rng.randrange(8)
    d = v // 4
    if kind == 0:
        story.lines(rng.randrange(16))
    elif kind == 1:
        story.msi(0xFEE00010 | rng.randrange(5) << 5, 0)
    elif kind == 2:
        low = rng.choice((0, MASK, 0, 0)) | rng.choice((0, LEVEL)) | rng.choice((0, LOGICAL)) \
            | rng.choice((0, LOWEST, LOWEST, 0x300)) | rng.choice((0x0F, 0x50, 0x61, 0x77, 0xA0))
        if n < 4:
            story.rte(n, low, rng.choice((0xFF, 3, 1, 0x0F, 6)))
        else:
            story.bus(0x4000 + 8 * (n - 4), low)
            story.bus(0x4004 + 8 * (n - 4), rng.choice((0xFF, 3, 1)) << 24)
    elif kind == 3:
        policy = rng.choice((0, 1, 2, 5, 6, 6, 15))
        story.bus(0x2000 + 4 * n, rng.randrange(16) & rng.randrange(16) | policy << 4
                  | rng.choice((0x7000, 0x7000, 0x3000)) | rng.choice((0, 1 << 23)))
    elif kind == 4:
        story.bus(0x400000 + 0x2000 * v + rng.choice((0xFC0, 0xFC0, 0x200, 0x100, 0xA0, 0x90, 0x280,
                                                      0xC0, 0x180)), None, False, d, v)
    elif kind == 5:
        story.bus(0x4000B0 + 0x2000 * v, 0, False, d, v)
    elif kind == 6:
        offset, data = rng.choice(((0x80, rng.randrange(256)), (0xF0, 0x1FF), (0xF0, 0xFF),
                                   (0xFA0, 3), (0xE0, 0xFFFFFFFF), (0x280, 0)))
        story.bus(0x400000 + 0x2000 * v + offset, data, False, d, v)
    elif kind == 7:
        story.bus(0x8004 + 0x40 * v, rng.choice((0, 0, 1, 2, 3)))
    elif kind == 8:
        ctl = story.model.core.vcpus[v].ctl & ~3
        ctl |= rng.choice((1, 1, 1, 3, 0)) | rng.choice((0, 0, 1 << 24))
        story.bus(0x8000 + 0x40 * v, ctl)
    elif kind == 9:
        number, *args = rng.choice((
            (0x20, n, v % 4), (0x20, n, v % 4), (7, v % 4), (6, 0x7FF0, 1 - d),
            (3, rng.randrange(8)), (0, 1 - d, rng.randrange(6)),
            (4, rng.randrange(8)), (5, d, rng.randrange(8)), (99,)))
        for i, arg in enumerate(args):
            story.bus(WINDOW + 0x4000 * d + 0x1300 + 4 * i, arg, False, d, v)
        story.bus(WINDOW + 0x4000 * d + 0x130C, number, False, d, v)
        story.bus(WINDOW + 0x4000 * d + 0x1314, None, False, d, v)
    elif kind == 10:
        offset, data = rng.choice((
            (0x1320, rng.randrange(8)), (0x1324, rng.randrange(33)), (0x1328, n), (0x1328, n),
            (0x1330, rng.randrange(8)), (0x1100, rng.getrandbits(8)), (0x1180, rng.getrandbits(4)),
            (0x1200, rng.getrandbits(8)), (0x1080, rng.getrandbits(3)), (0x40 * (v % 4), 0),
            (0x40 * (v % 4), 0x100), (0x4C, 0), (0xC, 0)))
        story.bus(WINDOW + 0x4000 * d + offset, data, False, d, v, rng.choice((0xF, 0xF, 0xF, 1)))
    elif kind == 11:
        story.bus(WINDOW + 0x4000 * d + rng.choice((0x1000, 0x1080, 4, 8, 0x48, 0x1310, 0x132C)),
                  None, False, d, v)
    else:
        address, data = rng.choice((
            (0x100C, rng.choice((1, 1, 3, 5, 9, 0x11, 0x21))),
            (0x1100, rng.choice((0x30, 1, 6, 4))), (0x1104, rng.randrange(16)),
            (0x110C, rng.choice((1, 0x102, 3))), (0x3000 + 4 * n, 0x101), (0x3000 + 4 * n, 0x100),
            (0x1010, 0xFFFFFFFF), (0x8010 + 0x40 * v, 0x1E0 + v),
            (0x8010 + 0x40 * v, 0)))
        story.bus(address, data)
        for read in (0x1010, 0x1014, 0x1018, 0x101C, 0x1038, 0x2800 + 4 * n, 0x8014 + 0x40 * v,
                     0x8028 + 0x40 * v, 0x802C + 0x40 * v, 0x1144):
            story.bus(read)


def test_random_stories_are_followed():
    answers, outcomes = set(), set()
    for seed in range(12):
        rng, story = random.Random(seed), Story()
        story.set_up()
        for _ in range(700):
            scramble(story, rng)
            core = story.model.core
            n = rng.randrange(8)
            if rng.random() < 0.3 and not core.request_fault(n) and not core.blocked(n):
                story.start(n)
                for _ in range(rng.choice((0, 1, 2))):
                    scramble(story, rng)
                story.finish()
            if rng.random() < 0.2:
                story.serve()
        story.told.check_quiet()
        assert story.model.state() == story.told.state()
        assert story.model.expected_traces == story.told.expected_traces
        answers |= {r.result & 7 for r in story.records if r.op in ("ACCEPT", "GRANT")}
        outcomes |= {r.result for r in story.records if r.op == "END"}
    assert answers == set(AcceptResult) - {AcceptResult.SKIP}
    assert outcomes == {Outcome.PARK, Outcome.WAIT, Outcome.ERROR}


def prepared(low=0x50, dest=0xFF, reqx=0x70F2):
    """A story up to the START of pin 1, in domain 0 with vCPUs 0..3."""
    story = Story()
    story.set_up()
    story.bus(0x2004, reqx)
    story.rte(1, low, dest)
    story.lines(2)
    story.start(1)
    return story


def refused(story, text, op, **fields):
    with pytest.raises(Mismatch, match=text):
        story.tell(op, **fields)


FIRST, LAST = 1 << 10, 1 << 9


@pytest.mark.parametrize(("fields", "text"), [
    ({"row": 1}, "the winner is vCPU 0"),
    ({"addr": 2}, "no selection of 2"),
    ({"data": FIRST | LAST | 0x51}, "expected vector 0x50, level 0"),
    ({"data": LAST | 0x50}, "expected first 1"),
    ({"result": AcceptResult.MERGED}, "expected vCPU 0 to answer SET, not MERGED"),
    ({"result": AcceptResult.RETRY}, "to answer SET, not RETRY"),
    ({"result": AcceptResult.ABORT}, "nothing that the selection of 1 rests on changed"),
    ({"op": "GRANT"}, "path of 1 is LAPIC"),
    ({"op": "END", "row": 1, "result": Outcome.PARK}, "must end with NONE"),
    ({"op": "START", "row": 1}, "the selection of 1 is not over"),
])
def test_wrong_grant_is_refused(fields, text):
    story = prepared(0x50 | LOWEST)
    right = {"op": "ACCEPT", "row": 0, "addr": 1, "data": FIRST | LAST | 0x50, "result": 0}
    refused(story, text, **(right | fields))


@pytest.mark.parametrize(("change", "text"), [
    (lambda s: s.bus(0x100C, 0), "CTRL.enable is 0"),
    (lambda s: s.rte(1, 0x50 | LOWEST, 0xFF), "the entry was written"),
    (lambda s: s.bus(0x2004, 0x70F2), "the entry was written"),
    (lambda s: s.bus(0x3004, 0x100), "the entry was written"),
    (lambda s: s.bus(0x8004, 3), r"offline \(SCHED\)"),
    (lambda s: s.bus(0x8000, 3), "frozen"),
    (lambda s: s.bus(0x4000F0, 0xFF), "disabled by software"),
])
def test_commit_that_must_abort_is_refused(change, text):
    story = prepared(0x50 | LOWEST)
    change(story)
    grant = {"row": 0, "addr": 1, "data": FIRST | LAST | 0x50}
    refused(story, f"must abort: .*{text}", "ACCEPT", **grant)


def test_change_without_effect_allows_both():
    for result in (AcceptResult.ABORT, AcceptResult.SET):
        story = prepared(0x50 | LOWEST)
        story.bus(0x8004, 1)
        story.tell("ACCEPT", row=0, addr=1, data=FIRST | LAST | 0x50, result=int(result))
        assert story.told.core.vcpus[0].kept[VCPU_ABORTS] == (result == AcceptResult.ABORT)
        assert story.told.core.requests[1].pend == (result == AcceptResult.ABORT)


def test_change_of_another_lane_is_no_reason_for_a_dynamic_abort():
    story = prepared(0x50 | LOWEST)
    story.bus(0x8044, 1)
    refused(story, "must not abort", "ACCEPT", row=0, addr=1, data=FIRST | LAST | 0x50,
            result=int(AcceptResult.ABORT))


def test_level_line_that_fell_aborts():
    story = prepared(0x50 | LEVEL | LOWEST)
    story.lines(0)
    story.tell("ACCEPT", row=0, addr=1, data=FIRST | LAST | 0x150, result=3)
    assert story.told.core.control.kept[ABORTS] == 1


def test_static_target_set_is_exact():
    story = prepared(0x50 | LOGICAL, 0b0111)
    story.tell("ACCEPT", row=0, addr=1, data=FIRST | 0x50)
    refused(story, r"targets left are \[1, 2\]", "ACCEPT", row=3, addr=1, data=0x50)
    story.tell("ACCEPT", row=1, addr=1, data=0x50)
    refused(story, "expected first 0, last 1", "ACCEPT", row=2, addr=1, data=0x50)
    story.tell("ACCEPT", row=2, addr=1, data=LAST | 0x50)
    assert story.told.core.selection is None


def test_writes_wait_for_a_static_grant():
    for address, text in ((0x400080, "vLAPIC 0 is written"), (0x2004, "was written between")):
        story = prepared(0x50 | LOGICAL, 0b0111)
        story.tell("ACCEPT", row=0, addr=1, data=FIRST | 0x50)
        refused(story, text, "BUS", addr=address, vmm=True, we=True, data=0x70F2)


def test_edge_between_the_commits_of_a_static_grant_is_kept():
    story = prepared(0x50 | LOGICAL, 0b0011)
    story.tell("ACCEPT", row=0, addr=1, data=FIRST | 0x50)
    story.tell("LINES", data=0)
    story.tell("LINES", data=2)
    story.tell("ACCEPT", row=1, addr=1, data=LAST | 0x50)
    assert story.told.core.requests[1].pend and story.told.core.control.kept[COALESCED] == 0


def evt_group(dest=0x0F, low=LOWEST, reqx=0x70F1):
    story = Story()
    story.set_up()
    story.bus(0x2004, reqx)
    for k in range(4):
        for i, arg in enumerate((1, k)):
            story.bus(WINDOW + 0x1300 + 4 * i, arg)
        story.bus(WINDOW + 0x130C, 0x20)
    story.rte(1, low | LOGICAL | 0x50, dest)
    story.lines(2)
    story.start(1)
    return story


def test_event_grant_port_and_abort():
    story = evt_group()
    refused(story, "expected port 1", "GRANT", row=0, addr=1, data=FIRST | LAST, result=2 << 3)
    story = evt_group()
    story.bus(WINDOW + 0x1180, 2)
    refused(story, "port 1 masked", "GRANT", row=0, addr=1, data=FIRST | LAST, result=1 << 3)
    story = evt_group()
    story.bus(WINDOW + 0x1180, 2)
    story.tell("GRANT", row=0, addr=1, data=FIRST | LAST, result=1 << 3 | AcceptResult.ABORT)


def test_static_event_target_masked_meanwhile_is_skipped():
    story = evt_group(low=0)
    story.tell("GRANT", row=0, addr=1, data=FIRST, result=1 << 3)
    story.tell("MASK_BIT", row=2, data=1)
    story.tell("BUS", addr=WINDOW + 0x1180, data=4, we=True, vmm=True)
    refused(story, "to answer SKIP, not SET", "GRANT", row=1, addr=1, result=2 << 3)


def test_start_must_be_serviceable():
    story = prepared()
    story.finish()
    refused(story, "request 1 is not serviceable: there is no request", "START", row=1)
    story.bus(0x10, 0x10050)
    refused(story, "request 1 is not serviceable: the entry is masked", "START", row=1)
    story.rte(1, 0x50 | LEVEL, 0xFF)
    refused(story, "PIRQ 1 is of domain 0", "START", row=1, data=1)


def test_retry_goes_to_the_next_best():
    story = prepared(0x50 | LOWEST)
    story.finish()
    story.bus(0x100C, 9)
    story.bus(0x1140, 0)
    story.lines(0)
    story.lines(2)
    story.start(1)
    data = FIRST | LAST | 0x50
    refused(replaced(story), "to answer RETRY, not MERGED", "ACCEPT", row=0, addr=1, data=data,
            result=1)
    story.told.apply(Record(90000, "bank", "ACCEPT", row=0, addr=1, data=data, result=2))
    story.told.apply(Record(90001, "bank", "ACCEPT", row=1, addr=1, data=data, result=0))
    assert story.told.core.selection is None


def replaced(story):
    """The same story told again, so that a refusal leaves the first one whole."""
    again = Story()
    for record in story.records:
        again.told.apply(record)
        again.records.append(record)
    return again


def test_parking_must_be_justified():
    story = prepared(0x50, dest=9)
    refused(story, "there is nothing to grant", "ACCEPT", row=0, addr=1, data=FIRST | LAST | 0x50)
    refused(story, "must end with PARK", "END", row=1, result=int(Outcome.WAIT))
    story.tell("END", row=1, result=int(Outcome.PARK))
    assert story.told.core.control.kept[PARKED] == 1


def test_illegal_vector_reaches_all_before_the_end():
    story = prepared(0x0F | LOGICAL, 0b0011)
    story.tell("ACCEPT", row=0, addr=1, data=FIRST | 0x0F, result=5)
    refused(story, r"vCPUs \[1\] were not told", "END", row=1, result=int(Outcome.ERROR))
    story.tell("ACCEPT", row=1, addr=1, data=LAST | 0x0F, result=5)
    story.tell("END", row=1, result=int(Outcome.ERROR))
    assert story.told.core.requests[1].err


def upcall_story():
    story = Story()
    story.set_up()
    story.bus(WINDOW, 0)
    story.bus(WINDOW + 0x130C, 7)
    story.tell("BUS", addr=WINDOW + 0x1320, data=1, we=True, vmm=True)
    return story


def test_upcall_notes():
    story = upcall_story()
    with pytest.raises(Mismatch, match="vCPU 0 was not told"):
        story.told.check_quiet()
    refused(story, "not owed to vCPU 1", "UPCALL", row=1, data=3)
    story.tell("UPCALL", row=0, data=3)
    story.told.check_quiet()
    assert story.told.upcall(0)
    refused(story, "owed is nothing", "UPCALL", row=0, data=2)


def test_upcall_injection_flag():
    for vector, injected in ((0, 0), (0x1E0, 1)):
        story = Story()
        story.set_up()
        story.bus(WINDOW + 0x130C, 7)
        story.bus(0x8010, vector)
        story.tell("BUS", addr=WINDOW + 0x1320, data=1, we=True, vmm=True)
        again = replaced(story)
        refused(story, "expected UPVEC", "UPCALL", row=0, data=2, result=1 - injected)
        again.tell("UPCALL", row=0, data=2, result=injected)
        assert again.told.core.vcpus[0].apic.irr == injected << 0xE0


def test_mask_bits_and_their_store():
    story = Story()
    story.set_up()
    refused(story, "no MASK_BIT record made bit 3 1", "BUS", addr=WINDOW + 0x1180, data=8, we=True,
            vmm=True)
    story.tell("MASK_BIT", row=5, data=1)
    refused(story, "ascending", "MASK_BIT", row=4, data=1)
    refused(story, "stores none of them", "BUS", addr=WINDOW + 0x1180, data=8, we=True, vmm=True)


def test_bus_data_and_order():
    story = Story()
    read = {"op": "BUS", "addr": 0x1000, "vmm": True}
    refused(story, "expected data 0x44445631", **read, result=1)
    refused(story, "expected no bus error", **read, result=1 << 32)
    refused(story, "expected a bus error", "BUS", addr=0x1000, result=0x44445631)
    story.tell(**read, result=0x44445631)
    with pytest.raises(Mismatch, match="not in commit order"):
        story.told.apply(replace(story.records[-1], seq=0))
    refused(story, "no such operation", "HALT")
    story.tell("BUS", addr=0x1110, vmm=True, result=12345)


def test_control_write_answers():
    story = Story()
    refused(story, "expected the write applied", "CTL", row=0, data=1, result=0)
    story = Story()
    story.tell("CTL", row=0, data=1, result=1)
    refused(story, "ignored", "CTL", row=1, data=1, result=1)


def test_message_answers():
    refused(Story(), "expected it latched", "MSI", addr=0xFEE00010, result=0)
    refused(Story(), "discarded", "MSI", addr=0xFEE00000, result=1)
