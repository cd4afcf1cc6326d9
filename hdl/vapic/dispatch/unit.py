"""Target selection: takes a request, chooses who gets it, sees the grant through."""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..layouts import AcceptResult, Layouts, Mode, Outcome
from ..record import Recorder, record_ports
from ..trees import decode
from .changes import ChangeWatch
from .choose import Chooser
from .deliver import Delivery
from .eligible import criteria
from .keys import PolicyDecoder, ordering
from .lanes import LaneStore
from .trace import TraceQueue

__all__ = ["Dispatch"]


class Dispatch(wiring.Component):
    """Select the target or targets of one request at a time (spec 4.1 to 4.3, IOA-18, SEL-30).

    Cycles of a selection: C0 ``take``, with NOW, globals and RRPTR as they are before the
    decisions of C0; C1 entry and PIRQ row arrive; C2 the lanes of the domain are read and
    reduced; from C3 the tournament runs, `Chooser.latency` cycles; the target is offered to its
    sink in the cycle after the result, C6 with 5 to 16 lanes. Under PULL blocked lanes play a
    second round one cycle behind, so that takes one cycle more. T_SEL is thus fixed for a
    configuration and policy, and at most 8. A static request without a single target named by
    the tournament needs one cycle to find the lowest lane, and several targets wait for
    ``hold_ack``.

    A request with a frozen lane among those it matches waits as a whole if it is static, lowest
    priority made static included (SEL-04). Ties go by RRPTR, or to the smallest v (SEL-11). A
    grant decided in the cycle of a change that it rests on aborts; see `ChangeWatch`. After
    RETRY a dynamic request goes to the next best lane of the same snapshot.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    requests : ``In(Layouts.source)``
        The source of requests. ``first``, ``last`` and ``target`` are combinational
        from the decision of the sink. ``outcome`` comes a cycle after the decision, or two after
        the choice failed; it is AGAIN if the request did not stand still meanwhile.
    lane_write, lane_note, out_write, pirq_note : ``In``
        Changes of lanes and PIRQ rows, in their decision cycle.
    pirq_n, pirq_row : ``Out(pirq_bits)``, ``In(Layouts.pirq_row)``
        Row of the PIRQ that was named in the cycle before.
    accept, accept_ok, accept_done : ``Out(stream)``, ``Out(1)``, ``In(Layouts.decision)``
        The bank.
    evt_grant, evt_ok, evt_done : ``Out(stream)``, ``Out(1)``, ``In(Layouts.decision)``
        The event channels.
    lag : ``In(1)``
        PIRQ rows are not up to date: no selection starts in this cycle.
    hold, hold_notes, hold_ack : ``Out(1)``, ``Out(1)``, ``In(1)``
        Several targets are being decided; the bank holds back writes, and notes too if they are
        its own.
    globals, now : ``In(Layouts.globals)``, ``In(32)``
        Parameters, and time.
    rrptr, rrptr_write : ``Out(ArrayLayout(lane_bits, domains))``, ``In(Layouts.rrptr_write)``
        Rotation pointers. A write is visible two cycles after its decision cycle.
    trace, trace_dropped : ``Out(stream)``, ``Out(1)``
        Records of grants (GEN-08), and strobe for one lost.
    policy_error : ``Out(1)``
        Strobe: a grant by a policy number that is reserved or not built (ERR-07).
    granted, aborted : ``Out(Layouts.vcpu_strobe)``
        A target accepted; a winner lost at commit.
    ready, quiet : ``Out(1)``
        Initialised (GEN-06); nothing is under way. Who offers a request is not quiet himself.
    commits : ``Out(Layouts.commit_port)``
        Only with ``config.commits``: START in C0, END in the cycle after an outcome that was not
        told by a sink. In that cycle nothing starts.
    """

    def __init__(self, config):
        self._config = config
        layouts = Layouts(config)
        ports = {
            "requests": In(layouts.source),
            "lane_write": In(layouts.lane_write), "lane_note": In(layouts.lane_note),
            "out_write": In(layouts.out_write), "pirq_note": In(layouts.pirq_note),
            "pirq_n": Out(config.pirq_bits), "pirq_row": In(layouts.pirq_row),
            "accept": Out(stream.Signature(layouts.accept)), "accept_ok": Out(1),
            "accept_done": In(layouts.decision),
            "evt_grant": Out(stream.Signature(layouts.evt_grant)), "evt_ok": Out(1),
            "evt_done": In(layouts.decision),
            "lag": In(1), "hold": Out(1), "hold_notes": Out(1), "hold_ack": In(1),
            "globals": In(layouts.globals), "now": In(32),
            "rrptr": Out(data.ArrayLayout(config.lane_bits, config.domains)),
            "rrptr_write": In(layouts.rrptr_write),
            "trace": Out(stream.Signature(layouts.trace)), "trace_dropped": Out(1),
            "policy_error": Out(1),
            "granted": Out(layouts.vcpu_strobe), "aborted": Out(layouts.vcpu_strobe),
            "ready": Out(1), "quiet": Out(1),
        }
        super().__init__(ports | record_ports(config))
        self.lanes = LaneStore(config)
        self.chooser = Chooser(config)
        self.delivery = Delivery(config)

    def elaborate(self, platform):
        m = Module()
        c, layouts, requests, entry = (self._config, Layouts(self._config), self.requests,
                                       self.requests.request)
        m.submodules.lanes = lanes = self.lanes
        m.submodules.chooser = chooser = self.chooser
        m.submodules.delivery = delivery = self.delivery
        m.submodules.policy = policy = PolicyDecoder()
        m.submodules.watch = watch = ChangeWatch(c)
        m.submodules.queue = queue = TraceQueue(c)
        connect(m, queue.trace, flipped(self.trace))

        # C0: what is taken over at its end.
        idle, begin = Signal(), Signal()
        source, now = Signal(c.pirq_bits), Signal(32)
        settings = Signal(layouts.globals)
        with m.If(idle):
            m.d.sync += [source.eq(requests.tag), now.eq(self.now),
                         settings.eq(self.globals)]
        m.d.comb += self.pirq_n.eq(Mux(idle, requests.tag, source))

        # C1: what the entry asks for.
        ask, order, open_ = Signal(criteria), Signal(ordering), Signal(c.lanes)
        rrptr, dom = Signal(c.lane_bits), Signal(c.domain_bits)
        wrong_mode, in_flight, illegal = Signal(), Signal(), Signal()
        several = Signal()      # static, fixed: every match is a target
        dynamic, lowest = Signal(), Signal()
        m.d.comb += [
            lowest.eq(entry.mode == Mode.LOWEST),
            dynamic.eq((lowest | entry.force_dyn) & ~entry.force_static & ~settings.dyn_off),
            policy.number.eq(entry.policy), policy.default.eq(settings.policy),
            policy.lpcfg.eq(settings.lpcfg), policy.dynamic.eq(dynamic),
        ]
        with m.If(begin):
            m.d.sync += [
                ask.dest.eq(entry.dest), ask.evt.eq(entry.path),
                ask.physical.eq(entry.owned & ~entry.logical),
                ask.logical.eq(entry.owned & entry.logical),
                ask.everyone.eq(entry.owned & (entry.dest == 0xFF)),
                ask.allow.eq(Mux(dynamic, entry.allow, 0xF)),
                order.eq(policy.order), several.eq(~dynamic & ~lowest),
                dom.eq(entry.dom), rrptr.eq(self.rrptr[entry.dom]),
                open_.eq(Mux(entry.path, self.pirq_row.open & ~Mux(
                    dynamic, self.pirq_row.infl, 0), (1 << c.lanes) - 1)),
                wrong_mode.eq((entry.mode != Mode.FIXED) & ~lowest),
                in_flight.eq(entry.path & entry.ser & self.pirq_row.infl.any()),
                illegal.eq(~entry.path & ((entry.vector < 16) | (entry.vector >= c.vectors))),
            ]

        # C2 and on: snapshot and tournament.
        m.d.comb += [
            lanes.lane_write.eq(self.lane_write), lanes.out_write.eq(self.out_write),
            lanes.lane_note.eq(self.lane_note), lanes.dom.eq(dom),
            chooser.rows.eq(lanes.rows), chooser.outs.eq(lanes.outs), chooser.ask.eq(ask),
            chooser.open.eq(open_), chooser.order.eq(order), chooser.rrptr.eq(rrptr),
        ]

        # The result. Under PULL the winner of the first round is kept while the second ends.
        concluding, second_result = Signal(), Signal()
        running, room, running_k, running_key = Signal(), Signal(), Signal(c.lane_bits), Signal(8)
        named, key, has_room, retried = Signal(), Signal(8), Signal(), Signal()
        outcome = Signal(Outcome)
        m.d.comb += [
            has_room.eq(chooser.found & (chooser.key < settings.pull_depth)),
            named.eq(chooser.found),
            delivery.k.eq(chooser.k), delivery.targets.eq(chooser.live),
            delivery.v.eq(chooser.v), delivery.chosen.eq(~several & ~illegal),
        ]
        with m.If(second_result):
            m.d.comb += named.eq(room | has_room & (settings.pull_wake | ~running))
            with m.If(room):
                m.d.comb += delivery.k.eq(running_k)
        with m.If(concluding):
            m.d.sync += key.eq(Mux(second_result & room, running_key, chooser.key))
        failed = Signal()
        with m.If(wrong_mode):
            m.d.comb += [failed.eq(1), outcome.eq(Outcome.ERROR)]
        with m.Elif(in_flight):
            m.d.comb += [failed.eq(1), outcome.eq(Outcome.BLOCKED)]
        with m.Elif(~named | ~order.dynamic & chooser.frozen):
            m.d.comb += [failed.eq(1), outcome.eq(Outcome.PARK)]
            with m.If(retried):
                m.d.comb += outcome.eq(Outcome.AGAIN)
            with m.Elif(order.pull & chooser.eligible.any()):
                m.d.comb += outcome.eq(Outcome.WAIT)

        # The sinks.
        done = Signal(layouts.decision)
        target, decided, evt = delivery.target, delivery.decided, ask.evt
        accept, grant = self.accept.payload, self.evt_grant.payload
        m.d.comb += [
            done.eq(Mux(evt, self.evt_done, self.accept_done)),
            delivery.done.eq(done.valid), delivery.result.eq(done.result),
            delivery.ready.eq(Mux(evt, self.evt_grant.ready, self.accept.ready)),
            delivery.hold_ack.eq(self.hold_ack), delivery.in_order.eq(~evt),
            self.hold.eq(delivery.hold), self.hold_notes.eq(delivery.hold & ~evt),
            requests.multi.eq(delivery.hold),
            self.accept.valid.eq(delivery.valid & ~evt),
            accept.n.eq(source), accept.v.eq(target.v), accept.vector.eq(entry.vector),
            accept.level.eq(entry.level), accept.single.eq(target.single),
            accept.first.eq(target.first), accept.last.eq(target.last),
            accept.illegal.eq(illegal),
            self.evt_grant.valid.eq(delivery.valid & evt),
            grant.n.eq(source), grant.dom.eq(dom), grant.k.eq(target.k), grant.v.eq(target.v),
            grant.level.eq(entry.level), grant.dynamic.eq(order.dynamic),
            grant.first.eq(target.first), grant.last.eq(target.last),
            watch.idle.eq(idle), watch.begin.eq(idle | begin), watch.n.eq(self.pirq_n),
            watch.dom.eq(dom), watch.k.eq(target.k), watch.pull.eq(order.pull),
            watch.dynamic.eq(order.dynamic & ~illegal), watch.request_ok.eq(requests.ok),
            watch.first.eq(delivery.checked), watch.lane_note.eq(self.lane_note),
            watch.notes.eq(lanes.notes), watch.pirq_note.eq(self.pirq_note),
            self.accept_ok.eq(watch.accept_ok), self.evt_ok.eq(watch.evt_ok),
        ]

        # Decisions.
        took, committed, retry = Signal(), Signal(), Signal()
        m.d.comb += [
            took.eq(done.valid & done.result.matches(AcceptResult.SET, AcceptResult.MERGED)),
            committed.eq(took | done.valid & done.result.matches(AcceptResult.SKIP)),
            retry.eq(done.valid & done.result.matches(AcceptResult.RETRY) & order.dynamic),
            chooser.exclude.eq(retry), chooser.excluded.eq(decided.k),
            requests.first.eq(committed & decided.first),
            requests.last.eq(committed & decided.last),
            requests.target.k.eq(decided.k), requests.target.port.eq(done.port),
            self.granted.valid.eq(took), self.granted.v.eq(decided.v),
            self.aborted.valid.eq(done.valid & done.result.matches(AcceptResult.ABORT)),
            self.aborted.v.eq(decided.v),
            self.policy_error.eq(requests.first & order.error),
            queue.push.eq(requests.first), self.trace_dropped.eq(queue.dropped),
        ]
        m.d.comb += [queue.record[name].eq(value) for name, value in {
            "now": now, "n": source, "kind": entry.kind, "candidates": chooser.candidates,
            # One target by a static rule is the whole target set (GEN-08).
            "eligible": Mux(order.dynamic | several, chooser.eligible, decode(decided.k, c.lanes)),
            "policy": order.policy, "key": key,
            "target": decided.v, "port": Mux(evt, done.port, 0)}.items()]

        # RRPTR: a write goes through one register, so that C1 sees those decided before C0.
        write, after = Signal(layouts.rrptr_write), Signal(c.lane_bits)
        m.d.comb += after.eq(Mux(decided.k == c.lanes - 1, 0, decided.k + 1))
        m.d.sync += write.eq(self.rrptr_write)
        with m.If(write.en):
            m.d.sync += self.rrptr[write.dom].eq(write.value)
        with m.If(requests.first & order.rotate):
            m.d.sync += self.rrptr[dom].eq(after)

        elapsed, ended_as = Signal(range(chooser.latency + 1)), Signal(Outcome)

        def conclude():
            m.d.comb += [concluding.eq(1), delivery.start.eq(~failed)]
            m.d.sync += ended_as.eq(outcome)
            m.next = "DELIVER"
            with m.If(failed):
                m.next = "OUTCOME"

        m.d.comb += [self.ready.eq(lanes.ready),
                     self.quiet.eq(lanes.ready & idle & queue.quiet)]
        # The outcome commits in the cycle after it is told: no start before that.
        ending, was_ending = Signal(), Signal()
        m.d.sync += was_ending.eq(ending)
        # The second round begins in the cycle after the first.
        m.d.sync += chooser.second.eq(0)
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [
                    idle.eq(1), requests.take.eq(requests.offer & lanes.ready & ~self.lag
                                                 & ~was_ending),
                ]
                m.d.sync += [elapsed.eq(0), retried.eq(0)]
                with m.If(requests.take):
                    m.next = "ENTRY"
            with m.State("ENTRY"):
                m.d.comb += begin.eq(1)
                m.next = "LANES"
            with m.State("LANES"):
                m.d.comb += chooser.capture.eq(1)
                m.next = "ROUND"
            with m.State("ROUND"):
                m.d.sync += [elapsed.eq(elapsed + 1), chooser.second.eq(1)]
                with m.If(elapsed == chooser.latency - 1):
                    m.next = "RESULT"
            with m.State("RESULT"):
                m.d.sync += [running.eq(chooser.found), room.eq(has_room),
                             running_k.eq(chooser.k), running_key.eq(chooser.key)]
                with m.If(order.pull):
                    m.next = "SECOND_RESULT"
                with m.Else():
                    conclude()
            with m.State("SECOND_RESULT"):
                m.d.comb += second_result.eq(1)
                conclude()
            with m.State("DELIVER"):
                m.d.sync += elapsed.eq(0)
                with m.If(retry):
                    m.d.sync += retried.eq(1)
                    m.next = "ROUND"
                with m.Elif(delivery.ended):
                    m.d.sync += ended_as.eq(Outcome.AGAIN)
                    m.next = "OUTCOME"
                    with m.If(committed):
                        m.next = "IDLE"
                    with m.Elif(done.result.matches(AcceptResult.RECVILL)):
                        m.d.sync += ended_as.eq(Outcome.ERROR)
            with m.State("OUTCOME"):
                m.d.comb += ending.eq(1)
                m.d.comb += requests.outcome.eq(Mux(
                    requests.ok | (ended_as == Outcome.BLOCKED), ended_as, Outcome.AGAIN))
                m.next = "IDLE"

        if c.commits:
            Recorder.beside(
                m, self, c, "dispatch",
                start={"valid": requests.take, "n": self.pirq_n, "owner": requests.offer_dom},
                # A selection that a target ended (ABORT, RETRY) has no record of its end.
                end={"valid": ending & (ended_as != Outcome.AGAIN), "n": source,
                     "outcome": requests.outcome})
        return m
