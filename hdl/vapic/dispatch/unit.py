"""Target selection: takes a request, chooses who gets it, sees the grant through."""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..layouts import AcceptResult, Layouts, Outcome
from ..policy import falls_back
from ..record import Recorder, record_ports
from ..trees import decode
from .deliver import Delivery
from .explain import TraceQueue
from .lanes import LaneStore
from .request import RequestSnapshot
from .rotation import Rotation
from .snapshot import LaneSnapshot
from .tournament import Rounds
from .watch import ChangeWatch

__all__ = ["Dispatch"]


class Dispatch(wiring.Component):
    """Select the target or targets of one request at a time (spec 4.1 to 4.3, IOA-18, SEL-30).

    Stages of a selection: C0 ``take``, with NOW and globals as they are before the decisions of C0;
    C1 request, PIRQ row and RRPTR arrive (`RequestSnapshot`), the lanes of the domain are read and
    compared with its destination (`LaneStore`); C2 they are reduced (`LaneSnapshot`); from C3 the
    tournament runs (`Rounds`); the target is offered to its sink in the cycle after the result
    (`Delivery`), C6 with 5 to 16 lanes. What follows from its decision does so a cycle later. PULL
    and STICKY play a second round one cycle behind, so they take one cycle more. T_SEL is thus
    fixed for a configuration and policy, and at most 8. A static request without a single target
    named by the tournament needs one cycle to find the lowest lane, and several targets wait for
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
        The source of requests. ``first``, ``last`` and ``target`` come a cycle after the decision
        of the sink. ``outcome`` comes three cycles after it, or two after a choice that failed; it
        is AGAIN if the request did not stand still until the cycle before.
    lane_write, lane_note, out_write, pirq_note : ``In``
        Changes of lanes in their decision cycle, and notice a cycle before that; changes of counts
        and PIRQ rows in the one after it.
    pirq_n, pirq_row : ``Out(pirq_bits)``, ``In(Layouts.pirq_row)``
        Row of the PIRQ that was named in the cycle before.
    accept, evt_grant : ``Out(Layouts.sink(...))``
        The bank and the event channels.
    evt_comes : ``Out(1)``
        A target may be offered to the event channels in the next cycle, if none is in this one.
    lag, judging : ``In(1)``, ``Out(1)``
        PIRQ rows are not up to date: no selection starts in this cycle; an outcome is being judged
        (a flip-flop), and told in the next one.
    hold, hold_notes, hold_ack : ``Out(1)``, ``Out(1)``, ``In(1)``
        Several targets are being decided; the bank holds back writes, and notes of its own too.
    globals, now : ``In``
        Parameters, and time.
    rrptr, rrptr_write : ``Out(ArrayLayout(lane_bits, domains))``, ``In(Layouts.rrptr_write)``
        Rotation pointers. Writes and rotations are visible two cycles after their decision cycle.
    trace : ``Out(stream.Signature(Layouts.trace))``
        Records of grants (GEN-08).
    trace_dropped, policy_error : ``Out(1)``
        One is lost; a grant by a policy number that is reserved or not built (ERR-07).
    granted, aborted : ``Out(Layouts.vcpu_strobe)``
        A target accepted; a winner lost at commit. All strobes come a cycle after the decision.
    ready, quiet : ``Out(1)``
        Initialised (GEN-06); nothing is under way. Who offers a request is not quiet himself.
    commits : ``Out(Layouts.commit_port)``
        Only with ``config.commits``: START in C0; END with an outcome, in which cycle nothing
        starts, but not if a target was sent.
    """

    def __init__(self, config):
        self._config = config
        layouts = Layouts(config)
        ports = {
            "requests": In(layouts.source),
            "lane_write": In(layouts.lane_write), "lane_note": In(layouts.lane_note),
            "out_write": In(layouts.out_write), "pirq_note": In(layouts.pirq_note),
            "pirq_n": Out(config.pirq_bits), "pirq_row": In(layouts.pirq_row),
            "accept": Out(layouts.sink(layouts.accept)),
            "evt_grant": Out(layouts.sink(layouts.evt_grant)), "evt_comes": Out(1),
            "lag": In(1), "judging": Out(1),
            "hold": Out(1), "hold_notes": Out(1), "hold_ack": In(1),
            "globals": In(layouts.globals), "now": In(32),
            "rrptr": Out(data.ArrayLayout(config.lane_bits, config.domains)),
            "rrptr_write": In(layouts.rrptr_write),
            "trace": Out(stream.Signature(layouts.trace)), "trace_dropped": Out(1),
            "policy_error": Out(1),
            "granted": Out(layouts.vcpu_strobe), "aborted": Out(layouts.vcpu_strobe),
            "ready": Out(1), "quiet": Out(1),
        }
        super().__init__(ports | record_ports(config))
        self.lanes, self.rotation = LaneStore(config), Rotation(config)
        self.request, self.snapshot = RequestSnapshot(config), LaneSnapshot(config)
        self.rounds, self.delivery = Rounds(config), Delivery(config)
        self.watch, self.queue = ChangeWatch(config), TraceQueue(config)

    def elaborate(self, platform):
        m = Module()
        for name in ("lanes", "rotation", "request", "snapshot", "rounds", "delivery", "watch",
                     "queue"):
            m.submodules[name] = getattr(self, name)
        lanes, request, snapshot, rounds = self.lanes, self.request, self.snapshot, self.rounds
        requests, delivery, asked = self.requests, self.delivery, self.request.asked
        done = Signal(Layouts(self._config).decision)
        committed, retry, retried = Signal(), Signal(), Signal()
        self._look(m)
        self._offer(m, done)
        self._commit(m, done, committed, retry)
        failed, outcome = self._judge(m, retried)

        ended_as, key = Signal(Outcome), Signal.like(rounds.key)
        m.d.comb += self.queue.record.key.eq(key)
        # The outcome is told, and commits, in the cycle after it is judged: no start before that.
        ending, was_ending = self.judging, Signal()
        m.d.sync += [ending.eq(0), was_ending.eq(ending), requests.outcome.eq(Mux(
            ending, Mux(requests.ok, ended_as, Outcome.AGAIN), Outcome.NONE))]
        with m.If(request.idle):
            m.d.comb += requests.take.eq(
                requests.offer & lanes.ready & ~self.lag & ~was_ending)
            m.d.sync += retried.eq(0)
        with m.FSM() as fsm:
            with m.State("IDLE"):
                m.d.comb += request.idle.eq(1)
                with m.If(requests.take):
                    m.next = "REQUEST"
            with m.State("REQUEST"):
                m.d.comb += request.begin.eq(1)
                m.next = "LANES"
            with m.State("LANES"):
                m.d.comb += [snapshot.capture.eq(1), rounds.start.eq(1)]
                m.next = "ROUNDS"
            with m.State("ROUNDS"):
                with m.If(rounds.done):
                    m.d.comb += delivery.start.eq(~failed)
                    m.d.sync += [ended_as.eq(outcome), key.eq(rounds.key), ending.eq(failed)]
                    m.next = "DELIVER"
                    with m.If(failed):
                        m.next = "OUTCOME"
            with m.State("DELIVER"):
                with m.If(retry):
                    m.d.comb += rounds.start.eq(1)
                    m.d.sync += retried.eq(1)
                    m.next = "ROUNDS"
                with m.Elif(delivery.ended):
                    m.d.sync += [ended_as.eq(Outcome.AGAIN), ending.eq(~committed)]
                    m.next = "OUTCOME"
                    with m.If(committed):
                        # The next one may start while this one is told.
                        m.d.comb += request.idle.eq(1)
                        m.next = "IDLE"
                        with m.If(requests.take):
                            m.next = "REQUEST"
                    with m.Elif(done.result.matches(AcceptResult.RECVILL)):
                        m.d.sync += ended_as.eq(Outcome.ERROR)
            with m.State("OUTCOME"):
                m.next = "IDLE"
        m.d.comb += [
            self.ready.eq(lanes.ready),
            self.quiet.eq(lanes.ready & fsm.ongoing("IDLE") & self.queue.quiet),
        ]

        if self._config.commits:
            Recorder.beside(
                m, self, self._config, "dispatch",
                start={"valid": requests.take, "n": self.pirq_n, "owner": requests.offer_dom},
                # A selection that a target ended (ABORT, RETRY) has no record of its end. That one
                # was in flight at its start (BLOCKED) is so, whatever the request is now.
                end={"valid": ending & (ended_as != Outcome.AGAIN), "n": asked.tag,
                     "outcome": Mux(requests.ok | (ended_as == Outcome.BLOCKED), ended_as,
                                    Outcome.AGAIN)})
        return m

    def _look(self, m):
        """C0 to the result: the snapshot, the rounds, and the watch over what they rest on."""
        lanes, request, snapshot, rounds, watch = (self.lanes, self.request, self.snapshot,
                                                   self.rounds, self.watch)
        asked, arriving = request.asked, self.requests.request
        m.d.comb += [
            request.tag.eq(self.requests.tag), request.now.eq(self.now),
            request.settings.eq(self.globals), request.request.eq(arriving),
            request.pirq_row.eq(self.pirq_row), request.pointers.eq(self.rotation.pointers),
            self.pirq_n.eq(self.requests.tag),
            lanes.lane_write.eq(self.lane_write), lanes.out_write.eq(self.out_write),
            lanes.lane_note.eq(self.lane_note), lanes.reads.eq(request.reads),
            lanes.dom.eq(arriving.dom), lanes.dest.eq(arriving.dest), lanes.evt.eq(arriving.path),
            snapshot.rows.eq(lanes.rows), snapshot.outs.eq(lanes.outs), snapshot.asked.eq(asked),

            rounds.keys.eq(snapshot.keys), rounds.ties.eq(snapshot.ties),
            rounds.plays.eq(snapshot.rounds), rounds.asked.eq(asked),

            watch.idle.eq(request.idle), watch.begin.eq(request.idle | request.begin),
            watch.n.eq(asked.tag), watch.dom.eq(asked.dom),
            watch.k.eq(self.delivery.target.k), watch.load.eq(asked.order.load),
            watch.dynamic.eq(asked.order.dynamic & ~asked.illegal),
            watch.request_ok.eq(self.requests.ok), watch.first.eq(self.delivery.checked),
            watch.next_note.eq(self.lane_note), watch.notes.eq(lanes.notes),
            watch.pirq_note.eq(self.pirq_note),
        ]
        if falls_back(self._config):
            m.d.comb += [rounds.early.eq(snapshot.early), rounds.hinted.eq(snapshot.hinted)]

    def _judge(self, m, retried):
        """Whether the selection ends without a target to send to, and how."""
        asked, snapshot, failed, outcome = (self.request.asked, self.snapshot, Signal(),
                                            Signal(Outcome))
        dynamic = asked.order.dynamic
        with m.If(asked.wrong_mode):
            m.d.comb += [failed.eq(1), outcome.eq(Outcome.ERROR)]
        with m.Elif(asked.in_flight.any()):
            m.d.comb += [failed.eq(1), outcome.eq(Outcome.BLOCKED)]
        with m.Elif(~self.rounds.named | ~dynamic & snapshot.frozen):
            m.d.comb += [failed.eq(1), outcome.eq(Outcome.PARK)]
            with m.If(retried):
                m.d.comb += outcome.eq(Outcome.AGAIN)
            with m.Elif(dynamic & snapshot.eligible.any()):
                m.d.comb += outcome.eq(Outcome.WAIT)
        return failed, outcome

    def _offer(self, m, done):
        """The targets to the sink of the request's path, and its decisions back.

        A register stands between the blocks there: what follows from a decision does so a cycle
        later.
        """
        asked, request, delivery = self.request.asked, self.requests.request, self.delivery
        target, evt = delivery.target, asked.ask.evt
        accept, grant = self.accept.target.payload, self.evt_grant.target.payload
        m.d.comb += [
            delivery.k.eq(self.rounds.k), delivery.targets.eq(self.snapshot.live),
            delivery.v.eq(self.snapshot.v), delivery.chosen.eq(~asked.several & ~asked.illegal),
            delivery.done.eq(done.valid), delivery.result.eq(done.result),
            delivery.ready.eq(Mux(evt, self.evt_grant.target.ready, self.accept.target.ready)),
            delivery.hold_ack.eq(self.hold_ack), delivery.in_order.eq(~evt),
            self.hold.eq(delivery.hold), self.hold_notes.eq(delivery.hold & ~evt),
            self.accept.target.valid.eq(delivery.valid & ~evt),
            accept.n.eq(asked.tag), accept.illegal.eq(asked.illegal),
            accept.vector.eq(request.vector), accept.level.eq(request.level),
            *(accept[name].eq(target[name]) for name in ("v", "single", "first", "last")),
            self.evt_grant.target.valid.eq(delivery.valid & evt),
            self.evt_comes.eq((self.rounds.done | delivery.comes) & evt),
            grant.n.eq(asked.tag), grant.dom.eq(asked.dom), grant.dynamic.eq(asked.order.dynamic),
            *(grant[name].eq(target[name]) for name in ("k", "v", "first", "last")),
            self.accept.ok.eq(self.watch.accept_ok), self.evt_grant.ok.eq(self.watch.evt_ok),
        ]
        m.d.comb += delivery.deciding.eq(
            Mux(evt, self.evt_grant.done.valid, self.accept.done.valid))
        m.d.sync += [done.eq(Mux(evt, self.evt_grant.done, self.accept.done)),
                     done.port.eq(Mux(evt, self.evt_grant.done.port, 0))]

    def _commit(self, m, done, committed, retry):
        """What a decision does: to the source, to RRPTR, to the counters and the trace."""
        asked, requests, snapshot = self.request.asked, self.requests, self.snapshot
        order, decided, queue = asked.order, self.delivery.decided, self.queue
        took, rotate, error = Signal(), order.rotate, order.error
        if falls_back(self._config):
            own = Signal()
            with m.If(self.rounds.done):
                m.d.sync += own.eq(self.rounds.own)
            m.d.comb += requests.learn.eq(requests.first & ~own & asked.learn)
            rotate, error = Mux(own, rotate, order.rotate_back), Mux(own, error, order.error_back)
        m.d.comb += [
            took.eq(done.valid & done.result.matches(AcceptResult.SET, AcceptResult.MERGED)),
            committed.eq(took | done.valid & done.result.matches(AcceptResult.SKIP)),
            retry.eq(done.valid & done.result.matches(AcceptResult.RETRY) & order.dynamic),
            snapshot.exclude.eq(retry), snapshot.excluded.eq(decided.k),
            requests.first.eq(committed & decided.first),
            requests.last.eq(committed & decided.last), requests.multi.eq(self.delivery.hold),
            requests.target.k.eq(decided.k), requests.target.port.eq(done.port),
            self.rotation.rotate.eq(requests.first & rotate),
            self.rotation.dom.eq(asked.dom), self.rotation.k.eq(decided.k),
            self.rotation.write.eq(self.rrptr_write), self.rrptr.eq(self.rotation.pointers),
            self.granted.valid.eq(took), self.granted.v.eq(decided.v),
            self.aborted.valid.eq(done.valid & done.result.matches(AcceptResult.ABORT)),
            self.aborted.v.eq(decided.v),
            self.policy_error.eq(requests.first & error),
            queue.push.eq(requests.first), self.trace_dropped.eq(queue.dropped),
        ]
        connect(m, queue.trace, flipped(self.trace))
        m.d.comb += [queue.record[name].eq(value) for name, value in {
            "now": asked.now, "n": asked.tag, "kind": requests.request.kind,
            "candidates": snapshot.candidates,
            # One target by a static rule is the whole target set (GEN-08).
            "eligible": Mux(order.dynamic | asked.several, snapshot.eligible,
                            decode(decided.k, self._config.lanes)),
            "policy": order.policy, "target": decided.v,
            "port": done.port}.items()]
